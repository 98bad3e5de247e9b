"""From a message to finished conversions: plan, stage once, one task each, tier after tier."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial

from common.catalog import dependents, plan
from common.catalog.definitions import DefinitionVersion
from common.catalog.soundness import sound
from common.errors import ProductError, RetryableError, UserError
from common.ga4 import stage
from common.incidents.incidents import Incident
from common.logs import log
from common.messaging.messages import (
    MESSAGE,
    CrmLoaded,
    Ga4Exported,
    Materialized,
    MaterializeTask,
    Message,
    RunRequested,
    ScoreTask,
    Watchdog,
    run_id_of,
)
from common.model.run_status import COVERED, ENDS, RunStatus
from common.model.window import Window
from common.untyped import Row
from functions.materialize.ledger import Books, Clock
from functions.materialize.runs import end, overview, watchdog
from functions.materialize.services import Services
from functions.materialize.stage import facts, fill
from functions.materialize.task.work import Ended, clear_up, materialize

STAGE_SECONDS = 300
"""After this long the run asks for itself again: a push must be answered within 540 s."""

WAITS = "It counts GA4's events of days that are held or not there to be read."

FACTS_OF_TASK = "conversion tier trigger definition_version start_date end_date".split()
SAME_TASK = ("conversion", "trigger", "start_date")
"""What tells the tasks of one run apart."""


def handle(services: Services, message: Message) -> None:
    """Carry out one message; raises RetryableError when it should be delivered again."""
    match message:
        case RunRequested():
            run(services, message)
        case CrmLoaded():
            loaded(services, message)
        case MaterializeTask():
            work(services, message)
        # INCOMPLETE and FAILED start nothing: the day would be closed without its rows
        case Ga4Exported(status="COMPLETE"):
            services.ledger.resolve(_not_exported(message))
            run(services, message.run())
        case Ga4Exported():
            services.ledger.report(_not_exported(message))
        case Watchdog():
            watchdog.watch(services)
        case _:
            raise UserError(
                f"materialize does not handle {type(message).__name__}.",
                fix="Publish it to the topic of the function that does (Terraform, topics).",
            )


def _not_exported(message: Ga4Exported) -> Incident:
    return Incident(
        "ga4_export_incomplete",
        f"GA4 says that its export of {message.export_date} is {message.status}.",
        fix="GA4 writes such a day again by itself; if not, look at the property's BigQuery link.",
        # each day by itself: the next one may be whole while this one is not
        object=f"{message.property} {message.export_date}",
        severity="warning",
    )


def run(services: Services, request: RunRequested) -> None:
    """Stage the late window once and publish the tasks of the first tier."""
    run_id, clock = run_id_of(request, services.ledger.now), Clock(services.seconds)
    known = _known(services)
    # before the plan, which may fail: what cannot run at all is said all the same
    _report_stopped(services, run_id, known)
    with _begun(services, run_id, request.trigger, request):
        chosen = plan.chosen(request, known)
        _start(services, run_id, request.trigger, request, chosen, known, clock)


@contextmanager
def _begun(services: Services, run_id: str, trigger: str, asked: Message) -> Iterator[None]:
    """The run has an entry from its first second, and one that says why it cannot be planned.

    The watchdog asks again for a run that a crash left without either.
    """
    # a redelivered request has begun before
    if not services.ledger.entries(run_id):
        services.ledger.write(
            run_id, RunStatus.REQUESTED, trigger=trigger, message=asked.model_dump_json()
        )
    try:
        yield
    except RetryableError:
        raise
    except ProductError as error:
        services.ledger.write(run_id, RunStatus.FAILED, trigger=trigger, detail=error.detail[:1000])
        failure = Incident(error.code, f"A run was not planned: {error.detail}", error.fix)
        services.ledger.report(failure, run_id)
        if not services.ledger.waiting(run_id, after=-1):
            end.tell(services.ledger.entries(run_id), run_id)


def _report_stopped(services: Services, run_id: str, known: plan.Known) -> None:
    """Name each conversion that the run leaves out because its definition cannot run."""
    for id, why in known.stopped.items():
        unreadable = Incident(
            "definition_unreadable",
            f"{id} is left out of every run: {why}",
            fix="Save it again in the present form, or archive it; the others run.",
            subject=id,
        )
        services.ledger.report(unreadable, run_id)


def loaded(services: Services, message: CrmLoaded) -> None:
    """Re-run exactly the conversions whose lineage names the table that was loaded.

    Whichever days of the table were written, the run covers all that are due: a row may have moved
    from a written day to another, and days that were missed must not be passed over.
    """
    clock = Clock(services.seconds)
    known = _known(services)
    listed = known.definitions.values()
    readers = plan.reading(message.table, listed)
    if not readers:
        log("load_ignored", table=message.table, load_id=message.load_id)
        return
    # the load's own key makes the run: a redelivered or repeated load is the same run
    run_id = f"load-{_digest(f'{message.source}|{message.table}|{message.load_id}')}"
    chosen = dependents.with_dependents(readers, listed)
    with _begun(services, run_id, "load", message):
        _start(services, run_id, "load", RunRequested(), chosen, known, clock)


def _known(services: Services) -> plan.Known:
    return plan.known(services.warehouse, services.catalog.active(), services.ledger.now)


def work(services: Services, task: MaterializeTask) -> None:
    """Materialize one conversion, say so, and release the next tier when it was the last.

    A task that ended before is not done again, however often it arrives; only what follows from it
    is said once more, in case that its worker died before it could.
    """
    books = services.ledger.books(task.run_id, task.conversion, task.definition_version)
    known = _ended_before(books.entries, task)
    if known:
        clear_up(services, task)
    ended = known or _cancelled(services, books.entries, task) or _worked(services, task, books)
    if ended is None:
        return
    for message in _following(task, ended):
        services.bus.publish(message)
    release(services, task.run_id, after=task.tier, again=known is not None)


def _cancelled(services: Services, entries: Iterable[Row], task: MaterializeTask) -> Ended | None:
    """How a task ends whose run a person has cancelled: nothing of it is done."""
    cancel = (RunStatus.CANCELLED, "")
    if not any((entry["status"], entry["conversion"]) == cancel for entry in entries):
        return None
    facts = {name: getattr(task, name) for name in FACTS_OF_TASK}
    services.ledger.write(
        task.run_id, RunStatus.CANCELLED, detail="The run was cancelled.", **facts
    )
    days = Window(task.start_date, task.end_date)
    return Ended(RunStatus.CANCELLED, task.definition_version, days)


def _ended_before(entries: Iterable[Row], task: MaterializeTask) -> Ended | None:
    for entry in entries:
        same = all(entry[name] == getattr(task, name) for name in SAME_TASK)
        if same and entry["status"] in ENDS:
            window = Window(entry["start_date"], entry["end_date"])
            return Ended(RunStatus(entry["status"]), entry["definition_version"], window)
    return None


def _worked(services: Services, task: MaterializeTask, books: Books) -> Ended | None:
    """How the task ended now; a definition that changed since it was planned gets its own run."""
    active = services.catalog.active_as_of(books.definitions)
    definitions = {stored.id: stored for stored in sound(active)}
    stored = definitions.get(task.conversion)
    if stored is not None and stored.version == task.definition_version:
        return materialize(services, task, definitions, books)
    if stored is not None:
        services.bus.publish(_run_of_edited(task, stored))
    facts = {name: getattr(task, name) for name in FACTS_OF_TASK}
    detail = "It was edited" if stored else "It was archived"
    services.ledger.write(
        task.run_id, RunStatus.SUPERSEDED, detail=f"{detail} after this run was planned.", **facts
    )
    return Ended(
        RunStatus.SUPERSEDED, task.definition_version, Window(task.start_date, task.end_date)
    )


def _run_of_edited(task: MaterializeTask, stored: DefinitionVersion) -> RunRequested:
    """A run that plans the newest version anew: its days and events may be others."""
    return RunRequested(
        trigger="backfill" if task.trigger == "backfill" else "manual",
        request_id=f"{task.run_id}|{stored.id}|{stored.version}",
        conversions=(stored.id,),
        start_date=task.start_date,
        end_date=task.reaching or task.end_date,
        force=task.force,
    )


def _start(
    services: Services,
    run_id: str,
    trigger: str,
    request: RunRequested,
    chosen: frozenset[str],
    known: plan.Known,
    clock: Clock,
) -> None:
    definitions = known.definitions
    tiers = plan.tiers(definitions.values())
    windows = plan.windows(request, trigger, chosen, known)
    held: list[Window] | None = []
    # a CRM that loads each hour would pay for a scan of GA4 each hour, which changes once a day
    if trigger != "load":
        again = known.changed.days
        # a backfill reads days again though their tables have not changed
        if trigger == "backfill" and windows:
            again |= frozenset(plan.whole(windows.values()).dates)
        held = _stage(services, run_id, known, windows, again, clock, request)
        if held is None:
            services.bus.publish(request)
            return
        if held:
            windows = _without_readers(
                services, run_id, definitions, tiers, windows, held, known.exported
            )
    shown = {id for id, _ in known.done}
    # before the tasks: a reader of the view must not see a table that is not there yet
    if not set(windows) <= shown:
        overview.refresh(services.warehouse, shown | set(windows))
    planned = {entry["conversion"] for entry in services.ledger.entries(run_id)}
    # in one load before anything is published: the watchdog asks again for what is written down
    services.ledger.plan(
        run_id,
        [
            _task(
                run_id,
                definitions[id],
                tiers[id],
                window,
                plan.reaching(id, request, trigger, known),
                trigger,
                request.force,
            )
            for id, window in windows.items()
            if id not in planned
        ],
    )
    if not windows and not held:
        services.ledger.write(
            run_id, RunStatus.UNCHANGED, trigger=trigger, detail="There was nothing to run."
        )
    release(services, run_id)


def _stage(
    services: Services,
    run_id: str,
    known: plan.Known,
    windows: Mapping[str, Window],
    again: frozenset[date],
    clock: Clock,
    request: RunRequested,
) -> list[Window] | None:
    """Read what the stage lacks, and the days `again` that this run has not read yet.

    The days that could not be read or are held, [] when all is there; None when time ran out and
    the request must come again.
    """
    if not windows:
        return []
    window, last = plan.whole(windows.values()), known.yesterday
    asked = min(request.end_date or last, last)
    if _readers(known.definitions, windows):
        watched = Window(min(window.start, asked), asked)
        # the newest table may hold hours of the day after it
        newest = known.exported.end + timedelta(days=1) if known.exported else asked
        window = Window(window.start, max(window.end, min(asked, newest)))
        window = _with_neighbours(window, known.changed.days, last)
        facts.report_export(services.warehouse, services.ledger, watched, run_id)
        if stage.exported(services.warehouse, window, last) is None:
            # counted now, these days would be closed without their events
            return [window]
    if not services.warehouse.settings.ga4_datasets:
        return []
    listed = [known.definitions[id] for id in windows]
    needed, buys = plan.stage_events(listed), plan.counts_purchases(listed)
    days = again - _staged_by(services, run_id)
    # first what is older, by which clicks and visits of the window are dated
    for older in stage.unremembered(
        services.warehouse, window, last, orders=buys, again=known.changed.older, priced=False
    ):
        read = partial(_remember, services, run_id, clock)
        missing = _read(services, run_id, [older], read, clock)
        if missing is None:
            return None
        if missing:
            # nobody can say which clicks and orders of the window the missing days would date
            return [window]
    held: list[Window] = []
    for span in stage.lacking(services.warehouse, window, needed, last, days):
        pieces = stage.pieces(services.warehouse, span, last, priced=False)
        read = partial(_fill, services, run_id, clock, request.force)
        missing = _read(services, run_id, pieces, read, clock)
        if missing is None:
            return None
        held += missing
    if not held:
        names = _events(listed)
        # of what this run does not count the stage may hold older days alone
        others = _events(known.definitions.values()) - names
        until = min(window.end, known.exported.end) if known.exported else window.end
        facts.report(services.warehouse, services.ledger, until, window.end, names, others, run_id)
        # all days are read by now; of a property's events of impossible times its reading speaks
        properties = services.warehouse.settings.ga4_datasets
        services.ledger.resolve_gone(
            fill.LEASE, run_id, until=window.end, is_judged=lambda it: it not in properties
        )
    return held


def _with_neighbours(window: Window, changed: frozenset[date], last: date) -> Window:
    """The window, and the changed days on both sides of it up to the day `last`.

    A table that is read once counts as read, and may hold hours of the day before or after it.
    """
    day, start, end = timedelta(days=1), window.start, window.end
    while start - day in changed:
        start -= day
    while end + day in changed and end < last:
        end += day
    return Window(start, end)


def _events(definitions: Iterable[DefinitionVersion]) -> frozenset[str]:
    return frozenset(name for stored in definitions for name in stored.conversion.events())


def _remember(services: Services, run_id: str, clock: Clock, span: stage.Span) -> bool:
    fill.remember(services.warehouse, services.ledger, span.window, run_id, clock)
    return True


def _fill(services: Services, run_id: str, clock: Clock, force: bool, span: stage.Span) -> bool:
    return fill.fill_stage(services.warehouse, services.ledger, span, run_id, clock, force)


def _read(
    services: Services,
    run_id: str,
    pieces: Iterable[stage.Piece],
    read: Callable[[stage.Span], bool],
    clock: Clock,
) -> list[Window] | None:
    """The days that could not be read or are held; None when time ran out.

    What cannot be read says why and stops nobody else. An estimate may fall short of what BigQuery
    counts: days that it refuses for their bytes are read in halves.
    """
    held: list[Window] = []
    waiting = deque(pieces)
    while waiting:
        if clock.elapsed() > STAGE_SECONDS:
            return None
        piece = waiting.popleft()
        days = piece.span.window
        try:
            if not read(piece.span):
                held.append(days)
        except RetryableError:
            raise
        except ProductError as error:
            if error.code == "bytes_cap" and days.days > 1:
                waiting.extendleft(reversed(piece.halves))
                continue
            held.append(days)
            _report_unread(services, run_id, days, error)
    return held


def _report_unread(services: Services, run_id: str, days: Window, error: ProductError) -> None:
    words = f"The GA4 export of {days.start} to {days.end} was not read: {error.detail}"
    services.ledger.write(
        run_id, RunStatus.HELD, start_date=days.start, end_date=days.end, detail=words[:1000]
    )
    services.ledger.report(
        Incident(error.code, words, error.fix, subject=fill.LEASE, object=str(days.start)),
        run_id,
    )


def _staged_by(services: Services, run_id: str) -> frozenset[date]:
    return frozenset(
        day
        for entry in services.ledger.entries(run_id)
        # a redelivered request goes on behind the days that it read before
        if entry["status"] == RunStatus.STAGED
        for day in Window(entry["start_date"], entry["end_date"]).dates
    )


def _readers(
    definitions: Mapping[str, DefinitionVersion], windows: Mapping[str, Window]
) -> frozenset[str]:
    """Which of the conversions read the stage, or what is made of it."""
    reading = {id for id, stored in definitions.items() if stored.conversion.events()}
    return dependents.with_dependents(reading, definitions.values()) & windows.keys()


def _without_readers(
    services: Services,
    run_id: str,
    definitions: Mapping[str, DefinitionVersion],
    tiers: Mapping[str, int],
    windows: Mapping[str, Window],
    held: Iterable[Window],
    exported: Window | None,
) -> dict[str, Window]:
    """The windows of what reads no day of the stage that is held; the others wait, and say so."""
    readers = {
        id
        for id, window in windows.items()
        if definitions[id].conversion.events()
        and any(day.start <= window.end and window.start <= day.end for day in held)
    }
    waiting = dependents.with_dependents(readers, definitions.values()) & windows.keys()
    for id in sorted(waiting):
        services.ledger.write(
            run_id,
            RunStatus.HELD,
            conversion=id,
            tier=tiers[id],
            definition_version=definitions[id].version,
            start_date=windows[id].start,
            end_date=windows[id].end,
            detail=f"{WAITS}{_else(held, exported)}",
        )
    return {id: window for id, window in windows.items() if id not in waiting}


def _else(held: Iterable[Window], exported: Window | None) -> str:
    """Of which days there are tables, where there is none of the days that are held."""
    if exported is None or any(
        day.start <= exported.end and exported.start <= day.end for day in held
    ):
        return ""
    return f" GA4's tables are of {exported.start} to {exported.end}."


def release(services: Services, run_id: str, *, after: int = -1, again: bool = True) -> None:
    """Publish the tasks of the lowest tier that is not closed, if it comes after the tier `after`;
    when none is left, say that the run has ended.

    Twice is harmless. Unless `again`, of the workers that end a tier together only one does it.
    """
    waiting = services.ledger.waiting(run_id, after)
    warehouse = services.warehouse
    if not waiting:
        # workers that end together: only one says so
        if warehouse.claim(f"{warehouse.settings.dataset}_{run_id}_ended"):
            end.tell(services.ledger.entries(run_id), run_id)
        return
    tier = waiting[0]["tier"]
    # others of the tier still run: whoever ends last releases the next
    if tier <= after:
        return
    if not again and not warehouse.claim(f"{warehouse.settings.dataset}_{run_id}_tier_{tier}"):
        return
    for entry in waiting:
        services.bus.publish(MESSAGE.validate_json(entry["message"]))


def _following(task: MaterializeTask, ended: Ended) -> Iterator[Message]:
    """What a task leads to: its remaining days, its scores, or word that the table is ready."""
    if ended.status == RunStatus.CONTINUED:
        rest = {"start_date": ended.window.end + timedelta(days=1), "since": _since(task)}
        yield task.model_copy(update=rest)
    if ended.status == RunStatus.UNSCORED:
        # rows that wait for a model's values go to it first, those of all parts of the window
        yield _scoring(task)
    elif ended.status in COVERED:
        yield Materialized(
            run_id=task.run_id,
            conversion=task.conversion,
            definition_version=ended.version,
            start_date=ended.window.start,
            end_date=ended.window.end,
        )


def _since(task: MaterializeTask) -> date:
    """First day of the window that the task, or the one that it goes on with, was asked for."""
    return task.since or task.start_date


def _task(
    run_id: str,
    stored: DefinitionVersion,
    tier: int,
    window: Window,
    reaching: date | None,
    trigger: str,
    force: bool,
) -> MaterializeTask | ScoreTask:
    task = MaterializeTask(
        run_id=run_id,
        conversion=stored.id,
        definition_version=stored.version,
        tier=tier,
        start_date=window.start,
        end_date=window.end,
        trigger=trigger,
        force=force,
        reaching=reaching,
    )
    scoring = stored.conversion.scoring()
    return _scoring(task) if scoring and scoring.precedes_rows else task


def _scoring(task: MaterializeTask) -> ScoreTask:
    """What a model does for the whole window of a task, before its rows or after them."""
    asked = task.model_dump(exclude={"since", "reaching"})
    return ScoreTask(**{**asked, "kind": "score", "start_date": _since(task)})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]
