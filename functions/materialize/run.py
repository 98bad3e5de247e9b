"""From a message to finished conversions: plan, stage once, one task each, tier after tier."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from common import staging
from common.bus import Bus
from common.catalog import Catalog, Stored
from common.conversions import LeadScoring
from common.errors import ProductError, RetryableError, UserError
from common.logs import log
from common.messages import (
    CrmLoaded,
    Materialized,
    MaterializeTask,
    Message,
    RunRequested,
    ScoreTask,
    Watchdog,
    run_id_of,
)
from common.window import Window, yesterday
from functions.materialize import plan, silence, stage, watchdog
from functions.materialize.ledger import CLOSED, Clock
from functions.materialize.work import Desk, Outcome, awaits_scores, materialize

SPAN_DAYS = 31
"""Days of raw export that one stage write reads."""
STAGE_SECONDS = 300
"""After this long the run asks for itself again: a push must be answered within 540 s."""


@dataclass(frozen=True)
class Office:
    """Everything a message needs to be carried out."""

    desk: Desk
    catalog: Catalog
    bus: Bus


def handle(office: Office, message: Message) -> None:
    """Carry out one message; raises RetryableError when it should be delivered again."""
    match message:
        case RunRequested():
            run(office, message)
        case CrmLoaded():
            loaded(office, message)
        case MaterializeTask():
            work(office, message)
        case Watchdog():
            watchdog.watch(office.desk, office.bus, office.catalog.active())
        case _:
            raise UserError(f"materialize does not handle {type(message).__name__}.")


def run(office: Office, request: RunRequested) -> None:
    """Stage the late window once and publish the tasks of the first tier."""
    definitions = {stored.id: stored for stored in office.catalog.active()}
    chosen = _chosen(request, definitions)
    run_id = run_id_of(request, office.desk.ledger.now)
    _start(office, run_id, request.trigger, request, definitions, chosen)


def loaded(office: Office, message: CrmLoaded) -> None:
    """Re-run exactly the conversions whose lineage names the table that was loaded."""
    definitions = {stored.id: stored for stored in office.catalog.active()}
    readers = plan.reading(message.table, definitions.values())
    if not readers:
        log("load_ignored", table=message.table, load_id=message.load_id)
        return
    chosen = plan.with_dependents(readers, definitions.values())
    # the load's own key makes the run: a redelivered or repeated load is the same run
    run_id = f"load-{_digest(f'{message.source}|{message.table}|{message.load_id}')}"
    _start(office, run_id, "load", RunRequested(), definitions, chosen)


def work(office: Office, task: MaterializeTask) -> None:
    """Materialize one conversion, announce it, and release the next tier when it was the last."""
    definitions = {stored.id: stored for stored in office.catalog.active()}
    if task.conversion not in definitions:
        log("task_ignored", conversion=task.conversion, run_id=task.run_id, reason="archived")
        return
    try:
        outcome = materialize(office.desk, task, definitions)
    except RetryableError:
        raise
    except ProductError as error:
        _failed(office, task, error)
        outcome = Outcome()
    for following in outcome.following:
        office.bus.publish(following)
    if outcome.done is not None:
        office.bus.publish(_next(outcome.done, task, definitions[task.conversion]))
    _release(office, task)


def _start(
    office: Office,
    run_id: str,
    trigger: str,
    request: RunRequested,
    definitions: Mapping[str, Stored],
    chosen: frozenset[str],
) -> None:
    desk = office.desk
    clock = Clock(desk.seconds)
    newest = yesterday(desk.ledger.now, desk.warehouse.settings.timezone)
    last_day = min(request.end_date or newest, newest)
    done = desk.ledger.done_until()
    windows = {
        id: _window(request, plan.due_window(definitions[id], definitions, last_day, done))
        for id in sorted(chosen)
    }
    if trigger != "load" and not _stage(office, run_id, definitions, windows, clock, request.force):
        office.bus.publish(request)
        return
    tiers = plan.tiers(definitions.values())
    planned = {entry["conversion"] for entry in desk.ledger.entries(run_id)}
    desk.ledger.plan(
        run_id,
        [
            _task(run_id, definitions[id], tiers[id], window, trigger, request.force)
            for id, window in windows.items()
            if id not in planned
        ],
    )
    release(office, run_id)


def _stage(
    office: Office,
    run_id: str,
    definitions: Mapping[str, Stored],
    windows: Mapping[str, Window],
    clock: Clock,
    force: bool,
) -> bool:
    """Read what the stage lacks; False when time ran out and the request must come again."""
    if not windows or not office.desk.warehouse.settings.ga4_datasets:
        return True
    desk = office.desk
    window = Window(
        min(window.start for window in windows.values()),
        max(window.end for window in windows.values()),
    )
    needed = plan.stage_events(definitions[id] for id in windows)
    for span in _lacking(desk, window, needed):
        for chunk in span.window.chunks(SPAN_DAYS):
            if clock.elapsed() > STAGE_SECONDS:
                return False
            stage.fill_stage(
                desk.warehouse,
                desk.ledger,
                staging.Span(chunk, span.events),
                run_id,
                clock,
                force,
            )
    silence.report_missing_shards(desk.warehouse, desk.ledger, window.end, run_id)
    return True


def _lacking(desk: Desk, window: Window, events: frozenset[str]) -> list[staging.Span]:
    """The days and events to read; none where the export has no shard."""
    exported = staging.exported(desk.warehouse, window)
    if exported is None:
        return []
    return staging.missing(exported, events, staging.staged(desk.warehouse))


def release(office: Office, run_id: str) -> None:
    """Publish the tasks of the lowest tier that is not closed; twice is harmless."""
    entries = office.desk.ledger.entries(run_id)
    closed = {entry["conversion"] for entry in entries if entry["status"] in CLOSED}
    waiting = [
        entry
        for entry in entries
        if entry["status"] == "planned" and entry["conversion"] not in closed
    ]
    if not waiting:
        return
    lowest = min(entry["tier"] for entry in waiting)
    for entry in waiting:
        if entry["tier"] == lowest:
            office.bus.publish(_released(entry["message"]))


def _released(message: str) -> Message:
    kind = ScoreTask if '"kind":"score"' in message else MaterializeTask
    return kind.model_validate_json(message)


def _next(done: Materialized, task: MaterializeTask, stored: Stored) -> Message:
    """Rows that wait for a model's values go to it first; all others are announced."""
    if awaits_scores(stored) and task.trigger != "scores":
        return ScoreTask(**{**task.model_dump(), "kind": "score"})
    return done


def _release(office: Office, task: MaterializeTask) -> None:
    entries = office.desk.ledger.entries(task.run_id)
    closed = {entry["conversion"] for entry in entries if entry["status"] in CLOSED}
    tier = {e["conversion"] for e in entries if e["status"] == "planned" and e["tier"] == task.tier}
    if tier <= closed:
        release(office, task.run_id)


def _task(
    run_id: str, stored: Stored, tier: int, window: Window, trigger: str, force: bool
) -> MaterializeTask | ScoreTask:
    kind = ScoreTask if isinstance(stored.conversion, LeadScoring) else MaterializeTask
    return kind(
        run_id=run_id,
        conversion=stored.id,
        definition_version=stored.version,
        tier=tier,
        start_date=window.start,
        end_date=window.end,
        trigger=trigger,
        force=force,
    )


def _window(request: RunRequested, due: Window) -> Window:
    """The due window, from the requested first day where one is named."""
    return Window(min(request.start_date or due.start, due.end), due.end)


def _chosen(request: RunRequested, definitions: Mapping[str, Stored]) -> frozenset[str]:
    if not request.conversions:
        return frozenset(definitions)
    if unknown := sorted(set(request.conversions) - set(definitions)):
        raise UserError(
            f"There is no active conversion {', '.join(unknown)}.", code="unknown_conversion"
        )
    return plan.with_dependents(request.conversions, definitions.values())


def _failed(office: Office, task: MaterializeTask, error: ProductError) -> None:
    office.desk.ledger.write(
        task.run_id,
        "failed",
        conversion=task.conversion,
        tier=task.tier,
        trigger=task.trigger,
        definition_version=task.definition_version,
        start_date=task.start_date,
        end_date=task.end_date,
        message=task.model_dump_json(),
        detail=error.detail[:1000],
    )
    office.desk.ledger.incident(
        error.code,
        f"{task.conversion}: {error.detail[:1000]}",
        fix=error.fix,
        conversion=task.conversion,
        run_id=task.run_id,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]
