"""Exchange rates to the project's currency: the user's table or GA4's, never an assumed 1:1."""

from __future__ import annotations

from common.bigquery.sql import Sql, bind, table, template
from common.settings import Settings


def rates(settings: Settings) -> Sql:
    """A query of day, currency, rate, rate_date for the window's days; parameters as in kinds.

    The last rate counts, at most 7 days old; the project's own currency has rate 1.
    """
    if not settings.rates_table:
        return template(__file__, "rates_own", own=bind(settings.currency))
    return template(__file__, own=bind(settings.currency), rates=table(settings.rates_table))


def to_project(row: str, rates: str, dollars: str) -> str:
    """An expression: from the currency of the alias `row` to the project's.

    By the user's table, else by what the export itself tells; NULL where neither does, as for an
    amount of which nobody knows the currency. `rates` and `dollars` are joined by day, of
    `Context.rates` and `Context.dollars`.
    """
    return (
        # a text and no Sql: it stands inside of templates whose aliases only the caller knows
        f"COALESCE({rates}.rate, CASE WHEN {row}.currency = 'USD' THEN 1"
        f" WHEN {row}.currency IS NOT NULL THEN {row}.dollar_rate END / {dollars}.dollars)"
    )
