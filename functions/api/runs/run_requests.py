"""Asking for runs: now, or for years past with the price shown first."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import Field

from common.bigquery.sql import template, with_parameters
from common.catalog.soundness import stopped
from common.errors import UnreadableDefinitionError, UserError
from common.http.model import Model
from common.http.request import Ask, Day, Nothing, check_window
from common.messaging.messages import RunRequested, run_id_of
from common.model.fields import ConversionId
from functions.api.definitions import planned
from functions.api.services import Services

LONGEST_DAYS = 3700
"""Ten years: a longer backfill is a slip of the pen, and would be paid for."""

Ids = Annotated[
    tuple[ConversionId, ...],
    Field((), max_length=1000, description="Conversions to run; all unless given."),
]


class RunBody(Model):
    """Run now: bring conversions, and all that is computed from them, up to date."""

    conversions: Ids = ()
    start_date: Day | None = Field(
        None, description="First day; the days that may still change unless given."
    )
    end_date: Day | None = Field(None, description="Last day; yesterday unless given.")
    force: bool = Field(False, description="Write even where the run would be held for safety.")


class BackfillBody(Model):
    """Compute days long past, such as two years for a new conversion."""

    conversions: Ids = ()
    start_date: Day = Field(description="First day.")
    end_date: Day | None = Field(None, description="Last day; yesterday unless given.")
    force: bool = Field(False, description="Write even where the run would be held for safety.")
    dry: bool = Field(False, description="Only tell the bytes and the price; run nothing.")


class Requested(Model):
    """A run that was asked for; GET /runs/{run_id} follows it."""

    run_id: str
    conversions: list[str] = Field(description="Named in the request; empty means all.")
    start_date: date | None
    end_date: date | None


class BackfillAnswer(planned.Planned):
    """A backfill that was asked for, or only what it would read when `dry`."""

    run_id: str = Field(description="Empty for a dry run.")


def run_now(ask: Ask[Nothing, RunBody], services: Services) -> Requested:
    """Run now.

    With an Idempotency-Key, the same request sent again is the same run; without, it is as long as
    that run has not begun.
    """
    _check(ask.body.conversions, ask.body.start_date, ask.body.end_date, services)
    request = RunRequested(
        trigger="manual",
        request_id=_request_id(ask) if ask.key else _waiting_request(ask, services),
        conversions=ask.body.conversions,
        start_date=ask.body.start_date,
        end_date=ask.body.end_date,
        force=ask.body.force,
    )
    return _published(request, services)


def backfill(ask: Ask[Nothing, BackfillBody], services: Services) -> BackfillAnswer:
    """Compute days long past, or with `dry` only tell what it costs.

    Refused when there is nothing to run. With an Idempotency-Key, the same request sent again is
    the same run.
    """
    body = ask.body
    # named now: a message that waits over midnight must not compute a day that was not priced
    end = body.end_date or services.yesterday
    # a start in the future is answered with its own day, not with an end that nobody named
    _check(body.conversions, body.start_date, body.end_date, services)
    request = RunRequested(
        trigger="backfill",
        request_id=_request_id(ask),
        conversions=body.conversions,
        start_date=body.start_date,
        end_date=end,
        force=body.force,
    )
    # planned before it is published, by the functions that the run itself plans by
    shown = planned.planned(request, services)
    if shown is None:
        raise UserError(
            "There is nothing to run.",
            code="nothing_to_run",
            fix="Create a conversion first: POST /conversions.",
            field="conversions",
        )
    run_id = "" if body.dry else _published(request, services).run_id
    return BackfillAnswer(run_id=run_id, **shown.model_dump())


def _request_id(ask: Ask[Nothing, Any]) -> str:
    """The caller's key with what was asked under it, so that a reused key hides no request."""
    if not ask.key:
        return uuid.uuid4().hex
    # as a digest: a message takes 200 letters, and keys may differ in their last one
    return hashlib.sha256(f"{ask.key}|{ask.body.model_dump_json()}".encode()).hexdigest()


def _waiting_request(ask: Ask[Nothing, RunBody], services: Services) -> str:
    """The same request until a run of this kind begins: pressed twenty times, it is one run."""
    sql = template(__file__, "run_requests_begun", runs=services.warehouse.table("runs"))
    # a run that was asked for before midnight may begin after it
    since = services.now().date() - timedelta(days=2)
    bound = with_parameters(sql, trigger="manual", since=since)
    begun = next(services.warehouse.rows(bound))["begun"]
    asked = f"{ask.body.model_dump_json()}|{begun}"
    return hashlib.sha256(asked.encode()).hexdigest()[:32]


def _published(request: RunRequested, services: Services) -> Requested:
    services.bus().publish(request)
    return Requested(
        run_id=run_id_of(request, services.now()),
        conversions=list(request.conversions),
        start_date=request.start_date,
        end_date=request.end_date,
    )


def _check(ids: Iterable[str], start: date | None, end: date | None, services: Services) -> None:
    if start:
        check_window(start, end or max(services.yesterday, start), LONGEST_DAYS)
    last = max((day for day in (start, end) if day), default=services.yesterday)
    # such a day would be counted too low and exported so
    if last > services.yesterday:
        raise UserError(
            f"The day {last} is not complete yet.",
            code="incomplete_day",
            fix=f"The last complete day is {services.yesterday}.",
            field="start_date" if last == start else "end_date",
        )
    active = services.catalog.active()
    _refuse_stopped(ids, stopped(active))
    if unknown := sorted(set(ids) - {stored.id for stored in active}):
        raise UserError(
            f"There is no active conversion {', '.join(unknown)}.",
            code="unknown_conversion",
            fix="GET /conversions lists them.",
            field="conversions",
        )


def _refuse_stopped(ids: Iterable[str], reasons: Mapping[str, str]) -> None:
    for id in sorted(set(ids) & set(reasons)):
        raise UnreadableDefinitionError(
            f"{id!r} cannot run. {reasons[id]}",
            fix="Save it again in the present form, or archive it.",
            field="conversions",
        )
