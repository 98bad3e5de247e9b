"""Which expression fails on rows: found where it stands, counted, and shown without its values."""

from __future__ import annotations

import pytest

from common.guard.judge import judge
from functions.validate_sql.profile.failing import losing
from functions.validate_sql.profile.pieces import Anatomy, Losses, failing
from tests.guard import reader
from tests.guard.corpus import SCOPE, cases
from tests.guard.reader import Rejected
from tests.judge import evaluate
from tests.validate_sql.conftest import COLUMNS, PERIOD, Judge

ORDERS = f"FROM shop.crm.orders {PERIOD}"
CAST = "CAST(note AS FLOAT64)"
SOME = "fails in 30 of 60 rows of the last 30 days, for values like 'aaaaaa-aaaa'"

FAILING = {
    f"SELECT {COLUMNS}, 2 * {CAST} AS value\n{ORDERS}": (CAST, SOME),
    f"WITH a AS (SELECT *, {CAST} AS n {ORDERS})\nSELECT {COLUMNS}, n AS value FROM a WHERE n > 0":
    (CAST, SOME),
    f"SELECT {COLUMNS}, n AS value FROM (SELECT *, {CAST} AS n {ORDERS})": (CAST, SOME),
    f"SELECT {COLUMNS} {ORDERS} AND status IN ('paid', 'open') AND {CAST} > 7": (CAST, SOME),
    f"SELECT client_id AS id, client_id, MIN(created_at) AS created, SUM({CAST}) AS value "
    f"{ORDERS} GROUP BY client_id": (CAST, SOME),
    f"SELECT {COLUMNS}, ROUND({CAST} / items) AS value {ORDERS} AND status = 'paid'":
    (CAST, "fails in 30 of 30 rows"),
    f"SELECT {COLUMNS}, 1 / CAST(SAFE_CAST(note AS FLOAT64) - 7 AS INT64) AS value {ORDERS}":
    ("1 / CAST(SAFE_CAST(note AS FLOAT64) - 7 AS INT64)", "divides by 0 in 30 of 60 rows"),
    f"SELECT {COLUMNS}, MOD(items, items - 1) AS value {ORDERS}":
    ("MOD(items, items - 1)", "divides by 0 in 15 of 60 rows"),
    f"SELECT {COLUMNS}, SPLIT(note, '-')[OFFSET(1)] AS user_id {ORDERS}":
    ("SPLIT(note, '-')[OFFSET(1)]", "reaches outside the array in 30 of 60 rows"),
    f"SELECT {COLUMNS}, PARSE_DATE('%Y%m%d', status) AS n {ORDERS}":
    ("PARSE_DATE('%Y%m%d', status)", "in 60 of 60 rows of the last 30 days, for values like 'a"),
    f"SELECT order_id AS id, client_id, MIN(created_at) AS created, CAST(MAX(note) AS FLOAT64) AS "
    f"value {ORDERS} GROUP BY 1, 2": ("CAST(MAX(note) AS FLOAT64)", "fails in 30 of 60 rows"),
    f"SELECT order_id AS id, client_id, TIMESTAMP_SECONDS(UNIX_MICROS(created_at)) AS created "
    f"{ORDERS}": ("TIMESTAMP_SECONDS(UNIX_MICROS(created_at))", "'9999999999999999'"),
}  # fmt: skip


@pytest.mark.parametrize("sql", FAILING)
def test_the_expression_that_fails_is_named_at_its_place(sql: str, shown: Judge) -> None:
    text, words = FAILING[sql]
    issue = next(it for it in shown(sql).issues if it.code == "failing_row")
    assert issue.message.startswith(text), issue.message
    assert words in issue.message
    assert "canary" not in issue.message
    assert issue.fix.endswith("makes NULL of them") or "TIMESTAMP_MICROS" in issue.fix
    lines = sql.splitlines()
    assert lines[issue.line - 1][issue.column - 1 : issue.end_column - 1] == text  # type: ignore[operator]


def test_what_cannot_be_worked_out_alone_is_named_as_what_may_fail(shown: Judge) -> None:
    inner = "(SELECT MAX(CAST(n AS INT64)) FROM UNNEST([note]) AS n)"
    answer = shown(f"SELECT {COLUMNS}, {inner} AS value {ORDERS}")
    issue = next(it for it in answer.issues if it.code == "failing_row")
    assert issue.message.endswith("What can fail in the query: CAST(n AS INT64).")
    assert issue.fix == "SAFE_CAST(n AS INT64) makes NULL of them"
    assert issue.line == 1


QUERIES = [
    "SELECT SUM(a) OVER (PARTITION BY b) / SUM(c) AS id FROM crm.o GROUP BY b, a",
    "SELECT a.b.c / (d + 1) / -e AS id, CASE WHEN TRUE THEN 1 END / f AS g FROM crm.o",
    "SELECT DIV(a, b), o.items[ORDINAL(n)].price / o.q[SAFE_OFFSET(0)] AS id FROM crm.o AS o",
    "SELECT IF(a / b > 1, CAST(CAST(c AS INT64) AS DATE), DATE(d, 'UTC')) AS id FROM crm.o",
    *(case.sql for case in cases("good")),
]


@pytest.mark.parametrize("sql", QUERIES)
def test_the_safe_form_of_a_query_is_googlesql_over_the_same_tables(sql: str) -> None:
    before = judge(sql, SCOPE)
    assert before.query
    tokens = before.query.masked.tokens
    anatomy = Anatomy(tokens)
    after = judge(anatomy.text(0, len(tokens)), SCOPE)
    assert (after.ok, after.tables) == (before.ok, before.tables)
    reader.read(after.canonical)
    for piece in anatomy.pieces:
        reader.read(f"SELECT {failing(piece, anatomy)}")


VALUES = {
    "CAST(a AS INT64)": ("'7'", "'x'", "NULLIF('', '')"),
    "CAST(a AS DATE)": ("'2026-11-29'", "'29.11.2026'", "NULLIF('', '')"),
    "7 / a": ("2", "0", "NULL"),
    "DIV(7, a)": ("2", "0", "NULL"),
    "MOD(7, a)": ("2", "0", "NULL"),
    "SPLIT(a, '-')[OFFSET(1)]": ("'a-b'", "'a'", "'a-b-c'"),
    "SPLIT(a, '-')[ORDINAL(2)]": ("'a-b'", "'a'", "'a-b-c'"),
    "PARSE_TIMESTAMP('%Y-%m-%d', a)": ("'2026-11-29'", "'today'", "NULLIF('', '')"),
    "PARSE_NUMERIC(a)": ("'1.5'", "'1,5 EUR'", "NULLIF('', '')"),
    "TIMESTAMP_SECONDS(a)": ("1780000000", "1780000000000000", "NULL"),
    "TIMESTAMP(a)": ("'2026-11-29 10:00:00Z'", "'10 am'", "NULLIF('', '')"),
    "LN(a)": ("2", "0", "NULL"),
    "FROM_HEX(a)": ("'ff'", "'xy'", "NULLIF('', '')"),
}


@pytest.mark.parametrize("expression", VALUES)
def test_a_condition_of_failing_holds_where_googlesql_fails(expression: str) -> None:
    for value in VALUES[expression]:
        rows = f"FROM (SELECT {value} AS a)"
        query = judge(f"SELECT {expression} AS id {rows}", SCOPE).query
        assert query
        anatomy = Anatomy(query.masked.tokens)
        (piece,) = anatomy.pieces
        try:
            evaluate(f"SELECT {expression} AS id {rows}")
            fails = False
        except Rejected:
            fails = True
        (row,) = evaluate(f"SELECT {failing(piece, anatomy)} AS fails {rows}")
        assert bool(row["fails"]) is fails, (expression, value)


LOST = "makes NULL of a value in 30 of 60 rows of the last 30 days"
LIKE = ", for values like 'aaaaaa-aaaa'"
READ = f"{LOST} that its SELECT reads{LIKE}"
FLOAT = "SAFE_CAST(note AS FLOAT64)"
STEP = f"WITH a AS (SELECT *, {FLOAT} AS n {ORDERS})"
NEWEST = "ROW_NUMBER() OVER (PARTITION BY note ORDER BY order_id)"
LOSING = {
    f"SELECT {COLUMNS}, {FLOAT} AS value\n{ORDERS}": (FLOAT, LOST + LIKE),
    f"SELECT {COLUMNS}, ROUND(2 * {FLOAT}) AS value\n{ORDERS}": (FLOAT, LOST + LIKE),
    f"WITH a AS (SELECT *, SAFE_CAST(note AS INT64) AS n {ORDERS})\n"
    f"SELECT {COLUMNS}, n * 1.0 AS value FROM a": ("SAFE_CAST(note AS INT64)", READ),
    f"{STEP}, b AS (SELECT * FROM a)\nSELECT {COLUMNS}, n AS value FROM b": (FLOAT, READ),
    f"SELECT * FROM (SELECT {COLUMNS}, {FLOAT} AS value {ORDERS})": (FLOAT, READ),
    f"SELECT {COLUMNS}, {FLOAT} AS value, 0.2 * {FLOAT} AS tax {ORDERS}": (FLOAT, LOST + LIKE),
    f"SELECT {COLUMNS}, (SELECT SAFE_CAST(n AS FLOAT64) FROM UNNEST([note]) AS n) AS value "
    f"{ORDERS}":
    ("SAFE_CAST(n AS FLOAT64)", LOST + LIKE),
    f"SELECT order_id AS id, client_id, MIN(created_at) AS created, SAFE_CAST(MAX(note) AS "
    f"FLOAT64) AS value {ORDERS} GROUP BY 1, 2": ("SAFE_CAST(MAX(note) AS FLOAT64)", LOST + LIKE),
    f"SELECT {COLUMNS}, {FLOAT} AS value, {NEWEST} AS n {ORDERS} QUALIFY n <= 2":
    (FLOAT, f"makes NULL of a value in 2 of 4 rows of the last 30 days{LIKE}"),
    f"SELECT {COLUMNS}, SAFE_CAST(IFNULL(note, '0') AS FLOAT64) AS value {ORDERS}":
    ("SAFE_CAST(IFNULL(note, '0') AS FLOAT64)", LOST),
    f"SELECT {COLUMNS}, SAFE.PARSE_DATE('%Y%m%d', status) AS n {ORDERS}":
    ("SAFE.PARSE_DATE('%Y%m%d', status)", "makes NULL of a value in 60 of 60 rows"),
}  # fmt: skip
LOSES_NOTHING = [
    f"SELECT {COLUMNS}, SAFE_CAST(total AS FLOAT64) AS value {ORDERS}",
    f"SELECT {COLUMNS}, SAFE_CAST(note AS FLOAT64) AS value {ORDERS} AND note = '7'",
    f"SELECT {COLUMNS}, COALESCE(SAFE_CAST(note AS FLOAT64), total) AS value {ORDERS}",
    f"SELECT {COLUMNS}, SAFE_CAST(IF(note = '7', note, ' N/A ') AS FLOAT64) AS value {ORDERS}",
    f"SELECT {COLUMNS} {ORDERS} AND SAFE_CAST(note AS FLOAT64) = 7",
    # what is only compared, or only sorts rows, is no value that is gone
    f"SELECT {COLUMNS}, {FLOAT} IS NOT NULL AS n {ORDERS}",
    f"SELECT {COLUMNS}, {FLOAT} > 5 AS n {ORDERS}",
    f"SELECT {COLUMNS}, ROW_NUMBER() OVER (ORDER BY {FLOAT} DESC) AS n {ORDERS}",
    f"SELECT {COLUMNS} {ORDERS} AND items IN (SELECT SAFE_CAST(note AS INT64) {ORDERS})",
    f"SELECT client_id AS id, client_id, MIN(created_at) AS created, "
    f"ARRAY_AGG({FLOAT} IGNORE NULLS LIMIT 1)[SAFE_OFFSET(0)] AS value {ORDERS} GROUP BY 1",
    f"SELECT {COLUMNS}, COALESCE((SELECT SAFE_CAST(n AS FLOAT64) FROM UNNEST([note]) AS n), 0) "
    f"AS value {ORDERS}",
    # what a step makes NULL and the query behind it provides for, leaves out or never asks for
    f"{STEP} SELECT {COLUMNS}, COALESCE(n, total) AS value FROM a",
    f"{STEP}, b AS (SELECT *, IFNULL(n, 0) AS m FROM a) SELECT {COLUMNS}, m AS value FROM b",
    f"{STEP} SELECT {COLUMNS}, n AS value FROM a WHERE n > 0",
    f"{STEP} SELECT {COLUMNS}, 2 * 3.5 AS value FROM a",
    f"SELECT {COLUMNS}, n AS value FROM (SELECT *, {FLOAT} AS n {ORDERS}) WHERE n IS NOT NULL",
    f"SELECT {COLUMNS}, {FLOAT} AS value {ORDERS} "
    "QUALIFY MIN(note) OVER (PARTITION BY order_id) = '7'",
]


@pytest.mark.parametrize("sql", LOSING)
def test_values_that_a_safe_form_loses_are_counted(sql: str, shown: Judge) -> None:
    text, words = LOSING[sql]
    answer = shown(sql)
    (issue,) = [it for it in answer.issues if it.code == "lost_values"]
    assert issue.message.startswith(text)
    assert words in issue.message
    assert "canary" not in issue.message
    lines = sql.splitlines()
    assert lines[issue.line - 1][issue.column - 1 : issue.end_column - 1] == text  # type: ignore[operator]


@pytest.mark.parametrize("sql", LOSES_NOTHING)
def test_a_safe_form_that_loses_nothing_says_nothing(sql: str, shown: Judge) -> None:
    assert "lost_values" not in [it.code for it in shown(sql).issues]


@pytest.mark.parametrize(
    ("value", "is_lost"),
    [
        ("'7'", False),
        ("'12,50 EUR'", True),
        ("''", False),
        ("' n/a '", False),
        ("NULLIF('', '')", False),
    ],
)
@pytest.mark.parametrize("form", ["SAFE_CAST(a AS FLOAT64)", "SAFE.PARSE_NUMERIC(a)"])
def test_a_value_is_lost_where_googlesql_reads_none(form: str, value: str, is_lost: bool) -> None:
    query = judge(f"SELECT {form} AS id FROM (SELECT {value} AS a)", SCOPE).query
    assert query
    anatomy = Losses(query.masked.tokens)
    (piece,) = anatomy.pieces
    (row,) = evaluate(f"SELECT {losing(piece, anatomy)} AS lost FROM (SELECT {value} AS a)")
    assert bool(row["lost"]) is is_lost


@pytest.mark.parametrize(
    ("value", "is_lost"),
    [("0000-00-00", False), ("0000-00-00 00:00:00", False), ("2026-13-01", True), ("0", True)],
)
def test_what_stands_for_no_date_is_no_lost_value(value: str, is_lost: bool) -> None:
    rows = f"FROM (SELECT '{value}' AS a)"
    query = judge(f"SELECT SAFE.PARSE_DATE('%Y-%m-%d', a) AS id {rows}", SCOPE).query
    assert query
    anatomy = Losses(query.masked.tokens)
    (piece,) = anatomy.pieces
    (row,) = evaluate(f"SELECT {losing(piece, anatomy)} AS lost {rows}")
    assert bool(row["lost"]) is is_lost
