"""The append-only ledger of runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from common.bigquery.leases.lease import Lease, table_of
from common.bigquery.sql import Parameter, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.incidents.incidents import Incident, IncidentLog
from common.logs import log
from common.messaging.messages import MaterializeTask, ScoreTask
from common.model.run_status import CLOSED, COVERED, DONE, SETTLED, RunStatus
from common.untyped import JsonObject, Row

LONGEST_RUN = timedelta(days=31)
"""No run is at work for longer: after two days nobody asks for its tasks again."""
_SEVERITY = {RunStatus.FAILED: "ERROR", RunStatus.HELD: "WARNING"}


@dataclass(frozen=True)
class Done:
    """How far a conversion is up to date, and since when."""

    until: date
    at: datetime


@dataclass(frozen=True)
class Past:
    """What was before a run of a conversion."""

    versions: frozenset[int]
    """Versions of its definition that ran to their end."""
    last: Done | None
    """How far this version is; None when it never ran to its end."""
    begins: date | None = None
    """The first day that any version was ever run for; None before the first run."""


@dataclass(frozen=True)
class Books:
    """What a task has to know before its work, read at one moment."""

    entries: Sequence[Row]
    """What happened in its run to its conversion and to the run as a whole, oldest first."""
    past: Past
    settled_fence: int | None
    """The newest fence whose holder wrote down how its task ended, so that nothing of it runs."""
    free_fence: int | None
    """The fence of the conversion's lease; None while somebody holds it, or before there is one."""
    has_lease: bool
    """Whether there is a lease of the conversion, free or held."""
    definitions: str
    """What changes with each new version of a definition."""
    staged: str
    """What changes whenever a run has written the stage."""

    def still_hold(self, taken: Lease) -> bool:
        """Whether nobody but this holder can have written anything since they were read."""
        if taken.is_first:
            return not self.has_lease
        return self.free_fence is not None and taken.fence == self.free_fence + 1


@dataclass(frozen=True)
class Ledger:
    """Writes and reads the ledger at the moment `now`."""

    warehouse: Warehouse
    now: datetime

    def plan(self, run_id: str, tasks: Iterable[MaterializeTask | ScoreTask]) -> None:
        """Append what a run is going to do, in one load."""
        self.warehouse.append("runs", [self._planned(run_id, task) for task in tasks])

    def write(self, run_id: str, status: RunStatus, **columns: Any) -> None:
        """Append one entry about what happened."""
        self.warehouse.append("runs", [self._entry(run_id, status, **columns)])
        log(
            "run",
            _SEVERITY.get(status, "INFO"),
            run_id=run_id,
            status=status,
            # an allow-list: a detail may quote what no log may hold
            **{
                name: columns[name]
                for name in (
                    "conversion",
                    "inserted",
                    "updated",
                    "deleted",
                    "bytes_processed",
                    "seconds",
                    "trigger",
                )
                if columns.get(name) is not None
            },
        )

    def _planned(self, run_id: str, task: MaterializeTask | ScoreTask) -> JsonObject:
        names = "conversion tier trigger definition_version start_date end_date".split()
        facts = {name: getattr(task, name) for name in names}
        return self._entry(run_id, RunStatus.PLANNED, message=task.model_dump_json(), **facts)

    def _entry(self, run_id: str, status: RunStatus, **columns: Any) -> JsonObject:
        at = self.now.astimezone(UTC)
        moment = {"date": at.date(), "recorded_at": at}
        return {**moment, "run_id": run_id, "status": status, "conversion": "", **columns}

    def report(self, incident: Incident, run_id: str = "") -> None:
        """Report what needs a person's eye."""
        self._incidents.report([incident], run_id)

    def resolve(self, incident: Incident) -> None:
        """Resolve the incident, if it is open: what it told of is over."""
        self._incidents.resolve(incident)

    def resolve_gone(
        self,
        subject: str,
        run_id: str,
        *,
        codes: Iterable[str] | None = None,
        until: date | None = None,
        is_judged: Callable[[str], bool] | None = None,
    ) -> None:
        """Resolve what earlier runs of days up to `until` reported of the subject, not this one.

        Only what is in these codes, if they are given, and of the objects that it judged. What
        another run reports while this one is at work stays open until the next.
        """
        if subject in self._incidents.open_before(run_id):
            self._incidents.resolve_gone(
                subject, run_id, codes=codes, until=until, is_judged=is_judged
            )

    def conclude(
        self, subject: str, found: Iterable[Incident], run_id: str, *, until: date
    ) -> None:
        """Report what the run found of the subject at its end, and resolve what earlier runs of
        days up to `until` reported and it did not."""
        # of most nothing was ever reported, and nothing is read
        if subject in self._incidents.open_before(run_id):
            self._incidents.conclude(subject, found, run_id, until=until)
        else:
            self._incidents.report(found, run_id)

    @property
    def _days_of_a_run(self) -> dict[str, date]:
        """When the entries of a run that is not over can have been written."""
        today = self.now.astimezone(UTC).date()
        # clocks of other workers may be behind or ahead
        return {"since": today - LONGEST_RUN, "until": today + timedelta(days=1)}

    @property
    def _incidents(self) -> IncidentLog:
        return IncidentLog(self.warehouse, "materialize", self.now)

    def entries(self, run_id: str) -> list[JsonObject]:
        """What happened to each task of one run, oldest first."""
        sql = template(__file__, "ledger_entries", runs=self.warehouse.table("runs"))
        bound = with_parameters(sql, run_id=run_id, **self._days_of_a_run)
        return list(self.warehouse.rows(bound))

    def waiting(self, run_id: str, after: int) -> list[JsonObject]:
        """The tasks of the lowest tier of a run that is not closed: tier and message.

        Only the first of them while that tier is not above `after`, so that one answer a run holds
        many rows; [] once the run has ended.
        """
        sql = template(__file__, "ledger_waiting", runs=self.warehouse.table("runs"))
        bound = with_parameters(
            sql,
            run_id=run_id,
            **self._days_of_a_run,
            after=after,
            planned=RunStatus.PLANNED,
            closed=Parameter("ARRAY<STRING>", sorted(CLOSED)),
        )
        return list(self.warehouse.rows(bound))

    def books(self, run_id: str, conversion: str, version: int) -> Books:
        """All that a task of the run asks of ledger, lease and definitions, in one statement."""
        sql = template(
            __file__,
            "ledger_books",
            runs=self.warehouse.table("runs"),
            leases=self.warehouse.table(table_of(conversion)),
            definitions=self.warehouse.table("definitions"),
        )
        bound = with_parameters(
            sql,
            run_id=run_id,
            conversion=conversion,
            version=version,
            done=Parameter("ARRAY<STRING>", list(DONE)),
            covered=Parameter("ARRAY<STRING>", list(COVERED)),
            settled=Parameter("ARRAY<STRING>", list(SETTLED)),
            staged=RunStatus.STAGED,
        )
        found = next(self.warehouse.rows(bound))
        until = found["done_until"]
        last = None if until is None else Done(until, found["done_at"])
        return Books(
            found["entries"] or (),
            Past(frozenset(found["versions"] or ()), last, found["begins"]),
            found["settled_fence"],
            found["free_fence"],
            bool(found["has_lease"]),
            f"{found['versions_saved']} {found['newest_saved']}",
            f"{found['times_staged']} {found['newest_staged']}",
        )


@dataclass
class Clock:
    """Measures how long something took, by a function that tells seconds."""

    seconds: Any
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.seconds()

    def elapsed(self) -> float:
        """Seconds since it was made, in thousandths."""
        return float(round(self.seconds() - self.started, 3))

    def now(self, began: datetime) -> datetime:
        """The moment that it is by now, where it was made at the moment `began`."""
        return began + timedelta(seconds=self.elapsed())
