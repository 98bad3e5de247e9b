"""A draft beside the live definition on the same history: every row that differs, and why."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from common.bigquery.sql import Sql, bind, template
from common.http.model import Model
from common.http.request import Ask, Days, Nothing, window_of
from common.kinds import AnyConversion
from common.kinds.candidate.rates import to_project
from common.kinds.candidate.reason import reason
from common.kinds.conversion import Conversion
from common.untyped import JsonObject, Row
from functions.api.definitions import checks, graph
from functions.api.definitions.definitions import Remark
from functions.api.services import Services
from functions.api.trial.backtest import message_of
from functions.api.trial.rules import IDS, columns, failed, rules_of
from functions.api.trial.trial import Trial, trial

Change = Literal["added", "removed", "changed"]
Outcomes = Mapping[str, str]
"""Id → why its candidates do not count."""


class DiffBody(Days):
    """A draft of a conversion that is live, and the days to compare."""

    definition: AnyConversion
    limit: int = Field(100, ge=1, le=1000, description="List at most so many rows.")


class DiffRow(Model):
    """A row that differs."""

    id: str
    created: datetime
    change: Change
    live_value: float | None = Field(description="In the row's own currency.")
    draft_value: float | None
    why: str = Field(description="For a person.")


class DiffCount(Model):
    """How much differs in one way."""

    rows: int
    live_value: float | None = Field(description="In the project's currency.")
    draft_value: float | None


class Diff(Model):
    """Draft against live: in total, and the newest rows one by one."""

    conversion: str
    live_version: int
    start_date: date
    end_date: date
    currency: str
    same: int = Field(description="Rows that stay as they are.")
    added: DiffCount
    removed: DiffCount
    changed: DiffCount
    rows: list[DiffRow] = Field(description="The newest of them.")
    warnings: list[Remark]


def diff(ask: Ask[Nothing, DiffBody], services: Services) -> Diff:
    """Compare a draft with the live definition, row by row. Nothing is saved or written."""
    draft = ask.body.definition
    window = window_of(ask.body, services.yesterday)
    definitions = {stored.id: stored for stored in services.catalog.all()}
    # the second only raises, in the words that every unknown id gets
    stored = definitions.get(draft.id) or services.catalog.get(draft.id)
    graph.check(draft, definitions)
    checked = checks.check(draft, definitions, services, allow_unknown_event=True)
    with ExitStack() as stack:
        # both are computed now: what lies in the table may be of another moment's data
        live = stack.enter_context(trial(stored.conversion, definitions, window, services))
        new = stack.enter_context(trial(draft, definitions, window, services))
        counts = {row["change"]: row for row in _rows("diff_counts", live, new)}
        rows = _rows("diff", live, new, limit=bind(ask.body.limit))
        ids = [row["id"] for row in rows]
        # inside the block: the candidates go when it ends
        why_not_live = why_left_out(stored.conversion, live, ids)
        why_not_new = why_left_out(draft, new, ids)
    return Diff(
        conversion=draft.id,
        live_version=stored.version,
        start_date=window.start,
        end_date=window.end,
        currency=services.settings.currency,
        same=counts["same"]["rows_"] if "same" in counts else 0,
        **{name: _count(counts.get(name)) for name in ("added", "removed", "changed")},
        rows=[_as_row(row, why_not_live, why_not_new) for row in rows],
        warnings=[Remark.of(finding) for finding in checked.remarks],
    )


def why_left_out(conversion: Conversion, tried: Trial, ids: list[str]) -> dict[str, str]:
    """Id → why it is no conversion: removed as a candidate, or failed a rule before."""
    if not ids:
        return {}
    sql = template(
        __file__,
        "diff_outcomes",
        candidates=tried.candidates,
        reason=reason(),
        ids=bind(ids, "ARRAY<STRING>"),
    )
    found = {
        row["id"]: message_of(row["outcome"]) for row in tried.warehouse.rows(tried.bound(sql))
    }
    # what never became a candidate failed a rule before
    unseen = [id for id in ids if id not in found]
    return {**_failed_rules(conversion, tried, unseen), **found}


def _failed_rules(conversion: Conversion, tried: Trial, ids: list[str]) -> dict[str, str]:
    if not conversion.events() or not ids:
        return {}
    rules = rules_of(conversion)
    sql = template(
        __file__,
        "diff_rules",
        stage=tried.context.stage,
        rules=columns(rules),
        names=IDS,
        ids=bind(ids, "ARRAY<STRING>"),
    )
    message_of: dict[str, str] = {}
    for row in tried.warehouse.rows(tried.bound(sql)):
        if texts := [f"rule {n} ({rule.text})" for n, rule in failed(rules, row)]:
            message_of[row["id"]] = f"It does not pass {' and '.join(texts)}."
    return message_of


def _rows(name: str, live: Trial, new: Trial, **slots: Sql) -> list[JsonObject]:
    paired = template(
        __file__,
        "diff_paired",
        live=live.candidates,
        new=new.candidates,
        live_reason=reason(),
        new_reason=reason(),
        rates=live.context.rates,
        dollars=live.context.dollars,
        live_rate=to_project("live", rates="live_rates", dollars="live_dollars"),
        new_rate=to_project("fresh", rates="new_rates", dollars="new_dollars"),
    )
    sql = template(__file__, name, paired=paired, **slots)
    return list(live.warehouse.rows(live.bound(sql)))


def _count(row: Row | None) -> DiffCount:
    if row is None:
        return DiffCount(rows=0, live_value=None, draft_value=None)
    return DiffCount(
        rows=row["rows_"], live_value=row["live_value"], draft_value=row["draft_value"]
    )


def _as_row(row: Row, not_live: Outcomes, not_new: Outcomes) -> DiffRow:
    id = row["id"]
    match row["change"]:
        case "added":
            before = not_live.get(id, "The live definition does not select it.")
            why = f"Live leaves it out: {before}"
        case "removed":
            why = f"The draft leaves it out: {not_new.get(id, 'It does not select it.')}"
        case _:
            why = _difference(row)
    return DiffRow(
        id=id,
        created=row["created"],
        change=row["change"],
        live_value=row["live_value"],
        draft_value=row["draft_value"],
        why=why,
    )


def _difference(row: Row) -> str:
    parts = [
        f"its {what} changes from {_said(live)} to {_said(new)}"
        for what, live, new in (
            ("value", row["live_value"], row["draft_value"]),
            ("currency", row["live_currency"], row["draft_currency"]),
            ("qualification", row["live_qualified"], row["draft_qualified"]),
            ("time", row["live_created"], row["created"]),
        )
        # a row may change in several ways at once
        if live != new
    ]
    if not parts:
        return "It is written in another way and means the same."
    text = " and ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _said(value: Any) -> str:
    match value:
        case None:
            return "none"
        # before float and text: a bool is a number to Python
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:,.2f}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    return str(value)
