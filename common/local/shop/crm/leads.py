"""Leads: who asked for an offer, what deal came of it, and which lead it belongs to."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from common.local.shop.crm.deals import Deal, Origin, deal
from common.local.shop.crm.prospects import (
    AGAIN,
    Company,
    Enquiry,
    Prospect,
    company,
    enquiry,
    prospect,
)
from common.local.shop.dice import dice, poisson
from common.local.shop.moments import DAY, HOUR, Period
from common.local.shop.orders.rates import Rates
from common.local.shop.site.people import Browser, Person, browser
from common.local.shop.site.visits import click_id, some_seconds_of
from common.local.shop.world import CHANNEL, PLACE, Channel, Place
from common.local.shop.world import HOUR as VISITING_HOUR

RETURNS = 0.08
"""Chance that somebody asks again, for something else, when the first deal is through."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A record of the CRM. `merged_at` is when it is folded into `merged_into`, if ever."""

    id: int
    created: int
    first_name: str
    last_name: str
    firm: Company
    place: Place
    browser: Browser | None
    captured_client_id: str | None
    erased_at: int | None
    merged_into: int | None = None
    merged_at: int | None = None

    @property
    def email(self) -> str:
        """An address that reaches nobody."""
        return f"{self.first_name}.{self.last_name}.{self.id}@company.example".lower()


@dataclass(frozen=True, slots=True)
class Lead:
    """One form sent. `deal` is the deal credited to it: it was the last lead before that deal."""

    id: str
    contact: Contact
    at: int
    asked: Enquiry
    channel: Channel
    click_id: str | None
    clicked_at: int | None
    """When the ad was clicked, if on an earlier visit than that of the form."""
    true: Prospect
    deal: Deal | None
    seen_by_ga4: bool


def leads(seed: int, period: Period, per_day: float, rates: Rates) -> list[Lead]:
    """All leads that begin in the period, in the order in which they were sent.

    A few follow-ups fall after it; the CRM knows nothing of them yet.
    """
    found: list[Lead] = []
    for number in range(period.days):
        day = period.start + timedelta(days=number)
        draw = dice(seed, "leads", day)
        # companies ask on working days; both shares make a week of seven days all the same
        weekday = 0.35 if day.weekday() >= 5 else 1.26
        # a chain has about 1 + AGAIN leads
        for place in range(poisson(draw, per_day * weekday / (1 + AGAIN))):
            chain = dice(seed, "lead", day, place)
            at = period.moment(day, some_seconds_of(VISITING_HOUR(chain), chain))
            sender = Sender(seed, number * 10_000 + place * 10, chain, rates)
            found.extend(sender.story(at))
    return sorted(found, key=lambda lead: (lead.at, lead.id))


@dataclass(frozen=True)
class Sender:
    """Draws the leads of one sender; `number` and the nine after it are theirs."""

    seed: int
    number: int
    draw: Random
    rates: Rates

    def story(self, at: int) -> Iterator[Lead]:
        """A chain of leads that may end in a deal, and perhaps a second one afterwards."""
        contact = _contact(1_000_000 + self.number, at, self.draw)
        last = yield from self._chain(contact, at, self.number)
        if self.draw.random() < RETURNS:
            quiet = last.deal.over if last.deal else last.at + 60 * DAY
            # while a deal is open, nobody asks for another one
            if quiet is not None:
                later = quiet + self.draw.randrange(10 * DAY, 40 * DAY)
                yield from self._chain(contact, later, self.number + 5)

    def _chain(self, contact: Contact, at: int, number: int) -> Generator[Lead, None, Lead]:
        """Leads a few days apart of which only the last can win; returns that one."""
        sent = [(contact, at)]
        while self.draw.random() < AGAIN and len(sent) < 5:
            at += self.draw.randrange(HOUR, 3 * DAY)
            sent.append((_next_contact(contact, number + len(sent), at, self.draw), at))
        leads = [self._lead(number + place, *who_when) for place, who_when in enumerate(sent)]
        yield from leads[:-1]
        people = tuple(dict.fromkeys(who.id for who, _ in sent))
        final = replace(leads[-1], deal=self._deal(leads[-1], people))
        yield final
        return final

    def _lead(self, number: int, contact: Contact, at: int) -> Lead:
        draw = self.draw
        channel = CHANNEL(draw)
        asked = enquiry(draw, channel.group)
        clicked = bool(channel.click) and draw.random() < 0.5
        return Lead(
            id=f"f-{number:07d}",
            contact=contact,
            at=at,
            asked=asked,
            channel=channel,
            click_id=click_id(channel, draw) if channel.click else None,
            clicked_at=at - draw.randrange(DAY, 20 * DAY) if clicked else None,
            true=prospect(self.seed, contact.firm, asked),
            deal=None,
            seen_by_ga4=contact.browser is not None and draw.random() < 0.93,
        )

    def _deal(self, lead: Lead, people: tuple[int, ...]) -> Deal | None:
        """The deal of the chain's last lead; it is erased together with its contact."""
        origin = Origin(int(lead.id.removeprefix("f-")), lead.at, lead.asked.form, people)
        drawn = deal(origin, lead.true, self.draw, self.rates)
        erased = lead.contact.erased_at
        return replace(drawn, deleted_at=erased) if drawn and erased else drawn


def _next_contact(first: Contact, number: int, at: int, draw: Random) -> Contact:
    """Who sends the next form: the same record, a second record of them, or a colleague."""
    chance = draw.random()
    if chance < 0.6:
        return first
    other = _contact(1_000_000 + number, at, draw)
    if chance < 0.8:
        # a colleague: the same company and another person, whose lead belongs to the same deal
        return replace(other, created=at, firm=first.firm, place=first.place)
    return replace(
        first,
        id=other.id,
        created=at,
        merged_into=first.id,
        merged_at=at + draw.randrange(5 * DAY, 40 * DAY),
    )


def _contact(id: int, at: int, draw: Random) -> Contact:
    known = draw.random() < 0.08
    cookie = browser(draw, at - draw.randrange(HOUR, 30 * DAY)) if draw.random() < 0.92 else None
    return Contact(
        id=id,
        # Subscribers to the newsletter are contacts long before they are leads.
        created=at - draw.randrange(30 * DAY, 400 * DAY) if known else at,
        first_name=draw.choice(_FIRST),
        last_name=draw.choice(_LAST),
        firm=company(draw),
        place=PLACE(draw),
        browser=cookie,
        captured_client_id=captured(cookie, draw),
        erased_at=at + draw.randrange(10 * DAY, 60 * DAY) if draw.random() < 0.01 else None,
    )


def captured(cookie: Browser | None, draw: Random) -> str | None:
    """The client id as a form's hidden field hands it over, with the usual faults."""
    if cookie is None:
        return None
    chance = draw.random()
    if chance < 0.07:
        return f"GA1.1.{cookie.client_id}"
    if chance < 0.10:
        return "undefined"
    if chance < 0.12:
        return f"{float(cookie.client_id):.5E}"
    if chance < 0.13:
        return "jane.doe@company.example"
    return None if chance < 0.17 else cookie.client_id


def as_person(lead: Lead) -> Person:
    """The sender as a visitor of the site; only for leads that GA4 saw."""
    contact = lead.contact
    assert contact.browser is not None
    return Person(contact.id, contact.place, (contact.browser,), None)


_FIRST = ("Ada", "Ben", "Chloé", "Dario", "Ewa", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Lea")
_LAST = ("Adler", "Brandt", "Costa", "Dubois", "Ek", "Fischer", "Günther", "Hansen", "Ito", "Moss")
