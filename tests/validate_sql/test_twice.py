"""Which tables of one day the conditions of a query let through: daily, streamed and fresh ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from common.guard.judge import judge
from common.guard.names.scope import Scope
from common.untyped import Row
from functions.validate_sql.check import Services
from functions.validate_sql.profile import twice
from tests.judge import Rejected, Rows, evaluate
from tests.validate_sql.conftest import NOW, Judge, codes

DAY = (NOW - timedelta(days=2)).strftime("%Y%m%d")
NAMES = [DAY, f"intraday_{DAY}", f"fresh_{DAY}"]
FIRST = "FORMAT_DATE('%Y%m%d', @start_date)"
LAST = "FORMAT_DATE('%Y%m%d', @end_date)"
DAYS = f"BETWEEN {FIRST} AND {LAST}"
DATES = "BETWEEN @start_date AND @end_date"
COLUMNS = (
    "CONCAT(user_pseudo_id, CAST(event_timestamp AS STRING)) AS id, user_pseudo_id AS client_id, "
    "TIMESTAMP_MICROS(event_timestamp) AS created"
)
EVENTS = "`shop.analytics_123.events_*`"
S = "_TABLE_SUFFIX"

TWICE = [
    f"REPLACE({S}, 'intraday_', '') {DAYS}",
    f"RIGHT({S}, 8) {DAYS}",
    f"REGEXP_EXTRACT({S}, r'[0-9]+') {DAYS}",
    f"REGEXP_EXTRACT({S}, r'\\d+$') {DAYS}",
    f"PARSE_DATE('%Y%m%d', REGEXP_EXTRACT({S}, r'\\d+$')) {DATES}",
    f"SUBSTR({S}, -8) {DAYS}",
    f"REGEXP_REPLACE({S}, r'^[a-z]+_', '') {DAYS}",
    f"SPLIT({S}, '_')[SAFE_OFFSET(1)] {DAYS} OR {S} {DAYS}",
    f"ARRAY_REVERSE(SPLIT({S}, '_'))[SAFE_OFFSET(0)] {DAYS}",
    f"LTRIM({S}, 'intrady_') {DAYS}",
    f"SAFE_CAST(RIGHT({S}, 8) AS INT64) BETWEEN CAST({FIRST} AS INT64) AND CAST({LAST} AS INT64)",
    f"SAFE.PARSE_DATE('%Y%m%d', RIGHT({S}, 8)) {DATES}",
    f"{S} {DAYS} OR {S} BETWEEN CONCAT('intraday_', {FIRST}) AND CONCAT('intraday_', {LAST})",
    f"{S} IN ('{DAY}', 'intraday_{DAY}')",
    f"{S} BETWEEN '{DAY}' AND 'z'",
    f"{S} >= '{DAY}' AND {S} < 'z'",
    f"RIGHT({S}, 8) {DAYS} AND {S} NOT LIKE 'intraday%'",
    f"RIGHT({S}, 8) {DAYS} AND LENGTH({S}) > 7",
    f"RIGHT({S}, 8) = '{DAY}'",
    f"{S} LIKE '%{DAY}' AND RIGHT({S}, 8) {DAYS}",
]
ONCE = [
    f"{S} {DAYS}",
    f"{S} >= {FIRST} AND {S} <= {LAST}",
    f"{S} = {LAST}",
    f"{S} IN ('{DAY}')",
    f"{S} BETWEEN {FIRST} AND FORMAT_DATE('%Y%m%d', DATE_ADD(@end_date, INTERVAL 1 DAY))",
    f"LEFT({S}, 8) {DAYS}",
    f"SUBSTR({S}, 1, 8) {DAYS}",
    f"CONCAT('events_', {S}) BETWEEN CONCAT('events_', {FIRST}) AND CONCAT('events_', {LAST})",
    f"SAFE_CAST({S} AS INT64) BETWEEN CAST({FIRST} AS INT64) AND CAST({LAST} AS INT64)",
    f"SAFE.PARSE_DATE('%Y%m%d', {S}) {DATES}",
    f"PARSE_DATE('%Y%m%d', {S}) {DATES}",
    f"RIGHT({S}, 8) {DAYS} AND LENGTH({S}) = 8",
    f"RIGHT({S}, 8) {DAYS} AND REGEXP_CONTAINS({S}, r'^\\d{{8}}$')",
    f"RIGHT({S}, 8) {DAYS} AND {S} NOT LIKE 'intraday%' AND NOT STARTS_WITH({S}, 'fresh_')",
    f"RIGHT({S}, 8) {DAYS} AND {S} < 'a'",
    f"REPLACE({S}, 'intraday_', '') {DAYS} AND {S} LIKE 'intraday%'",
    f"REGEXP_EXTRACT({S}, r'^[0-9]+') {DAYS}",
    f"REGEXP_EXTRACT({S}, r'intraday_(\\d+)') {DAYS}",
]


# a function that fails on the name of a fresh table: BigQuery stops only where there is one
FAILS_ON_FRESH = [
    f"PARSE_DATE('%Y%m%d', REPLACE({S}, 'intraday_', '')) {DATES}",
    f"CAST(LEFT(REPLACE({S}, 'intraday_', ''), 8) AS INT64) >= 20230101 AND "
    f"PARSE_DATE('%Y%m%d', LEFT(REPLACE({S}, 'intraday_', ''), 8)) "
    "IN UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date))",
    f"CAST(REPLACE({S}, 'intraday_', '') AS INT64) "
    f"BETWEEN CAST({FIRST} AS INT64) AND CAST({LAST} AS INT64)",
]


def passed(condition: str, names: list[str] = NAMES) -> list[str] | None:
    """The names that GoogleSQL lets through; None where it fails on one."""
    text = condition.replace(S, "suffix")
    sql = f"SELECT suffix FROM UNNEST({names}) AS suffix WHERE {text} ORDER BY 1"
    days = {
        "start_date": ("DATE", (NOW - timedelta(days=30)).date()),
        "end_date": ("DATE", NOW.date()),
    }
    try:
        return [row["suffix"] for row in evaluate(sql, parameters=days)]
    except Rejected:
        return None


@pytest.mark.parametrize("condition", TWICE)
def test_two_tables_of_one_day_are_refused_where_every_property_may_have_them(
    condition: str, shown: Judge
) -> None:
    names = passed(condition)
    assert names is not None
    assert len(names) > 1
    answer = shown(f"SELECT {COLUMNS} FROM {EVENTS} WHERE {S} IS NOT NULL AND ({condition})")
    is_streamed = any("intraday" in name for name in names)
    code = "read_twice" if is_streamed else "fresh_read_twice"
    assert answer.ok is not is_streamed
    (issue,) = [it for it in answer.issues if it.code == code]
    yesterday = NOW - timedelta(days=1)
    assert f"{yesterday:%Y%m%d}" in issue.message or DAY in issue.message
    assert "events_intraday_" in issue.message or "events_fresh_" in issue.message
    assert "BETWEEN" in issue.fix


@pytest.mark.parametrize("condition", FAILS_ON_FRESH)
def test_a_name_that_stops_a_query_hides_no_other(condition: str, shown: Judge) -> None:
    assert passed(condition) is None
    assert passed(condition, NAMES[:2]) == NAMES[:2]
    answer = shown(f"SELECT {COLUMNS} FROM {EVENTS} WHERE {condition}")
    (issue,) = [it for it in answer.issues if it.code == "read_twice"]
    assert "events_fresh_" not in issue.message


def test_who_leaves_today_out_reads_where_fresh_tables_come_from(shown: Judge) -> None:
    answer = shown(
        f"SELECT {COLUMNS} FROM {EVENTS} WHERE RIGHT({S}, 8) {DAYS} AND {S} NOT LIKE '%intraday%'"
    )
    (issue,) = [it for it in answer.issues if it.code == "fresh_read_twice"]
    assert answer.ok
    assert issue.message.endswith("there, as in Analytics 360 with the fresh daily export.")


@pytest.mark.parametrize("condition", ONCE)
def test_one_table_of_a_day_is_let_through(condition: str, shown: Judge) -> None:
    names = passed(condition)
    assert names is None or len(names) < 2
    answer = shown(f"SELECT {COLUMNS} FROM {EVENTS} AS e WHERE {condition.replace(S, f'e.{S}')}")
    assert "read_twice" not in codes(answer)


CUT = f"RIGHT({S}, 8) {DAYS}"
GROUPED = "SELECT user_pseudo_id AS id, ANY_VALUE(user_pseudo_id) AS client_id, "
MOMENT = "MIN(TIMESTAMP_MICROS(event_timestamp)) AS created"
SET_ASIDE = {
    "DISTINCT": f"SELECT DISTINCT {COLUMNS} FROM {EVENTS} WHERE {CUT}",
    "QUALIFY": f"SELECT {COLUMNS} FROM {EVENTS} WHERE {CUT} QUALIFY "
    f"ROW_NUMBER() OVER (PARTITION BY id ORDER BY {S}) = 1",
    "a group": f"{GROUPED}{MOMENT} FROM {EVENTS} WHERE {CUT} GROUP BY 1",
    "another column": f"SELECT {COLUMNS} FROM {EVENTS} WHERE {CUT} "
    f"AND {S} = FORMAT_TIMESTAMP('%Y%m%d', TIMESTAMP_MICROS(event_timestamp))",
    "a query around it": f"SELECT {COLUMNS} FROM (SELECT *, {S} AS day FROM {EVENTS} WHERE {CUT}) "
    "WHERE LENGTH(day) = 8",
    "a join": f"SELECT {COLUMNS} FROM {EVENTS} AS e JOIN (SELECT '8' AS long) AS o "
    f"ON LENGTH(e.{S}) = CAST(o.long AS INT64) WHERE RIGHT(e.{S}, 8) {DAYS}",
    "a part of a wildcard": f"SELECT {COLUMNS} FROM `shop.analytics_123.events_2*` "
    f"WHERE CONCAT('2', {S}) {DAYS}",
}
INTRADAY = "`shop.analytics_123.events_intraday_*`"
STREAMED = f"{S} {DAYS} AND event_name = 'purchase'"
APART = {
    "only days that have no daily table": f"SELECT {COLUMNS} FROM {EVENTS} WHERE {S} {DAYS} "
    f"UNION ALL SELECT {COLUMNS} FROM {INTRADAY} WHERE {STREAMED} AND event_timestamp > "
    f"(SELECT MAX(event_timestamp) FROM {EVENTS} WHERE {S} {DAYS})",
    "only what the daily table lacks": f"SELECT {COLUMNS} FROM {EVENTS} WHERE {S} {DAYS} "
    f"UNION ALL SELECT i.* FROM (SELECT {COLUMNS} FROM {INTRADAY} AS i LEFT JOIN "
    f"`shop.crm.orders` AS o ON o.client_id = i.user_pseudo_id WHERE i.{S} {DAYS} "
    "AND o.client_id IS NULL) AS i",
    "a join": f"WITH live AS (SELECT user_pseudo_id FROM {INTRADAY} WHERE {STREAMED}) "
    f"SELECT {COLUMNS} FROM {EVENTS} JOIN live USING (user_pseudo_id) WHERE {S} {DAYS}",
    "another day": f"SELECT {COLUMNS} FROM {EVENTS} WHERE {S} {DAYS} UNION ALL SELECT {COLUMNS} "
    f"FROM {INTRADAY} WHERE {S} = FORMAT_DATE('%Y%m%d', DATE_ADD(@end_date, INTERVAL 1 DAY))",
}
STILL_TWICE = {
    "added up": f"{GROUPED}{MOMENT}, SUM(1.0) AS value FROM {EVENTS} WHERE {CUT} GROUP BY 1",
    "a step": f"WITH e AS (SELECT * FROM {EVENTS} WHERE {CUT}) SELECT {COLUMNS} FROM e",
    "a part of a wildcard": f"SELECT {COLUMNS} FROM `shop.analytics_123.event*` "
    f"WHERE RIGHT({S}, 8) {DAYS}",
    "one query for each": f"SELECT {COLUMNS} FROM {EVENTS} WHERE {S} {DAYS} UNION ALL "
    f"SELECT {COLUMNS} FROM {INTRADAY} WHERE {STREAMED} AND "
    "(SELECT p FROM UNNEST(['a']) AS p LIMIT 1) IS NOT NULL",
    "beside what another table decides": f"SELECT {COLUMNS} FROM {EVENTS} WHERE {CUT} AND "
    "user_pseudo_id IN (SELECT client_id FROM `shop.crm.orders` WHERE date = @start_date)",
}


ROW = "user_pseudo_id, event_timestamp, event_name, event_date"
PERIOD = "WHERE date BETWEEN @start_date AND @end_date"
ORDER = "order_id AS id, client_id, created_at AS created"
STEPS = (
    f"WITH daily AS (SELECT {ROW} FROM {EVENTS} WHERE {S} {DAYS}), "
    f"live AS (SELECT {ROW} FROM {INTRADAY} WHERE {S} {DAYS})"
)
ALL_DAILY = f"SELECT {COLUMNS} FROM daily UNION ALL SELECT {COLUMNS} FROM"
SEEN = f"SELECT user_pseudo_id FROM {EVENTS} WHERE {CUT}"
BEFORE = "FORMAT_DATE('%Y%m%d', DATE_SUB(@end_date, INTERVAL 3 DAY))"
STREAM_ALONE = "`shop.analytics_456.events_intraday_*`"
WRITTEN = [(NOW - timedelta(days=number)).strftime("%Y%m%d") for number in range(7)]
# the shapes in which people put the two kinds of table together, each judged by GoogleSQL's answer
SHAPES_ONCE = {
    "days of a step": f"{STEPS} {ALL_DAILY} live "
    "WHERE event_date NOT IN (SELECT event_date FROM daily)",
    "no such day in a step": f"{STEPS} {ALL_DAILY} live AS l "
    "WHERE NOT EXISTS (SELECT 1 FROM daily AS d WHERE d.event_date = l.event_date)",
    "a join of steps": f"{STEPS}, more AS (SELECT l.* FROM live AS l LEFT JOIN daily AS d "
    f"ON d.event_date = l.event_date WHERE d.event_date IS NULL) {ALL_DAILY} more",
    "after the last day of a step": f"{STEPS} {ALL_DAILY} live "
    "WHERE event_date > (SELECT MAX(event_date) FROM daily)",
    "a listed step": f"{STEPS}, last AS (SELECT MAX(event_date) AS day FROM daily), more AS "
    f"(SELECT live.* FROM live, last WHERE event_date > day) {ALL_DAILY} more",
    "a mark that is read": f"WITH e AS (SELECT *, IF(STARTS_WITH({S}, 'intraday_'), 'live', "
    f"'daily') AS mark FROM {EVENTS} WHERE {CUT}) SELECT {COLUMNS} FROM e WHERE mark = 'daily'",
    "a mark on either part": f"{STEPS}, u AS (SELECT *, 'daily' AS mark FROM daily UNION ALL "
    f"SELECT *, 'live' AS mark FROM live) SELECT {COLUMNS} FROM u WHERE mark = 'daily' OR "
    "event_date NOT IN (SELECT event_date FROM daily)",
    "a mark and a joined step": f"{STEPS}, u AS (SELECT *, 'daily' AS mark FROM daily UNION ALL "
    "SELECT *, 'live' AS mark FROM live), days AS (SELECT event_date AS day, MIN(mark) AS mark "
    f"FROM u GROUP BY 1) SELECT {COLUMNS} FROM u JOIN days ON day = event_date "
    "AND days.mark = u.mark",
    "another property": f"SELECT {COLUMNS} FROM {EVENTS} WHERE {S} {DAYS} UNION ALL "
    f"SELECT {COLUMNS} FROM {STREAM_ALONE} WHERE {S} {DAYS}",
    "other events": f"SELECT {COLUMNS} FROM {EVENTS} AS e WHERE {S} {DAYS} AND e.event_name = "
    f"'purchase' UNION ALL SELECT {COLUMNS} FROM {INTRADAY} WHERE {S} {DAYS} "
    "AND event_name IN ('lead', 'sign_up')",
    "a union for another purpose": f"WITH live AS (SELECT user_pseudo_id FROM {INTRADAY} "
    f"WHERE {S} {DAYS}), u AS (SELECT {COLUMNS} FROM {EVENTS} WHERE {S} {DAYS} UNION ALL "
    f"SELECT {ORDER} FROM `shop.crm.orders` {PERIOD}) "
    "SELECT * FROM u WHERE client_id IN (SELECT user_pseudo_id FROM live)",
    "a group before a number": f"WITH e AS (SELECT {ROW} FROM {EVENTS} WHERE {CUT} "
    "GROUP BY 1, 2, 3, 4) SELECT user_pseudo_id AS id, user_pseudo_id AS client_id, "
    "TIMESTAMP_MICROS(MIN(event_timestamp)) AS created, COUNT(*) * 1.0 AS value FROM e GROUP BY 1",
    "a sum of something else": "WITH clicks AS (SELECT user_pseudo_id, MAX(event_timestamp) AS t "
    f"FROM {EVENTS} WHERE {CUT} GROUP BY 1), o AS (SELECT order_id, client_id, MIN(created_at) AS "
    f"created, SUM(total) AS value FROM `shop.crm.orders` {PERIOD} GROUP BY 1, 2) "
    "SELECT order_id AS id, client_id, created, value FROM o "
    "LEFT JOIN clicks ON clicks.user_pseudo_id = o.client_id",
    "whether there is any": f"{GROUPED}{MOMENT} FROM {EVENTS} WHERE {CUT} GROUP BY 1 "
    "HAVING COUNTIF(event_name = 'purchase') > 0 AND COUNT(*) >= 1",
    "asked with IN": f"SELECT {ORDER} FROM `shop.crm.orders` {PERIOD} AND client_id IN ({SEEN})",
    "asked with EXISTS": f"SELECT {ORDER} FROM `shop.crm.orders` AS o {PERIOD} "
    f"AND EXISTS ({SEEN} AND user_pseudo_id = o.client_id)",
    "a step that is asked": f"WITH seen AS ({SEEN}) SELECT {ORDER} FROM `shop.crm.orders` {PERIOD} "
    "AND client_id IN (SELECT user_pseudo_id FROM seen)",
    "asked for one value": f"SELECT {ORDER} FROM `shop.crm.orders` {PERIOD} AND created_at > "
    f"(SELECT TIMESTAMP_MICROS(MIN(event_timestamp)) FROM {EVENTS} WHERE {CUT})",
}
SHAPES_TWICE = {
    "steps": f"{STEPS} {ALL_DAILY} live",
    "a mark that nobody reads": f"WITH e AS (SELECT *, IF(STARTS_WITH({S}, 'intraday_'), 'live', "
    f"'daily') AS mark FROM {EVENTS} WHERE {CUT}) SELECT {COLUMNS} FROM e",
    "steps, and orders": f"{STEPS}, u AS (SELECT * FROM daily UNION ALL SELECT * FROM live) "
    f"SELECT {COLUMNS} FROM u LEFT JOIN `shop.crm.orders` AS o ON o.client_id = user_pseudo_id "
    "AND o.date BETWEEN @start_date AND @end_date",
    "a day in the middle": f"SELECT {COLUMNS} FROM {EVENTS} WHERE {S} BETWEEN {FIRST} AND {BEFORE} "
    f"UNION ALL SELECT {COLUMNS} FROM {INTRADAY} WHERE {S} BETWEEN {BEFORE} AND {LAST}",
    "a written day in the middle": f"SELECT {COLUMNS} FROM {EVENTS} WHERE {S} BETWEEN "
    f"'{WRITTEN[6]}' AND '{WRITTEN[3]}' UNION ALL SELECT {COLUMNS} FROM {INTRADAY} "
    f"WHERE {S} BETWEEN '{WRITTEN[4]}' AND '{WRITTEN[2]}'",
    "arrays of the row": f"SELECT {COLUMNS} FROM {EVENTS} CROSS JOIN UNNEST(['a']) AS p "
    f"WHERE {S} {DAYS} UNION ALL SELECT {COLUMNS} FROM {INTRADAY} AS i "
    f"LEFT JOIN UNNEST(['a']) AS p WHERE {S} {DAYS}",
    "a group for another purpose": "WITH o AS (SELECT client_id, MAX(order_id) AS last FROM "
    f"`shop.crm.orders` {PERIOD} GROUP BY 1) SELECT {COLUMNS} FROM {EVENTS} LEFT JOIN o "
    f"ON o.client_id = user_pseudo_id WHERE {CUT}",
    "more than so many": f"{GROUPED}{MOMENT}, COUNT(*) > 7 AS many FROM {EVENTS} WHERE {CUT} "
    "GROUP BY 1",
    "a join": f"SELECT o.order_id AS id, o.client_id, o.created_at AS created FROM "
    f"`shop.crm.orders` AS o JOIN {EVENTS} AS e ON e.user_pseudo_id = o.client_id "
    f"WHERE o.date BETWEEN @start_date AND @end_date AND RIGHT(e.{S}, 8) {DAYS}",
}
EVENT_COLUMNS = [
    {"name": "user_pseudo_id", "type": "STRING"},
    {"name": "event_timestamp", "type": "INTEGER"},
    {"name": "event_name", "type": "STRING"},
    {"name": "event_date", "type": "STRING"},
    {"name": "suffix", "type": "STRING"},
]
ORDER_COLUMNS = [
    {"name": "order_id", "type": "STRING"},
    {"name": "client_id", "type": "STRING"},
    {"name": "created_at", "type": "TIMESTAMP"},
    {"name": "date", "type": "DATE"},
    {"name": "total", "type": "FLOAT"},
]


def told(begun: str, kinds: tuple[str, ...], person: str) -> Iterator[dict[str, Any]]:
    """One event of each day from each of its tables, as a wildcard reads them."""
    for number in range(7):
        at = NOW - timedelta(days=number)
        for name in (f"events_{kind}{at:%Y%m%d}" for kind in kinds):
            event = ("purchase", "lead")[number % 2]
            moment = int(at.timestamp() * 1_000_000)
            if name.startswith(begun):
                row = (person, moment, event, f"{at:%Y%m%d}", name.removeprefix(begun))
                names = (column["name"] for column in EVENT_COLUMNS)
                yield dict(zip(names, row, strict=True))


def returned(sql: str, *kinds: str) -> Counter[tuple[str, ...]]:
    """The rows that GoogleSQL returns where each day has tables of these kinds."""
    order = ("T-1", "1.7", NOW, NOW.date(), 12.5)
    ordered = dict(zip((column["name"] for column in ORDER_COLUMNS), order, strict=True))
    tables = {"shop.crm.orders": Rows(ORDER_COLUMNS, [ordered])}
    for path in re.findall(r"`(shop\.analytics_\d+\.\w+)\*`", sql):
        dataset, _, begun = path.rpartition(".")
        person = "1.7" if dataset.endswith("123") else "2.8"
        tables[f"{path}*"] = Rows(EVENT_COLUMNS, list(told(begun, kinds, person)))
    days: dict[str, tuple[str, Any]] = {
        "start_date": ("DATE", (NOW - timedelta(days=6)).date()),
        "end_date": ("DATE", NOW.date()),
    }
    rows = evaluate(sql.replace(S, "suffix"), tables, days)
    return Counter(tuple(map(str, row.values())) for row in rows)


def is_doubled(sql: str) -> bool:
    """Whether streamed tables beside the daily ones make any row come again, or another."""
    daily, both = returned(sql, ""), returned(sql, "", "intraday_")
    return any(number > max(daily[row], 1) for row, number in both.items()) or bool(
        {row[:3] for row in daily} == {row[:3] for row in both} and daily != both
    )


def found_in(sql: str, services: Services) -> list[Any]:
    scope = Scope.of(services.settings)
    known = replace(scope, datasets=scope.datasets | {"shop.analytics_456"})
    verdict = judge(sql, known)
    assert verdict.ok, verdict.findings
    return twice.check(verdict, services.runner, services.own, services.last_days)


@pytest.mark.parametrize("how", SHAPES_ONCE)
def test_a_shape_whose_answer_stays_the_same_is_let_through(how: str, services: Services) -> None:
    assert not is_doubled(SHAPES_ONCE[how])
    assert not found_in(SHAPES_ONCE[how], services)


@pytest.mark.parametrize("how", SHAPES_TWICE)
def test_a_shape_whose_answer_doubles_is_refused(how: str, services: Services) -> None:
    assert is_doubled(SHAPES_TWICE[how])
    assert codes(found_in(SHAPES_TWICE[how], services)) == ["read_twice"]


@pytest.mark.parametrize("is_daily_first", [True, False])
def test_of_a_union_the_part_without_daily_tables_is_pointed_at(
    is_daily_first: bool, services: Services
) -> None:
    parts = [f"SELECT {COLUMNS}\nFROM {it} WHERE {S} {DAYS}" for it in (EVENTS, INTRADAY)]
    sql = " UNION ALL\n".join(parts if is_daily_first else parts[::-1])
    (finding,) = found_in(sql, services)
    assert finding.line == (4 if is_daily_first else 2)
    assert finding.fix.startswith("Leave this part of the UNION out")


@pytest.mark.parametrize("how", SET_ASIDE)
def test_a_query_that_sets_the_second_table_aside_is_let_through(how: str, shown: Judge) -> None:
    assert "read_twice" not in codes(shown(SET_ASIDE[how]))


@pytest.mark.parametrize("how", STILL_TWICE)
def test_no_shape_of_a_query_hides_a_second_table(how: str, services: Services) -> None:
    verdict = judge(STILL_TWICE[how], Scope.of(services.settings))
    found = twice.check(verdict, services.runner, services.own, services.last_days)
    assert codes(found) == ["read_twice"]


@pytest.mark.parametrize("how", APART)
def test_tables_that_are_kept_apart_are_let_through(how: str, services: Services) -> None:
    verdict = judge(APART[how], Scope.of(services.settings))
    assert verdict.ok
    assert not twice.check(verdict, services.runner, services.own, services.last_days)


def test_a_plain_comparison_costs_no_further_job(
    shown: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> list[Row]:
        raise AssertionError("asked")

    monkeypatch.setattr(twice, "asked", never)
    assert "read_twice" not in codes(shown(f"SELECT {COLUMNS} FROM {EVENTS} WHERE {S} {DAYS}"))
