"""Why a candidate row breaks the contract: one judgment for runs and for backtests."""

from __future__ import annotations

from common.sql import Sql, template

BROKEN = {
    "missing_id": "It has no id.",
    "missing_created": "It has no time.",
    "invalid_created": "Its time lies before the year 2000.",
    "created_in_future": "Its time lies more than a day in the future.",
    "bad_currency": "Its currency is no three-letter code.",
    "bad_value": "Its value is negative or no number.",
    "outside_window": "Its time lies outside the days that the query was asked for.",
    "duplicate_id": "Another row of the same answer has the same id.",
}
"""What each reason means, for a person."""


def reason() -> Sql:
    """An expression over the alias `c` of candidates: a key of BROKEN, or NULL for a sound row."""
    return template(__file__)
