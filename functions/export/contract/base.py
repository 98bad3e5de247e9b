"""What a destination is: a typed config, capabilities as data, and five verbs.

A destination maps rows to payloads (`build`, pure), payloads to one request (`request`, pure and
byte-exact), and a platform's reply to what became of each row (`read`, pure). Only `send` touches
the network. Selection, ledger, batching, bisecting, retries and expiry know no platform.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

import orjson

from common.untyped import JsonObject, Row
from functions.export.contract.config import DestinationConfig
from functions.export.payload.money import Money
from functions.export.payload.rows import ConversionRow
from functions.export.transport.calls import Answer, Reply, Request
from functions.export.transport.results import Cause, Result, Status
from functions.export.transport.retries import unhappy

if TYPE_CHECKING:
    from functions.export.transport.wire import Wire

Op = Literal["create", "restate", "retract"]


@dataclass(frozen=True, slots=True)
class Trial:
    """What the platform does with a test conversion: it counts it like any other, shows it apart,
    or only validates it. `needs_code`: a code from its own page says who watches."""

    effect: Literal["counts", "shown", "validated"]
    needs_code: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can do, as data. `dedup_window`: None is for ever, zero is not at all.

    `repeats` says what a second event under the same key does inside that window: the platform
    keeps the first, takes the second, or counts both.
    """

    max_batch: int
    usual_batch: int
    max_age: Mapping[str, timedelta]
    """Oldest event by action source; the empty key is for all others; no entry is no limit."""
    future_skew: timedelta
    dedup_window: timedelta | None
    repeats: Literal["keeps_first", "replaces", "counts"]
    adjusts: frozenset[Op] = frozenset()
    adjusts_within: timedelta | None = None
    retraction: str = ""
    """What a retraction leaves behind; stands beside it in the ledger."""
    restores: bool = False
    """Whether a retracted conversion can be given a value again."""
    names_bad_rows: bool = False
    """A refused request names the rows at fault."""
    partial: bool = False
    """Good rows are taken though others of the request are refused."""
    asynchronous: bool = False
    audience: bool = False
    smallest_audience: int = 0
    """People below which the platform makes nothing of an audience."""
    creates_audiences: bool = False
    """Whether it makes an audience when asked over its API."""
    creates_lookalikes: bool = False
    click_window: timedelta | None = None
    """Longest time from a click to the upload, and from a click to its conversion, for platforms
    that refuse a conversion by its click."""
    trial: Trial | None = None
    """None where the platform knows no test conversions."""
    requests_per_second: float = 5.0


class Consent(NamedTuple):
    """What a person agreed to: user data for advertising, and personalized advertising."""

    user_data: bool
    personalization: bool


class Intent(NamedTuple):
    """What shall become true at the platform for one conversion, under a key that never changes."""

    op: Op
    key: str
    money: Money | None
    occurred: datetime
    changed: datetime
    consent: Consent = Consent(True, True)
    with_person: bool = True
    """Whether anything about the person may be in the payload."""
    members: tuple[str, ...] = ()
    """What the platform knows the person by, the latest first; see `Built.members`."""
    claimed: frozenset[str] = frozenset()
    """Identifiers by which another conversion keeps the person in the same audience."""


@dataclass(frozen=True, slots=True)
class Lookalike:
    """People of a country who resemble those of an audience: the `ratio` that resembles most."""

    name: str
    country: str
    """ISO 3166 alpha-2."""
    ratio: float


STAYS = "stays"
"""Group of a payload that says nothing: the person stays in the audience for another reason."""


class Built(NamedTuple):
    """A payload ready to send. Rows of one request share `group`.

    `fingerprint` leaves out when the row changed, so an unchanged payload keeps it.
    """

    key: str
    payload: Any
    fingerprint: str
    group: Hashable = ()
    members: tuple[str, ...] = ()
    """Each identifier, as JSON of what the platform is given, by which alone it will know the
    person again. They are kept apart from the ledger until the person has left, or until nothing
    can be taken back any more: nothing else could do that when the row is gone."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a row cannot be sent: a stable reason and the field at fault, never its content."""

    reason: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person should mend before, or know about, sending."""

    code: str
    message: str
    fix: str
    severity: Literal["error", "warning"] = "error"


T = TypeVar("T", bound=DestinationConfig)


class Destination(ABC, Generic[T]):
    """One platform; its subclasses are listed in `destinations.DESTINATIONS`."""

    kind: ClassVar[str]
    Config: ClassVar[type[DestinationConfig]]
    capabilities: ClassVar[Capabilities]
    payload_version: ClassVar[int] = 1
    """Raised when the mapping changes; by itself it sends nothing again."""
    causes: ClassVar[Mapping[str, Cause]] = {}
    """Whose fault each code of the platform is."""
    clicks: ClassVar[tuple[str, ...]] = ()
    """Columns of the platform's own click ids."""
    clicked_at: ClassVar[str] = "click_at"
    """Column of when such a click was first seen, where a row tells it apart from others'."""
    audience_field: ClassVar[str] = ""
    """Field of a mapped conversion that names its audience, where the platform keeps any."""
    quiet: ClassVar[tuple[str, ...]] = ()
    """How reasons of later refusals begin that are no fault of anybody."""
    kept: ClassVar[tuple[str, ...]] = ()
    """Columns, none of them personal, by which the platform finds a conversion again when its row
    is gone; the ledger keeps them."""

    def __init__(self, config: T) -> None:
        self.config = config
        self.mapped: Row = {each.conversion: each for each in config.conversions}
        self._age_limits: dict[str, timedelta | None] = {}

    @abstractmethod
    def account(self, conversion: str) -> str:
        """Where the platform keeps this conversion; another account starts an empty ledger."""

    @abstractmethod
    def build(self, conversion: str, row: ConversionRow, intent: Intent) -> Built | Rejected:
        """The row's payload. Pure."""

    def leaving(self, key: str, members: Sequence[str]) -> Built | None:
        """What takes a person out by identifiers that they no longer have; None where the platform
        keeps no members."""
        return None

    @abstractmethod
    def request(self, conversion: str, batch: Sequence[Built]) -> Request:
        """One request for rows of one group. Pure."""

    @abstractmethod
    def read(self, reply: Answer, batch: Sequence[Built]) -> Result:
        """What the reply says of the rows. Pure; anything but positive proof is no success."""

    def cause(self, reason: str) -> Cause:
        """Whose fault this reason is; `UNLISTED` when no table has it."""
        return self.causes.get(reason, Cause.UNLISTED)

    def verdict(self, reply: Reply, batch: Sequence[Built], now: datetime) -> Result:
        """What any reply at all says of the rows."""
        early = unhappy(reply, now)
        if early is not None:
            return early
        # `unhappy` has a word for every reply that is no answer
        assert isinstance(reply, Answer)
        return self.read(reply, batch)

    def send(self, request: Request, wire: Wire) -> Reply:
        """One request, once."""
        return wire.exchange(request)

    def poll(self, request_id: str, wire: Wire) -> Status | None:
        """What became of an accepted request; None where the platform does not tell."""
        return None

    def check(self, wire: Wire) -> list[Problem]:
        """Whether credentials and account work, asked without sending a conversion."""
        return []

    def lacks_audience(self, conversion: str) -> bool:
        """Whether the config names no audience for the conversion, so that none can be filled."""
        return bool(self.audience_field) and not getattr(
            self.mapped[conversion], self.audience_field
        )

    def at_list(self, conversion: str, id: str | None) -> Destination[T]:
        """The same destination, whose conversion fills another list. Only where it fills any."""
        filled: dict[str, Any] = {self.audience_field: id, "leaves": ()}
        mapped = tuple(
            each.model_copy(update=filled) if each.conversion == conversion else each
            for each in self.config.conversions
        )
        return type(self)(self.config.model_copy(update={"conversions": mapped}))

    def create_audience(self, conversion: str, wire: Wire) -> str:
        """Id of an audience for the people of a conversion: of the one that was made so before, or
        of a new and empty one; raises UserError with what the platform says against it. Only where
        `capabilities.creates_audiences`."""
        raise NotImplementedError(self.kind)

    def create_lookalike(self, conversion: str, wanted: Lookalike, wire: Wire) -> str:
        """Id of an audience of people who resemble those of a conversion's, made unless it was
        before; raises UserError with what the platform says against it. Only where
        `capabilities.creates_lookalikes`."""
        raise NotImplementedError(self.kind)

    def joins_again_after(self, conversion: str) -> timedelta | None:
        """How long after they joined people are put in once more, where a membership ends."""
        return None

    def diagnose(self, day: date, wire: Wire) -> Mapping[str, Mapping[str, float]]:
        """What the platform itself says, on this day, of the quality of what it got: measures by
        conversion, under "" those of the whole account; empty where it tells nothing, or not now.
        """
        return {}

    def trial_request(self, conversion: str, built: Built, code: str) -> Request:
        """A request with one conversion, marked as a test; raises NotImplementedError where the
        platform has no `capabilities.trial`."""
        raise NotImplementedError(self.kind)

    def trial_verdict(self, reply: Reply, built: Built, now: datetime) -> Result:
        """What the platform says of it."""
        return self.verdict(reply, [built], now)

    def action_source(self, row: ConversionRow) -> str:
        """Key into `capabilities.max_age`."""
        return ""

    def age_limit(self, row: ConversionRow) -> timedelta | None:
        """Oldest that the row may be when it is first sent."""
        source = self.action_source(row)
        if source not in self._age_limits:
            self._age_limits[source] = self._age_limit(source)
        return self._age_limits[source]

    def _age_limit(self, source: str) -> timedelta | None:
        limits = self.capabilities.max_age
        platform = limits.get(source, limits.get(""))
        own = timedelta(days=self.config.max_age_days) if self.config.max_age_days else None
        return min((limit for limit in (platform, own) if limit is not None), default=None)

    def click_fault(self, row: ConversionRow, now: datetime) -> str:
        """Why the platform would refuse the row for its click, or nothing."""
        window = self.capabilities.click_window
        clicked = self.clicked(row) if window else None
        if window is None or clicked is None:
            return ""
        if row.created < clicked:
            return "before_click"
        # the platform judges the upload, the action's own window the conversion (EXPIRED_EVENT)
        late = now - clicked > window or row.created - clicked > self._own_click_window
        return "click_too_old" if late else ""

    @cached_property
    def _own_click_window(self) -> timedelta:
        platform = self.capabilities.click_window or timedelta.max
        return min(platform, timedelta(days=self.config.click_window_days or platform.days))

    def clicked(self, row: ConversionRow) -> datetime | None:
        """When the row's click on this platform was first seen; a row that tells no platform's own
        time has one for all."""
        for name in self.clicks:
            if getattr(row, name):
                return getattr(row, self.clicked_at) or row.click_at
        return None

    @property
    def adjusts_within(self) -> timedelta | None:
        """How long after a conversion the platform, or the config, takes changes; None is for ever,
        as in an audience, which people may leave as long as they are in it."""
        if self.capabilities.audience:
            return None
        own = timedelta(days=self.config.adjustment_days) if self.config.adjustment_days else None
        limits = (self.capabilities.adjusts_within, own)
        return min((limit for limit in limits if limit is not None), default=None)

    @property
    def needed(self) -> frozenset[str]:
        """Columns without which the platform, configured like this, refuses every row."""
        return frozenset()

    @property
    def batch_size(self) -> int:
        """Rows in one request."""
        wanted = self.config.batch_size or self.capabilities.usual_batch
        return min(wanted, self.capabilities.max_batch)

    @property
    def requests_per_second(self) -> float:
        """Rate that is never exceeded."""
        return self.config.requests_per_second or self.capabilities.requests_per_second


def canonical(payload: Any) -> bytes:
    """JSON bytes that are the same for the same content."""
    # sorted, or the same payload gets another fingerprint and is sent again; a copy, because each
    # text of orjson keeps the page that it was written to: 3 us a row, ten times the writing
    return b"%b" % orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)


def fingerprint(text: bytes) -> str:
    """SHA-256 of what is said of a conversion, in hex."""
    return hashlib.sha256(text).hexdigest()


def written(key: str, payload: Any, group: Hashable = (), members: tuple[str, ...] = ()) -> Built:
    """A row whose payload is written once: its canonical JSON is fingerprinted and sent."""
    text = canonical(payload)
    return Built(key, text, hashlib.sha256(text).hexdigest(), group, members)


def body(name: str, batch: Sequence[Built], **others: Any) -> bytes:
    """The canonical object of `others` and, under `name`, of what the rows have written."""
    before, member, after = canonical({**others, name: []}).partition(b'"%s":[' % name.encode())
    return before + member + b",".join([built.payload for built in batch]) + after


def present(**values: Any) -> JsonObject:
    """The values that are there; what is empty is left out, and 0 is not empty."""
    return {key: value for key, value in values.items() if value or value == 0}


def chunks(rows: Sequence[Built], size: int) -> list[Sequence[Built]]:
    """The rows in order, in requests of at most `size` rows of one group."""
    groups: dict[Hashable, list[Built]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    return [
        group[start : start + size]
        for group in groups.values()
        for start in range(0, len(group), size)
    ]
