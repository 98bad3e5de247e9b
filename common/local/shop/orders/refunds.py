"""Refunds as GA4 receives them: full, in part, by items, twice, in another currency, too early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from common.local.shop.dice import Weighted, dice
from common.local.shop.moments import DAY, SECOND
from common.local.shop.site.visits import Event, Line, Scalar


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back: `amount` in `currency`, None for all of it.

    Two events of one refund are the same event sent twice.
    """

    at: int
    amount: float | None
    currency: str
    events: tuple[Event, ...]


def refunds(total: float, currency: str, purchase: Event, draw: Random) -> tuple[Refund, ...]:
    """The refunds of an order; none for most orders."""
    # An order that GA4 hears of late is refunded the next day: the refund arrives first.
    early = purchase.version == 3
    if draw.random() > (0.6 if early else 0.2):
        return ()
    wait = draw.randrange(DAY // 2, DAY) if early else round(DAY * draw.lognormvariate(2, 0.9))
    base = _Base(total, currency, replace(purchase, at=purchase.at + wait))
    return tuple(_oddly_written(refund) for refund in _KIND(draw)(base, draw))


def _oddly_written(refund: Refund) -> Refund:
    """The same refund as some shops write it: one amount, however it is written.

    With a minus; as 0 beside its products; by products without price and quantity; twice within a
    minute. Source: avikaminetzky.dev/posts/ga4-refund-events, Deducive/ga4refundR.
    """
    event = refund.events[0]
    odd = dice(0, "refund", refund.at, event.visit.browser.client_id)
    priced = _are_priced(event.lines)
    way = (WAY_OF_PRODUCTS if priced else WAY)(odd)
    stated = (event.ecommerce or {}).get("refund_value")
    if way == "minus" and isinstance(stated, float):
        event = _stating(event, -stated)
    elif way == "zero":
        event = _stating(event, 0.0)
    elif way == "bare" and event.lines[0].quantity == 1:
        # without a quantity GA4 takes one
        event = replace(event, lines=tuple(replace(line, is_bare=True) for line in event.lines))
    elif way == "again":
        return replace(refund, events=(event, replace(event, at=event.at + 40 * SECOND)))
    return replace(refund, events=(event,) * len(refund.events))


def _stating(event: Event, amount: float) -> Event:
    return replace(
        event,
        ecommerce={**(event.ecommerce or {}), "refund_value": amount},
        params={**event.params, "value": amount},
    )


def _are_priced(lines: tuple[Line, ...]) -> bool:
    return bool(lines) and all(line.refunded is None for line in lines)


WAY = Weighted({"plainly": 70, "minus": 18, "again": 12})
WAY_OF_PRODUCTS = Weighted({"plainly": 30, "zero": 30, "bare": 40})
"""Of refunds that name products and their prices."""


def unknown(purchase: Event, draw: Random) -> Refund:
    """A refund of an order from before the export began."""
    record = {"transaction_id": f"KO-OLD-{draw.randrange(1000)}"}
    later = replace(purchase, at=purchase.at + draw.randrange(DAY), ecommerce=record)
    return _by_amount(_Base(50.0, "EUR", later), 50.0, "EUR")


@dataclass(frozen=True, slots=True)
class _Base:
    total: float
    currency: str
    event: Event
    """The purchase, moved to the moment of the refund."""


def _by_amount(base: _Base, amount: float, currency: str) -> Refund:
    event = _event(base, {"refund_value": amount}, {"value": amount, "currency": currency})
    return Refund(event.at, amount, currency, (event,))


def _full(base: _Base, _: Random) -> tuple[Refund, ...]:
    return (_by_amount(base, base.total, base.currency),)


def _without_amount(base: _Base, _: Random) -> tuple[Refund, ...]:
    event = _event(base, {}, {})
    return (Refund(event.at, None, base.currency, (event,)),)


def _in_part(base: _Base, draw: Random) -> tuple[Refund, ...]:
    return (_by_amount(base, _share(base, draw), base.currency),)


def _sent_twice(base: _Base, draw: Random) -> tuple[Refund, ...]:
    (refund,) = _in_part(base, draw)
    return (replace(refund, events=refund.events * 2),)


def _in_steps(base: _Base, draw: Random) -> tuple[Refund, ...]:
    later = replace(base, event=replace(base.event, at=base.event.at + 2 * DAY))
    return (*_in_part(base, draw), *_in_part(later, draw))


def _by_items(base: _Base, draw: Random) -> tuple[Refund, ...]:
    line = base.event.lines[0]
    given = round(line.amount * draw.choice((1, 0.5)), 2)
    event = _event(base, {}, {"currency": base.currency}, (replace(line, refunded=given),))
    return (Refund(event.at, given, base.currency, (event,)),)


def _by_prices(base: _Base, _: Random) -> tuple[Refund, ...]:
    line = base.event.lines[0]
    event = _event(base, {}, {"currency": base.currency}, (line,))
    return (Refund(event.at, line.amount, base.currency, (event,)),)


def _in_other_currency(base: _Base, draw: Random) -> tuple[Refund, ...]:
    currency = "GBP" if base.currency == "EUR" else "EUR"
    return (_by_amount(base, _share(base, draw), currency),)


_KIND: Weighted[Callable[[_Base, Random], tuple[Refund, ...]]] = Weighted(
    {
        _full: 20,
        _without_amount: 14,
        _in_part: 20,
        _sent_twice: 10,
        _in_steps: 8,
        _by_items: 10,
        _by_prices: 8,
        _in_other_currency: 8,
    }
)


def _share(base: _Base, draw: Random) -> float:
    return round(base.total * draw.uniform(0.2, 0.7), 2)


def _event(
    base: _Base,
    ecommerce: dict[str, Scalar],
    params: dict[str, Scalar],
    lines: tuple[Line, ...] = (),
) -> Event:
    # The id as it was sent: "(not set)" refunds nothing, however many purchases share it; where
    # the order's own number stood in the parameters, so it does here.
    sent = base.event.ecommerce or {}
    identified = {key: sent[key] for key in ("transaction_id",) if key in sent}
    named = str(base.event.params.get("transaction_id", ""))
    if not identified and named.startswith("KO-"):
        params = {**params, "transaction_id": named}
    return replace(
        base.event,
        name="refund",
        page="",
        version=1,
        position=0,
        params=params,
        ecommerce={**ecommerce, **identified},
        lines=lines,
        from_server=True,
    )
