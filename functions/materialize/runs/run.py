"""From a message to finished conversions: plan, stage once, one task each, tier after tier."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from common.catalog import plan
from common.catalog.definitions import Catalog, Stored
from common.catalog.progress import DONE
from common.errors import UserError
from common.ga4 import stage
from common.logs import log
from common.messaging.messages import (
    CrmLoaded,
    Materialized,
    MaterializeTask,
    Message,
    RunRequested,
    ScoreTask,
    Watchdog,
    run_id_of,
)
from common.messaging.publisher import Bus
from common.model.conversions import LeadScoring
from common.model.window import Window
from functions.materialize.runs import overview, watchdog
from functions.materialize.runs.ledger import CLOSED, ENDS, Clock
from functions.materialize.stage import fill
from functions.materialize.task import volume
from functions.materialize.task.work import Desk, Ended, clear_up, materialize

STAGE_SECONDS = 300
"""After this long the run asks for itself again: a push must be answered within 540 s."""

FACTS_OF_TASK = "conversion tier trigger definition_version start_date end_date".split()
SAME_TASK = ("conversion", "trigger", "start_date")
"""What tells the tasks of one run apart."""


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
    known = _known(office)
    run_id = run_id_of(request, office.desk.ledger.now)
    _start(office, run_id, request.trigger, request, plan.chosen(request, known), known)


def loaded(office: Office, message: CrmLoaded) -> None:
    """Re-run exactly the conversions whose lineage names the table that was loaded.

    Whichever days of the table were written, the run covers all that are due: a row may have moved
    from a written day to another, and days that were missed must not be passed over.
    """
    known = _known(office)
    listed = known.definitions.values()
    readers = plan.reading(message.table, listed)
    if not readers:
        log("load_ignored", table=message.table, load_id=message.load_id)
        return
    # the load's own key makes the run: a redelivered or repeated load is the same run
    run_id = f"load-{_digest(f'{message.source}|{message.table}|{message.load_id}')}"
    chosen = plan.with_dependents(readers, listed)
    _start(office, run_id, "load", RunRequested(), chosen, known)


def _known(office: Office) -> plan.Known:
    desk = office.desk
    return plan.known(desk.warehouse, office.catalog.active(), desk.ledger.now)


def work(office: Office, task: MaterializeTask) -> None:
    """Materialize one conversion, say so, and release the next tier when it was the last.

    A task that ended before is not done again, however often it arrives; only what follows from it
    is said once more, in case that its worker died before it could.
    """
    known = _ended_before(office.desk.ledger.entries(task.run_id), task)
    if known:
        clear_up(office.desk, office.bus, task)
    ended = known or _worked(office, task)
    if ended is None:
        return
    for message in _following(task, ended):
        office.bus.publish(message)
    release(office, task.run_id, after=task.tier, again=known is not None)


def _ended_before(entries: Iterable[Mapping[str, Any]], task: MaterializeTask) -> Ended | None:
    for entry in entries:
        same = all(entry[name] == getattr(task, name) for name in SAME_TASK)
        if same and entry["status"] in ENDS:
            window = Window(entry["start_date"], entry["end_date"])
            return Ended(entry["status"], entry["definition_version"], window)
    return None


def _worked(office: Office, task: MaterializeTask) -> Ended | None:
    """How the task ended now; a definition that changed since it was planned gets its own run."""
    definitions = {stored.id: stored for stored in office.catalog.active()}
    stored = definitions.get(task.conversion)
    if stored is not None and stored.version == task.definition_version:
        return materialize(office.desk, office.bus, task, definitions)
    if stored is not None:
        office.bus.publish(_run_of_edited(task, stored))
    facts = {name: getattr(task, name) for name in FACTS_OF_TASK}
    detail = "It was edited" if stored else "It was archived"
    office.desk.ledger.write(
        task.run_id, "superseded", detail=f"{detail} after this run was planned.", **facts
    )
    return Ended("superseded", task.definition_version, Window(task.start_date, task.end_date))


def _run_of_edited(task: MaterializeTask, stored: Stored) -> RunRequested:
    """A run that plans the newest version anew: its days and events may be others."""
    return RunRequested(
        trigger="backfill" if task.trigger == "backfill" else "manual",
        request_id=f"{task.run_id}|{stored.id}|{stored.version}",
        conversions=(stored.id,),
        start_date=task.start_date,
        end_date=task.end_date,
        force=task.force,
    )


def _start(
    office: Office,
    run_id: str,
    trigger: str,
    request: RunRequested,
    chosen: frozenset[str],
    known: plan.Known,
) -> None:
    desk, definitions = office.desk, known.definitions
    clock = Clock(desk.seconds)
    tiers = plan.tiers(definitions.values())
    windows = plan.windows(request, trigger, chosen, known)
    if trigger != "load":
        last_day = min(request.end_date or known.yesterday, known.yesterday)
        volume.report_missing_shards(desk.warehouse, desk.ledger, last_day, run_id)
        if not _stage(office, run_id, definitions, windows, clock, request.force):
            office.bus.publish(request)
            return
    shown = {id for id, _ in known.done}
    if not set(windows) <= shown:
        overview.refresh(desk.warehouse, shown | set(windows))
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
    needed = plan.stage_events(definitions[id] for id in windows)
    for span in stage.lacking(desk.warehouse, plan.whole(windows.values()), needed):
        for piece in span.pieces():
            if clock.elapsed() > STAGE_SECONDS:
                return False
            fill.fill_stage(desk.warehouse, desk.ledger, piece, run_id, clock, force)
    return True


def release(office: Office, run_id: str, *, after: int = -1, again: bool = True) -> None:
    """Publish the tasks of the lowest tier that is not closed, if it comes after the tier `after`.

    Twice is harmless. Unless `again`, of the workers that end a tier together only one does it.
    """
    entries = office.desk.ledger.entries(run_id)
    closed = {entry["conversion"] for entry in entries if entry["status"] in CLOSED}
    waiting = [
        entry
        for entry in entries
        if entry["status"] == "planned" and entry["conversion"] not in closed
    ]
    lowest = min((entry["tier"] for entry in waiting), default=after)
    if lowest <= after:
        return
    warehouse = office.desk.warehouse
    if not again and not warehouse.claim(f"{warehouse.settings.dataset}_{run_id}_tier_{lowest}"):
        return
    for entry in waiting:
        if entry["tier"] == lowest:
            office.bus.publish(_released(entry["message"]))


def _released(message: str) -> Message:
    kind = ScoreTask if '"kind":"score"' in message else MaterializeTask
    return kind.model_validate_json(message)


def _following(task: MaterializeTask, ended: Ended) -> Iterator[Message]:
    """What a task leads to: its remaining days, its scores, or word that the table is ready."""
    if ended.status == "continued":
        yield task.model_copy(update={"start_date": ended.window.end + timedelta(days=1)})
    if ended.status == "unscored":
        # rows that wait for a model's values go to it first
        yield ScoreTask(**{**task.model_dump(), "kind": "score"})
    elif ended.status in (*DONE, "continued"):
        yield Materialized(
            run_id=task.run_id,
            conversion=task.conversion,
            definition_version=ended.version,
            start_date=ended.window.start,
            end_date=ended.window.end,
        )


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


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]
