"""From a message to deliveries: to which destinations, one run at a time, on when time is up."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from common.bigquery.leases import lease
from common.bigquery.leases.lease import Lease
from common.errors import NotFoundError, ProductError, RetryableError, UserError
from common.logs import log
from common.messaging.messages import (
    ExportContinuation,
    ExportTick,
    Materialized,
    Message,
    ReplayRequested,
)
from functions.export.ledger import erased
from functions.export.ledger.protocol import Ledger
from functions.export.send import incidents, poll
from functions.export.send.diagnose import diagnose
from functions.export.send.due import due
from functions.export.send.run import Job, Run, Summary
from functions.export.services import Connection, Services, connection, connections
from functions.export.transport.clock import Deadline

RUN_ID = re.compile("[A-Za-z0-9_-]{1,100}")
"""What a job's id in BigQuery may hold."""

LEASE_SECONDS = 600
"""Longer than a function may live, so a lease lapses only when its holder is dead."""


@dataclass(frozen=True)
class Work:
    """Conversions to bring up to date at one destination."""

    connection: Connection
    conversions: Sequence[str]
    force: bool = False
    tick: bool = False
    """Ask what became of earlier requests, then run only what is open."""
    replay: ReplayRequested | None = None
    run_id: str = ""
    """Id that whoever asked for the run was given."""


def handle(services: Services, message: Message) -> None:
    """Carry out one message; raises RetryableError when it should be delivered again."""
    deadline = Deadline(services.clock, services.seconds)
    failures: list[Exception] = []
    for work in work_of(services, message):
        # acknowledged: a paused destination catches up when it is live again
        if not work.connection.live:
            continue
        try:
            deliver(services, work, deadline, origin_of(message))
        except Exception as error:
            # the other destinations do not wait for this one
            severity = "WARNING" if isinstance(error, RetryableError) else "ERROR"
            log("export_failed", severity, destination=work.connection.id, reason=_code(error))
            failures.append(error)
    # hourly and for all destinations at once, archived ones included
    if isinstance(message, ExportTick):
        _forget_erased(services)
    if failures:
        raise failures[0]


def _forget_erased(services: Services) -> None:
    done = erased.forget(services.warehouse, services.clock.now())
    for destination, deliveries in sorted(done.unconfirmed.items()):
        incidents.unconfirmed(services, destination, deliveries)


def work_of(services: Services, message: Message) -> list[Work]:
    """What a message asks for; raises UserError for one of another function, NotFoundError for a
    destination that is none."""
    match message:
        case Materialized(conversion=conversion):
            return [
                Work(each, [conversion])
                for each in connections(services)
                if conversion in each.conversions
            ]
        case ExportTick():
            return [Work(each, each.conversions, tick=True) for each in connections(services)]
        case ExportContinuation(destination=id, conversion=conversion, force=force, run_id=run_id):
            found = connection(services, id)
            work = Work(found, [conversion], force, run_id=run_id)
            return [work] if conversion in found.conversions else []
        case ReplayRequested(destination=id, conversion=conversion):
            return [Work(connection(services, id), [conversion], replay=message)]
    raise UserError(f"export does not handle {type(message).__name__}.")


def origin_of(message: Message) -> str:
    """A mark of the message, the same each time that it is delivered."""
    text = f"{type(message).__name__}{message.model_dump_json()}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def deliver(services: Services, work: Work, deadline: Deadline, origin: str) -> None:
    """Do the work under the destination's lease; raises RetryableError while it cannot be had.

    A holder that is asked for more meanwhile takes it on itself when it is done, so that N messages
    end in N runs at most, however many of them met a held lease.
    """
    held = _acquire(services, work, origin)
    if isinstance(held, Asked):
        return
    run_id = _run_id(services, work.run_id, held)
    with releasing(services, work.connection, held):
        if work.tick:
            poll.poll(work.connection, run_id, held.fence, deadline)
            diagnose(work.connection, run_id)
        for conversion in due(work.connection) if work.tick else work.conversions:
            if deadline.left <= 0:
                _continue(services, work.connection, conversion, force=work.force)
            else:
                _run(services, work, conversion, f"{run_id}_{conversion}", held, deadline)
        _asked_meanwhile(services, work.connection, held, deadline)


def _run_id(services: Services, asked: str, held: Lease) -> str:
    """The id of a run, which begins with that under which it was asked for."""
    # job ids begin with it: a message that comes again must not find those of its first run
    return f"{asked}_{held.fence}" if RUN_ID.fullmatch(asked) else f"x{services.new_id()}"


def _asked_meanwhile(
    services: Services, found: Connection, held: Lease, deadline: Deadline
) -> None:
    while deadline.left > 0 and (waiting := lease.asked(services.warehouse, held)):
        # forgotten before they run: whoever asks from here on has seen newer rows
        lease.done(services.warehouse, held, waiting)
        work = Work(found, _conversions(found, waiting))
        run_id = f"x{services.new_id()}"
        for conversion in work.conversions:
            if deadline.left <= 0:
                _continue(services, found, conversion)
            else:
                _run(services, work, conversion, f"{run_id}_{conversion}", held, deadline)


def _conversions(found: Connection, asked: Sequence[str]) -> list[str]:
    """The conversions asked for that the destination still takes, in the order of its config."""
    return [conversion for conversion in found.conversions if conversion in asked]


def _code(error: Exception) -> str:
    """The error in a word: its text may hold what no log may."""
    return error.code if isinstance(error, ProductError) else type(error).__name__


class Asked:
    """The present holder will do it."""


def _acquire(services: Services, work: Work, origin: str) -> Lease | Asked:
    name, holder = work.connection.lease_name, f"{origin}-{services.new_id()}"
    held = lease.acquire(services.warehouse, name, holder, LEASE_SECONDS)
    if held is not None:
        return held
    # a replay must be written down by its own run, so it waits for the lease; a tick comes again
    if work.tick:
        return Asked()
    asking = [] if work.replay or work.force else work.conversions
    if lease.holder_of(services.warehouse, name).startswith(f"{origin}-"):
        # this very message was being worked on: whoever did that may be dead, so it comes again
        # until the lease lapses
        asking = []
    if asking and all(lease.ask_again(services.warehouse, name, each) for each in asking):
        return Asked()
    raise RetryableError(
        f"Another run holds {work.connection.id!r}.", code="destination_busy", fix="Wait for it."
    )


@contextmanager
def releasing(services: Services, found: Connection, held: Lease) -> Iterator[None]:
    """Frees the lease at the end; what was asked for since is sent on, a message a conversion."""

    def pass_on(asked: list[str]) -> None:
        for conversion in _conversions(found, asked):
            _continue(services, found, conversion)

    try:
        yield
    finally:
        lease.release(services.warehouse, held, pass_on)


def _run(
    services: Services, work: Work, conversion: str, run_id: str, held: Lease, deadline: Deadline
) -> None:
    found = work.connection
    try:
        summary = run(services, work, conversion, run_id, held, deadline)
        _leave(found, conversion, run_id, held, deadline, summary)
    except NotFoundError as error:
        # a conversion has no table before its first run
        log("export_without_table", "WARNING", destination=found.id, conversion=conversion,
            detail=error.detail)  # fmt: skip
        return
    log(
        "export_run",
        destination=found.id,
        conversion=conversion,
        run_id=run_id,
        fence=held.fence,
        status=summary.stopped or "done",
        count=summary.requests,
        detail=summary.summary,
    )
    incidents.report(services, found.id, conversion, run_id, summary)
    if summary.remaining:
        _continue(services, found, conversion, force=work.force)
    if "retract" in found.destination.capabilities.adjusts:
        ledger = found.ledger(found.scope(conversion, run_id, held.fence))
        ledger.forget_members(services.clock.now())


def _leave(
    found: Connection, conversion: str, run_id: str, held: Lease, deadline: Deadline, done: Summary
) -> None:
    """Take people out of lists that the conversion fills no more; adds to what the run did."""
    for number, (list, everybody) in enumerate(found.left(conversion), start=1):
        # a new list that is not there yet is no reason to keep anybody in the old one
        if done.stopped in ("out_of_time", "lost_lease"):
            return
        scope = list.scope(conversion, f"{run_id}_left{number}", held.fence)
        ledger = list.leaving(scope, everybody=everybody)
        now = found.services.clock.now()
        if any(ledger.candidates(now, 1)):
            # asked for by a person, so that no limit holds it
            job = Job(list.destination, scope, found.services.settings.currency, force=True)
            done.add(_execute(found.services, job, ledger, deadline))
        ledger.forget_members(now)


def run(
    services: Services, work: Work, conversion: str, run_id: str, held: Lease, deadline: Deadline
) -> Summary:
    """One run of one conversion, after a replay has been written down if there is one."""
    found, replay = work.connection, work.replay
    # a conversion that only leaves lists fills none
    if found.destination.lacks_audience(conversion):
        return Summary()
    if replay:
        scope = found.scope(conversion, f"replay_{replay.request_id}", held.fence)
        found.ledger(scope).request_again(
            replay.start_date, replay.end_date, services.clock.now(), lost=replay.lost
        )
    scope = found.scope(conversion, run_id, held.fence)
    job = Job(found.destination, scope, services.settings.currency, work.force)
    return _execute(services, job, found.ledger(scope), deadline)


def _execute(services: Services, job: Job, ledger: Ledger, deadline: Deadline) -> Summary:
    return Run(
        job,
        ledger,
        lambda request: job.destination.send(request, services.wire),
        services.clock,
        deadline,
        services.chance,
    ).execute()


def _continue(
    services: Services, found: Connection, conversion: str, *, force: bool = False
) -> None:
    today = services.today()
    services.bus().publish(
        ExportContinuation(
            destination=found.id,
            conversion=conversion,
            run_id=f"x{services.new_id()}",
            start_date=today,
            end_date=today,
            force=force,
        )
    )
