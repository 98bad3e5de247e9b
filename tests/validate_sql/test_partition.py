"""The partition rule: which reads are bounded on both sides, and what the author is told."""

from __future__ import annotations

import pytest

from common.bigquery.warehouse import TableInfo
from common.guard.judge import Query, judge
from functions.validate_sql.partition.partition import Catalogue, check, partition_of
from tests.guard.corpus import SCOPE


def stored(column: str, type_: str = "DATE") -> TableInfo:
    """A table partitioned by the column; "" is by time of ingestion."""
    columns = ({"name": column, "type": type_},) if column else ()
    return TableInfo("TABLE", columns, is_partitioned=True, partition_column=column)


TABLES = {
    "shop.crm.orders": stored("date"),
    "shop.crm.payments": stored("paid_at", "TIMESTAMP"),
    "shop.crm.visits": stored("local_time", "DATETIME"),
    "shop.crm.loads": stored(""),
    "shop.crm.numbered": stored("n", "INTEGER"),
    "shop.crm.plain": TableInfo("TABLE", ()),
    "shop.analytics_123.events_*": None,
}
PARTITIONS = {
    path: partition
    for path, facts in TABLES.items()
    if (partition := partition_of(path, facts)) is not None
}


def query(sql: str) -> Query:
    verdict = judge(sql, SCOPE)
    assert verdict.query, verdict.findings
    return verdict.query


VIEWS = {
    "shop.crm.orders_view": query("SELECT date AS day, id FROM shop.crm.orders"),
    "shop.crm.bounded_view": query(
        "SELECT id FROM shop.crm.orders WHERE date BETWEEN '2026-01-01' AND '2026-02-01'"
    ),
    "shop.crm.nested_view": query("SELECT * FROM shop.crm.orders_view"),
    "shop.crm.dateless_view": query("SELECT id FROM shop.crm.orders"),
}
CATALOGUE = Catalogue("shop", PARTITIONS, VIEWS)


def shown(sql: str) -> list[str]:
    """The paths that the rule complains of."""
    findings = check(query(sql), CATALOGUE, "Europe/London")
    assert all(finding.code == "partition_filter" for finding in findings)
    return [finding.message.partition(" ")[0] for finding in findings]


BOUNDED = [
    "SELECT id FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date",
    "SELECT id FROM crm.orders WHERE date >= @start_date AND date < @end_date",
    "SELECT id FROM shop.crm.orders AS o WHERE @start_date <= o.date AND @end_date >= o.date",
    "SELECT id FROM shop.crm.orders WHERE date = @start_date",
    "SELECT id FROM shop.crm.orders WHERE date IN ('2026-01-01', '2026-01-02')",
    "SELECT id FROM shop.crm.orders WHERE date "
    "IN UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date))",
    "SELECT id FROM shop.crm.orders WHERE DATE_TRUNC(date, MONTH) = DATE_TRUNC(@start_date, MONTH)",
    "SELECT id FROM shop.crm.orders WHERE date >= DATE_SUB(@start_date, INTERVAL 7 DAY) "
    "AND (date <= @end_date)",
    "SELECT id FROM shop.crm.orders WHERE (date = @start_date AND a = 1) OR date = @end_date",
    "SELECT id FROM shop.crm.orders WHERE DATE BETWEEN @start_date AND @end_date",
    "SELECT id FROM shop.crm.orders WHERE `date` BETWEEN @start_date AND @end_date",
    "SELECT id FROM shop.crm.payments WHERE DATE(paid_at) BETWEEN @start_date AND @end_date",
    "SELECT id FROM shop.crm.payments WHERE DATE(paid_at, 'Europe/London') = @start_date",
    "SELECT id FROM shop.crm.payments WHERE CAST(paid_at AS DATE) = @start_date",
    "SELECT id FROM shop.crm.payments WHERE EXTRACT(DATE FROM paid_at) = @start_date",
    "SELECT id FROM shop.crm.payments WHERE paid_at >= TIMESTAMP(@start_date, 'Europe/London') "
    "AND paid_at < TIMESTAMP(DATE_ADD(@end_date, INTERVAL 1 DAY), 'Europe/London')",
    "SELECT id FROM shop.crm.visits WHERE local_time "
    "BETWEEN DATETIME(@start_date) AND DATETIME(@end_date)",
    "SELECT id FROM shop.crm.loads WHERE _PARTITIONDATE BETWEEN @start_date AND @end_date",
    "SELECT id FROM shop.crm.loads AS l WHERE l._PARTITIONTIME >= TIMESTAMP(@start_date) "
    "AND DATE(l._PARTITIONTIME) <= @end_date",
    "SELECT id FROM shop.crm.numbered",
    "SELECT id FROM shop.crm.plain",
    "SELECT 1 AS id FROM `shop.analytics_123.events_*` WHERE _TABLE_SUFFIX "
    "BETWEEN FORMAT_DATE('%Y%m%d', @start_date) AND FORMAT_DATE('%Y%m%d', @end_date)",
    "SELECT 1 AS id FROM `shop.analytics_123.events_*` WHERE "
    "PARSE_DATE('%Y%m%d', REGEXP_EXTRACT(_TABLE_SUFFIX, r'\\d+$')) "
    "BETWEEN @start_date AND @end_date",
    "SELECT 1 AS id FROM `shop.analytics_123.events_*` WHERE "
    "IF(_TABLE_SUFFIX LIKE 'intraday%', NULL, _TABLE_SUFFIX) "
    "BETWEEN FORMAT_DATE('%Y%m%d', @start_date) AND FORMAT_DATE('%Y%m%d', @end_date)",
    "SELECT 1 AS id FROM `shop.analytics_123.events_*` AS e WHERE PARSE_DATE('%Y%m%d', "
    "COALESCE(REGEXP_EXTRACT(e._TABLE_SUFFIX, r'intraday_(.*)'), e._table_suffix)) "
    "BETWEEN @start_date AND @end_date",
    "WITH o AS (SELECT * FROM shop.crm.orders) SELECT id FROM o WHERE date = @start_date",
    "WITH o AS (SELECT date AS day, id FROM shop.crm.orders), p AS (SELECT id, day AS d FROM o) "
    "SELECT id FROM p WHERE d BETWEEN @start_date AND @end_date",
    "WITH o AS (SELECT o.* FROM shop.crm.orders AS o) SELECT id FROM o WHERE date = @start_date",
    "SELECT id FROM (SELECT DATE(paid_at) AS day, id FROM shop.crm.payments) "
    "WHERE day = @start_date",
    "SELECT day, COUNT(*) AS n FROM (SELECT date AS day FROM shop.crm.orders GROUP BY 1) "
    "WHERE day = @start_date GROUP BY 1",
    "SELECT o.id FROM shop.crm.plain AS p JOIN shop.crm.orders AS o "
    "ON o.id = p.id AND o.date BETWEEN @start_date AND @end_date",
    "SELECT o.id FROM shop.crm.plain AS p LEFT JOIN shop.crm.orders AS o "
    "ON o.id = p.id AND o.date BETWEEN @start_date AND @end_date",
    "SELECT a.id FROM shop.crm.orders AS a JOIN shop.crm.orders AS b USING (id, date) "
    "WHERE date = @start_date",
    "SELECT id FROM (SELECT id, date FROM shop.crm.orders UNION ALL SELECT id, DATE(paid_at) FROM "
    "shop.crm.payments) WHERE date BETWEEN @start_date AND @end_date",
    "SELECT id FROM shop.crm.plain WHERE id IN "
    "(SELECT id FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date)",
    "SELECT id FROM shop.crm.orders_view WHERE day BETWEEN @start_date AND @end_date",
    "SELECT id FROM shop.crm.nested_view WHERE day BETWEEN @start_date AND @end_date",
    "SELECT id FROM shop.crm.bounded_view",
    "FROM shop.crm.orders |> WHERE date BETWEEN @start_date AND @end_date |> SELECT id",
    "FROM shop.crm.orders |> AS o |> WHERE o.date BETWEEN @start_date AND @end_date |> SELECT o.id",
    "SELECT id, date FROM shop.crm.orders |> WHERE date BETWEEN @start_date AND @end_date",
    "WITH o AS (SELECT id, date FROM shop.crm.orders) FROM o |> AS p |> WHERE p.date = @start_date",
    "SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS n FROM shop.crm.orders WHERE date = @start_date",
    "SELECT item FROM shop.crm.orders AS o, o.items AS item WHERE o.date = @start_date",
]

UNBOUNDED = [
    ("SELECT id FROM shop.crm.orders", "nothing bounds date"),
    ("SELECT id FROM shop.crm.orders AS o WHERE id > '1'", "nothing bounds o.date"),
    ("SELECT id FROM shop.crm.orders WHERE date >= @start_date", "bounded from below only"),
    ("SELECT id FROM shop.crm.orders WHERE date <= @end_date", "bounded from above only"),
    (
        "SELECT id FROM shop.crm.orders WHERE CAST(date AS STRING) BETWEEN '2026' AND '2027'",
        "CAST hides date",
    ),
    (
        "SELECT id FROM shop.crm.orders WHERE FORMAT_DATE('%Y', date) = '2026'",
        "FORMAT_DATE hides date",
    ),
    ("SELECT id FROM shop.crm.orders WHERE EXTRACT(YEAR FROM date) = 2026", "EXTRACT hides date"),
    (
        "SELECT id FROM shop.crm.orders WHERE IF(date > '2026-01-01', date, NULL) = '2026-02-01'",
        "IF hides",
    ),
    ("SELECT id FROM shop.crm.orders WHERE GREATEST(date, paid) = '2026-02-01'", "nothing bounds"),
    ("SELECT id FROM shop.crm.orders WHERE date = @start_date OR a = 1", "nothing bounds"),
    ("SELECT id FROM shop.crm.orders WHERE NOT date = @start_date", "nothing bounds"),
    ("SELECT id FROM shop.crm.orders WHERE date != @start_date", "nothing bounds"),
    ("SELECT id FROM shop.crm.orders WHERE date = created_date", "nothing bounds"),
    ("SELECT id FROM shop.crm.orders WHERE date = (SELECT MAX(d) FROM shop.crm.plain)", "nothing"),
    ("SELECT id FROM shop.crm.orders GROUP BY id HAVING MAX(date) = @start_date", "nothing bounds"),
    (
        "SELECT p.id FROM shop.crm.plain AS p FULL JOIN shop.crm.orders AS o "
        "ON o.date BETWEEN @start_date AND @end_date",
        "nothing bounds o.date",
    ),
    (
        "SELECT p.id FROM (shop.crm.plain AS p FULL JOIN shop.crm.orders AS o "
        "ON o.date BETWEEN @start_date AND @end_date)",
        "nothing bounds o.date",
    ),
    (
        "SELECT o.id FROM shop.crm.orders AS o LEFT JOIN shop.crm.plain AS p "
        "ON p.id = o.id AND o.date BETWEEN @start_date AND @end_date",
        "nothing bounds o.date",
    ),
    (
        "SELECT a.id FROM shop.crm.orders AS a JOIN shop.crm.orders AS b ON a.id = b.id "
        "WHERE a.date BETWEEN @start_date AND @end_date",
        "nothing bounds b.date",
    ),
    (
        "WITH o AS (SELECT *, ROW_NUMBER() OVER (PARTITION BY id) AS n FROM shop.crm.orders) "
        "SELECT id FROM o WHERE n = 1 AND date = @start_date",
        "nothing bounds",
    ),
    (
        "SELECT id FROM (SELECT id, date FROM shop.crm.orders LIMIT 10) WHERE date = @start_date",
        "nothing bounds",
    ),
    (
        "WITH o AS (SELECT * FROM shop.crm.orders) SELECT a.id FROM o AS a JOIN o AS b "
        "ON a.id = b.id WHERE a.date = @start_date",
        "nothing bounds",
    ),
    (
        "SELECT id FROM (SELECT * REPLACE (DATE_ADD(date, INTERVAL n DAY) AS date) FROM "
        "shop.crm.orders) WHERE date = @start_date",
        "nothing bounds",
    ),
    (
        "SELECT id FROM (SELECT MAX(date) AS date, id FROM shop.crm.orders GROUP BY id) "
        "WHERE date = @start_date",
        "nothing bounds",
    ),
    (
        "SELECT id FROM shop.crm.orders WHERE date = @start_date UNION ALL SELECT id FROM "
        "shop.crm.orders",
        "nothing bounds",
    ),
    ("SELECT (SELECT MAX(id) FROM shop.crm.orders) AS id", "nothing bounds"),
    ("SELECT id FROM shop.crm.plain WHERE EXISTS (SELECT 1 FROM shop.crm.orders)", "nothing"),
    ("FROM shop.crm.orders |> AS o |> SELECT o.id", "nothing bounds date"),
    ("SELECT id FROM shop.crm.orders |> WHERE id > '1'", "nothing bounds date"),
    (
        "FROM shop.crm.orders |> AS o |> SELECT MAX(o.date) AS date |> WHERE date = @start_date",
        "nothing bounds date",
    ),
    ("SELECT id FROM shop.crm.loads WHERE id = '1'", "nothing bounds _PARTITIONDATE"),
    ("SELECT 1 AS id FROM `shop.analytics_123.events_*` AS e", "nothing bounds e._TABLE_SUFFIX"),
    (
        "SELECT 1 AS id FROM `shop.analytics_123.events_*` WHERE _TABLE_SUFFIX >= '20260101'",
        "from below only",
    ),
    ("SELECT id FROM shop.crm.orders_view", "nothing bounds"),
    ("SELECT id FROM shop.crm.nested_view WHERE id = '1'", "nothing bounds"),
]


@pytest.mark.parametrize("sql", BOUNDED)
def test_a_read_bounded_on_both_sides_passes(sql: str) -> None:
    assert shown(sql) == []


@pytest.mark.parametrize(("sql", "reason"), UNBOUNDED)
def test_an_unbounded_read_is_named_with_its_reason(sql: str, reason: str) -> None:
    (finding,) = check(query(sql), CATALOGUE, "Europe/London")
    assert finding.code == "partition_filter"
    assert reason in finding.message
    assert finding.line


@pytest.mark.parametrize("path", [path for path in PARTITIONS if not path.endswith("numbered")])
def test_the_filter_that_the_message_offers_satisfies_the_rule(path: str) -> None:
    bare = f"SELECT 1 AS id FROM `{path}` AS t"
    (finding,) = check(query(bare), CATALOGUE, "Europe/London")
    assert shown(f"{bare} {finding.fix}") == []


def test_a_view_is_blamed_at_the_place_where_the_query_reads_it() -> None:
    (finding,) = check(query("SELECT id\nFROM shop.crm.orders_view"), CATALOGUE, "UTC")
    assert (finding.line, finding.column) == (2, 6)
    assert "shop.crm.orders " in finding.message


def test_a_long_chain_of_steps_is_followed_to_its_end() -> None:
    steps = [f"a{n} AS (SELECT id, date FROM a{n - 1})" for n in range(1, 300)]
    chain = ", ".join(["a0 AS (SELECT id, date FROM shop.crm.orders)", *steps])
    assert shown(f"WITH {chain} SELECT id FROM a299 WHERE date = @start_date") == []
    assert shown(f"WITH {chain} SELECT id FROM a299") == ["shop.crm.orders"]


@pytest.mark.parametrize(
    ("condition", "is_reported"),
    [("_TABLE_SUFFIX > '20260101'", True), ("TRUE", True), ("_TABLE_SUFFIX < '20260101'", False)],
)
def test_events_of_today_that_come_along_twice_are_reported(
    condition: str, is_reported: bool
) -> None:
    sql = f"SELECT 1 AS id FROM `shop.analytics_123.events_*` WHERE {condition}"
    (finding,) = check(query(sql), CATALOGUE, "UTC")
    assert ("events_intraday_*" in finding.message) is is_reported


@pytest.mark.parametrize(
    ("from_", "words", "fix"),
    [
        ("crm.orders_view AS v", "the view shop.crm.orders_view, which calls it day.",
         "WHERE v.day BETWEEN @start_date AND @end_date"),
        ("crm.nested_view", "the view shop.crm.nested_view, which calls it day.",
         "WHERE day BETWEEN @start_date AND @end_date"),
        ("crm.dateless_view", "the view shop.crm.dateless_view, which does not return it.",
         "Let the view shop.crm.dateless_view return date, then write WHERE date BETWEEN "
         "@start_date AND @end_date; or read its table itself."),
    ],
)  # fmt: skip
def test_behind_a_view_the_column_is_called_as_the_view_does(
    from_: str, words: str, fix: str
) -> None:
    (finding,) = check(query(f"SELECT id FROM {from_}"), CATALOGUE, "UTC")
    assert finding.message.endswith(words)
    assert finding.fix == fix
    if fix.startswith("WHERE"):
        assert shown(f"SELECT id FROM {from_} {fix}") == []
