"""Whatever fails, ledger, platform and table agree; and the simulation would notice if not.

`python -m tests.export.simulation --schedules 100000` is the long form.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest

from functions.export.contract.base import Built, Intent, Rejected
from functions.export.ledger.entries import Entry
from functions.export.ledger.outcomes import Outcome
from functions.export.ledger.protocol import Ledger
from functions.export.payload.rows import ConversionRow
from functions.export.reconcile.delivery_state import Candidate, DeliveryState, State
from functions.export.send.delivery import Delivery
from functions.export.send.run import Brake, Job, Orders, Run
from functions.export.transport.calls import Answer
from functions.export.transport.results import Cause, Refused, Result, Unknown
from tests.export.memory import ENDS, MemoryLedger
from tests.export.simulation import (
    PLATFORMS,
    Audience,
    Clicked,
    Google,
    Odds,
    SimulatedConfig,
    TikTok,
    World,
    simulated_config,
)

SEEDS = range(150)
FAULTY_SEEDS = range(50)
WRONG_IS_CAUGHT_WITHIN = 300
FOUND_LATER = (
    # what was gone had two copies in doubt, and its retraction was refused for good
    ("google", 51097, Odds()),
    ("google", 51120, Odds()),
    # killed after an old address left, before the ledger knew the request that took it out
    ("audience", 50392, Odds()),
    # killed before the first entry of a conversion, whose address changed before its next run
    ("audience", 51246, Odds(late=0.4, crash=0.1)),
    # one retraction failed later so that time helps, and the next one for good
    ("google", 65, Odds(late=0.5, crash=0.08)),
    ("google", 1009, Odds(late=0.5, crash=0.08)),
    # a conversion and its change were both refused later, before anybody had asked
    ("google", 214, Odds(late=0.6, pause=0.15)),
    # five things that never arrived were to be taken back: refused, and the account was blamed
    ("microsoft", 6003185, Odds(fault=0.5, crash=0.08, warehouse=0.05)),
)
"""Schedules that only a longer simulation reached, with what was wrong."""


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_nothing_is_lost_or_counted_twice_whatever_fails(platform: str) -> None:
    found = {seed: World(seed, platform, Odds()).play().violations for seed in SEEDS}
    assert {seed: violations for seed, violations in found.items() if violations} == {}


@pytest.mark.parametrize(("platform", "seed", "odds"), FOUND_LATER)
def test_what_a_longer_simulation_found_stays_mended(platform: str, seed: int, odds: Odds) -> None:
    assert World(seed, platform, odds).play().violations == []


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_the_same_while_calls_of_bigquery_fail(platform: str) -> None:
    odds = Odds(warehouse=0.1)
    worlds = {seed: World(seed, platform, odds) for seed in FAULTY_SEEDS}
    found = {seed: world.play().violations for seed, world in worlds.items()}
    assert {seed: violations for seed, violations in found.items() if violations} == {}
    assert sum(len(world.faults.drawn) for world in worlds.values()) > len(FAULTY_SEEDS)


def test_the_schedules_do_crash_and_do_deliver() -> None:
    verdicts = [World(seed, "google", Odds()).play() for seed in SEEDS]
    assert sum(verdict.crashes for verdict in verdicts) > 100
    assert sum(verdict.delivered for verdict in verdicts) > 500


def test_with_hourly_runs_and_no_kills_hardly_anything_needs_a_person() -> None:
    odds = Odds(fault=0.1, crash=0, pause=0, gaps=(1.0,))
    verdicts = [World(seed, "tiktok", odds).play() for seed in SEEDS]
    rows = sum(verdict.rows for verdict in verdicts)
    assert sum(verdict.review for verdict in verdicts) <= rows / 1000
    assert sum(verdict.odd_review for verdict in verdicts) <= rows / 200


class MarksBeforeSending(Run):
    """Claims delivery first, as one dedup store did (openmeter, issue 5118)."""

    def _run_wave(self, wave: Sequence[Candidate], brake: Brake) -> bool:
        orders, entries = self._planned(wave, brake)
        now = self._clock.now()
        claimed = [self._scribe.outcome(e, Outcome("accepted"), now) for _, e, _ in orders.values()]
        self._ledger.append([*entries, *claimed], only_as_holder=True)
        self._delivered(orders)
        return True


class SendsBeforeWriting(Run):
    """Writes down only what came back, so a crash forgets what left."""

    def _run_wave(self, wave: Sequence[Candidate], brake: Brake) -> bool:
        orders, entries = self._planned(wave, brake)
        notes = [entry for entry in entries if entry.state != "sending"]
        self._ledger.append(notes, only_as_holder=True)
        self._ledger.append(self._delivered(orders), only_as_holder=False)
        return not self._delivery.stopped


class BelievesSilence(Run):
    """Takes a missing answer for success."""

    silence: State = "accepted"

    def _delivered(self, orders: Orders) -> list[Entry]:
        return [
            replace(entry, state=self.silence) if entry.state == "unknown" else entry
            for entry in super()._delivered(orders)
        ]


class GivesUpOnSilence(BelievesSilence):
    """Takes a missing answer for a refusal."""

    silence = "rejected"


class TrustsAnyTable(MemoryLedger):
    """Takes every missing row for a deleted one."""

    def _gone_at(self, key: str, delivery_state: DeliveryState) -> datetime | None:
        return max(run.at for run in self.store.runs)


class TrustsAnyEnd(MemoryLedger):
    """Takes a run that was held, or failed, for one that proves what is gone."""

    healthy = ENDS


class ForgetsDoubt(MemoryLedger):
    """Knows what was proved and nothing of what was left open."""

    def delivery_states(self) -> dict[str, DeliveryState]:
        return {
            key: replace(known, in_doubt=None) for key, known in super().delivery_states().items()
        }


class NewKeyEachTime(Google):
    """Makes a key of the attempt instead of the conversion."""

    def build(self, conversion: str, row: ConversionRow, intent: Intent) -> Built | Rejected:
        built = super().build(conversion, row, intent)
        if isinstance(built, Rejected):
            return built
        key = f"{built.key}/{intent.money}/{intent.op}"
        return built._replace(key=key, payload=(key, *built.payload[1:]))


class RemembersForEver(TikTok):
    """Believes that 48 hours never end."""

    capabilities = replace(TikTok.capabilities, dedup_window=None)


class TakesTheSecond(TikTok):
    """Believes that the last copy counts, where the first does."""

    capabilities = replace(TikTok.capabilities, repeats="replaces")


class TakesAnyAge(TikTok):
    """Knows no age at which the platform takes nothing more."""

    def age_limit(self, row: ConversionRow) -> timedelta | None:
        return None


class SendsTheFuture(Google):
    """Does not wait for what has not happened yet."""

    capabilities = replace(Google.capabilities, future_skew=timedelta(days=30))


class Impatient(Delivery):
    """Waits as it likes, not as the platform asks."""

    def _heed(self) -> bool:
        return True


class IgnoresRetryAfter(Run):
    """Sends by an impatient delivery."""

    def __init__(self, job: Job, ledger: Ledger, *around: Any) -> None:
        super().__init__(job, ledger, *around)
        scope = job.scope
        self._delivery = Impatient(job.destination, scope.conversion, scope.run_id, *around)


class ChargesRows(Delivery):
    """Refuses for good whatever the platform refused, whoever is at fault."""

    def _searched(self, batch: Sequence[Built], reason: str) -> list[Outcome]:
        if len(batch) == 1:
            return [Outcome("rejected", reason)]
        return [outcome for row in batch for outcome in self._again([row])]

    def _refused_alone(self, reason: str) -> Outcome:
        return Outcome("rejected", reason)

    def _of_account(self, failures: Mapping[int, str], batch: Sequence[Built]) -> str:
        return ""


class ChargedRows(Run):
    """Sends by a delivery that charges rows."""

    def __init__(self, job: Job, ledger: Ledger, *around: Any) -> None:
        super().__init__(job, ledger, *around)
        scope = job.scope
        self._delivery = ChargesRows(job.destination, scope.conversion, scope.run_id, *around)


class ChargesWhoIsAlone(Delivery):
    """Refuses a row for good that no other one passed beside."""

    def _for_now(self, built: Built, outcome: Outcome) -> Outcome:
        return outcome


class ChargedAlone(Run):
    """Sends by a delivery that charges who is alone."""

    def __init__(self, job: Job, ledger: Ledger, *around: Any) -> None:
        super().__init__(job, ledger, *around)
        scope = job.scope
        self._delivery = ChargesWhoIsAlone(job.destination, scope.conversion, scope.run_id, *around)


class OutcomesFirst(Run):
    """Writes requests down only after what became of their rows."""

    def _run_wave(self, wave: Sequence[Candidate], brake: Brake) -> bool:
        orders, entries = self._planned(wave, brake)
        self._ledger.append(entries, only_as_holder=True)
        before = len(self._delivery.exchanges)
        outcomes = self._delivered(orders)
        self._ledger.append(outcomes, only_as_holder=True)
        self._ledger.append_requests(self._delivery.exchanges[before:], self._clock.now())
        return not self._delivery.stopped


class LeavesUnasked(Run):
    """Writes down which request took an old address out before the request itself."""

    early = False

    def _without_request(self, orders: Orders) -> dict[str, Outcome]:
        self.early = True
        settled = super()._without_request(orders)
        self.early = False
        return settled

    def _append_requests(self) -> None:
        if not self.early:
            super()._append_requests()


class ForgetsDoubtOfTheGone(MemoryLedger):
    """Takes the refusal of a retraction for the last word on what is gone."""

    def candidates(self, now: datetime, limit: int | None = None) -> Iterator[Candidate]:
        return (
            each
            for each in super().candidates(now, limit)
            if each.row or not each.delivery_state.refused_in_doubt
        )


class WipesProof(MemoryLedger):
    """Takes the failure of a change for the absence of what it would have changed."""

    def delivery_states(self) -> dict[str, DeliveryState]:
        known = super().delivery_states()
        return {
            key: replace(state, held=None, in_doubt=None)
            if state.state in ("failed", "absent")
            else state
            for key, state in known.items()
        }


class StumblesOverGarbage(TikTok):
    """Takes an answer that it cannot read for a refusal of each row."""

    causes: ClassVar[dict[str, Cause]] = {**TikTok.causes, "http_400": Cause.ROW}

    def read(self, reply: Answer, batch: Sequence[Built]) -> Result:
        result = super().read(reply, batch)
        return Refused("bad") if isinstance(result, Unknown) else result


class KnowsOneWordForNo(MemoryLedger):
    """Takes every consent for given but the exact text denied."""

    def candidates(self, now: datetime, limit: int | None = None) -> Iterator[Candidate]:
        for each in super().candidates(now, limit):
            row = each.row
            given = row and row.consent_ad_user_data not in (None, "denied")
            shown = replace(row, consent_ad_user_data="granted") if row and given else row
            yield replace(each, row=shown)


class ParksForEver(MemoryLedger):
    """Never tries again what it has parked."""

    def _parked_long(self, key: str, now: datetime) -> bool:
        return False


class LeavesWithTheFirstReason(Audience):
    """Takes a person out though another of their conversions is a reason to stay."""

    def build(self, conversion: str, row: ConversionRow, intent: Intent) -> Built | Rejected:
        return super().build(conversion, row, intent._replace(claimed=frozenset()))


class LeavesOldAddresses(Audience):
    """Forgets what a person was known by before."""

    def leaving(self, key: str, members: Sequence[str]) -> Built | None:
        return None


class LeavesByTheRow(Audience):
    """Takes out what the row says now, whatever was sent of it."""

    def build(self, conversion: str, row: ConversionRow, intent: Intent) -> Built | Rejected:
        return super().build(conversion, row, intent._replace(members=()))


class ForgetsWhoIsGone(MemoryLedger):
    """Keeps nothing by which a conversion without a click is found again."""

    def append_members(self, members: Sequence[tuple[str, str]], now: datetime) -> None:
        return


class StumblesOverAnswers(TikTok):
    """Reads an answer as if it always were the one that is documented."""

    def read(self, reply: Answer, batch: Sequence[Built]) -> Result:
        json.loads(reply.body).get("n")
        return super().read(reply, batch)


class LeavesWhatWasOnItsWay(MemoryLedger):
    """Takes a delivery that is on its way for somebody else's work."""

    def candidates(self, now: datetime, limit: int | None = None) -> Iterator[Candidate]:
        found = super().candidates(now, limit)
        return (each for each in found if each.delivery_state.state != "sending")


class SendsOldClicks(Clicked):
    """Does not ask when a click was."""

    def click_fault(self, row: ConversionRow, now: datetime) -> str:
        return ""


class LeavesAtOnce(MemoryLedger):
    """Forgets an old address as soon as the platform has accepted its removal."""

    def drop_members(self, members: Sequence[tuple[str, str, str]]) -> None:
        super().drop_members([(key, member, "") for key, member, _ in members])


class NobodyRejoins(MemoryLedger):
    """Does not ask who had joined when a removal arrived late."""

    def rejoin(self, identifiers: Sequence[str], now: datetime) -> None:
        return


class HearsNothingLater(MemoryLedger):
    """Takes an acceptance for the last word."""

    def reopen(self, request_id: str, state: State, now: datetime) -> None:
        return


class ForgetsTheErased(MemoryLedger):
    """Deletes what a person was known by together with the person."""

    def erase(self, key: str, now: datetime) -> None:
        super().erase(key, now)
        self.store.members = [member for member in self.store.members if member[1] != key]


class ForgetsTheFirstCopy(Run):
    """Takes the word on the copy that was accepted for a word on the one before it."""

    def _delivered(self, orders: Orders) -> list[Entry]:
        return [*{entry.conversion_id: entry for entry in super()._delivered(orders)}.values()]


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "mark before sending": ("google", {"run_type": MarksBeforeSending}),
    "write down only afterwards": ("tiktok", {"run_type": SendsBeforeWriting}),
    "silence is success": ("google", {"run_type": BelievesSilence}),
    "silence is refusal": ("google", {"run_type": GivesUpOnSilence}),
    "any table is right": ("google", {"ledger_type": TrustsAnyTable}),
    "any end of a run is right": ("google", {"ledger_type": TrustsAnyEnd}),
    "any age is taken": ("tiktok", {"destination": TakesAnyAge}),
    "the future is sent": ("google", {"destination": SendsTheFuture}),
    "retry-after is ignored": ("google", {"run_type": IgnoresRetryAfter}),
    "doubt is forgotten": ("analytics", {"ledger_type": ForgetsDoubt}),
    "a new key for each attempt": ("google", {"destination": NewKeyEachTime}),
    "a memory without end": ("tiktok", {"destination": RemembersForEver}),
    "the account's fault is the rows'": ("tiktok", {"run_type": ChargedRows}),
    "who is refused alone is at fault": ("google", {"run_type": ChargedAlone}),
    "outcomes before requests": ("google", {"run_type": OutcomesFirst}),
    "an old address leaves unasked": (
        "audience",
        {"run_type": LeavesUnasked, "odds": Odds(late=0.5, crash=0.12, setting=0)},
    ),
    "a refusal ends the doubt of the gone": (
        "google",
        {"ledger_type": ForgetsDoubtOfTheGone, "odds": Odds(late=0.7, fault=0.6, crash=0.02)},
    ),
    "a failed change is an absence": ("google", {"ledger_type": WipesProof}),
    "garbage is a refusal": ("tiktok", {"destination": StumblesOverGarbage}),
    "one word for no": ("google", {"ledger_type": KnowsOneWordForNo}),
    "who is gone is forgotten": ("mailed", {"ledger_type": ForgetsWhoIsGone}),
    "answers are as documented": ("tiktok", {"destination": StumblesOverAnswers}),
    "what was on its way is left": ("google", {"ledger_type": LeavesWhatWasOnItsWay}),
    "any click is sent": ("clicked", {"destination": SendsOldClicks}),
    "parked for ever": ("google", {"ledger_type": ParksForEver}),
    "a repeat is noticed": ("meta", {"destination": RemembersForEver}),
    "the first reason counts": ("audience", {"destination": LeavesWithTheFirstReason}),
    "an old address stays": ("audience", {"destination": LeavesOldAddresses}),
    "who leaves is what the row says": ("audience", {"destination": LeavesByTheRow}),
    "an accepted removal is one": (
        "audience",
        {"ledger_type": LeavesAtOnce, "odds": Odds(late=0.3)},
    ),
    "a late removal takes nobody out": (
        "audience",
        {"ledger_type": NobodyRejoins, "odds": Odds(pause=0.15)},
    ),
    "no refusal comes later": ("google", {"ledger_type": HearsNothingLater}),
    "erased before taken back": ("audience", {"ledger_type": ForgetsTheErased}),
    "the first copy is forgotten": ("google", {"run_type": ForgetsTheFirstCopy}),
    "the second copy counts": ("tiktok", {"destination": TakesTheSecond}),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_protocol_is_caught(name: str) -> None:
    assert caught_at(name) is not None


def caught_at(name: str) -> int | None:
    """After how many schedules a wrong protocol shows; None when it does not soon enough."""
    platform, wrong = WRONG[name]
    return next(
        (
            seed + 1
            for seed in range(WRONG_IS_CAUGHT_WITHIN)
            if _is_caught(World(seed, platform, **_made(wrong)))
        ),
        None,
    )


def _is_caught(world: World) -> bool:
    try:
        return bool(world.play().violations)
    except (AttributeError, KeyError, TypeError, ValueError):
        # the run itself has ended by it
        return True


def _made(wrong: dict[str, Any]) -> dict[str, Any]:
    kind, wrong = wrong.get("destination"), {"odds": Odds(), **wrong}
    return {**wrong, "destination": kind(SimulatedConfig(**simulated_config()))} if kind else wrong
