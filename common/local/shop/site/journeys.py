"""What people do in a visit: look around, buy, or ask for an offer."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from common.local.shop.dice import Weighted
from common.local.shop.orders.orders import cart
from common.local.shop.site.visits import Ad, Event, Line, Scalar, Walk
from common.local.shop.world import PRODUCT, PRODUCTS, Channel

ROOMS = tuple(dict.fromkeys(product.room for product in PRODUCTS))
DEPTH = Weighted({0: 30, 1: 30, 2: 20, 3: 12, 5: 8})
"""How many products a visitor looks at."""


def arrive(walk: Walk, landing: str | None = None) -> None:
    """The visit begins: session start, and first visit for a new browser."""
    page = landing or f"/rooms/{walk.draw.choice(ROOMS).lower()}"
    walk.step("session_start", page, seconds=0)
    if walk.visit.number == 1:
        walk.step("first_visit", page, seconds=0)
    walk.step("page_view", page, {"entrances": 1, **_tagged(walk)}, seconds=0)


def look_around(walk: Walk) -> None:
    """Pages, products, sometimes a search."""
    draw = walk.draw
    if draw.random() < 0.12:
        walk.step("view_search_results", "/search", {"search_term": draw.choice(_TERMS)})
    for _ in range(DEPTH(draw)):
        product = PRODUCT(draw)
        page = f"/products/{product.id.lower()}"
        walk.step("page_view", page)
        walk.step("view_item", page, _worth(product.price, walk), lines=(Line(product, 1),))
        if draw.random() < 0.4:
            walk.step("scroll", page, {"percent_scrolled": 90})
    if draw.random() < 0.6:
        walk.step("user_engagement", "/", {"engagement_time_msec": draw.randrange(90_000)})


def come_back_by_ad(walk: Walk, ad: Ad) -> None:
    """In the middle of the visit an ad is clicked, which begins no new session.

    Source: a new campaign starts no new session in GA4 (tanelytics.com, ga4-sessions).
    """
    page = f"/rooms/{walk.draw.choice(ROOMS).lower()}"
    walk.step("page_view", page, tags(ad.channel), ad=ad)


def check_out(walk: Walk) -> tuple[Line, ...]:
    """The way to the till, up to the moment before the order; returns what is in the cart."""
    lines = cart(walk.draw)
    worth = _worth(sum(line.amount for line in lines), walk)
    for line in lines:
        walk.step("add_to_cart", f"/products/{line.product.id.lower()}", worth, lines=(line,))
    walk.step("begin_checkout", "/checkout", worth, lines=lines)
    walk.step("add_shipping_info", "/checkout/shipping", worth, lines=lines)
    walk.step("add_payment_info", "/checkout/payment", worth, lines=lines)
    return lines


def ask(walk: Walk, form: str, page: str, at: int | None = None) -> tuple[Event, ...]:
    """The form is filled in and sent, at that moment if given; some send it twice."""
    draw = walk.draw
    walk.step("form_start", page, {"form_id": form})
    walk.now = at or walk.now
    params: dict[str, Scalar] = {"form_id": form, "lead_type": "offer", "currency": "EUR"}
    params |= _lead_value(draw)
    first = walk.step("generate_lead", page, params, seconds=0)
    if draw.random() > 0.09:
        return (first,)
    return (first, walk.step("generate_lead", page, params, seconds=draw.choice((2, 40))))


def _lead_value(draw: Random) -> Mapping[str, Scalar]:
    """One key, four types: text, integer, double, or no value at all."""
    return draw.choice(({"value": 25}, {"value": 25.0}, {"value": "25"}, {"value": 40.5}, {}))


def _worth(amount: float, walk: Walk) -> dict[str, Scalar]:
    return {"currency": walk.visit.person.place.currency, "value": round(amount, 2)}


def _tagged(walk: Walk) -> dict[str, Scalar]:
    # of an ad that Google tags itself, the page's own parameters know nothing but the search engine
    return tags(ORGANIC if walk.visit.auto_tagged else walk.visit.channel)


def tags(channel: Channel) -> dict[str, Scalar]:
    """The parameters that a page sends which was reached by the channel."""
    sent = {"source": channel.source, "medium": channel.medium, "campaign": channel.campaign}
    return {key: value for key, value in sent.items() if value and channel.group != "Direct"}


ORGANIC = Channel("google", "organic", "(organic)", None, "Organic Search")


_TERMS = ("oak table", "lamp", "sofa grey", "mug", "stuhl", "Écharpe", "desk 120cm")
