"""Why an order, event or lead is a conversion, or at which step it was dropped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from pydantic import Field, model_validator

from common.bigquery.sql import template, with_parameters
from common.catalog.definitions import DefinitionVersion
from common.http.model import Model
from common.http.request import Ask, Day
from common.kinds.candidate.rates import to_project
from common.kinds.candidate.reason import reason
from common.model.window import Window
from functions.api.definitions.definitions import last_runs
from functions.api.reporting.tables import rows_of
from functions.api.services import Services
from functions.api.trial.rules import IDS, columns, rules_of
from functions.api.trial.steps import Case, Row, Step, Verdict, sentence_of, verdict_of, walk
from functions.api.trial.trial import trial

LOOK_BACK_DAYS = 400
"""How far back an event is looked for when no day is named."""
OTHER_DAYS = 30
"""Days that anything but an event is looked for in when no day is named."""


class ExplainQuery(Model):
    """Which one: by its row's id or by its order id."""

    id: str = Field("", max_length=1000, description="Id of the row.")
    order_id: str = Field("", max_length=1000, description="Order id.")
    day: Day | None = Field(None, description="Its day, if it is known; makes it quicker.")

    @model_validator(mode="after")
    def _names_one(self) -> ExplainQuery:
        if bool(self.id) == bool(self.order_id):
            raise ValueError("give either id or order_id")
        return self


class Explanation(Model):
    """The walk through all steps, up to the one that dropped it."""

    conversion: str
    id: str = Field(description="What was asked for.")
    verdict: Verdict
    dropped_by: str = Field(description="The step that dropped it; empty: none did.")
    sentence: str
    steps: list[Step]


def explain(ask: Ask[ExplainQuery, None], services: Services) -> Explanation:
    """Tell why something is a conversion or which step dropped it."""
    case = _case(ask.path["id"], ask.query, services)
    steps = list(walk(case))
    dropped = next((step for step in steps if step.passed is False), None)
    verdict = verdict_of(case, dropped)
    return Explanation(
        conversion=case.stored.id,
        id=case.key,
        verdict=verdict,
        dropped_by=dropped.step if dropped else "",
        sentence=sentence_of(case, verdict, dropped),
        steps=steps,
    )


def _case(id: str, query: ExplainQuery, services: Services) -> Case:
    stored = services.catalog.get(id)
    key = query.id or query.order_id
    # before the trial: where it lies says which days to try
    published = _published(id, key, services)
    events = _events(stored, key, query.day, services)
    window = _window(query.day, published, events, _last_day(stored, services))
    definitions = {known.id: known for known in services.catalog.all()}
    with trial(stored.conversion, definitions, window, services) as tried:
        sql = template(
            __file__,
            "explain_candidates",
            candidates=tried.candidates,
            reason=reason(),
            rates=tried.context.rates,
            dollars=tried.context.dollars,
            rate=to_project("judged", rates="rates", dollars="dollars"),
        )
        candidates = list(services.warehouse.rows(tried.bound(with_parameters(sql, key=key))))
    run = last_runs(services, id).get(id)
    return Case(
        stored=stored,
        key=key,
        window=window,
        events=events,
        candidates=candidates,
        published=published,
        attempts=_attempts(id, published, services),
        last_run=f"the last run ended {run.status}" if run else "it never ran",
    )


def _published(id: str, key: str, services: Services) -> Row | None:
    table = rows_of(id, services)
    if table is None:
        return None
    sql = template(__file__, "explain_published", conversion=table)
    return next(services.warehouse.rows(with_parameters(sql, key=key)), None)


def _events(
    stored: DefinitionVersion, key: str, day: date | None, services: Services
) -> Sequence[Row]:
    if not stored.conversion.events():
        return []
    # the key says no day, and the stage is read by day: so far back and no further
    window = Window.ending(day or services.yesterday, 1 if day else LOOK_BACK_DAYS)
    sql = template(
        __file__,
        "explain_events",
        stage=services.warehouse.table("ga4_events"),
        rules=columns(rules_of(stored.conversion)),
        ids=IDS,
    )
    bound = with_parameters(sql, key=key, start_date=window.start, end_date=window.end)
    return list(services.warehouse.rows(bound))


def _window(day: date | None, published: Row | None, events: Sequence[Row], last: date) -> Window:
    """The days to try: the named one, else where it lies, else the latest."""
    known = [day] if day else [row["date"] for row in (published, *events) if row]
    if known:
        # an order id that comes back after a year is judged by its first month
        end = min(max(known), min(known) + timedelta(days=OTHER_DAYS))
        return Window(min(known), end)
    return Window.ending(last, OTHER_DAYS)


def _last_day(stored: DefinitionVersion, services: Services) -> date:
    scoring = stored.conversion.scoring()
    # a lead is scored once it is loaded, before its day is over
    is_scored_at_once = scoring is not None and scoring.precedes_rows
    return services.yesterday + timedelta(days=is_scored_at_once)


def _attempts(id: str, published: Row | None, services: Services) -> Sequence[Row]:
    if published is None:
        return []
    table = services.warehouse.table("export_attempts")
    sql = template(__file__, "explain_attempts", attempts=table)
    bound = with_parameters(sql, conversion=id, id=published["id"])
    return list(services.warehouse.rows(bound))
