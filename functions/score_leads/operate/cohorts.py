"""The calibration ledger: what was predicted of a month's leads against what came of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from common.bigquery.sql import template, with_parameters
from common.bigquery.warehouse import Warehouse
from functions.score_leads.data.sources import Staged
from functions.score_leads.training.monitoring import Cohort


def close_cohorts(
    warehouse: Warehouse,
    conversion: str,
    staged: Staged,
    staged_from: date,
    window_days: float,
    run_id: str,
    now: datetime,
) -> list[Cohort]:
    """Append the months that became final since the last time, and return them.

    A month of which only some leads are staged waits for a run that stages all of them.
    """
    # a day more: the window of a day's last lead ends on the day after
    final_until = now.date() - timedelta(days=int(window_days) + 1)
    query = template(
        __file__,
        scores=warehouse.table("lead_scores"),
        leads=staged.leads,
        outcomes=staged.outcomes,
        calibration=warehouse.table("lead_calibration"),
    )
    facts = {
        "conversion": conversion,
        "staged_from": staged_from,
        "final_until": final_until,
        "window_days": window_days,
    }
    rows = list(warehouse.rows(with_parameters(query, **facts)))
    cohorts = [_cohort(row) for row in rows]
    warehouse.append(
        "lead_calibration",
        [
            {
                "date": row["month"],
                "conversion": conversion,
                "recorded_at": now,
                "run_id": run_id,
                "leads": cohort.leads,
                "predicted_wins": cohort.predicted_wins,
                "actual_wins": int(cohort.actual_wins),
                "wins_margin": cohort.wins_margin,
                "predicted_value": cohort.predicted_value,
                "actual_value": cohort.actual_value,
                "value_margin": cohort.value_margin,
                "complaint": cohort.complaint,
            }
            for row, cohort in zip(rows, cohorts, strict=True)
        ],
    )
    return cohorts


def _cohort(row: dict[str, object]) -> Cohort:
    month = row["month"]
    assert isinstance(month, date)
    figures = {name: None if row[name] is None else float(str(row[name])) for name in _FIGURES}
    return Cohort(
        month=month.strftime("%B %Y"),
        leads=int(str(row["leads"])),
        predicted_wins=figures["predicted_wins"] or 0.0,
        predicted_wins_variance=figures["predicted_wins_variance"] or 0.0,
        actual_wins=figures["actual_wins"] or 0.0,
        predicted_value=figures["predicted_value"],
        actual_value=figures["actual_value"],
        actual_value_squares=figures["actual_value_squares"],
    )


_FIGURES = (
    "predicted_wins predicted_wins_variance actual_wins predicted_value actual_value"
    " actual_value_squares"
).split()
