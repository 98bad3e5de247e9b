"""Why a candidate row breaks the contract: one judgment for runs and for backtests."""

from __future__ import annotations

from common.bigquery.sql import Sql, bind, fill, template

OF_ONE_ROW = {
    "missing_id": "It has no id.",
    "missing_created": "It has no time.",
    "invalid_created": "Its time lies before the year 2000.",
    "created_in_future": "Its time lies more than a day in the future.",
}
"""What a row shows by itself."""

BROKEN = {
    **OF_ONE_ROW,
    "outside_window": "Its time lies outside the days that the query was asked for.",
    "duplicate_id": "Another row of the same answer has the same id.",
}
"""What each reason means, for a person."""

ORDER = "c.client_id, c.value_gross, c.currency, c.user_id, c.lead_id, TO_JSON_STRING(c.params)"
"""Of rows with one id and one time the first in this order counts, in every run the same."""


def _of_one_row() -> Sql:
    """An expression over the alias `c` of a candidate: a key of OF_ONE_ROW, or NULL."""
    return template(__file__, "reason_of_one_row")


def _by_itself() -> Sql:
    """What speaks against the candidate `c` alone, as arguments of COALESCE."""
    return template(__file__, "reason_by_itself", of_one_row=_of_one_row())


def reason() -> Sql:
    """An expression over the alias `c` of candidates: a key of BROKEN, or NULL."""
    return template(
        __file__,
        by_itself=_by_itself(),
        of_one_row=_of_one_row(),
        # sorted, so that a statement is the same text in every process
        known=bind(sorted(OF_ONE_ROW)),
        order=ORDER,
    )


def reason_by_itself() -> Sql:
    """The same of candidates whose ids are known to differ: no other row is looked at."""
    return fill("IF(c.removed IS NULL, COALESCE({{ why }}), NULL)", why=_by_itself())
