"""The web site over a period: everybody's visits, and the events, orders and leads in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from common.local.shop.crm.leads import Lead, as_person
from common.local.shop.dice import dice
from common.local.shop.moments import MINUTE, Period
from common.local.shop.orders.orders import Order, order, sent_by_server
from common.local.shop.orders.refunds import Refund, unknown
from common.local.shop.site import journeys
from common.local.shop.site.people import Person, person
from common.local.shop.site.visits import (
    Ad,
    Event,
    Line,
    Visit,
    Walk,
    click_id,
    some_seconds_of,
    visit,
)
from common.local.shop.world import BRAND, DIRECT, HOUR, PRODUCT, Channel


@dataclass(frozen=True)
class Site:
    """What happened. `events` is all that GA4 will ever export, unordered.

    `enquiries` are the generate_lead events among them, `strays` refunds of orders from before,
    `marketplace` orders that a server sends, which the shop's own order table does not hold.
    """

    events: tuple[Event, ...]
    orders: tuple[Order, ...]
    enquiries: tuple[Event, ...]
    strays: tuple[Refund, ...]
    marketplace: tuple[Order, ...]


def site(seed: int, period: Period, visits_per_day: float, leads: Iterable[Lead]) -> Site:
    """Draws the period: shoppers of its own, and the senders of the leads that GA4 saw."""
    drawing = _Drawing(seed, period)
    senders = _by_day(leads, period)
    for number in range(period.days):
        day = period.start + timedelta(days=number)
        drawing.shoppers(day, visits_per_day)
        drawing.senders(senders[day])
    return drawing.result()


@dataclass
class _Drawing:
    seed: int
    period: Period
    people: list[Person] = field(default_factory=list)
    history: defaultdict[str, list[Visit]] = field(default_factory=lambda: defaultdict(list))
    events: list[Event] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    enquiries: list[Event] = field(default_factory=list)
    strays: list[Refund] = field(default_factory=list)
    marketplace: list[Order] = field(default_factory=list)

    def result(self) -> Site:
        """What was drawn, without what falls after the period."""
        orders = [*self.orders, *self.marketplace]
        ordered = [event for order in orders for event in _events_of(order)]
        strays = [event for refund in self.strays for event in refund.events]
        return Site(
            events=self._inside(self.events + ordered + strays),
            orders=tuple(self.orders),
            enquiries=self._inside(self.enquiries),
            strays=tuple(self.strays),
            marketplace=tuple(self.marketplace),
        )

    def _inside(self, events: list[Event]) -> tuple[Event, ...]:
        # a refund or a reload may fall behind the last day
        return tuple(event for event in events if self.period.contains(event.at))

    def shoppers(self, day: date, visits_per_day: float) -> None:
        """A day of people who look around and buy."""
        draw = dice(self.seed, "visits", day)
        # people furnish at weekends; both shares make a week of seven days all the same
        count = round(visits_per_day * (1.15 if day.weekday() >= 5 else 0.94))
        seconds = sorted(some_seconds_of(HOUR(draw), draw) for _ in range(count))
        placed = 0
        for began in (self.period.moment(day, second) for second in seconds):
            who = self._somebody(began, draw)
            walk = self._arrival(who, began, draw)
            journeys.look_around(walk)
            self._ad(walk)
            intent = draw.random()
            if intent < 0.09:
                placed += 1
                number = f"KO-{day:%y%m%d}-{placed:03d}"
                lines = journeys.check_out(walk)
                self.orders.append(order(number, walk, lines, self.period))
                self._stray(self.orders[-1], draw)
            elif intent < 0.095:
                self.enquiries.extend(journeys.ask(walk, "newsletter", "/contact"))
            # Purchases are kept with their order, and join the others at the end.
            self.events.extend(event for event in walk.events if event.name != "purchase")
            self._marketplace(walk, placed)

    def senders(self, leads: list[Lead]) -> None:
        """A day's leads whose browser GA4 saw: the visit of the form, and that of the click."""
        for lead in leads:
            draw = dice(self.seed, "sender", lead.id)
            who = as_person(lead)
            if lead.clicked_at:
                self._click(lead, who, lead.clicked_at, draw)
            page = f"/offices/{lead.asked.landing:03d}"
            walk = self._arrival(
                who,
                # time for the pages before the form
                lead.at - 15 * MINUTE,
                draw,
                landing=page,
                channel=DIRECT if lead.clicked_at else lead.channel,
                click=None if lead.clicked_at else lead.click_id,
            )
            self.enquiries.extend(journeys.ask(walk, lead.asked.form, page, lead.at))
            self.events.extend(walk.events)

    def _click(self, lead: Lead, who: Person, at: int, draw: Random) -> None:
        walk = self._arrival(who, at, draw, channel=lead.channel, click=lead.click_id)
        journeys.look_around(walk)
        self.events.extend(walk.events)

    def _arrival(
        self,
        who: Person,
        began: int,
        draw: Random,
        *,
        landing: str | None = None,
        channel: Channel | None = None,
        click: str | None = None,
    ) -> Walk:
        browser = draw.choice(who.browsers)
        history = self.history[browser.client_id]
        walk = Walk(
            visit(who, began, draw, history, browser=browser, channel=channel, click=click), draw
        )
        journeys.arrive(walk, landing)
        return walk

    def _somebody(self, began: int, draw: Random) -> Person:
        if self.people and draw.random() < 0.4:
            return draw.choice(self.people)
        neighbour = self.people[-1] if self.people else None
        self.people.append(person(self.seed, len(self.people), began, neighbour))
        return self.people[-1]

    def _ad(self, walk: Walk) -> None:
        """Some are brought back by an ad before they have left."""
        visit = walk.visit
        odd = dice(self.seed, "ad", visit.began, visit.browser.client_id)
        # where the export does not say how the visit came, the ad looks like how it came
        is_recorded = self.period.shard(visit.began) >= self.period.modern_from
        is_clear = visit.channel != DIRECT or (is_recorded and not visit.attributed_late)
        if is_clear and odd.random() < 0.06:
            kept, walk.draw = walk.draw, odd
            journeys.come_back_by_ad(walk, Ad(BRAND, click_id(BRAND, odd)))
            walk.draw = kept

    def _marketplace(self, walk: Walk, placed: int) -> None:
        """Now and then a server sends three orders of a marketplace at once."""
        began = walk.visit.began
        odd = dice(self.seed, "marketplace", began)
        if placed and odd.random() < 0.002:
            # all alike: of orders of one moment nobody can say which was the first
            lines = (Line(PRODUCT(odd), 1),) * 3
            self.marketplace += sent_by_server(f"MP-{began}", walk.visit, lines)

    def _stray(self, placed: Order, draw: Random) -> None:
        if placed.purchases and draw.random() < 0.015:
            self.strays.append(unknown(placed.purchases[0], draw))


def _by_day(leads: Iterable[Lead], period: Period) -> defaultdict[date, list[Lead]]:
    days: defaultdict[date, list[Lead]] = defaultdict(list)
    for lead in leads:
        if lead.seen_by_ga4:
            days[period.day(lead.at)].append(lead)
    return days


def _events_of(order: Order) -> Iterator[Event]:
    yield from order.purchases
    for refund in order.refunds:
        yield from refund.events
