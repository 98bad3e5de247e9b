"""Which tables of one day the conditions of a query let through: daily, streamed and fresh ones."""

from __future__ import annotations

from datetime import timedelta

import pytest

from common.guard.judge import judge
from common.guard.names.scope import Scope
from common.untyped import Row
from functions.validate_sql.check import Services
from functions.validate_sql.profile import twice
from tests.judge import Rejected, evaluate
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


def passed(condition: str) -> list[str] | None:
    """The names that GoogleSQL lets through; None where it fails on one."""
    text = condition.replace(S, "suffix")
    sql = f"SELECT suffix FROM UNNEST({NAMES}) AS suffix WHERE {text} ORDER BY 1"
    days = {
        "start_date": ("DATE", (NOW - timedelta(days=30)).date()),
        "end_date": ("DATE", NOW.date()),
    }
    try:
        return [row["suffix"] for row in evaluate(sql, parameters=days)]
    except Rejected:
        return None


@pytest.mark.parametrize("condition", TWICE)
def test_two_tables_of_one_day_are_refused(condition: str, shown: Judge) -> None:
    names = passed(condition)
    assert names is not None
    assert len(names) > 1
    answer = shown(f"SELECT {COLUMNS} FROM {EVENTS} WHERE {S} IS NOT NULL AND ({condition})")
    assert not answer.ok
    (issue,) = [it for it in answer.issues if it.code == "read_twice"]
    yesterday = NOW - timedelta(days=1)
    assert f"{yesterday:%Y%m%d}" in issue.message or DAY in issue.message
    assert "events_intraday_" in issue.message or "events_fresh_" in issue.message
    assert "BETWEEN" in issue.fix


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
