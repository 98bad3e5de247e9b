"""What BigQuery refuses and DuckDB lets pass: GoogleSQL's own analyzer says so, in its words."""

from __future__ import annotations

import pytest

from common.local.analyzer import analysis
from tests.validate_sql.conftest import PERIOD, Judge

KEYS = "order_id AS id, client_id, created_at AS created"


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """The analyzer is compiled once a machine, at its first question."""
    analysis.analyze("SELECT 1 AS id")


@pytest.mark.parametrize(
    ("sql", "told_of"),
    [
        (f"SELECT {KEYS}, total AS price FROM shop.crm.orders {PERIOD} AND price > 1", "price"),
        (
            f"SELECT {KEYS} FROM shop.crm.orders {PERIOD} AND created_at BETWEEN @start_date "
            "AND @end_date",
            "BETWEEN",
        ),
        (
            f"SELECT {KEYS} FROM shop.crm.orders {PERIOD} UNION ALL "
            f"SELECT order_id, client_id, date FROM shop.crm.orders {PERIOD}",
            "UNION ALL",
        ),
    ],
)
def test_what_bigquery_refuses_is_refused_in_its_words(
    sql: str, told_of: str, shown: Judge
) -> None:
    issue = next(it for it in shown(sql).issues if it.severity == "error")
    assert issue.code == "query_failed"
    assert issue.message.startswith("BigQuery: ")
    assert told_of in issue.message
    assert issue.line == 1


def test_an_honest_query_is_not_refused(shown: Judge) -> None:
    assert shown(f"SELECT {KEYS} FROM shop.crm.orders {PERIOD}").ok
