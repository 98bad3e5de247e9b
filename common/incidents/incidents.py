"""Incidents: reported once a day for each cause, open until resolved or gone.

The table is append-only. What an incident is now follows from its entries: those after the newest
that resolved it are its present episode, and the newest entry says its state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from common.bigquery.sql import Parameter, Sql, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.errors import NotFoundError
from common.incidents.current import State, current
from common.logs import log
from common.untyped import JsonObject, Row

REACH = timedelta(days=92)
"""An incident that nobody reported for longer is over; reads look no further back."""

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Incident:
    """What happened, where, and what to do next. Counts and causes in `detail` may change."""

    code: str
    detail: str
    fix: str
    subject: str = ""
    """The conversion or destination concerned, "" for the whole project."""
    object: str = ""
    """What tells incidents of one code and subject apart, such as a shard or a currency."""
    severity: Severity = "error"

    @property
    def identity(self) -> str:
        """16 hexadecimal digits of code, subject and object."""
        # no text of it: counts in the words change from day to day, and the cause does not
        key = "|".join((self.code, self.subject, self.object))
        return hashlib.sha256(key.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class IncidentLog:
    """The incidents that one function reports at the moment `now`."""

    warehouse: Warehouse
    source: str
    """The function that reports, such as materialize."""
    now: datetime

    def report(self, incidents: Iterable[Incident], run_id: str = "") -> None:
        """Append an entry for each incident that this run, or without a run this day, lacks."""
        found = {incident.identity: incident for incident in incidents}
        if not found:
            return
        # one read for all that the run found
        known = {row["incident_id"]: row for row in self._present(ids=sorted(found))}
        self._write(found, known, run_id)

    def conclude(
        self, subject: str, incidents: Iterable[Incident], run_id: str, *, until: date
    ) -> None:
        """Report what a run found of the subject, and resolve what earlier ones did and it did not:
        `report` and `resolve_gone` with one read and one append."""
        found = {incident.identity: incident for incident in incidents}
        known = {row["incident_id"]: row for row in self._present(subject=subject)}
        there = [row for identity, row in known.items() if identity not in found]
        gone = self._gone(there, run_id, None, until)
        self._write(found, known, run_id, [self._resolved(row, run_id) for row in gone])

    def _write(
        self,
        found: Mapping[str, Incident],
        known: Mapping[str, Row],
        run_id: str,
        besides: Sequence[Row] = (),
    ) -> None:
        """Append an entry for each incident that the run lacks, and those `besides`."""
        new = [
            incident
            for identity, incident in found.items()
            if not self._is_known(known.get(identity), run_id)
        ]
        entries = [self._entry(each, known.get(each.identity), run_id) for each in new]
        self.warehouse.append("incidents", [*entries, *besides])
        for incident in new:
            self._announce(incident, known.get(incident.identity), run_id)

    def resolve(self, incident: Incident, run_id: str = "") -> None:
        """Resolve the incident, if it is open."""
        self._resolve(self._present(ids=[incident.identity]), run_id)

    def resolve_gone(
        self,
        subject: str,
        run_id: str,
        *,
        codes: Iterable[str] | None = None,
        until: date | None = None,
        is_judged: Callable[[str], bool] | None = None,
    ) -> None:
        """Resolve what earlier runs of this function reported of the subject and this one did not.

        `codes` are those that the run judged, and `is_judged` tells of which objects, all unless
        given: what was not looked at stays open.
        `until` is the last day that the run looked at: what a run of later days found stays open
        too. Without it, as for what has no days, every earlier run counts.
        """
        gone = self._gone(self._present(subject=subject), run_id, codes, until, is_judged)
        self._resolve(gone, run_id)

    def _gone(
        self,
        present: Iterable[JsonObject],
        run_id: str,
        codes: Iterable[str] | None,
        until: date | None,
        is_judged: Callable[[str], bool] | None = None,
    ) -> list[JsonObject]:
        judged = None if codes is None else frozenset(codes)
        gone = [
            row
            for row in present
            if row["source"] == self.source
            # what this run has reported itself is here, not gone
            and row["run_id"] != run_id
            and (judged is None or row["code"] in judged)
            and (is_judged is None or is_judged(row["object"]))
        ]
        if until is None or not gone:
            return gone
        later = self._of_later_days(gone, until)
        return [row for row in gone if row["incident_id"] not in later]

    def open_before(self, run_id: str) -> frozenset[str]:
        """The subjects of whom an incident of this function was open when this process first asked
        for the run: one statement for all of them, and most have none."""
        sql = template(__file__, "incidents_subjects", current=self._current())
        bound = with_parameters(sql, source=self.source, resolved=State.RESOLVED)
        found = self.warehouse.recalled(f"incidents|{self.source}|{run_id}", bound)
        return frozenset(row["subject"] for row in found)

    def decide(self, identity: str, state: State, *, by: str, note: str = "") -> None:
        """Write down what a person says of an open incident; raises NotFoundError for others."""
        known = next(iter(self._present(ids=[identity])), None)
        if known is None:
            raise NotFoundError(
                f"There is no open incident {identity!r}.",
                code="unknown_incident",
                fix="GET /incidents lists those that are open.",
            )
        row = {**_carried(known), "state": state, "decided_by": by, "note": note}
        self.warehouse.append("incidents", [{**row, **self._moment()}])

    def _present(
        self, *, ids: Iterable[str] = (), subject: str | None = None
    ) -> Iterator[JsonObject]:
        """The newest entry of each incident of these, or of the subject, that is not resolved."""
        # before anything is numbered: a busy project has thousands of entries
        sql = template(__file__, "incidents_open", current=self._current(_ASKED))
        bound = with_parameters(
            sql,
            ids=Parameter("ARRAY<STRING>", list(ids)),
            subject=Parameter("STRING", subject),
            resolved=State.RESOLVED,
        )
        return self.warehouse.rows(bound)

    def _current(self, which: str = "") -> Sql:
        return current(self.warehouse, self.now.astimezone(UTC).date() - REACH, which)

    def _of_later_days(self, open_: Iterable[Row], until: date) -> frozenset[str]:
        """Which of the incidents a run reported whose own last day is after `until`."""
        sql = template(
            __file__,
            "incidents_of_later_days",
            incidents=self.warehouse.table("incidents"),
            runs=self.warehouse.table("runs"),
        )
        bound = with_parameters(
            sql,
            ids=Parameter("ARRAY<STRING>", [row["incident_id"] for row in open_]),
            since=min(row["first_day"] for row in open_),
            until=until,
        )
        return frozenset(row["incident_id"] for row in self.warehouse.rows(bound))

    def _is_known(self, entry: Row | None, run_id: str) -> bool:
        # another run writes an entry of its own: by it `resolve_gone` knows who saw it last
        return entry is not None and self._is_today(entry) and run_id in ("", entry["run_id"])

    def _is_today(self, entry: Row) -> bool:
        return bool(entry["last_day"] == self.now.astimezone(UTC).date())

    def _moment(self) -> dict[str, object]:
        at = self.now.astimezone(UTC)
        return {"date": at.date(), "recorded_at": at}

    def _entry(self, incident: Incident, known: Row | None, run_id: str) -> dict[str, object]:
        return {
            **self._moment(),
            "incident_id": incident.identity,
            "code": incident.code,
            "severity": incident.severity,
            "conversion": incident.subject,
            "object": incident.object,
            "source": self.source,
            # what a person has acknowledged stays so, however often it is seen again
            "state": known["state"] if known else State.OPEN,
            "run_id": run_id,
            "detail": incident.detail,
            "fix": incident.fix,
        }

    def _announce(self, incident: Incident, known: Row | None, run_id: str) -> None:
        """One line a day in the log, which alerts read."""
        # an alert for each of 24 runs a day would soon be muted
        if known is not None and self._is_today(known):
            return
        log(
            "incident",
            incident.severity.upper(),
            code=incident.code,
            conversion=incident.subject,
            run_id=run_id,
            detail=incident.detail,
        )

    def _resolve(self, entries: Iterable[Row], run_id: str) -> None:
        # an append without rows is no request
        self.warehouse.append("incidents", [self._resolved(entry, run_id) for entry in entries])

    def _resolved(self, entry: Row, run_id: str) -> dict[str, object]:
        return {
            **_carried(entry),
            **self._moment(),
            "state": State.RESOLVED,
            "run_id": run_id,
            "note": "No longer seen.",
        }


_ASKED = "(incident.incident_id IN UNNEST(@ids) OR COALESCE(incident.conversion, '') = @subject)"
"""What tells apart is the same in all entries of an incident."""

_KEPT = "incident_id code severity conversion object source run_id detail fix".split()


def _carried(entry: Row) -> JsonObject:
    return {name: entry[name] for name in _KEPT}
