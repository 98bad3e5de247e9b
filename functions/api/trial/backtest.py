"""A draft on history before it is saved: what it would count, what it would leave out, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime

from pydantic import Field

from common.bigquery.sql import bind, template
from common.http.model import Model
from common.http.request import Ask, Days, Nothing, window_of
from common.kinds import AnyConversion
from common.kinds.candidate.rates import to_project
from common.kinds.candidate.reason import BROKEN, reason
from common.kinds.candidate.shape import REMOVED
from common.untyped import JsonObject, Row
from functions.api.definitions import checks, graph
from functions.api.definitions.definitions import Remark
from functions.api.reporting.figures import Day, Figures, total
from functions.api.services import Services
from functions.api.trial.trial import Trial, trial


class TrialBody(Days):
    """A draft and the days to try it on."""

    definition: AnyConversion
    examples: int = Field(
        0, ge=0, le=100, description="Show so many of the newest rows that each reason left out."
    )


class Example(Model):
    """A row that would not count."""

    id: str | None
    created: datetime | None
    value: float | None = Field(description="In the row's own currency, less refunds.")
    currency: str | None


class LeftOut(Model):
    """Candidates that would not count, and why."""

    reason: str = Field(description="Stable code such as duplicate_order.")
    text: str
    candidates: int
    examples: list[Example] = Field(description="The newest of them, as many as were asked for.")


class BacktestTotals(Figures):
    """The whole window's figures."""

    attributed_share: float | None = Field(description="attributed / conversions, 0 to 1.")
    value_gross: float | None = Field(
        description="Value before refunds, in the project's currency."
    )
    duplicates: int = Field(description="Candidates left out as duplicates.")
    left_out: int = Field(description="Candidates left out for any reason.")


class Backtest(Model):
    """What a draft would have counted."""

    conversion: str
    start_date: date
    end_date: date
    currency: str
    totals: BacktestTotals
    days: list[Day] = Field(description="Days with conversions, oldest first.")
    left_out: list[LeftOut]
    warnings: list[Remark]


def backtest(ask: Ask[Nothing, TrialBody], services: Services) -> Backtest:
    """Try a draft on history. Nothing is saved and no conversion is written."""
    draft = ask.body.definition
    window = window_of(ask.body, services.yesterday)
    definitions = {stored.id: stored for stored in services.catalog.all()}
    graph.check(draft, definitions)
    # whether the event occurs is what the trial shows
    checked = checks.check(draft, definitions, services, allow_unknown_event=True)
    with trial(draft, definitions, window, services) as tried:
        rows = _rows(tried)
        examples = _examples(tried, ask.body.examples)
    kept = [Day(**_figures(row)) for row in rows if row["outcome"] is None]
    # the factor is the run's: it takes the totals of both conversions as they are published
    normalized = draft.normalization() is not None
    return Backtest(
        conversion=draft.id,
        start_date=window.start,
        end_date=window.end,
        currency=services.settings.currency,
        totals=_totals(kept, rows),
        days=kept,
        left_out=left_out(rows, examples),
        warnings=[Remark.of(finding) for finding in checked.remarks]
        + ([_BEFORE_NORMALIZATION] if normalized else []),
    )


def left_out(rows: Iterable[Row], examples: Mapping[str, list[Example]]) -> list[LeftOut]:
    """Candidates by the reason that dropped them, the most frequent first; `examples` by reason."""
    counts: dict[str, int] = {}
    for row in rows:
        if row["outcome"]:
            counts[row["outcome"]] = counts.get(row["outcome"], 0) + row["conversions"]
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [
        LeftOut(
            reason=code,
            text=message_of(code),
            candidates=number,
            examples=examples.get(code, []),
        )
        for code, number in ordered
    ]


def message_of(code: str) -> str:
    """What a reason means, for a person."""
    return {**REMOVED, **BROKEN}.get(code, code)


def _rows(tried: Trial) -> list[JsonObject]:
    sql = template(
        __file__,
        candidates=tried.candidates,
        reason=reason(),
        stage=tried.context.stage,
        rates=tried.context.rates,
        dollars=tried.context.dollars,
        rate=to_project("judged", rates="rates", dollars="dollars"),
    )
    return list(tried.warehouse.rows(tried.bound(sql)))


def _examples(tried: Trial, limit: int) -> dict[str, list[Example]]:
    """Reason → the newest rows that it left out; nothing is read for none."""
    found: dict[str, list[Example]] = defaultdict(list)
    if limit:
        sql = template(
            __file__,
            "backtest_examples",
            candidates=tried.candidates,
            reason=reason(),
            limit=bind(limit),
        )
        for row in tried.warehouse.rows(tried.bound(sql)):
            found[row["outcome"]].append(Example(**{n: row[n] for n in Example.model_fields}))
    return found


def _figures(row: Row) -> JsonObject:
    return {name: row[name] for name in Day.model_fields}


def _totals(kept: list[Day], rows: list[JsonObject]) -> BacktestTotals:
    dropped = [row for row in rows if row["outcome"]]
    gross = [row["value_gross"] for row in rows if not row["outcome"]]
    # no amount that is known is no amount of zero
    known = [value for value in gross if value is not None]
    return BacktestTotals(
        **total(kept).model_dump(),
        value_gross=round(sum(known), 6) if known else None,
        duplicates=sum(
            # every reason of a duplicate is named so (REMOVED in common/kinds/candidate/shape.py)
            row["conversions"]
            for row in dropped
            if row["outcome"].startswith("duplicate")
        ),
        left_out=sum(row["conversions"] for row in dropped),
    )


_BEFORE_NORMALIZATION = Remark(
    code="before_normalization",
    severity="info",
    message="Values are shown before normalization.",
    fix="The factor is found by the first run; it stands in every record.",
    field="normalize",
)
