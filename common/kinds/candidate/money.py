"""Money of a candidate: a value or a currency that cannot be used costs itself, never the row."""

from __future__ import annotations

from common.bigquery.sql import Sql, bind, fill
from common.model.currency import DECIMALS


def value(amount: str | Sql) -> Sql:
    """The amount, or NULL for one that is negative or no number."""
    return fill(
        "IF({{ it }} < 0 OR IS_NAN({{ it }}) OR IS_INF({{ it }}), NULL, {{ it }})", it=amount
    )


def currency(code: str | Sql) -> Sql:
    """The code, or NULL for one that is no ISO 4217 code."""
    return fill("IF({{ it }} IN UNNEST({{ codes }}), {{ it }}, NULL)", it=code, codes=_codes())


def problem(amount: str | Sql, code: str | Sql) -> Sql:
    """negative_value, unreadable_value or unreadable_currency, whichever comes first; or NULL."""
    return fill(
        "CASE WHEN {{ amount }} < 0 THEN 'negative_value'"
        " WHEN IS_NAN({{ amount }}) OR IS_INF({{ amount }}) THEN 'unreadable_value'"
        " WHEN {{ code }} NOT IN UNNEST({{ codes }}) THEN 'unreadable_currency' END",
        amount=amount,
        code=code,
        codes=_codes(),
    )


def _codes() -> Sql:
    # sorted, so that a statement is the same text in every process
    return bind(sorted(DECIMALS))
