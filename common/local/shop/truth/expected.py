"""The true conversions of GA4 and of the order table, worked out from what was drawn.

No rows of an export are read: which events are duplicates, which refund belongs to which order and
who is who is known from the drawing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

from common.local.shop.moments import DAY, Period, instant, midnight
from common.local.shop.orders import order_table
from common.local.shop.orders.orders import Order
from common.local.shop.orders.rates import Rates
from common.local.shop.orders.refunds import Refund
from common.local.shop.site.export import exported_on
from common.local.shop.site.site import Site
from common.local.shop.site.visits import UNFILLED, Event, Visit
from common.local.shop.truth.answers import Confirmed, Counted
from common.local.shop.world import DIRECT, Channel

NOBODY = ("undefined", "null", "0")
CROWD = 50
"""A user id seen with more clients than this stands for nobody."""


_Values = tuple[float | None, float | None, float | None]


class _Pair(NamedTuple):
    """A client and an account that were seen together."""

    at: int
    client_id: str
    account: str
    on_site: bool


class _Seen(NamedTuple):
    """A visit in the export: whether its first page is there, and the session's own record."""

    visit: Visit
    landed: bool
    recorded: bool


UNKNOWN = Channel("(not set)", "(not set)", "(not set)")
"""What GA4 says of an event without a visit."""


class ExpectedConversions:
    """Answers for one day: what was exported, and happened before the day began."""

    def __init__(self, site: Site, period: Period, rates: Rates, as_of: date) -> None:
        self._site = site
        self._period = period
        self._rates = rates
        self._as_of = as_of
        self._visible = [event for event in site.events if self._sees(event)]
        pairs = [*self._signed_in(), *self._confirmed_by()]
        clients = _clients_of_accounts(pairs)
        self._nobody = {*NOBODY, *(who for who, known in clients.items() if len(known) > CROWD)}
        self._accounts = self._accounts_of_clients(pairs, clients)
        self._clicks = self._clicks_of_clients()
        self._visits = self._visits_seen()
        self._of_clients = _by_client(self._visits)

    def purchase_events(self) -> int:
        """How many purchase events are there, duplicates included."""
        return sum(event.name == "purchase" for event in self._visible)

    def purchases(self, refund_days: int) -> list[Counted]:
        """One an order, its first event; one a gateway reference where the order id is unusable."""
        return sorted(self._counted(refund_days), key=lambda row: (row.created, row.id or ""))

    def unmatched_refunds(self) -> int:
        """Refund events, the same one sent twice counted once, whose order is unknown."""
        strays = sum(self._sees(refund.events[0]) for refund in self._site.strays)
        return strays + sum(
            self._sees(refund.events[0])
            for order in self._site.orders
            for refund in order.refunds
            if not order.sent_id or not any(map(self._sees, order.purchases))
        )

    def enquiries(self) -> list[Counted]:
        """The generate_lead events, valued by their parameter whichever type it has."""
        found = [self._enquiry(event) for event in self._site.enquiries if self._sees(event)]
        return sorted(found, key=lambda row: row.created)

    def confirmed_orders(self) -> list[Confirmed]:
        """What crm.orders holds that is confirmed or paid."""
        moment = midnight(self._as_of, self._period.zone)
        return [
            found
            for order in self._site.orders
            if (found := _confirmed(order, self._period, moment)) is not None
        ]

    def _sees(self, event: Event) -> bool:
        return (
            self._period.contains(event.at)
            and self._period.day(event.at) < self._as_of
            and exported_on(event, self._period) <= self._as_of
        )

    def _counted(self, refund_days: int) -> Iterator[Counted]:
        for order in (*self._site.orders, *self._site.marketplace):
            seen = [event for event in order.purchases if self._sees(event)]
            if order.sent_id and seen:
                # not the genuine one if that is not exported yet: a reload then stands for it
                first = min(seen, key=lambda event: event.at)
                yield self._purchase(order, first, order.refunds, refund_days)
            elif not order.sent_id:
                for event in _first_of_each_reference(seen):
                    yield self._purchase(order, event, (), refund_days)

    def _purchase(
        self, order: Order, event: Event, refunds: Iterable[Refund], refund_days: int
    ) -> Counted:
        day = self._period.day(event.at)
        last = day + timedelta(days=refund_days)
        given = [
            refund
            for refund in refunds
            if self._sees(refund.events[0]) and self._period.day(refund.at) <= last
        ]
        return self._row(event, order.sent_id, order.currency, self._values(order, given, day))

    def _values(self, order: Order, given: Iterable[Refund], day: date) -> _Values:
        """Before refunds, refunded, and after them: nothing is left where all was given back."""
        gross = order.value
        if any(refund.amount is None for refund in given):
            return gross, gross, 0.0
        if gross is None:
            return None, None, None
        # nobody is given back more than was paid
        refunded = min(gross, sum(self._amount(refund, order, day) for refund in given))
        # amounts are floats, and nothing that is left over must look like money
        return gross, refunded, round(gross - refunded, 6)

    def _amount(self, refund: Refund, order: Order, day: date) -> float:
        """In the order's currency, at the rates of the purchase's day."""
        rate = self._rates.rate
        return (refund.amount or 0) * rate(refund.currency, day) / rate(order.currency, day)

    def _enquiry(self, event: Event) -> Counted:
        sent = event.params.get("value")
        value = None if sent is None else float(sent)
        return self._row(event, None, "EUR", (value, None, value))

    def _row(
        self,
        event: Event,
        id: str | None,
        currency: str,
        values: _Values,
    ) -> Counted:
        day = self._period.day(event.at)
        gross, refunded, value = values
        rate = self._rates.rate(currency, day)
        return Counted(
            id=id,
            created=instant(event.at),
            date=day,
            client_id=event.visit.client_id,
            user_id=event.visit.user_id,
            person=self._person(event),
            currency=currency,
            value_gross=gross,
            value_refunded=refunded,
            value=value,
            value_project=None if value is None else value * rate,
            gclid=self._gclid(event),
            source=(came := self._came_by(event)).source,
            medium=came.medium,
            campaign=came.campaign,
        )

    def _signed_in(self) -> Iterator[_Pair]:
        """Which account was signed in on a client."""
        for event in self._visible:
            if event.visit.user_id and event.visit.client_id:
                yield _Pair(event.at, event.visit.client_id, event.visit.user_id, on_site=True)

    def _confirmed_by(self) -> Iterator[_Pair]:
        """Whose order of a client was confirmed, as crm.orders tells it."""
        moment = midnight(self._as_of, self._period.zone)
        for order in self._site.orders:
            client, account = order_table.client_id(order), order_table.customer_id(order)
            at = order_table.confirmed_at(order_table.changes(order, moment))
            if _confirmed(order, self._period, moment) and at and client and client not in NOBODY:
                yield _Pair(at, client, account, on_site=False)

    def _account(self, event: Event) -> str | None:
        """The account that is signed in on the event itself."""
        return None if event.visit.user_id in self._nobody else event.visit.user_id

    def _accounts_of_clients(
        self, pairs: Iterable[_Pair], clients: Mapping[str, set[str]]
    ) -> dict[str, list[tuple[int, str]]]:
        """Which accounts were seen with a client, and when, in order of time.

        Orders tell of accounts that sign in on the site, and of clients on which nobody does; what
        only orders of one client name may be a guest's number.
        """
        found: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        somebody = sorted(pair for pair in pairs if pair.account not in self._nobody)
        signed_in = {pair.account for pair in somebody if pair.on_site}
        signed_on = {pair.client_id for pair in somebody if pair.on_site}
        for pair in somebody:
            fills = pair.client_id not in signed_on and len(clients[pair.account]) > 1
            if fills or pair.account in signed_in:
                found[pair.client_id].append((pair.at, pair.account))
        return dict(found)

    def _person(self, event: Event) -> str:
        """Whose event it is: the client's only account, else the event's own, else the last one.

        A client with two accounts joins nobody; without any account a client stands for itself.
        """
        client = event.visit.client_id
        seen = self._accounts.get(client or "", [])
        accounts = {account for _, account in seen}
        if len(accounts) == 1:
            return accounts.pop()
        before = [account for at, account in seen if at <= event.at]
        last = before[-1] if before else client
        return self._account(event) or last or f"{event.at}/{event.position}"

    def _clicks_of_clients(self) -> dict[str, list[tuple[int, str]]]:
        found: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        for event in self._visible:
            visit = event.visit
            if event.ad:
                found[visit.client_id or ""].append((event.at, event.ad.click_id))
            elif event.name == "session_start" and visit.channel.click == "gclid":
                found[visit.client_id or ""].append((event.at, visit.click_id or ""))
        return dict(found)

    def _visits_seen(self) -> dict[tuple[str | None, int], _Seen]:
        """(client, began) → what the export shows of each visit."""
        found: dict[tuple[str | None, int], _Seen] = {}
        for event in self._visible:
            if event.from_server:
                continue
            key = (event.visit.client_id, event.visit.began)
            before = found.get(key, _Seen(event.visit, landed=False, recorded=False))
            found[key] = _Seen(
                event.visit,
                landed=before.landed or event.name == "session_start",
                recorded=before.recorded or self._tells(event),
            )
        return found

    def _tells(self, event: Event) -> bool:
        """Whether the row of the event says by which channel its session came."""
        shard = self._period.shard(event.at)
        is_first = max(self._period.lands(shard), (self._as_of - shard).days) == 1
        is_late = event.visit.attributed_late and is_first
        return shard >= self._period.modern_from and not is_late

    def _came_by(self, event: Event) -> Channel:
        """The channel of the event's visit, as far as the export lets it be known."""
        if event.from_server:
            return UNKNOWN
        visit = event.visit
        if visit.client_id is None:
            return (
                self._channel(_Seen(visit, landed=False, recorded=True))
                if self._tells(event)
                else UNKNOWN
            )
        return self._channel(self._visits[visit.client_id, visit.began])

    def _channel(self, seen: _Seen) -> Channel:
        """As GA4 says; else the visit's own; else the client's last known one of 90 days."""
        visit = seen.visit
        if seen.recorded:
            # a session's record never lacks a campaign: what GA4 could not resolve is "(not set)"
            return replace(visit.attributed, campaign=visit.attributed.campaign or "(not set)")
        if seen.landed and visit.channel != DIRECT:
            # an auto-tagged ad's address carries no campaign; only GA4 knows which one it was
            unnamed = replace(visit.channel, campaign="(not set)")
            return unnamed if visit.auto_tagged else visit.channel
        earlier = [
            it for it in self._of_clients[visit.client_id]
            if 0 < visit.began - it.visit.began <= 90 * DAY
        ]  # fmt: skip
        known = (self._channel(it) for it in reversed(earlier))
        sourced = (channel for channel in known if channel.source != DIRECT.source)
        return next(sourced, replace(DIRECT, campaign="(direct)"))

    def _gclid(self, event: Event) -> str | None:
        """The client's last Google click up to the event, at most 90 days old."""
        clicks = self._clicks.get(event.visit.client_id or "(none)", [])
        recent = [
            (at, id)
            for at, id in clicks
            if id != UNFILLED and event.at - 90 * DAY <= at <= event.at
        ]
        return max(recent)[1] if recent else None


def _by_client(visits: Mapping[tuple[str | None, int], _Seen]) -> dict[str | None, list[_Seen]]:
    """The visits of each client, in order of time."""
    found: defaultdict[str | None, list[_Seen]] = defaultdict(list)
    for (client, _), seen in sorted(visits.items(), key=lambda item: item[0][1]):
        found[client].append(seen)
    return dict(found)


def _clients_of_accounts(pairs: Iterable[_Pair]) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        found[pair.account].add(pair.client_id)
    return dict(found)


def _confirmed(order: Order, period: Period, moment: int) -> Confirmed | None:
    past = order_table.changes(order, moment)
    at = order_table.confirmed_at(past)
    if at is None or past[-1].status not in ("confirmed", "paid"):
        return None
    return Confirmed(
        id=order.id,
        client_id=order_table.client_id(order),
        created=instant(at),
        order_date=period.day(past[0].at),
        value=past[-1].total,
        currency=order.currency,
        is_qualified=past[-1].status == "paid",
    )


def _first_of_each_reference(purchases: Iterable[Event]) -> Iterator[Event]:
    """Without an order id GA4's parameter tells sales apart: a page loaded again repeats it."""
    seen: set[object] = set()
    for event in sorted(purchases, key=lambda event: event.at):
        reference = event.params["transaction_id"]
        if reference not in seen:
            seen.add(reference)
            yield event
