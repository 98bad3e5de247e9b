"""The memory of orders: which order id was seen on which day first, and by whom.

Bots and mails open thank-you pages months later, so an order id is judged over all history; the
memory is small where the export is not.
"""

from __future__ import annotations

from common.bigquery.sql import Sql, template
from common.ga4 import shards


def orders(events: Sql, *, is_history: bool = False) -> Sql:
    """The rows of order_memory for the window: one an order id, property, day and daily table.

    `is_history` marks days that are older than the stage, of which nothing else is known.
    """
    return template(
        __file__,
        events=events,
        is_history="TRUE" if is_history else "FALSE",
        day=shards.day_of_row("event"),
    )
