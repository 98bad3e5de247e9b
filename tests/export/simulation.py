"""Random schedules of tables, platforms, faults and crashes, run on the real delivery code.

Time is virtual and every schedule follows from its seed. `python -m tests.export.simulation`
runs as many as you like and prints what was lost, counted twice, or left for review.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field

from common.errors import RetryableError
from common.local.limits import faults
from common.local.limits.faults import Fault, Faults
from functions.export.contract.base import STAYS, Built, Capabilities, Destination, Intent, Rejected
from functions.export.contract.config import DestinationConfig, Mapped
from functions.export.ledger.entries import Scope
from functions.export.payload.rows import ConversionRow
from functions.export.reconcile.delivery_state import DeliveryState, State, dedup_key
from functions.export.send.delivery import IN_DOUBT
from functions.export.send.due import JUST_NOW, LATEST_DAYS
from functions.export.send.run import Job, Run
from functions.export.transport import foreign
from functions.export.transport.calls import Answer, Credential, Reply, Request, Unanswered
from functions.export.transport.clock import Deadline
from functions.export.transport.results import Accepted, Cause, Halted, Refused, Result, Unknown
from tests.export.memory import MemoryLedger, Store, TableRun, due

START = datetime(2026, 11, 1, 6, tzinfo=UTC)
CONVERSION = "purchase"
HOUR = timedelta(hours=1)
WAIT_SECONDS = 5
"""What the platform asks for when it is busy."""
GAPS = (0.1, 1, 1, 1, 1, 6, 12, 24, 50)
"""Hours between runs: mostly the hourly tick, now and then a day or two without any."""


FAULTS = (
    *("429", "unreachable", "before", "after", "lost", "silence", "token", "garbage"),
    "account",
)
GARBAGE = (b"", b"<html>", b"[]", b'"ok"', b'{"bad": 7, "reason": {}}', b"\xff", b'{"n": "x"}')


CONSENTS = (*["granted"] * 4, None, None, "yes", "DENIED", "declined ", "who knows")
"""What queries bring. A platform that gets anything of the last three got it against consent."""


def says_no(row: ConversionRow) -> bool:
    """Whether the person did not agree: by a word, or by one that nobody knows."""
    return row.consent_ad_user_data in CONSENTS[-3:]


class SimulatedConfig(DestinationConfig):
    """Config of the simulated platform."""

    kind: Literal["simulated"] = "simulated"
    conversions: tuple[Mapped, ...] = Field((Mapped(conversion=CONVERSION),))


@dataclass(frozen=True)
class Carried(Request):
    """A request that carries its rows as they are."""

    batch: Sequence[Built] = ()


class Simulated(Destination[SimulatedConfig]):
    """A destination without fields: its payload is key, operation and value."""

    kind: ClassVar[str] = "simulated"
    Config: ClassVar[type[DestinationConfig]] = SimulatedConfig
    capabilities: ClassVar[Capabilities]
    causes: ClassVar[dict[str, Cause]] = {"bad": Cause.ROW, "unknown_conversion": Cause.ROW}
    kept: ClassVar[tuple[str, ...]] = ("gclid",)

    def account(self, conversion: str) -> str:
        return "account"

    def build(self, conversion: str, row: ConversionRow, intent: Intent) -> Built | Rejected:
        if not row.gclid:
            return Rejected("no_identifier")
        value = float(intent.money) if intent.money else None
        group = intent.op == "create" if self.capabilities.partial else ()
        payload = (intent.key, intent.op, value)
        return Built(intent.key, payload, str((intent.key, value)), group)

    def request(self, conversion: str, batch: Sequence[Built]) -> Request:
        return Carried("https://simulated", b"", Credential("header"), batch=batch)

    def read(self, reply: Answer, batch: Sequence[Built]) -> Result:
        body = foreign.mapping(reply.json())
        if reply.status == 401:
            return Halted("token", "renew")
        named = {int(row): str(why) for row, why in foreign.mapping(body.get("bad")).items()}
        if reply.status == 400:
            return Refused(foreign.word(body.get("reason")) or "http_400", named)
        if body.get("n") != len(batch):
            return Unknown("short")
        return Accepted(foreign.word(body.get("request")), named)


class Google(Simulated):
    """Takes the second under a key; names bad rows; refuses some requests later."""

    capabilities = Capabilities(
        max_batch=3,
        usual_batch=3,
        max_age={"": timedelta(days=90)},
        future_skew=timedelta(0),
        dedup_window=None,
        repeats="replaces",
        adjusts=frozenset({"restate", "retract"}),
        restores=True,
        names_bad_rows=True,
        asynchronous=True,
        requests_per_second=100,
    )


class Mailed(Google):
    """The same of conversions that only an e-mail address tells of, which is kept for when the row
    is gone."""

    kept = ()

    def build(self, conversion: str, row: ConversionRow, intent: Intent) -> Built | Rejected:
        own = (row.email,) if row.email else ()
        if not own and not (intent.op == "retract" and intent.members):
            return Rejected("no_identifier")
        built = super().build(conversion, replace(row, gclid="none"), intent)
        assert isinstance(built, Built)
        return built._replace(members=own)


class Clicked(Google):
    """The same of a platform that takes no click which is two days old when it arrives."""

    capabilities = replace(Google.capabilities, click_window=timedelta(days=2))
    clicks = ("gclid",)


class TikTok(Simulated):
    """Keeps the first for 48 hours, adjusts nothing, names no bad row."""

    capabilities = Capabilities(
        max_batch=4,
        usual_batch=4,
        max_age={"": timedelta(days=7)},
        future_skew=timedelta(minutes=1),
        dedup_window=timedelta(hours=48),
        repeats="keeps_first",
        requests_per_second=100,
    )


class Meta(TikTok):
    """The same without any promise that it knows a repeat; it counts each."""

    capabilities = replace(TikTok.capabilities, dedup_window=timedelta(0))


class Microsoft(Simulated):
    """Keeps the first for ever, takes absolute adjustments, takes good rows beside bad ones."""

    capabilities = Capabilities(
        max_batch=3,
        usual_batch=3,
        max_age={"": timedelta(days=90)},
        future_skew=timedelta(0),
        dedup_window=None,
        repeats="keeps_first",
        adjusts=frozenset({"restate", "retract"}),
        names_bad_rows=True,
        partial=True,
        requests_per_second=100,
    )


class Analytics(Simulated):
    """Counts whatever comes."""

    capabilities = Capabilities(
        max_batch=2,
        usual_batch=2,
        max_age={"": timedelta(days=3)},
        future_skew=timedelta(0),
        dedup_window=timedelta(0),
        repeats="counts",
        requests_per_second=100,
    )


class Audience(Simulated):
    """Keeps people by their identifiers, whichever conversion brought them; refuses some requests
    later."""

    capabilities = replace(Google.capabilities, audience=True)

    def build(self, conversion: str, row: ConversionRow, intent: Intent) -> Built | Rejected:
        own = (row.email,) if row.email else ()
        known = (intent.members if intent.op == "retract" else ()) or own
        if not known:
            return Rejected("no_identifier")
        if intent.op != "retract":
            joining = (intent.key, intent.op, None, own)
            return Built(intent.key, joining, str(joining), "add", own)
        leaving = tuple(each for each in known if each not in intent.claimed)
        if not leaving:
            return Built(intent.key, None, "", STAYS)
        payload = (intent.key, intent.op, None, leaving)
        return Built(intent.key, payload, str(payload), "remove")

    def leaving(self, key: str, members: Sequence[str]) -> Built | None:
        payload = (f"{key}-old", "retract", None, tuple(members))
        return Built(f"{key}-old", payload, "", "remove")


class AtOnce(Audience):
    """The same of a platform that says at once what became of a request, as Meta and LinkedIn."""

    capabilities = replace(Audience.capabilities, asynchronous=False)


PLATFORMS: dict[str, type[Simulated]] = {
    "google": Google,
    "mailed": Mailed,
    "clicked": Clicked,
    "tiktok": TikTok,
    "meta": Meta,
    "microsoft": Microsoft,
    "analytics": Analytics,
    "audience": Audience,
    "at_once": AtOnce,
}


def clicked_before(key: str) -> int:
    """Hours from a click to its conversion: up to four days, and now and then afterwards."""
    return int(key[1:]) * 7 % 97 - 2


class VirtualClock:
    """Time that passes when somebody says so; `skew` is how wrong a machine's own clock is."""

    def __init__(self) -> None:
        self.time = START
        self.skew = timedelta(0)

    def now(self) -> datetime:
        return self.time + self.skew

    def elapsed(self) -> float:
        return (self.time - START).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class Kept:
    """A conversion as the platform counts it."""

    value: float | None
    received: datetime
    count: int = 1
    taken_back: bool = False


@dataclass
class Platform:
    """The platform's own rules about keys, by what its capabilities promise."""

    rules: Capabilities
    poison: set[str]
    kept: dict[str, Kept] = field(default_factory=dict)
    late: dict[str, State] = field(default_factory=dict)
    """Requests that were accepted and are refused later: for good, or so that time helps."""
    requests: int = 0
    members: set[str] = field(default_factory=set)
    """Identifiers of an audience."""

    def take(self, batch: Sequence[Built], now: datetime, late: State | None = None) -> Answer:
        """The answer to a batch; with `late` it is accepted and nothing of it is ever kept."""
        bad = {row: self.why(built) for row, built in enumerate(batch) if built.key in self.poison}
        if bad and not self.rules.partial:
            reason = next(iter(bad.values()))
            return _json(400, {"reason": reason, "bad": bad if self.rules.names_bad_rows else {}})
        refused = dict(bad)
        self.requests += 1
        request = f"r{self.requests}"
        # what is refused for good would have been refused as an equal copy before it too
        if late and not (late == "failed" and any(map(self._has_taken, batch))):
            self.late[request] = late
            return _json(200, {"n": len(batch), "request": request, "bad": {}})
        if self.rules.audience:
            for built in batch:
                join = self.members.update if built.group == "add" else self._leave
                join(built.payload[3])
            return _json(200, {"n": len(batch), "request": request, "bad": {}})
        for row, built in enumerate(batch):
            key, op, value = built.payload
            if row not in refused and not self._keep(key, op, value, now):
                refused[row] = "unknown_conversion"
        return _json(200, {"n": len(batch), "request": request, "bad": refused})

    def refuse(self, batch: Sequence[Built], reason: str) -> Answer:
        """The answer of an account that is set wrongly, which blames the rows."""
        bad = dict.fromkeys(range(len(batch)), reason)
        if self.rules.partial:
            return _json(200, {"n": len(batch), "request": "", "bad": bad})
        return _json(400, {"reason": reason, "bad": bad if self.rules.names_bad_rows else {}})

    def _has_taken(self, built: Built) -> bool:
        """Whether the platform counts just this already."""
        copy = self.kept.get(built.payload[0])
        return copy is not None and copy.value == built.payload[2]

    def _leave(self, people: Iterable[str]) -> None:
        self.members.difference_update(people)

    def why(self, built: Built) -> str:
        """Half of the bad rows are refused for a reason that no table lists."""
        return "bad" if int(built.key[-1], 16) % 2 else "odd"

    def _keep(self, key: str, op: str, value: float | None, now: datetime) -> bool:
        known = self.kept.get(key)
        if self.rules.partial and op != "create":
            if known is None:
                return False
            known.value, known.taken_back = value, op == "retract"
        elif known is None:
            self.kept[key] = Kept(value, now)
        elif self.rules.repeats == "replaces":
            known.value = value
        elif self._forgotten(known, now):
            known.count += 1
            known.received = now
        return True

    def _forgotten(self, known: Kept, now: datetime) -> bool:
        window = self.rules.dedup_window
        return window is not None and now - known.received >= window


class Crash(Exception):
    """The process is killed here."""


@dataclass
class Odds:
    """How often things go wrong."""

    fault: float = 0.3
    crash: float = 0.04
    pause: float = 0.03
    outage: float = 0.1
    late: float = 0.1
    setting: float = 0.1
    """How often somebody saves a wrong setting in the account between two runs."""
    warehouse: float = 0.0
    """Share of BigQuery's calls that fail."""
    gaps: tuple[float, ...] = GAPS


@dataclass
class Verdict:
    """What a schedule ended with."""

    violations: list[str] = field(default_factory=list)
    rows: int = 0
    delivered: int = 0
    review: int = 0
    """Rows that the platform takes and of which a person must say whether it has them."""
    odd_review: int = 0
    """The same of rows that it refuses: after a doubt no refusal proves that the first copy was
    refused too, for it may only have become too old since."""
    runs: int = 0
    crashes: int = 0


RunType = Callable[..., Run]
LedgerType = Callable[..., MemoryLedger]
Answered = TypeVar("Answered")


class World:
    """One schedule: a table that changes, a platform, a network and a machine that fail."""

    def __init__(
        self,
        seed: int,
        platform: str,
        odds: Odds,
        run_type: RunType = Run,
        ledger_type: LedgerType = MemoryLedger,
        destination: Destination[Any] | None = None,
    ) -> None:
        self.chance = random.Random(f"{seed}/{platform}")
        self.people = random.Random(f"{seed}/people")
        self.odds = odds
        self.run_type = run_type
        self.ledger_type = ledger_type
        self.clock = VirtualClock()
        self.store = Store()
        self.truth: dict[str, ConversionRow] = {}
        self.certain: set[str] = set()
        self.values: dict[str, set[float]] = {}
        kind = PLATFORMS[platform]
        self.destination = destination or kind(SimulatedConfig(**simulated_config()))
        self.platform = Platform(kind.capabilities, set())
        self.verdict = Verdict()
        self.healthy = False
        self.halted_until = self.not_before = START
        self.paused = False
        self.acknowledged = False
        self.born = 0
        self.polled: set[str] = set()
        self.erased: set[str] = set()
        """Keys whose person is forgotten, so that they never come back."""
        self.account_until = START
        self.settings = random.Random(f"{seed}/settings")
        self.setting_until = START
        self.setting = ""
        """What the platform says of each row while it is wrong."""
        self.faults = Faults(seed, faults.Odds(odds.warehouse))

    def play(self) -> Verdict:
        """Days of trouble, then a calm that lets everything settle, then the audit."""
        for _ in range(self.chance.randint(3, 7)):
            self._change_table()
            self.acknowledged = False
            for _ in range(self.chance.randint(1, 4)):
                # the message of the table's run comes until it is acknowledged, then ticks do
                self._poll()
                if not self.acknowledged or self._is_due():
                    self._run()
                self._pass(self.chance.choice(self.odds.gaps))
                if self.settings.random() < self.odds.setting:
                    wrong_for = timedelta(hours=self.settings.choice((2, 30, 72)))
                    self.setting_until = self.clock.time + wrong_for
                    self.setting = self.settings.choice(("bad", "odd"))
        self.healthy = True
        for hours in (1, 1, 25, 1, 25, 1):
            self._pass(hours)
            self._materialize(broken=False)
            self._poll()
            self._run()
        self._audit()
        return self.verdict

    def _poll(self) -> None:
        """What the tick asks of earlier requests, as poll.py writes it down."""
        self.store.fence += 1
        ledger = self._ledger("poll")
        for exchange in self.store.exchanges:
            state = self.platform.late.get(exchange.request_id)
            if state and exchange.request_id not in self.polled:
                self.polled.add(exchange.request_id)
                ledger.reopen(exchange.request_id, state, self.clock.now())
            ledger.leave(exchange.request_id, refused=bool(state), now=self.clock.now())

    def _ledger(self, run: str) -> MemoryLedger:
        fence = self.store.fence
        scope = Scope("sim", "account", CONVERSION, 1, 1, f"{run}{fence}", fence)
        return self.ledger_type(self.store, scope, START.date() - timedelta(days=1))

    def _pass(self, hours: float) -> None:
        self.clock.time += timedelta(hours=hours)

    def _change_table(self) -> None:
        chance = self.chance
        for _ in range(chance.randint(0, 4)):
            self.born += 1
            ahead = HOUR * 3 if chance.random() < 0.05 else -timedelta(minutes=5)
            value = chance.choice((10.0, 20.0, 30.0))
            self._put(f"o{self.born}", value, self.clock.time + ahead)
        for key in list(self.truth):
            match chance.randint(0, 11):
                case 0 | 1:
                    self._put(key, chance.choice((5.0, 15.0, 25.0)), self.truth[key].created)
                case 2:
                    del self.truth[key]
                    if chance.random() < 0.3:
                        self.erased.add(key)
                        self.certain.discard(dedup_key(CONVERSION, key))
                        self._ledger("erase").erase(key, self.clock.time)
                case 3:
                    row = self.truth[key]
                    self.truth[key] = replace(row, is_qualified=False, row_hash=hash((key, "no")))
        for key in [key for key in self.values if key not in self.truth.keys() | self.erased]:
            if chance.random() < 0.15:
                self._put(key, chance.choice((10.0, 40.0)), self.first[key])
        self._materialize(broken=chance.random() < self.odds.outage)

    @property
    def first(self) -> dict[str, datetime]:
        """When each conversion happened, also of those that left."""
        return {key: START + timedelta(minutes=int(key[1:])) for key in self.values}

    def _put(self, key: str, value: float, created: datetime | None = None) -> None:
        created = created or self.clock.time - timedelta(minutes=5)
        poisoned = self.chance.random() < 0.05 and key not in self.values
        if poisoned:
            self.platform.poison.add(dedup_key(CONVERSION, key))
        self.values.setdefault(key, set()).add(value)
        # a few people with several rows each, who now and then have another address
        known = self.truth.get(key)
        same = known and known.email and self.people.random() < 0.7
        agreed = known and self.people.random() < 0.8
        consent = known.consent_ad_user_data if known and agreed else self.people.choice(CONSENTS)
        email = known.email if known and same else f"p{self.people.randrange(4)}"
        self.truth[key] = ConversionRow(
            key,
            created,
            created.date(),
            value=value,
            currency="EUR",
            is_qualified=True,
            row_hash=hash((key, value, email, consent)),
            consent_ad_user_data=consent,
            updated_at=self.clock.time,
            gclid=f"g{key}",
            click_at=created - HOUR * clicked_before(key),
            email=email,
        )

    def _materialize(self, *, broken: bool) -> None:
        """A good run makes the table the truth; a broken one may leave it empty or halved."""
        days = (START.date() - timedelta(days=1), self.clock.time.date())
        if broken:
            left = self.chance.choice((0, len(self.truth) // 2))
            self.store.table = dict(list(self.truth.items())[:left])
            status = self.chance.choice(("failed", "held", "applied"))
            read = 0 if status == "applied" else left
            if status == "applied":
                self.store.table = {}
        else:
            self.store.table, status, read = dict(self.truth), "applied", 1
            qualified = [key for key, row in self.truth.items() if row.is_qualified]
            self.certain = {dedup_key(CONVERSION, key) for key in qualified}
        self.store.runs.append(TableRun(*days, status, self.clock.time, read))

    def _run(self) -> None:
        self.verdict.runs += 1
        self.clock.skew = timedelta(
            minutes=0 if self.healthy else self.chance.choice((0, 0, -50, 50))
        )
        self.store.fence += 1
        ledger = self._ledger("x")
        faulty = Faulty(ledger, self)
        job = Job(self.destination, ledger.scope, "EUR")
        deadline = Deadline(self.clock, 400)
        run = self.run_type(job, faulty, self._send, self.clock, deadline, self.chance)
        try:
            run.execute()
            self.acknowledged = True
        except (Crash, RetryableError):
            self.verdict.crashes += 1
        self.paused = False

    def _is_due(self) -> bool:
        """Whether a tick finds something to do, as due.sql says."""
        now = self.clock.now()
        return due(self.store, now - JUST_NOW, now.date() - timedelta(days=LATEST_DAYS))

    def _send(self, request: Request) -> Reply:
        assert isinstance(request, Carried)
        batch = request.batch
        self._maybe_crash()
        self._maybe_pause()
        if self.clock.time < self.not_before and not self.paused:
            self.verdict.violations.append("sent sooner than the platform asked for")
        if self.clock.time < self.halted_until and not self.healthy:
            return Answer(401, b"{}")
        if self.clock.time < self.account_until and not self.healthy:
            return _json(400, {"reason": "odd_account"})
        if self.clock.time < self.setting_until and not self.healthy:
            return self.platform.refuse(batch, self.setting)
        fault = (
            None
            if self.healthy or self.chance.random() >= self.odds.fault
            else (self.chance.choice(FAULTS))
        )
        match fault:
            case "429":
                self.not_before = self.clock.time + timedelta(seconds=WAIT_SECONDS)
                return Answer(429, b"", {"retry-after": str(WAIT_SECONDS)})
            case "unreachable":
                return Unanswered("unreachable", reached=False)
            case "before":
                return Answer(503, b"")
            case "silence":
                return Unanswered("timeout", reached=True)
            case "garbage":
                return Answer(self.chance.choice((200, 400, 403)), self.chance.choice(GARBAGE))
            case "account":
                self.account_until = self.clock.time + timedelta(hours=self.chance.choice((2, 30)))
                return _json(400, {"reason": "odd_account"})
            case "token":
                self.halted_until = self.clock.time + timedelta(hours=2)
                return Answer(401, b"{}")
        self._watch(batch)
        self._watch_ages(batch)
        self._watch_clicks(batch)
        late = self._refused_later(batch)
        answer = self.platform.take(batch, self.clock.time, late)
        self._maybe_crash()
        if fault == "after":
            return Answer(502, b"")
        return Unanswered("connection_lost", reached=True) if fault == "lost" else answer

    def _refused_later(self, batch: Sequence[Built]) -> State | None:
        """How this request will be refused after it was accepted, if it will be."""
        asynchronous = self.destination.capabilities.asynchronous
        if self.healthy or not asynchronous or self.chance.random() >= self.odds.late:
            return None
        return self.chance.choice(("failed", "absent", "parked"))

    def _watch(self, batch: Sequence[Built]) -> None:
        """Nothing that the last good table holds may be taken back."""
        denied = {
            dedup_key(CONVERSION, row.id) for row in self.store.table.values() if says_no(row)
        }
        for built in batch:
            key, op, *_ = built.payload
            if op != "retract" and key in denied and not self.paused:
                self.verdict.violations.append(f"{key}: sent against consent")
            lost_status = key in {
                dedup_key(CONVERSION, row.id)
                for row in self.store.table.values()
                if row.is_qualified is False
            }
            left = self.platform.rules.audience and key in denied
            known = key in self.certain and not lost_status and not left
            if op == "retract" and known and not self.paused:
                self.verdict.violations.append(f"{key}: taken back though it is there")

    def _watch_clicks(self, batch: Sequence[Built]) -> None:
        """No click may be sent that the platform refuses: of before its conversion, or too old."""
        window = self.platform.rules.click_window
        rows = {dedup_key(CONVERSION, key): row for key, row in self.truth.items()}
        for built in batch if window else ():
            row = rows.get(built.payload[0])
            if row is None or row.click_at is None or built.payload[1] != "create" or self.paused:
                continue
            age = self.clock.time - row.click_at
            if row.click_at > row.created or age > (window or age) + HOUR:
                self.verdict.violations.append(f"{row.id}: sent by a click at the age of {age}")

    def _watch_ages(self, batch: Sequence[Built]) -> None:
        """Nothing may be sent before it has happened, or when the platform takes it no more; an
        hour for clocks that are wrong. Whoever slept knows an older table."""
        created = {dedup_key(CONVERSION, key): row.created for key, row in self.truth.items()}
        limit = self.platform.rules.max_age[""] + HOUR
        for built in batch:
            key, op, *_ = built.payload
            age = self.clock.time - created.get(key, self.clock.time)
            if op == "create" and not -HOUR <= age <= limit and not self.paused:
                self.verdict.violations.append(f"{key}: sent at the age of {age}")

    def drawn(self) -> Fault | None:
        """The fault that a call of BigQuery meets; none where no kill comes either."""
        return None if self.healthy or self.paused else self.faults.draw()

    def _maybe_crash(self) -> None:
        # a paused process that dies as well leaves no word of what it sent; the function's own
        # time limit, shorter than its lease, rules that out
        if not self.healthy and not self.paused and self.chance.random() < self.odds.crash:
            raise Crash

    def _maybe_pause(self) -> None:
        """The process sleeps past its lease, and another one does its work meanwhile."""
        if self.healthy or self.paused or self.chance.random() >= self.odds.pause:
            return
        self.paused = True
        self._pass(0.5)
        if self.chance.random() < 0.5:
            self._change_table()
        self._run()
        self.paused = True

    def _audit(self) -> None:
        delivery_states = self.ledger_type(
            self.store, Scope("sim", "account", CONVERSION, 1, 1, "audit", 0), START.date()
        ).delivery_states()
        self.verdict.rows = len(self.values)
        if self.platform.rules.audience:
            self.verdict.violations += self._wrong_members(delivery_states)
        for key in self.values:
            kept = self.platform.kept.get(dedup_key(CONVERSION, key))
            fault = self._fault(key, kept, delivery_states.get(key))
            if fault:
                self.verdict.violations.append(f"{key}: {fault}")
            state = delivery_states[key].state if key in delivery_states else None
            self.verdict.delivered += kept is not None
            poisoned = dedup_key(CONVERSION, key) in self.platform.poison
            self.verdict.review += state == "ambiguous" and not poisoned
            self.verdict.odd_review += state == "ambiguous" and poisoned

    def _wrong_members(self, known: Mapping[str, DeliveryState]) -> Iterator[str]:
        """People who are in the list for no reason, or for a good one and are not."""
        wanted = {
            row.email: key
            for key, row in self.truth.items()
            if row.email
            and row.is_qualified
            and not says_no(row)
            and key in known
            and known[key].state == "accepted"
        }
        for person in sorted(each for each in wanted if each not in self.platform.members):
            yield f"{person} is not in the list, for all that {wanted[person]} is a reason"
        reasons = {
            row.email for row in self.truth.values() if row.is_qualified and not says_no(row)
        }
        # what was refused for good, or is for a person to decide, may have left somebody there
        open_ends = {
            identifier
            for _, key, identifier in self.store.members
            if key in known
            and known[key].state
            in ("failed", "rejected", "parked", "ambiguous", "unsupported_change")
        }
        for person in sorted(self.platform.members - reasons - open_ends):
            yield f"{person} stays in the list for no reason"

    def _fault(self, key: str, kept: Kept | None, known: Any) -> str:
        """What is wrong about one conversion in the end, or nothing."""
        if kept and kept.count > 1:
            return f"counted {kept.count} times"
        row = self.truth.get(key)
        poisoned = dedup_key(CONVERSION, key) in self.platform.poison
        state = known.state if known else None
        people = self.platform.rules.audience
        denied = row is not None and says_no(row)
        rules = self.platform.rules
        # what takes everything back, and puts it back, has no excuse
        excused = () if rules.restores and "retract" in rules.adjusts else ("unsupported_change",)
        explained = (
            denied
            or state in ("ambiguous", "expired", *excused)
            or (poisoned and state in ("rejected", "parked", "retry"))
            # what never arrived cannot be changed, and that is tried for a while
            or (state == "parked" and known.reason.startswith(IN_DOUBT) and not kept)
        )
        if state in ("sending", "unknown", "retry", "parked") and not explained:
            return f"still {state} after the calm"
        if people:
            return ""
        if known and known.holding and not kept:
            return "the ledger says held, the platform has nothing"
        if kept and not (known and (known.held or explained)):
            return "the platform has it, the ledger does not know"
        if row and row.is_qualified and not kept and not (explained or state == "failed"):
            return f"lost, state {state}"
        if explained or not kept:
            return ""
        return self._wrong_value(row, kept, known)

    def _wrong_value(self, row: ConversionRow | None, kept: Kept, delivery_state: Any) -> str:
        if kept.value != (float(delivery_state.held.money) if delivery_state.held.money else None):
            return f"the platform says {kept.value}, the ledger {delivery_state.held.money}"
        if delivery_state.state == "failed":
            # the change was refused for good, and what was there before is there still
            return ""
        if row and row.is_qualified:
            return "" if kept.value == row.value else f"value {kept.value}, not {row.value}"
        gone = kept.taken_back or kept.value == 0
        return "" if gone else f"value {kept.value} of what has gone"


class Faulty:
    """A ledger whose process may be killed before or after each write, or may hear of a fault."""

    def __init__(self, ledger: MemoryLedger, world: World) -> None:
        self._ledger = ledger
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def candidates(self, now: datetime, limit: int | None = None) -> Any:
        return self._asked(lambda: self._ledger.candidates(now, limit))

    def append(self, entries: Any, *, only_as_holder: bool) -> bool:
        self._world._maybe_crash()
        done = self._asked(lambda: self._ledger.append(entries, only_as_holder=only_as_holder))
        self._world._maybe_crash()
        return done

    def append_requests(self, exchanges: Any, now: datetime) -> None:
        self._world._maybe_crash()
        self._asked(lambda: self._ledger.append_requests(exchanges, now))
        self._world._maybe_crash()

    def append_members(self, members: Any, now: datetime) -> None:
        self._asked(lambda: self._ledger.append_members(members, now))
        self._world._maybe_crash()

    def _asked(self, work: Callable[[], Answered]) -> Answered:
        """What the ledger answers, unless BigQuery fails before or after the work."""
        fault = self._world.drawn()
        if fault in (Fault.INTERNAL, Fault.BACKEND, Fault.RESET_BEFORE):
            raise RetryableError("BigQuery did nothing.", code="backend_error")
        done = work()
        if fault is Fault.RESET_AFTER:
            raise RetryableError("BigQuery did it, and nobody heard.", code="bigquery_unavailable")
        return done


def simulated_config() -> dict[str, Any]:
    """A config whose retraction limit does not get in the way of small tables."""
    return {
        "id": "sim",
        "name": "Simulated",
        "default_consent": "granted",
        "retraction_limit_rows": 1000,
    }


def _json(status: int, body: Any) -> Answer:
    return Answer(status, json.dumps(body).encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=100_000)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--fault", type=float, default=0.3, help="share of requests that fail")
    parser.add_argument("--crash", type=float, default=0.04, help="chance of a kill at each step")
    parser.add_argument("--warehouse", type=float, default=0.0, help="of calls of BigQuery")
    parser.add_argument("--hourly", action="store_true", help="no gap over an hour between runs")
    options = parser.parse_args()
    gaps = (1.0,) if options.hourly else GAPS
    share = options.schedules // len(PLATFORMS)
    for platform in PLATFORMS:
        chances = {"fault": options.fault, "crash": options.crash, "warehouse": options.warehouse}
        odds = Odds(gaps=gaps, **chances)
        began, totals, bad = time.perf_counter(), Counter[str](), []
        for seed in range(options.first_seed, options.first_seed + share):
            verdict = World(seed, platform, odds).play()
            totals.update(
                rows=verdict.rows,
                delivered=verdict.delivered,
                review=verdict.review,
                odd_review=verdict.odd_review,
                runs=verdict.runs,
                crashes=verdict.crashes,
            )
            bad += [f"seed {seed}: {violation}" for violation in verdict.violations]
        seconds = time.perf_counter() - began
        print(
            f"{platform:10} {share:>7} schedules {seconds:6.0f} s  "
            + "  ".join(f"{name} {count:,}" for name, count in totals.items())
            + f"  violations {len(bad)}"
        )
        for violation in bad[:10]:
            print("   ", violation)


if __name__ == "__main__":
    main()
