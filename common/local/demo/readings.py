"""What the demo reads back from the warehouse once its days have been lived through."""

from __future__ import annotations

from datetime import date

from common.bigquery.sql import Sql, template, with_parameters
from common.local.stack.attach import Attached
from common.model.run_status import FINISHED
from common.untyped import JsonObject

Rows = list[JsonObject]


def by_day(stack: Attached, id: str) -> dict[date, dict[str, float]]:
    """Day → conversions and value in the project's currency."""
    table = stack.warehouse.table(f"conversion_{id}")
    rows = stack.warehouse.rows(template(__file__, "readings_by_day", conversion=table))
    return {
        row["date"]: {"conversions": row["conversions"], "value": row["value"] or 0.0}
        for row in rows
    }


def changes(stack: Attached) -> Rows:
    """How many rows changed, by conversion, kind of change and cause."""
    return _read(stack, "changes", "conversion_changes")


def incidents(stack: Attached) -> Rows:
    """Every incident, the first one first."""
    return _read(stack, "incidents", "incidents")


def deliveries(stack: Attached) -> Rows:
    """Newest state of every conversion at every destination, counted by destination and state."""
    return _read(stack, "deliveries", "export_attempts")


def leads(stack: Attached) -> Rows:
    """Newest score of every lead with its reasons, the likeliest first."""
    return _read(stack, "leads", "lead_scores")


def runs_on_load(stack: Attached) -> int:
    """How many conversions were brought up to date because a load said so."""
    return int(_read(stack, "loads", "runs", finished=list(FINISHED))[0]["runs"])


def _read(stack: Attached, what: str, table: str, **values: object) -> Rows:
    sql: Sql = template(__file__, f"readings_{what}", source=stack.warehouse.table(table))
    return list(stack.warehouse.rows(with_parameters(sql, **values)))
