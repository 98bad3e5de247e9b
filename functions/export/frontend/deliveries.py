"""Deliveries of a destination: tried, asked for, replayed, resolved and reported."""

from __future__ import annotations

import hashlib
from typing import Any

from common.http.pages import cursor, read_cursor, read_moment
from common.http.request import Ask, Nothing, check_window
from common.messaging.messages import ExportContinuation, ReplayRequested
from functions.export.frontend import preview, reads
from functions.export.frontend.models import (
    DeliveryStateCount,
    DeliveryStates,
    DeliveryStatesQuery,
    Diagnosis,
    DryRun,
    DryRunBody,
    LedgerEntry,
    LedgerPage,
    LedgerQuery,
    ReplayAsked,
    ReplayBody,
    Report,
    ReportDay,
    ReportQuery,
    ResolveBody,
    Resolved,
    RunAsked,
    RunBody,
    TrialAnswer,
    TrialBody,
)
from functions.export.send import resolve, trial
from functions.export.services import Services, connection, has_table, needs_live, needs_table


def dry_run(ask: Ask[Nothing, DryRunBody], services: Services) -> DryRun:
    """Try a run: the verdict for each row and the requests, byte for byte. Nothing is sent."""
    body = ask.body
    found = connection(services, ask.path["id"])
    needs_table(found, body.conversion)
    # no mask finds names, addresses and hashes of persons inside of a platform's payload
    bodies = body.bodies if ask.who.sees_personal_data else 0
    tried = preview.dry_run(
        found, body.conversion, limit=body.limit, bodies=bodies, force=body.force
    )
    return DryRun.model_validate(tried)


def try_out(ask: Ask[Nothing, TrialBody], services: Services) -> TrialAnswer:
    """Send one made-up conversion, marked as a test: what the platform says of it.

    Nothing of it is written into the ledger. Where `effect` is `counts` the platform counts it.
    """
    found = connection(services, ask.path["id"])
    needs_live(found)
    tried = trial.try_out(found, ask.body.conversion, ask.body.test_event_code)
    return TrialAnswer.of(tried)


def run(ask: Ask[Nothing, RunBody], services: Services) -> RunAsked:
    """Ask for a run now; it happens behind the scenes."""
    found = connection(services, ask.path["id"])
    needs_live(found)
    chosen = ask.body.conversions or tuple(id for id in found.conversions if has_table(found, id))
    # where none has a table, the first of them gives the error
    for conversion in chosen or found.conversions:
        needs_table(found, conversion)
    today, run_id = services.today(), f"x{_request_id(ask, services)}"
    for conversion in chosen:
        services.bus().publish(
            ExportContinuation(
                destination=found.id,
                conversion=conversion,
                run_id=run_id,
                start_date=today,
                end_date=today,
                force=ask.body.force,
            )
        )
    return RunAsked(conversions=list(chosen), run_id=run_id)


def replay(ask: Ask[Nothing, ReplayBody], services: Services) -> ReplayAsked:
    """Ask for days to be sent again; it happens behind the scenes, once for a request id."""
    body = ask.body
    found = connection(services, ask.path["id"])
    needs_live(found)
    needs_table(found, body.conversion)
    check_window(body.start_date, body.end_date)
    count = reads.conversions_between(found, body.conversion, body.start_date, body.end_date)
    request_id = body.request_id or _request_id(ask, services)
    services.bus().publish(
        ReplayRequested(
            request_id=request_id,
            destination=found.id,
            conversion=body.conversion,
            start_date=body.start_date,
            end_date=body.end_date,
            lost=body.lost,
        )
    )
    return ReplayAsked(request_id=request_id, conversions=count)


def resolve_in_doubt(ask: Ask[Nothing, ResolveBody], services: Services) -> Resolved:
    """Say what became of conversions in doubt: the platform has them, or it has not."""
    body = ask.body
    found = connection(services, ask.path["id"])
    return Resolved(
        # addresses and fields that clients know keep their names
        settled=resolve.resolve_in_doubt(found, body.conversion, body.ids, body.verdict)
    )


def ledger(ask: Ask[LedgerQuery, None], services: Services) -> LedgerPage:
    """List entries of the delivery ledger."""
    found, query = connection(services, ask.path["id"]), ask.query
    place = read_cursor(query.page, 2)
    rows = reads.entries(
        found,
        **query.model_dump(exclude={"page", "sort", "limit"}),
        newest_first=query.sort.startswith("-"),
        after=(read_moment(place[0]), place[1]) if place else None,
        limit=query.limit + 1,
    )
    page = rows[: query.limit]
    last = page[-1] if len(rows) > len(page) else None
    return LedgerPage(
        entries=[
            LedgerEntry(**{name: row[name] for name in LedgerEntry.model_fields}) for row in page
        ],
        next_page=cursor(last["recorded_at"].isoformat(), last["place"]) if last else "",
    )


def delivery_states(ask: Ask[DeliveryStatesQuery, None], services: Services) -> DeliveryStates:
    """Count conversions by where they stand and why."""
    found = connection(services, ask.path["id"])
    rows = reads.delivery_states(found, conversion=ask.query.conversion)
    return DeliveryStates(standings=[DeliveryStateCount(**row) for row in rows])


def report(ask: Ask[ReportQuery, None], services: Services) -> Report:
    """Report what was sent day by day, and what became of it."""
    check_window(ask.query.start_date, ask.query.end_date)
    found, window = connection(services, ask.path["id"]), (ask.query.start_date, ask.query.end_date)
    requests = reads.requests_of(found, *window)
    days = reads.match_report(found, requests, *window)
    return Report(
        days=[ReportDay(**day) for day in days],
        diagnoses=[Diagnosis(**each) for each in reads.diagnoses(requests)],
    )


def _request_id(ask: Ask[Nothing, Any], services: Services) -> str:
    """The caller's key with what was asked under it, as 20 hex digits; else a new id."""
    if not ask.key:
        return services.new_id()
    asked = f"{ask.path['id']}|{ask.key}|{ask.body.model_dump_json()}"
    return hashlib.sha256(asked.encode()).hexdigest()[:20]
