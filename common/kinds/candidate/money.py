"""Money of a candidate: a value or a currency that cannot be used costs itself, never the row."""

from __future__ import annotations

from common.bigquery.sql import Sql, bind, fill
from common.model.currency import DECIMALS

PROBLEMS = {
    "unreadable_value": "a value that is no number",
    "negative_value": "a value below zero",
    "unreadable_currency": "a currency that is no ISO 4217 code",
    "unknown_unit": "a value whose unit cannot be told",
}
"""What may be wrong, in words for a person."""


def value(amount: str | Sql) -> Sql:
    """The amount, or NULL for one that is negative or no number."""
    return fill(
        "IF({{ it }} < 0 OR IS_NAN({{ it }}) OR IS_INF({{ it }}), NULL, {{ it }})", it=amount
    )


def currency(code: str | Sql) -> Sql:
    """The code, or NULL for one that is no ISO 4217 code."""
    return fill("IF({{ it }} IN UNNEST({{ codes }}), {{ it }}, NULL)", it=code, codes=_codes())


def problem(amount: str | Sql, code: str | Sql) -> Sql:
    """A key of PROBLEMS for what is wrong with the amount or its currency, or NULL."""
    return fill(
        "CASE WHEN {{ amount }} < 0 THEN 'negative_value'"
        " WHEN IS_NAN({{ amount }}) OR IS_INF({{ amount }}) THEN 'unreadable_value'"
        " WHEN {{ code }} NOT IN UNNEST({{ codes }}) THEN 'unreadable_currency' END",
        amount=amount,
        code=code,
        codes=_codes(),
    )


def _codes() -> Sql:
    return bind(sorted(DECIMALS))
