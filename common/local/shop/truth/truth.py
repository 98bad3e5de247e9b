"""The answers for a day, worked out in plain Python from what was drawn."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import asdict
from datetime import date, datetime, timedelta

from common.local.shop.crm.leads import Lead
from common.local.shop.crm.outcomes import known_leads
from common.local.shop.moments import Period, midnight
from common.local.shop.orders.rates import CURRENCY, Rates
from common.local.shop.site.site import Site
from common.local.shop.truth.answers import Counted, DayTotal, Truth
from common.local.shop.truth.expected import ExpectedConversions


def truth(
    site: Site, leads: Iterable[Lead], period: Period, rates: Rates, as_of: date, refund_days: int
) -> Truth:
    """The answers for that day."""
    expected = ExpectedConversions(site, period, rates, as_of)
    purchases, enquiries = expected.purchases(refund_days), expected.enquiries()
    events = expected.purchase_events()
    return Truth(
        as_of=as_of,
        refund_days=refund_days,
        purchase_events=events,
        purchases=tuple(purchases),
        purchase_days=by_day(purchases, rates),
        duplicates_removed=events - len(purchases),
        without_order_id=sum(row.id is None for row in purchases),
        first_purchases=tuple(once(purchases, lambda row: row.person, None)),
        unmatched_refunds=expected.unmatched_refunds(),
        enquiries=tuple(enquiries),
        enquiries_once_in_7_days=tuple(once(enquiries, lambda row: row.person, 7)),
        confirmed_orders=tuple(expected.confirmed_orders()),
        leads=tuple(known_leads(leads, rates, midnight(as_of, period.zone))),
    )


def by_day(rows: Iterable[Counted], rates: Rates) -> dict[date, DayTotal]:
    """Totals of each day that has conversions."""
    days: defaultdict[date, list[Counted]] = defaultdict(list)
    for row in rows:
        days[row.date].append(row)
    return {
        day: DayTotal(
            conversions=len(found),
            value_gross=sum(
                (row.value_gross or 0) * rates.rate(row.currency or CURRENCY, day) for row in found
            ),
            value=sum(row.value_project or 0 for row in found),
        )
        for day, found in sorted(days.items())
    }


def once(
    rows: Iterable[Counted], key: Callable[[Counted], Hashable], days: int | None
) -> Iterator[Counted]:
    """The first of each key, and after N x 24 hours the next one; with None the first only."""
    kept: dict[Hashable, datetime] = {}
    for row in rows:
        last = kept.get(key(row))
        if last is None or (days is not None and row.created - last >= timedelta(days=days)):
            kept[key(row)] = row.created
            yield row


def as_json(answers: Truth) -> str:
    """The answers as JSON, days and moments in ISO 8601."""
    plain = asdict(answers)
    plain["purchase_days"] = {
        day.isoformat(): total for day, total in plain["purchase_days"].items()
    }
    return json.dumps(plain, indent=1, default=lambda moment: moment.isoformat())
