"""The shop's own order table, crm.orders, as the call centre has left it at a moment."""

from __future__ import annotations

from collections.abc import Iterable

from common.local.shop.crm.leads import captured
from common.local.shop.dice import dice
from common.local.shop.moments import Period, written
from common.local.shop.orders.orders import Change, Order
from common.untyped import JsonObject


def rows(orders: Iterable[Order], period: Period, moment: int) -> list[JsonObject]:
    """One row an order that was placed before the moment and not removed since."""
    known = ((order, changes(order, moment)) for order in orders)
    return [_row(order, past, period) for order, past in known if past and past[-1].status]


def changes(order: Order, moment: int) -> list[Change]:
    """What the call centre has done with the order before the moment."""
    return [change for change in order.changes if change.at < moment]


def confirmed_at(past: list[Change]) -> int | None:
    """When the buyer confirmed by telephone; None if not yet."""
    return next((change.at for change in past if change.status == "confirmed"), None)


def client_id(order: Order) -> str | None:
    """The GA4 client id as the checkout handed it over, faults and all."""
    # without consent, or behind a blocker, the checkout found no cookie to hand over
    known = order.visit.browser if order.visit.client_id and order.purchases else None
    return captured(known, dice(0, "captured", order.id))


def customer_id(order: Order) -> str:
    """The buyer's account, or the number that a guest gets for this order alone."""
    return order.buyer.account or f"G-{order.id}"


def _row(order: Order, past: list[Change], period: Period) -> JsonObject:
    confirmed, last = confirmed_at(past), past[-1]
    return {
        "date": period.day(past[0].at).isoformat(),
        "order_id": order.id,
        "customer_id": customer_id(order),
        "ga_client_id": client_id(order),
        "status": last.status,
        "total": last.total,
        "currency": order.currency,
        "created_at": written(past[0].at),
        "confirmed_at": None if confirmed is None else written(confirmed),
        "updated_at": written(last.at),
        "country": order.place.country,
        "region": order.place.region,
        "city": order.place.city,
    }
