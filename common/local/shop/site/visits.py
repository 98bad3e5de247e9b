"""A visit to the site, and the events that happen in it one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random
from types import MappingProxyType

from common.local.shop.dice import Weighted, dice
from common.local.shop.moments import DAY, HOUR, SECOND
from common.local.shop.site.people import NOBODY, Browser, Person
from common.local.shop.world import CHANNEL, DIRECT, Channel, Product

UNFILLED = "{gclid}"
"""A click id that a template forgot to fill in: it stands for no click."""

Scalar = str | int | float
"""A parameter's value; its Python type decides the field of GA4's `value` record."""

EXPORT = Weighted({1: 0.93, 2: 0.04, 3: 0.03})
"""In which writing of its day's table a visit first appears."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Where, how and by whom the site was visited; `client_id` is None without consent."""

    person: Person
    browser: Browser
    began: int
    number: int
    first: Visit | None
    """The browser's first visit; None for the first itself."""
    channel: Channel
    click_id: str | None
    client_id: str | None
    user_id: str | None
    ads_consent: bool
    version: int
    attributed_late: bool
    """GA4 adds the session's traffic source only when it writes the table a second time."""
    attributed: Channel
    """What GA4 says the visit came by: the last known channel of 90 days where it came directly."""
    auto_tagged: bool = False
    """The ad's address carries a click id and no campaign; only GA4 knows which one it was."""


@dataclass(frozen=True, slots=True)
class Ad:
    """An ad that brings somebody back to the site in the middle of a visit."""

    channel: Channel
    click_id: str


@dataclass(frozen=True, slots=True)
class Line:
    """A product in a cart; `refunded` is the amount given back for it, where GA4 was sent it."""

    product: Product
    quantity: int
    refunded: float | None = None
    is_bare: bool = False
    """The refund names the product alone, as GA4's own example does: no price, no quantity."""

    @property
    def amount(self) -> float:
        """Price times quantity."""
        return round(self.product.price * self.quantity, 2)


@dataclass(frozen=True, slots=True)
class Event:
    """One event as GA4 will export it, in the `version`-th writing of its table and after."""

    name: str
    at: int
    visit: Visit
    page: str
    version: int
    position: int
    params: Mapping[str, Scalar] = field(default_factory=lambda: MappingProxyType({}))
    ecommerce: Mapping[str, Scalar] | None = None
    lines: tuple[Line, ...] = ()
    from_server: bool = False
    ad: Ad | None = None


class Walk:
    """Events of one visit in the order in which they happen."""

    def __init__(self, visit: Visit, draw: Random) -> None:
        self.visit = visit
        self.draw = draw
        self.now = visit.began
        self.events: list[Event] = []

    def step(
        self,
        name: str,
        page: str,
        params: Mapping[str, Scalar] = MappingProxyType({}),
        *,
        ecommerce: Mapping[str, Scalar] | None = None,
        lines: tuple[Line, ...] = (),
        seconds: float | None = None,
        version: int | None = None,
        ad: Ad | None = None,
    ) -> Event:
        """The event that follows after so many seconds, or after some while unless given."""
        pause = self.draw.uniform(2, 45) if seconds is None else seconds
        self.now += round(pause * SECOND) + self.draw.randrange(1000)
        event = Event(
            name,
            self.now,
            self.visit,
            page,
            # an order may reach GA4 later than the visit in which it was placed
            version or self.visit.version,
            len(self.events),
            params,
            ecommerce,
            lines,
            ad=ad,
        )
        self.events.append(event)
        return event


def visit(
    person: Person,
    began: int,
    draw: Random,
    history: list[Visit],
    *,
    browser: Browser,
    channel: Channel | None = None,
    click: str | None = None,
) -> Visit:
    """A visit of the person, added to the history of visits with this browser."""
    channel = channel or (CHANNEL(draw) if not history or draw.random() < 0.6 else DIRECT)
    # dice of their own: what is drawn here changes nothing else of the shop
    odd = dice(0, "visit", began, browser.client_id)
    is_auto_tagged = channel.click == "gclid" and odd.random() < 0.3
    is_unfilled = channel.click == "gclid" and not (click or is_auto_tagged) and odd.random() < 0.06
    new = Visit(
        person=person,
        browser=browser,
        began=began,
        number=len(history) + 1,
        first=history[0] if history else None,
        channel=channel,
        click_id=click or (click_id(channel, draw) if channel.click else None),
        # without consent GA4 writes no client id
        client_id=browser.client_id if draw.random() > 0.02 else None,
        user_id=_signed_in(person, draw),
        ads_consent=draw.random() < 0.85,
        version=EXPORT(draw),
        attributed_late=draw.random() < 0.1,
        attributed=channel,
        auto_tagged=is_auto_tagged,
    )
    if is_unfilled:
        new = replace(new, click_id=UNFILLED)
    new = replace(new, attributed=_attributed(new, history))
    history.append(new)
    return new


def _attributed(new: Visit, history: list[Visit]) -> Channel:
    """The channel, or where it is none the last one by which the same client came.

    Source: support.google.com/analytics/answer/11242870 (last non-direct click, 90 days).
    """
    if new.channel != DIRECT or new.client_id is None:
        return new.channel
    # not the order in which they were drawn: the click of a lead comes after later visits
    for earlier in sorted(history, key=lambda visit: visit.began, reverse=True):
        is_known = earlier.client_id is not None and earlier.channel != DIRECT
        if is_known and 0 < new.began - earlier.began <= 90 * DAY:
            return earlier.channel
    return DIRECT


def click_id(channel: Channel, draw: Random) -> str:
    """A click id in the shape of the channel's platform."""
    length = {"gclid": 48, "gbraid": 40, "wbraid": 40, "fbclid": 56, "msclkid": 32}
    letters = "0123456789abcdef" if channel.click == "msclkid" else _LETTERS
    body = "".join(draw.choices(letters, k=length.get(channel.click or "", 24)))
    return ("Cj0KCQ" if channel.click == "gclid" else "") + body


def some_seconds_of(hour: int, draw: Random) -> float:
    """Seconds after midnight, somewhere in the hour."""
    return (hour * HOUR + draw.randrange(HOUR)) / SECOND


def _signed_in(person: Person, draw: Random) -> str | None:
    chance = draw.random()
    if chance < 0.03:
        return NOBODY(draw)
    return person.account if chance < 0.65 else None


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
