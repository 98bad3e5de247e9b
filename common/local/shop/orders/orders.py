"""Orders: what was bought, what GA4 heard of it, and what the call centre made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from common.local.shop.dice import Weighted, dice
from common.local.shop.moments import DAY, HOUR, REWRITTEN_BY, SECOND, Period
from common.local.shop.orders.refunds import Refund, refunds
from common.local.shop.site.people import Browser, Person
from common.local.shop.site.visits import Event, Line, Scalar, Visit, Walk
from common.local.shop.world import DIRECT, PRODUCT, Channel, Device, Place

SENT_ID = Weighted({"own": 88, "(not set)": 6, "": 2, "undefined": 1, "absent": 3})
"""Transaction ids as the tag sends them; a tag that runs too early sends one that is none."""
SENT_VALUE = Weighted({"revenue": 92, "parameter": 5, "none": 3})
"""Where the amount is: purchase_revenue, only the parameter `value`, or nowhere."""
# cookies from years before, so that no browser of the shop is drawn with the same id
CRAWLER = Browser("1999999999.1600000000", Device("desktop", "Linux", "Chrome"))

CRAWLED = Channel("crawler.example", "referral", group="Referral")
SERVER = Browser("1888888888.1600000000", Device("desktop", "Linux", "none"))
"""The client id under which a marketplace's server sends its orders."""


@dataclass(frozen=True, slots=True)
class Change:
    """What the order's record says from this moment on; status None removes the record."""

    at: int
    status: str | None
    total: float


@dataclass(frozen=True, slots=True)
class Order:
    """An order of the web shop with everything that will ever be known of it.

    `sent_id` is None where GA4 received no usable id; `value` is None where it received none.
    `purchases` are GA4's events of it, the genuine one first; none when GA4 was blocked.
    """

    id: str
    at: int
    visit: Visit
    lines: tuple[Line, ...]
    currency: str
    total: float
    sent_id: str | None
    value: float | None
    purchases: tuple[Event, ...]
    refunds: tuple[Refund, ...]
    changes: tuple[Change, ...]

    @property
    def buyer(self) -> Person:
        """Who bought."""
        return self.visit.person

    @property
    def place(self) -> Place:
        """Where the buyer lives."""
        return self.visit.person.place


def cart(draw: Random) -> tuple[Line, ...]:
    """One to four different products."""
    products = {PRODUCT(draw): None for _ in range(draw.choice((1, 1, 1, 2, 2, 3, 4)))}
    return tuple(Line(product, draw.choice((1, 1, 1, 1, 2, 4))) for product in products)


def order(number: str, walk: Walk, lines: tuple[Line, ...], period: Period) -> Order:
    """The order placed now; its events are added to the walk, unless GA4 was blocked."""
    draw, visit = walk.draw, walk.visit
    total = round(sum(line.amount for line in lines) * draw.choice((1, 1, 1, 0.9)), 2)
    sent = SENT_ID(draw)
    blank = Order(
        id=number,
        at=walk.now + 5 * SECOND,
        visit=visit,
        lines=lines,
        currency=visit.person.place.currency,
        total=total,
        sent_id=number if sent == "own" else None,
        value=None,
        purchases=(),
        refunds=(),
        changes=_changes(walk.now, total, draw),
    )
    # behind a blocker GA4 hears nothing of the order
    if draw.random() < 0.06:
        return blank
    return _tracked(blank, sent, walk, period)


def sent_by_server(number: str, visit: Visit, lines: tuple[Line, ...]) -> tuple[Order, ...]:
    """Orders of a marketplace that a server sends in one request, all of one moment.

    By the Measurement Protocol there are no batch columns; every second order names itself in the
    parameters alone.
    """
    made = []
    by_server = replace(
        visit, browser=SERVER, client_id=SERVER.client_id, user_id=None, channel=DIRECT,
        attributed=DIRECT, click_id=None, auto_tagged=False, version=1,
    )  # fmt: skip
    for place, line in enumerate(lines):
        id = f"{number}-{place}"
        params: dict[str, Scalar] = {"currency": "EUR", "value": line.amount}
        named: dict[str, Scalar] = {"transaction_id": id}
        params, record = ({**params, **named}, {}) if place % 2 else (params, named)
        event = Event(
            "purchase", visit.began, by_server, "", 1, place, params, record, (), from_server=True
        )
        made.append(
            Order(id, visit.began, by_server, (line,), "EUR", line.amount, id, line.amount,
                  (event,), (), ())
        )  # fmt: skip
    return tuple(made)


def _tracked(blank: Order, sent: str, walk: Walk, period: Period) -> Order:
    draw = walk.draw
    where = SENT_VALUE(draw)
    # two writings of the day's table lack it: whoever counts a day once loses it
    late = 3 if draw.random() < 0.03 else None
    # dice of their own: what is drawn here changes nothing else of the shop
    odd = dice(0, "order", blank.id)
    if period.is_rewritten(period.shard(walk.now)) and odd.random() < 0.4:
        late = REWRITTEN_BY
    if sent == "own" and odd.random() < 0.08:
        sent = "parameter"
    first = walk.step(
        "purchase",
        "/checkout/thank-you",
        _params(blank, where, draw, is_named=sent == "parameter"),
        ecommerce=_ecommerce(blank, sent, where),
        lines=blank.lines,
        seconds=5,
        version=late,
    )
    known = replace(blank, value=None if where == "none" else blank.total, at=first.at)
    again = (*_reloads(first, known, walk, period), *_recrawl(first, known, draw, period))
    return replace(
        known,
        purchases=(first, *again),
        refunds=refunds(known.total, known.currency, first, draw),
    )


def _params(order: Order, where: str, draw: Random, *, is_named: bool) -> dict[str, Scalar]:
    # The gateway's reference shares its key with the order id and never equals it, unless the tag
    # knows no other place for the order id.
    reference = draw.randrange(10**6, 10**7)
    referred: Scalar = reference if draw.random() < 0.15 else f"pay_{reference:x}"
    params: dict[str, Scalar] = {
        "transaction_id": f"{order.id} " if is_named else referred,
        "currency": order.currency,
        "tax": _as_sent(round(order.total * 0.19 / 1.19, 2), draw),
        "shipping": 0,
        "payment_type": draw.choice(("card", "paypal", "invoice")),
    }
    if where != "none":
        params["value"] = _as_sent(order.total, draw)
    if draw.random() < 0.2:
        params["coupon"] = draw.choice(("SPRING10", "WELCOME"))
    return params


def _as_sent(amount: float, draw: Random) -> Scalar:
    """Whole amounts arrive as integers, and one tag in fifty sends text."""
    if draw.random() < 0.02:
        return f"{amount:.2f}"
    return int(amount) if amount.is_integer() else amount


def _ecommerce(order: Order, sent: str, where: str) -> dict[str, Scalar]:
    record: dict[str, Scalar] = {
        "total_item_quantity": sum(line.quantity for line in order.lines),
        "unique_items": len(order.lines),
        "tax_value": round(order.total * 0.19 / 1.19, 2),
    }
    if where == "revenue":
        record["purchase_revenue"] = order.total
    if sent not in ("absent", "parameter"):
        record["transaction_id"] = order.id if sent == "own" else sent
    return record


def _reloads(first: Event, order: Order, walk: Walk, period: Period) -> tuple[Event, ...]:
    """The thank-you page loaded again within the minute; some tags pad the order id."""
    if not order.sent_id and period.shard(first.at) >= period.modern_from:
        # Two sales without an id at the same instant: GA4's batch columns tell the events apart,
        # the gateway's reference the sales.
        params = {**first.params, "transaction_id": f"{first.params['transaction_id']}b"}
        twin = (replace(first, position=first.position + 1, params=params),)
        return twin if walk.draw.random() < 0.15 else ()
    count = walk.draw.choice((1, 1, 2)) if walk.draw.random() < 0.08 else 0
    return tuple(
        walk.step(
            "purchase",
            first.page,
            first.params,
            ecommerce=_padded(first, order, walk.draw),
            lines=first.lines,
            seconds=walk.draw.uniform(3, 25),
            # a reload may be exported before the event that it repeats
            version=1 if walk.draw.random() < 0.3 else first.version,
        )
        for _ in range(count)
    )


def _padded(first: Event, order: Order, draw: Random) -> dict[str, Scalar]:
    record = dict(first.ecommerce or {})
    if order.sent_id and draw.random() < 0.3 and "transaction_id" in record:
        record["transaction_id"] = f" {order.sent_id} "
    return record


def _recrawl(first: Event, order: Order, draw: Random, period: Period) -> tuple[Event, ...]:
    """The thank-you page fetched again weeks later by a crawler that is nobody's browser."""
    if not order.sent_id or draw.random() > 0.12:
        return ()
    began = order.at + draw.randrange(14 * DAY, 60 * DAY)
    # what the export would not hold is no part of the truth either
    if not period.contains(began):
        return ()
    crawl = replace(
        first.visit,
        browser=CRAWLER,
        client_id=CRAWLER.client_id,
        user_id=None,
        began=began,
        channel=CRAWLED,
        attributed=CRAWLED,
        auto_tagged=False,
        click_id=None,
        version=1,
    )
    return (replace(first, at=began + SECOND, visit=crawl, version=1, position=1),)


def _changes(at: int, total: float, draw: Random) -> tuple[Change, ...]:
    """New, then confirmed by telephone or cancelled, then paid; a few corrected or removed."""
    changes = [Change(at, "new", total)]
    called = at + draw.randrange(HOUR, 3 * DAY)
    if draw.random() < 0.12:
        changes.append(Change(called, "cancelled", total))
        return tuple(changes)
    changes.append(Change(called, "confirmed", total))
    if draw.random() < 0.9:
        # long after the order: a conversion on payment changes days that were counted
        paid = called + draw.randrange(HOUR, 9 * DAY)
        changes.append(Change(paid, "paid", total))
        changes.extend(_second_thoughts(paid, total, draw))
    return tuple(changes)


def _second_thoughts(paid: int, total: float, draw: Random) -> tuple[Change, ...]:
    chance, when = draw.random(), paid + draw.randrange(DAY, 25 * DAY)
    if chance < 0.06:
        return (Change(when, "paid", round(total * draw.uniform(0.5, 0.95), 2)),)
    if chance < 0.11:
        return (Change(when, "returned", total),)
    if chance < 0.14:
        return (Change(when, None, total),)
    return ()
