"""The delivery ledger in memory: what ledger.sql computes, said once more in Python.

A differential test holds both to the same answers; the simulation runs on this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import islice, takewhile
from typing import ClassVar

from functions.export.ledger.entries import Entry, Scope
from functions.export.ledger.outcomes import Exchange
from functions.export.ledger.protocol import Census, Today
from functions.export.payload.rows import ConversionRow
from functions.export.reconcile.delivery_state import (
    OPEN,
    PARKED_AT_MOST,
    PARKED_FOR,
    Candidate,
    DeliveryState,
    Sent,
    State,
    dedup_key,
)
from functions.export.reconcile.membership import PART
from functions.export.send.due import JUST_NOW

REVIEWED = ("skipped", "rejected", "parked", "failed", "unsupported_change")
ANSWERED = ("accepted", "retry", "rejected", "parked")
REPORTED = ("unsupported_change", "ambiguous", "rejected")
VOIDS = ("absent", "failed", "parked", "unknown")
HEALTHY = ("applied", "unchanged")
ENDS = (*HEALTHY, "held", "failed")


@dataclass(frozen=True)
class TableRun:
    """One finished run of the conversion's table."""

    start: date
    end: date
    status: str
    at: datetime
    rows_read: int = 1


@dataclass(frozen=True)
class Written:
    """An entry as the server keeps it: in the order of its own clock."""

    entry: Entry
    scope: Scope
    recorded: int


@dataclass
class Store:
    """The server's side, shared by all runs: entries, the table, its runs, and the lease."""

    written: list[Written] = field(default_factory=list)
    table: dict[str, ConversionRow] = field(default_factory=dict)
    runs: list[TableRun] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    members: list[tuple[str, str, str]] = field(default_factory=list)
    left: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Members that a request took out which the platform may still refuse."""
    fence: int = 0
    clock: int = 0
    _histories: dict[str, list[Written]] = field(default_factory=dict)
    _read: int = 0
    _states: dict[tuple[str, str], tuple[int, DeliveryState]] = field(default_factory=dict)

    def histories(self) -> dict[str, list[Written]]:
        """Entries by conversion; nothing is ever taken out of `written`."""
        for each in self.written[self._read :]:
            self._histories.setdefault(each.entry.conversion_id, []).append(each)
        self._read = len(self.written)
        return self._histories

    def state(self, account: str, key: str, history: list[Written]) -> DeliveryState | None:
        """What the entries of one conversion come to, worked out once until another one follows."""
        known, found = self._states.get((account, key), (0, None))
        if known == len(history):
            return found
        own = [each for each in history if each.scope.account == account]
        if own:
            found = _delivery_state(own)
            self._states[account, key] = (len(history), found)
        return found


@dataclass
class MemoryLedger:
    """One run's view of the store."""

    store: Store
    scope: Scope
    start_date: date
    qualified_only: bool = True
    healthy: ClassVar[tuple[str, ...]] = HEALTHY

    def census(self) -> Census:
        delivery_states = self.delivery_states()
        held = {key for key, delivery_state in delivery_states.items() if delivery_state.holding}
        gone = {key for key in held if key not in self.store.table}
        proved = {key for key in gone if self._gone_at(key, delivery_states[key])}
        lost = {
            key
            for key in held - gone
            if self.qualified_only and self.store.table[key].is_qualified is False
        }
        early = {
            key
            for key, row in self.store.table.items()
            if key not in delivery_states and row.date < self.start_date
        }
        return Census(len(held), len(proved | lost), len(gone - proved), len(early))

    def candidates(self, now: datetime, limit: int | None = None) -> Iterator[Candidate]:
        return islice(self._candidates(now), limit)

    def _candidates(self, now: datetime) -> Iterator[Candidate]:
        delivery_states = self.delivery_states()
        known = self._status_is_known()
        known_by, claims = self._known_by()
        present = sorted(self.store.table.values(), key=lambda row: (row.date, row.id))
        for row in present:
            delivery_state = delivery_states.get(row.id, DeliveryState())
            if self._wants_a_look(row, delivery_state, now):
                yield Candidate(
                    row.id,
                    delivery_state,
                    row if known else replace(row, is_qualified=True),
                    members=known_by.get(row.id, ()),
                    claims=claims(row.id),
                )
        for key in sorted(set(delivery_states) - set(self.store.table), key=self._day_and_id):
            delivery_state = delivery_states[key]
            gone_at = self._gone_at(key, delivery_state)
            live = bool(delivery_state.holding or delivery_state.in_doubt)
            resting = delivery_state.state == "parked" and not self._parked_long(key, now)
            failed = delivery_state.state == "failed" and not (
                self._newly_in_doubt(key) or delivery_state.refused_in_doubt
            )
            shown = delivery_state.row_hash is None and (
                delivery_state.state in REPORTED or resting or failed
            )
            parked = delivery_state.state == "parked" and not resting
            if (gone_at and not shown) if live else delivery_state.state in OPEN or parked:
                members = known_by.get(key, ())
                yield Candidate(
                    key, delivery_state, None, gone_at, self._date(key), members, claims(key)
                )

    def _known_by(
        self,
    ) -> tuple[dict[str, tuple[str, ...]], Callable[[str], tuple[str, ...]]]:
        """What the platform was given of each conversion, the latest first; who else holds it."""
        known: dict[str, dict[str, None]] = {}
        for _, key, member in reversed(self.store.members):
            known.setdefault(key, {}).setdefault(member)
        holders = self._holders()

        def claims(key: str) -> tuple[str, ...]:
            return tuple(
                f"{member}{PART}{self.scope.conversion}/{other}"
                for member in sorted(known.get(key, ()))
                for other in sorted(holders.get(member, ()))
                if other != key
            )

        return {key: tuple(members) for key, members in known.items()}, claims

    def _holders(self, *, joining: bool = False) -> dict[str, set[str]]:
        """Conversions by the members that they hold: those whose newest acceptance or doubt is no
        retraction; with `joining` also those that are on the way in."""
        states = ("accepted", "unknown", *(("sending",) if joining else ()))
        ordered = [written.entry for written in sorted(self.store.written, key=_order)]
        void = {
            (entry.conversion_id, entry.request_id): place
            for place, entry in enumerate(ordered)
            if entry.state in VOIDS and entry.request_id
        }
        newest = {
            entry.conversion_id: entry
            for place, entry in enumerate(ordered)
            if entry.state in states
            and place >= void.get((entry.conversion_id, entry.request_id), 0)
        }
        holders: dict[str, set[str]] = {}
        for _, key, member in self.store.members:
            if key in newest and not _retracts(newest[key]):
                holders.setdefault(member, set()).add(key)
        return holders

    def append(self, entries: Sequence[Entry], *, only_as_holder: bool) -> bool:
        if only_as_holder and self.store.fence != self.scope.fence:
            return False
        self.store.clock += 1
        self.store.written += [Written(e, self.scope, self.store.clock) for e in entries]
        return True

    def append_members(self, members: Sequence[tuple[str, str]], now: datetime) -> None:
        self.store.members += [(self.scope.conversion, *each) for each in members]

    def drop_members(self, members: Sequence[tuple[str, str, str]]) -> None:
        if self.store.fence != self.scope.fence:
            return
        gone = {(self.scope.conversion, *each[:2]): each[2] for each in members}
        self.store.left += [
            (*each, gone[each]) for each in dict.fromkeys(self.store.members) if gone.get(each)
        ]
        self.store.members = [each for each in self.store.members if each not in gone]

    def rejoin(self, identifiers: Sequence[str], now: datetime) -> None:
        holders = self._holders(joining=True)
        keys = {key for each in identifiers for key in holders.get(each, ())}
        self._ask(keys, "late_removal", now)

    def leave(self, request_id: str, *, refused: bool, now: datetime) -> None:
        """What poll.py does about members who left by a request."""
        gone = [each for each in self.store.left if each[3] == request_id]
        self.store.left = [each for each in self.store.left if each[3] != request_id]
        if refused:
            self._ask({key for _, key, *_ in gone}, "late", now)
            self.store.members += [each[:3] for each in gone]

    def _ask(self, keys: Iterable[str], reason: str, now: datetime) -> None:
        """What an entry `requested` says of conversions that the ledger knows."""
        newest = {key: max(self._entries(key), key=_order).entry for key in sorted(keys)}
        self._write(
            replace(
                entry, at=now, state="requested", sent=None, request_id="", reason=reason, seq=0
            )
            for entry in newest.values()
        )

    def reopen(self, request_id: str, state: State, now: datetime) -> None:
        """What poll_reopen.sql writes of a request that was refused later."""
        accepted = [
            w for w in sorted(self.store.written, key=_order) if w.entry.state == "accepted"
        ]
        newest = {written.entry.conversion_id: written for written in accepted}
        self.store.clock += 1
        self.store.written += [
            Written(
                replace(
                    entry,
                    at=now,
                    reason="late",
                    state="unknown" if state == "absent" and _retracts(entry) else state,
                ),
                self.scope,
                # another acceptance that has followed says what the platform has
                self.store.clock if newest[entry.conversion_id] is each else each.recorded,
            )
            for each in accepted
            if (entry := each.entry).request_id == request_id
        ]

    def erase(self, key: str, now: datetime) -> None:
        """What erase_person writes of a conversion that the ledger knows."""
        entries = self._entries(key)
        if entries:
            newest = max(entries, key=_order).entry
            self._write([replace(newest, at=now, state="erased", sent=None, request_id="")])

    def _write(self, entries: Iterable[Entry]) -> None:
        self.store.clock += 1
        self.store.written += [Written(each, self.scope, self.store.clock) for each in entries]

    def append_requests(self, exchanges: Sequence[Exchange], now: datetime) -> None:
        self.store.exchanges += exchanges

    def delivery_states(self) -> dict[str, DeliveryState]:
        """What is known of each conversion of this account."""
        return {
            key: state
            for key, history in self.store.histories().items()
            if (state := self.store.state(self.scope.account, key, history))
        }

    def _wants_a_look(
        self, row: ConversionRow, delivery_state: DeliveryState, now: datetime
    ) -> bool:
        if delivery_state.state is None:
            return row.date >= self.start_date
        return (
            delivery_state.state in OPEN
            or delivery_state.row_hash != row.row_hash
            or row.row_hash is None
            or (delivery_state.state in REVIEWED and delivery_state.version != self.scope.version)
            or (delivery_state.state == "parked" and self._parked_long(row.id, now))
            or (delivery_state.state == "failed" and self._newly_in_doubt(row.id))
            or delivery_state.refused_in_doubt
        )

    def _parked_long(self, key: str, now: datetime) -> bool:
        return max(self._entries(key), key=_order).entry.at < now - PARKED_FOR

    def _newly_in_doubt(self, key: str) -> bool:
        """Whether an attempt since the newest acceptance is in doubt."""
        return _newly_in_doubt(sorted(self._entries(key), key=_order))

    def today(self, since: datetime) -> Today:
        latest = [w.entry for w in self.store.written if w.entry.at >= since and w.entry.sent]
        accepted = {entry.conversion_id for entry in latest if entry.state == "accepted"}
        refused: dict[str, set[str]] = {}
        for entry in latest:
            if entry.state in ("rejected", "parked"):
                key = dedup_key(self.scope.conversion, entry.conversion_id)
                refused.setdefault(entry.reason, set()).add(key)
        back_to = (since - PARKED_AT_MOST).date()
        taken = [
            w.entry.at
            for w in self.store.written
            if w.entry.state == "accepted" and w.entry.sent and w.entry.at.date() >= back_to
        ]
        return Today(len(accepted), refused, max(taken, default=None))

    def park(self, reasons: Sequence[str], since: datetime, now: datetime) -> None:
        newest = {w.entry.conversion_id: w.entry for w in sorted(self.store.written, key=_order)}
        self.store.clock += 1
        self.store.written += [
            Written(replace(entry, state="parked", at=now), self.scope, self.store.clock)
            for entry in newest.values()
            if (entry.state, entry.at >= since) == ("rejected", True) and entry.reason in reasons
        ]

    def _status_is_known(self) -> bool:
        """Whether any row says anything of its status; if none does, all count as qualified."""
        return any(row.is_qualified is not None for row in self.store.table.values())

    def _day_and_id(self, key: str) -> tuple[bool, date, str]:
        day = self._date(key)
        return (day is not None, day or date.min, key)

    def _gone_at(self, key: str, delivery_state: DeliveryState) -> datetime | None:
        day = self._date(key)
        ended = [run for run in self.store.runs if run.status in ENDS]
        covering = [run for run in ended if day and run.start <= day <= run.end]
        newest = max(covering, key=lambda run: run.at, default=None)
        proofs = [w.entry.at for w in self._entries(key) if w.entry.state == "erased"]
        if newest and newest.status in self.healthy and newest.rows_read != 0:
            proofs.append(newest.at)
        gone_at = max(proofs, default=None)
        held, in_doubt = delivery_state.held, delivery_state.in_doubt
        again = held and in_doubt and held.op == in_doubt.op == "retract"
        sent = None if again else held or in_doubt
        return gone_at if gone_at and (sent is None or gone_at > sent.at) else None

    def _entries(self, key: str) -> list[Written]:
        return self.store.histories().get(key, [])

    def _date(self, key: str) -> date | None:
        entries = self._entries(key)
        return max(entries, key=_order).entry.conversion_date if entries else None


def _order(written: Written) -> tuple[int, int, int]:
    return (written.recorded, written.scope.fence, written.entry.seq)


def _delivery_state(history: list[Written]) -> DeliveryState:
    ordered = sorted(history, key=_order)
    last = ordered[-1]
    held: Sent | None = None
    doubts: list[Sent] = []
    for number, (written, following) in enumerate(
        zip(ordered, [*ordered[1:], None], strict=True), start=1
    ):
        entry = written.entry
        match entry.state:
            case "accepted" if not _refused_later(entry, ordered[number:]):
                held, doubts = entry.sent, []
            case "absent" if not entry.request_id:
                held, doubts = None, []
            case "sending" if following is not None and following.entry.state in ANSWERED:
                pass
            case "sending" | "unknown":
                doubts += [entry.sent] if entry.sent else []
    meanwhile = last.entry.state == "accepted" and _asked_meanwhile(ordered)
    parked = _parked(ordered)
    return DeliveryState(
        "requested" if meanwhile else last.entry.state,
        last.entry.reason or None,
        last.entry.row_hash,
        last.scope.version,
        held,
        doubts[0] if doubts else None,
        any(sent.op == "retract" for sent in doubts),
        _refused_in_doubt(ordered, doubts),
        min(parked, default=None),
        len(parked),
    )


def _parked(ordered: Sequence[Written]) -> list[datetime]:
    """When it was parked, as it is, after whatever else was decided; the newest first."""
    entries = [written.entry for written in ordered]
    undecided = ("parked", "sending", "retry", "unknown")
    tail = takewhile(lambda each: each.state in undecided, reversed(entries))
    parked = [each for each in tail if each.state == "parked"]
    return [each.at for each in parked if each.row_hash == entries[-1].row_hash]


def _asked_meanwhile(ordered: Sequence[Written]) -> bool:
    """Whether a late removal was written down after the latest delivery had begun."""
    entries = [written.entry for written in ordered]
    sent = max((i for i, each in enumerate(entries) if each.state == "sending"), default=-1)
    late = ("requested", "late_removal")
    return any((each.state, each.reason) == late for each in entries[sent + 1 :])


def _newly_in_doubt(ordered: Sequence[Written]) -> bool:
    states = [written.entry.state for written in ordered]
    answered = max((i for i, state in enumerate(states) if state == "accepted"), default=-1)
    cleared = max(
        (
            i
            for i, written in enumerate(ordered)
            if written.entry.state == "absent" and not written.entry.request_id
        ),
        default=-1,
    )
    return any(
        state == "unknown"
        or (state == "sending" and (*states[i + 1 : i + 2], "")[0] not in ANSWERED)
        for i, state in enumerate(states)
        if i > max(answered, cleared)
    )


def _refused_in_doubt(ordered: Sequence[Written], doubts: Sequence[Sent]) -> bool:
    newest = ordered[-1].entry
    refused = newest.sent.fingerprint if newest.state == "failed" and newest.sent else None
    another = any(sent.fingerprint != refused for sent in doubts)
    return refused is not None and another and not _newly_in_doubt(ordered)


def _retracts(entry: Entry) -> bool:
    return entry.sent is not None and entry.sent.op == "retract"


def _refused_later(entry: Entry, later: Sequence[Written]) -> bool:
    """Whether the request that the acceptance belongs to was refused afterwards."""
    return bool(entry.request_id) and any(
        each.entry.request_id == entry.request_id and each.entry.state in VOIDS for each in later
    )


def due(store: Store, just_now: datetime, since: date) -> bool:
    """Whether a tick would run: something is open among the latest entries, or a table is new."""
    newest = {
        key: max(late, key=_order)
        for key, history in store.histories().items()
        if (late := [each for each in history if each.entry.at.date() >= since])
    }
    new = any(run.at >= just_now and run.status in HEALTHY for run in store.runs)
    parked = [w.entry for w in newest.values() if w.entry.state == "parked"]
    old = just_now + JUST_NOW - PARKED_FOR
    return (
        new
        or any(written.entry.state in OPEN for written in newest.values())
        or any(entry.at < old for entry in parked)
    )
