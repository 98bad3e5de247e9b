"""What a query counts, in words."""

from __future__ import annotations

import pytest

from common.guard.judge import judge
from functions.validate_sql.engine.explain import explained
from tests.guard.corpus import SCOPE


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (
            "SELECT o.order_id AS id, o.cid AS client_id, o.paid_at AS created, total AS value "
            "FROM crm.orders AS o WHERE status = 'paid' AND date BETWEEN @start_date AND @end_date",
            "One row for each row of crm.orders AS o. It reads shop.crm.orders. Kept are rows with "
            "status = 'paid' AND date BETWEEN @start_date AND @end_date. id is o.order_id; "
            "client_id is o.cid; created is o.paid_at; value is total.",
        ),
        (
            "WITH paid AS (SELECT * FROM crm.orders WHERE status = 'paid') "
            "SELECT client_id AS id, MIN(paid_at) AS created FROM paid GROUP BY client_id "
            "HAVING COUNT(*) > 1",
            "One row for each client_id. It reads shop.crm.orders. Kept are groups with "
            "COUNT(*) > 1. id is client_id; created is MIN(paid_at).",
        ),
        (
            "SELECT id FROM crm.a UNION ALL SELECT id FROM crm.b",
            "The rows of 2 queries, put together. It reads shop.crm.a, shop.crm.b.",
        ),
        ("SELECT DISTINCT id FROM crm.a", "One row for each different answer. It reads shop.crm.a. "
         "id is id."),
        ("FROM crm.a |> SELECT id", ""),
        ("((SELECT id FROM crm.a))", "One row for each row of crm.a. It reads shop.crm.a. "
         "id is id."),
        ("WITH a AS (SELECT id FROM crm.a) (SELECT id FROM a) ORDER BY UPPER(id) LIMIT 3",
         "One row for each row of a. It reads shop.crm.a. id is id."),
        ("((SELECT id FROM crm.a) UNION ALL (SELECT id FROM crm.b)) LIMIT 3",
         "The rows of 2 queries, put together. It reads shop.crm.a, shop.crm.b."),
        ("SELECT 1 AS id", "One row. id is 1."),
    ],
)  # fmt: skip
def test_a_query_is_reported_in_words(sql: str, words: str) -> None:
    query = judge(sql, SCOPE).query
    assert query
    assert explained(query) == words
