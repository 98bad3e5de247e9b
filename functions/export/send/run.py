"""One run of one conversion to one destination: select, reconcile, write down, send, write down.

Nothing leaves before the ledger says that it is about to; whatever happens next, the ledger never
knows less than the platform. Proof by simulation: tests/export/test_simulation.py.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from functions.export.contract.base import STAYS, Built, Destination, chunks
from functions.export.contract.config import DestinationConfig
from functions.export.ledger.entries import Entry, Scope, Scribe
from functions.export.ledger.outcomes import Outcome
from functions.export.ledger.protocol import Census, Ledger
from functions.export.reconcile.delivery_state import PARKED_AT_MOST, PROVED_AFTER, Candidate
from functions.export.reconcile.eligibility import unknown_values
from functions.export.reconcile.membership import Membership
from functions.export.reconcile.reconcile import Decision, Deliver, Note, Nothing, Terms, reconcile
from functions.export.send.delivery import CANARIES, Delivery
from functions.export.transport.calls import Reply, Request
from functions.export.transport.clock import Clock, Deadline
from functions.export.transport.results import Halted

WAVE = 6000
"""Rows that are written down, sent and written down together: two ledger statements for each."""

WAVE_WITHOUT_MEMORY = 100
"""The same for a platform that counts repeats: what a crash leaves in doubt stays small."""


A_DAY = timedelta(days=1)

HALTED = "halted:"
"""Before the reason for which rows wait until an account is mended."""

CANNOT_GO = ("unsupported_change", "ambiguous")

Orders = dict[str, tuple[Deliver, Entry, bool]]
"""What to send by its key: the decision, its entry, and whether the platform refused it before."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to run. `force` takes back even what the retraction limit would hold."""

    destination: Destination[Any]
    scope: Scope
    currency: str
    force: bool = False


@dataclass
class Summary:
    """What a run did: entries by state, decisions not to send by reason."""

    states: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    """Why the platform refused rows for good, by reason."""
    parked: Counter[str] = field(default_factory=Counter)
    """Why it refused rows that are tried again, by reason."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Rows that hold a word of no list, by column."""
    requests: int = 0
    unproved: int = 0
    early: int = 0
    stays: int = 0
    """Gone from the table, and the platform cannot take them back, or nobody knows."""
    held_back: int = 0
    halted: Halted | None = None
    stopped: str = ""

    def add(self, other: Summary) -> None:
        """Count what another run of the same conversion did as well."""
        for mine, theirs in (
            (self.states, other.states),
            (self.reasons, other.reasons),
            (self.refusals, other.refusals),
            (self.parked, other.parked),
        ):
            mine.update(theirs)
        self.requests += other.requests
        self.stays += other.stays
        self.halted = self.halted or other.halted
        self.stopped = self.stopped or other.stopped

    @property
    def summary(self) -> str:
        """What happened to how many conversions, and how many the first day keeps at home."""
        counts = dict(sorted(self.states.items()))
        if self.early:
            counts["before_first_day"] = self.early
        return ", ".join(f"{state} {count}" for state, count in counts.items())

    @property
    def remaining(self) -> bool:
        """Whether there is more to do that only needs more time."""
        return self.stopped == "out_of_time"


class Brake:
    """Stops a mass retraction: what a broken table looks like from here."""

    def __init__(self, census: Census, config: DestinationConfig, *, force: bool) -> None:
        share = math.floor(census.held * config.retraction_limit_share)
        self.limit = max(config.retraction_limit_rows, share)
        self._left: float = math.inf if force else self.limit
        if not force and census.leaving > self.limit:
            # none of them rather than the first few: nobody knows yet which are wrong
            self._left = 0
        self.held_back = 0

    def lets_go(self) -> bool:
        """Whether one more conversion may be taken back."""
        if self._left < 1:
            self.held_back += 1
            return False
        self._left -= 1
        return True


class Run:
    """One run; `execute` is called once."""

    def __init__(
        self,
        job: Job,
        ledger: Ledger,
        send: Callable[[Request], Reply],
        clock: Clock,
        deadline: Deadline,
        chance: random.Random,
    ) -> None:
        self._job = job
        self._ledger = ledger
        self._clock = clock
        self._scribe = Scribe(job.destination.capabilities.retraction)
        self._summary = Summary()
        self._written = 0
        self._newest: datetime | None = None
        self._membership = Membership(job.scope.conversion)
        self._delivery = Delivery(
            job.destination, job.scope.conversion, job.scope.run_id, send, clock, deadline, chance
        )

    def execute(self) -> Summary:
        """Bring the platform as near to the table as it allows, within the time."""
        job, summary = self._job, self._summary
        began = self._clock.now()
        census, today = self._ledger.census(), self._ledger.today(began - A_DAY)
        # a day and not a run: an account that is wrong may refuse one row in each of many runs
        self._delivery.accepted, self._newest = today.accepted, today.newest
        self._delivery.refused.update({why: set(keys) for why, keys in today.refused.items()})
        brake = Brake(census, job.destination.config, force=job.force)
        candidates = self._ledger.candidates(began)
        chance, waited = self._delivery.chance, self._delivery.halted_for
        for wave in waves(candidates, job.destination, chance, waited):
            if not self._run_wave(wave, brake):
                break
        # what was refused for good before it came out that the account was at fault
        self._ledger.park(sorted(self._delivery.blamed), began - A_DAY, self._clock.now())
        summary.unproved, summary.early = census.unproved, census.early
        summary.held_back = brake.held_back
        summary.requests = len(self._delivery.exchanges)
        summary.halted = self._delivery.halted
        summary.stopped = summary.stopped or self._delivery.stopped
        return summary

    def _run_wave(self, wave: Sequence[Candidate], brake: Brake) -> bool:
        """Plan, write down, send and write down; False when the run must stop."""
        orders, entries = self._planned(wave, brake)
        known_by = [
            (entry.conversion_id, member)
            for order, entry, _ in orders.values()
            for member in order.built.members
        ]
        # before anybody joins, or a crash would leave them there for good
        self._ledger.append_members(known_by, self._clock.now())
        if not self._ledger.append(entries, only_as_holder=True):
            self._summary.stopped = "lost_lease"
            return False
        outcomes = self._delivered(orders)
        self._append_requests()
        if not self._ledger.append(outcomes, only_as_holder=True):
            self._summary.stopped = "lost_lease"
            outcomes = [put_in_doubt(outcome) for outcome in outcomes]
            # what it sent late counts: who left meanwhile is there again, and known by that again
            self._ledger.append_members(known_by, self._clock.now())
            self._ledger.append(outcomes, only_as_holder=False)
            # who joined while this run slept may have been taken out by what it sent
            self._ledger.rejoin(sorted(removed(orders)), self._clock.now())
        outcomes = [*{outcome.conversion_id: outcome for outcome in outcomes}.values()]
        self._summary.states.update(outcome.state for outcome in outcomes)
        for state, counts in (
            ("rejected", self._summary.refusals),
            ("parked", self._summary.parked),
        ):
            counts.update(outcome.reason for outcome in outcomes if outcome.state == state)
        return not (self._summary.stopped or self._delivery.stopped)

    def _append_requests(self) -> None:
        """Write down the requests that left since the last call. They come before whatever follows
        from them: after a kill in between, what is refused later is still asked for."""
        exchanges = self._delivery.exchanges
        fresh, self._written = exchanges[self._written :], len(exchanges)
        self._ledger.append_requests(fresh, self._clock.now())

    def _planned(self, wave: Sequence[Candidate], brake: Brake) -> tuple[Orders, list[Entry]]:
        """What to send by its key, and everything to write down before."""
        now, destination = self._clock.now(), self._job.destination
        orders: Orders = {}
        notes: list[Entry] = []
        for candidate, decision in decisions(wave, self._job, now, brake, self._membership):
            if candidate.row:
                self._summary.unknown.update(unknown_values(candidate.row))
            match decision:
                case Deliver(built=built):
                    entry = self._scribe.sending(candidate, decision, destination.kept, now)
                    orders[built.key] = (decision, entry, candidate.delivery_state.suspect)
                    if decision.intent.op != "create" and not candidate.delivery_state.held:
                        self._delivery.doubtful.add(built.key)
                    if self._at_fault(candidate, now):
                        self._delivery.at_fault.add(built.key)
                case Note(state=state, reason=reason):
                    self._summary.stays += candidate.row is None and state in CANNOT_GO
                    notes.append(self._scribe.noted(candidate, decision, now))
                    self._summary.states[state] += 1
                    self._summary.reasons[reason] += 1
                case Nothing(reason=reason):
                    self._summary.reasons[reason] += 1
        return orders, notes + [entry for _, entry, _ in orders.values()]

    def _at_fault(self, candidate: Candidate, now: datetime) -> bool:
        """Whether another refusal is the row's own fault: it was refused some times while
        others were taken, or for long."""
        known = candidate.delivery_state
        if known.state != "parked" or known.parked_since is None:
            return False
        # it was another one that was refused before
        if candidate.row and candidate.row.row_hash != known.row_hash:
            return False
        proved = self._newest is not None and self._newest > known.parked_since
        long = proved or known.parked_since <= now - PARKED_AT_MOST
        return long and known.parked_times >= PROVED_AFTER

    def _delivered(self, orders: Orders) -> list[Entry]:
        """What became of each order."""
        known = self._without_request(orders)
        rows = [order.built for key, (order, _, _) in orders.items() if key not in known]
        # beside them sound rows would be refused again
        suspects = {key for key, (_, _, suspect) in orders.items() if suspect}
        for batch in batches(rows, self._job.destination, suspects):
            results = self._delivery.deliver(batch)
            known.update(zip([built.key for built in batch], results, strict=True))
        now = self._clock.now()
        later = self._job.destination.capabilities.asynchronous
        return [
            entry
            for key, outcome in known.items()
            for entry in self._scribe.outcomes(orders[key][1], outcome, now, later=later)
        ]

    def _without_request(self, orders: Orders) -> dict[str, Outcome]:
        """Orders for which nothing leaves: the person stays for another reason, or an address that
        they no longer have could not be taken out."""
        known = {
            key: Outcome("accepted", "person_stays")
            for key, (order, _, _) in orders.items()
            if order.built.group == STAYS
        }
        before = {order.before.key: key for key, (order, _, _) in orders.items() if order.before}
        leaving = [order.before for order, _, _ in orders.values() if order.before]
        # an address that another conversion holds is that one's from here on
        gone = [
            (entry.conversion_id, each, "")
            for order, entry, _ in orders.values()
            if not order.before
            for each in order.dropped
        ]
        for batch in batches(leaving, self._job.destination):
            for built, outcome in zip(batch, self._delivery.deliver(batch), strict=True):
                order, entry, _ = orders[before[built.key]]
                if outcome.state == "accepted":
                    gone += [
                        (entry.conversion_id, each, outcome.request_id) for each in order.dropped
                    ]
                else:
                    known[before[built.key]] = Outcome("retry", "old_address_stays")
        if leaving:
            self._append_requests()
        self._ledger.drop_members(gone)
        return known


def removed(orders: Orders) -> set[str]:
    """Identifiers of an audience that the orders take out."""
    taken: set[str] = set()
    for order, _, _ in orders.values():
        if order.intent.op == "retract":
            taken.update(set(order.intent.members) - order.intent.claimed)
        elif order.before:
            taken.update(order.dropped)
    return taken


def put_in_doubt(outcome: Entry) -> Entry:
    """What an acceptance is worth after the lease was lost: somebody else may have acted since."""
    if outcome.state != "accepted":
        return outcome
    return replace(outcome, state="unknown", reason="lost_lease")


def decisions(
    wave: Iterable[Candidate], job: Job, now: datetime, brake: Brake, membership: Membership
) -> Iterator[tuple[Candidate, Decision]]:
    """What to do about each candidate, mass retractions held and members kept for other reasons."""
    terms = Terms(job.scope.conversion, job.scope.version, job.currency, now)
    for candidate in wave:
        known = membership.claimed(candidate) if candidate.claims else candidate
        decision = reconcile(known, job.destination, terms)
        if isinstance(decision, Deliver):
            yield candidate, _let_through(candidate, decision, job, brake, membership)
        else:
            yield candidate, decision


def _let_through(
    candidate: Candidate, decision: Deliver, job: Job, brake: Brake, membership: Membership
) -> Decision:
    """The delivery, unless it has to wait."""
    retracts = decision.intent.op == "retract"
    if retracts and not brake.lets_go():
        return Nothing("held_back")
    if not job.destination.capabilities.audience:
        return decision
    if not (retracts or candidate.members):
        # nearly everybody: new to the audience
        membership.joining.add(decision.built.members)
        return decision
    if retracts and membership.joins(candidate):
        return Nothing("person_joins")
    members = decision.built.members
    old, leaving = ((), ()) if retracts else membership.outdated(candidate, members)
    membership.decided(candidate, decision.intent, members)
    if retracts:
        return decision
    before = job.destination.leaving(decision.intent.key, leaving) if leaving else None
    # whoever waits for another conversion to join is looked at again
    waits = not set(candidate.members) <= {*members, *old}
    row_hash = None if waits else decision.row_hash
    return decision._replace(row_hash=row_hash, before=before, dropped=old)


def waves(
    candidates: Iterator[Candidate],
    destination: Destination[Any],
    chance: random.Random | None = None,
    waited: set[str] | None = None,
) -> Iterator[list[Candidate]]:
    """The candidates in portions that fit in memory and in one ledger statement.

    With `chance`, and where the destination was halted before, a few rows drawn by lot go first:
    while it is still halted no others need be written down. What they have waited for is put into
    `waited`.
    """
    size = _wave_size(destination)
    while wave := list(islice(candidates, size)):
        halted = {halted_for(each) for each in wave} - {""} if chance else set()
        if waited is not None:
            waited |= halted
        if chance and halted and len(wave) > CANARIES:
            first = set(chance.sample(range(len(wave)), CANARIES))
            yield [wave[i] for i in sorted(first)]
            wave = [each for i, each in enumerate(wave) if i not in first]
        yield wave
        chance = None


def halted_for(candidate: Candidate) -> str:
    """The account's fault that the conversion waits for, or nothing."""
    state, reason = candidate.delivery_state.state, candidate.delivery_state.reason or ""
    return reason.removeprefix(HALTED) if state == "retry" and reason.startswith(HALTED) else ""


def batches(
    rows: Sequence[Built], destination: Destination[Any], suspects: Set[str] = frozenset()
) -> list[Sequence[Built]]:
    """The rows as requests of the destination's size, each of one group; what the platform refused
    before comes last and by itself."""
    size = destination.batch_size
    fresh = chunks([row for row in rows if row.key not in suspects], size)
    again = chunks([row for row in rows if row.key in suspects], size)
    if destination.capabilities.audience:
        # who leaves by one conversion and joins by another is there in the end
        return sorted(fresh + again, key=lambda batch: batch[0].group != "remove")
    return fresh + again


def _wave_size(destination: Destination[Any]) -> int:
    """What a crash leaves in doubt stays small where nothing in doubt is sent again."""
    can = destination.capabilities
    if can.dedup_window is None or can.dedup_window:
        return WAVE
    # it divides WAVE, so that a dry run shows the run's own requests
    return WAVE_WITHOUT_MEMORY if can.repeats == "counts" else max(WAVE // 6, 1)
