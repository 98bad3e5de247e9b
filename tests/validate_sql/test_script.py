"""Scripts of variables and temporary tables, written as the SELECT that they are meant to be."""

from __future__ import annotations

import pytest

from common.guard.judge import judge
from functions.validate_sql.fixes.script import as_query
from tests.guard.corpus import SCOPE

SHARDS = "FROM `shop.analytics_123.events_*` WHERE _TABLE_SUFFIX BETWEEN"


@pytest.mark.parametrize(
    ("script", "written"),
    [
        (
            "declare start_date string default '20210101';\n"
            "declare end_date string default '20210131';\n"
            f"select user_pseudo_id as id {SHARDS} start_date and end_date;",
            f"\n\nselect user_pseudo_id as id {SHARDS} FORMAT_DATE('%Y%m%d', @start_date) "
            "and FORMAT_DATE('%Y%m%d', @end_date)",
        ),
        (
            "DECLARE from_day, to_day DATE;\nSET from_day = DATE '2020-01-01';\n"
            "SET to_day = CURRENT_DATE();\nSELECT id FROM crm.orders WHERE date >= from_day "
            "AND date <= to_day",
            "\n\n\nSELECT id FROM crm.orders WHERE date >= @start_date AND date <= @end_date",
        ),
        (
            "DECLARE start_ts TIMESTAMP DEFAULT TIMESTAMP '2020-01-01';"
            "DECLARE end_ts TIMESTAMP DEFAULT CURRENT_TIMESTAMP();"
            "SELECT id FROM crm.orders WHERE paid >= start_ts AND paid < end_ts",
            "SELECT id FROM crm.orders WHERE paid >= TIMESTAMP(@start_date) "
            "AND paid < TIMESTAMP(DATE_ADD(@end_date, INTERVAL 1 DAY))",
        ),
        (
            "DECLARE start_date DEFAULT '2021-01-01'; DECLARE days INT64 DEFAULT 30;"
            "SELECT id, days AS days FROM crm.orders AS o WHERE day > start_date AND o.days = days",
            "SELECT id, 30 AS days FROM crm.orders AS o "
            "WHERE day > FORMAT_DATE('%Y-%m-%d', @start_date) AND o.days = 30",
        ),
        (
            "DECLARE limit_value FLOAT64 DEFAULT 10 * 2; SELECT id FROM crm.orders "
            "WHERE value > limit_value -- and more",
            "SELECT id FROM crm.orders WHERE value > (10 * 2)",
        ),
        (
            "DECLARE d INT64 DEFAULT -7; DECLARE n INT64 DEFAULT 1+2; DECLARE m INT64 DEFAULT 5;"
            "SELECT id, total -d AS a, n*3 AS b FROM crm.orders LIMIT m",
            "SELECT id, total -(-7) AS a, (1+2)*3 AS b FROM crm.orders LIMIT 5",
        ),
        (
            "CREATE TEMP TABLE paid AS\nSELECT id FROM crm.orders WHERE status = 'paid';\n"
            "CREATE OR REPLACE TEMPORARY TABLE big AS (SELECT id FROM paid);\n"
            "SELECT id FROM big;\nDROP TABLE paid;",
            "\nWITH paid AS (SELECT id FROM crm.orders WHERE status = 'paid')\n"
            ", big AS ((SELECT id FROM paid))\n SELECT id FROM big",
        ),
        (
            "DECLARE since DATE DEFAULT DATE '2026-01-01';\n"
            "CREATE TEMP TABLE paid AS SELECT id FROM crm.orders WHERE date >= since;\n"
            "WITH big AS (SELECT id FROM paid) SELECT id FROM big",
            "\nWITH paid AS (SELECT id FROM crm.orders WHERE date >= @start_date)\n"
            ", big AS (SELECT id FROM paid) SELECT id FROM big",
        ),
        (
            "CREATE OR REPLACE VIEW crm.v AS\nSELECT id FROM crm.orders",
            "\nSELECT id FROM crm.orders",
        ),
    ],
)
def test_variables_become_parameters_or_their_values(script: str, written: str) -> None:
    query = as_query(script)
    assert query
    assert query.text == written
    assert judge(written, SCOPE).ok


@pytest.mark.parametrize(
    "script",
    [
        "DECLARE days STRUCT<a DATE> DEFAULT (DATE '2026-01-01'); SELECT days.a AS id",
        "DECLARE a STRING DEFAULT 'x';" + "SET a = CONCAT(a, a);" * 1_000 + "SELECT a AS id",
        "DECLARE ids ARRAY<STRING>; SELECT id FROM crm.orders WHERE id IN UNNEST(ids)",
        "DECLARE x INT64 DEFAULT 1; CREATE TABLE t AS SELECT 1; SELECT x FROM t",
        "CREATE TEMP TABLE t AS SELECT 1; SELECT * FROM _SESSION.t",
        "CREATE TEMP TABLE crm.t AS SELECT 1; SELECT * FROM crm.t",
        "CREATE TEMP TABLE t AS SELECT 1; INSERT INTO t SELECT 2; SELECT * FROM t",
        "DECLARE x INT64 DEFAULT 1; SELECT x; SELECT x",
        "DECLARE x INT64 DEFAULT 1; BEGIN SELECT x; END",
        "DECLARE",
        "DECLARE x STRING DEFAULT 'open; SELECT x",
    ],
)
def test_nothing_is_suggested_where_the_meaning_is_unclear(script: str) -> None:
    assert as_query(script) is None


def test_what_becomes_of_temporary_tables_is_reported() -> None:
    script = (
        "DECLARE d DATE; CREATE TEMP TABLE x AS SELECT 1 FROM `shop.analytics_123.events_*`; "
        "SELECT * FROM x"
    )
    (finding,) = judge(script, SCOPE).findings
    assert "_TABLE_SUFFIX BETWEEN" in finding.fix
    assert "WITH x AS (SELECT ...)" in finding.fix
