"""Exchange rates that the export itself tells.

GA4 writes beside each amount what it is in US dollars, whatever currency the shop sells in:
purchase_revenue beside purchase_revenue_in_usd is Google's rate of that row and day.
Source: support.google.com/analytics/answer/7029846.
"""

from __future__ import annotations

from common.bigquery.sql import Sql, bind, template
from common.ga4 import shards


def stated(events: Sql, stage: Sql) -> Sql:
    """The rows of ga4_rates for the window: the median of each day, property and currency.

    Of the events of a scan, and of those in the `stage` that came in tables that are gone.
    Parameters are those of `shards.told` and the days that `visits.lenders` finds unread.
    """
    return template(__file__, events=events, stage=stage, is_told=shards.is_told("staged"))


def dollars(known: Sql, currency: str) -> Sql:
    """A query of day, dollars: US dollars a unit of the currency, for every day that tells it.

    A day without one takes that of the seven days before. Parameters as in kinds.
    """
    if currency == "USD":
        return template(__file__, "rates_dollar")
    return template(__file__, "rates_dollars", known=known, currency=bind(currency))
