"""Whole answers over the shop's data: what an analyst is told of a query, and at which place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from common.bigquery.sql import Sql
from common.bigquery.warehouse import DryRun, Executed, Warehouse
from common.errors import (
    AccessError,
    NotFoundError,
    ProductError,
    QuotaError,
    RetryableError,
    UserError,
)
from functions.validate_sql.check import Services, validate
from functions.validate_sql.models import Ask
from tests.validate_sql.conftest import COLUMNS, PERIOD, Judge, codes

ORDERS = f"FROM `shop.crm.orders` {PERIOD}"


def test_a_sound_query_is_answered_with_columns_rows_and_shares(shown: Judge) -> None:
    answer = shown(f"SELECT {COLUMNS}, total AS value, customer_id AS user_id {ORDERS}")
    assert answer.ok, answer.issues
    assert codes(answer) == []
    assert [(column.name, column.type) for column in answer.columns] == [
        ("id", "STRING"),
        ("client_id", "STRING"),
        ("created", "TIMESTAMP"),
        ("value", "FLOAT64"),
        ("user_id", "STRING"),
    ]
    assert answer.referenced_tables == ["shop.crm.orders"]
    assert answer.profile
    assert answer.profile.rows == 60
    assert sum(day.conversions for day in answer.profile.days) == 60
    assert answer.profile.null_share["value"] == 0
    assert answer.profile.attributed_share == pytest.approx(25 / 30)
    assert len(answer.sample) == 20


def test_where_a_dry_run_tells_nothing_bytes_come_from_the_sizes_of_tables(shown: Judge) -> None:
    answer = shown(f"SELECT {COLUMNS} {ORDERS}")
    # a table is billed 10 MB at least
    assert answer.bytes_processed == 10 * 1024**2
    assert answer.cost
    assert answer.cost.price_per_month == pytest.approx(10 / 1024**2 * 6.25 * 30, abs=0.0001)


def test_faults_of_contract_partition_and_habit_are_reported_together(shown: Judge) -> None:
    answer = shown(
        "SELECT order_id AS id, client_id AS clientId, date AS created, NULL AS currency, "
        "total * 2\nFROM `shop.crm.orders`\nLIMIT 5"
    )
    assert codes(answer) == [
        "partition_filter",
        "wrong_type",
        "null_column",
        "misspelled_column",
        "anonymous_column",
        "limit",
    ]
    fixes = {issue.code: issue.fix for issue in answer.issues}
    assert fixes["wrong_type"] == "TIMESTAMP(date, 'Europe/London') AS created"
    assert fixes["misspelled_column"] == "client_id AS client_id"
    assert fixes["anonymous_column"] == "Name it: total * 2 AS value"
    assert fixes["partition_filter"] == "WHERE date BETWEEN @start_date AND @end_date"


def test_bigquerys_own_complaint_is_reported_at_the_authors_place(shown: Judge) -> None:
    answer = shown(
        f"SELECT client_id,\n  order_idd AS id, -- typo\n  created_at AS created {ORDERS}"
    )
    issue = next(issue for issue in answer.issues if issue.code == "query_failed")
    assert (issue.line, issue.column) == (2, 3)
    assert issue.fix == "Write order_id"


@pytest.mark.parametrize(
    ("alias", "called"), [(" AS p", "rows are called p"), ("", "rows are called orders")]
)
def test_rows_of_a_name_that_from_does_not_know_are_answered_with_the_names_that_it_gives(
    alias: str, called: str, shown: Judge
) -> None:
    answer = shown(f"SELECT {COLUMNS}, o.total AS value FROM `shop`.crm.orders{alias} {PERIOD}")
    issue = next(issue for issue in answer.issues if issue.code == "query_failed")
    assert issue.fix.startswith("Nothing is called o in FROM")
    assert called in issue.fix


def test_a_missing_table_is_answered_with_the_nearest_name(shown: Judge) -> None:
    answer = shown(f"SELECT {COLUMNS}\nFROM `shop.crm.oders` {PERIOD}")
    issue = next(issue for issue in answer.issues if issue.code == "table_not_found")
    assert issue.fix == "Did you mean `shop.crm.orders`?"
    assert issue.line == 2


def test_a_declared_script_is_answered_with_the_query_to_paste(shown: Judge) -> None:
    answer = shown(
        "DECLARE start_date DATE DEFAULT '2026-01-01';\n"
        "DECLARE end_date DATE DEFAULT CURRENT_DATE();\n"
        f"SELECT {COLUMNS}, status FROM `shop.crm.orders`\n"
        "WHERE date BETWEEN start_date AND end_date"
    )
    assert codes(answer)[0] == "declare"
    assert "unknown_column" in codes(answer)
    unknown = next(issue for issue in answer.issues if issue.code == "unknown_column")
    assert unknown.line == 3
    assert answer.suggestion.endswith("WHERE date BETWEEN @start_date AND @end_date")
    again = shown(answer.suggestion.replace(", status", ""))
    assert again.ok, again.issues


def test_what_only_the_engine_cannot_do_is_no_fault_of_the_query(shown: Judge) -> None:
    answer = shown(
        f"SELECT {COLUMNS}, TIMESTAMP_BUCKET(created_at, INTERVAL 1 HOUR) AS click_at {ORDERS}"
    )
    assert answer.ok
    assert codes(answer) == ["engine_limit"]
    assert "TIMESTAMP_BUCKET" in answer.issues[0].message


def test_a_lookup_table_may_be_read_without_filter_when_it_is_named(shown: Judge) -> None:
    sql = f"SELECT {COLUMNS} FROM `shop.crm.orders`"
    assert "partition_filter" in codes(shown(sql))
    exempt = shown(sql, lookup_tables=["shop.crm.orders"])
    assert "partition_filter" not in codes(exempt)


def test_a_view_is_looked_through(shown: Judge) -> None:
    bounded = shown(f"SELECT {COLUMNS} FROM `shop.crm.orders_view` {PERIOD}")
    assert "partition_filter" not in codes(bounded)
    unbounded = shown(f"SELECT {COLUMNS} FROM `shop.crm.orders_view`")
    assert "partition_filter" in codes(unbounded)


def test_extra_columns_are_features_when_predicted_value_is_asked_for(shown: Judge) -> None:
    sql = f"SELECT {COLUMNS}, customer_id AS user_id, items, status {ORDERS}"
    assert codes(shown(sql)).count("unknown_column") == 2
    answer = shown(sql, predicted_value=True)
    assert "unknown_column" not in codes(answer)
    assert [column.role for column in answer.columns][-2:] == ["feature", "feature"]
    assert answer.predicted_value
    assert answer.predicted_value.features == ["items", "status"]
    assert "predicted_value_unavailable" in codes(answer)


def test_leads_and_deals_have_contracts_of_their_own(shown: Judge) -> None:
    leads = shown(
        f"SELECT order_id AS lead_id, client_id, created_at AS created, items, status {ORDERS}",
        contract="leads",
    )
    assert leads.ok, leads.issues
    deals = shown(
        "SELECT order_id AS lead_id, created_at AS outcome_at, status, total AS deal_value "
        f"{ORDERS}",
        contract="deals",
    )
    assert codes(deals) == ["deal_status"]


def test_the_copy_of_the_answer_is_dropped(shown: Judge, services: Services) -> None:
    shown(f"SELECT {COLUMNS} {ORDERS}")
    shown(f"SELECT {COLUMNS}, CAST(note AS FLOAT64) AS value {ORDERS}")
    assert services.own.tables_in(services.own.staging_path("").rstrip(".")) == []


def test_a_profile_can_be_left_out(shown: Judge) -> None:
    assert shown(f"SELECT {COLUMNS} {ORDERS}", with_profile=False).profile is None


FIXES = [
    ("null_id", "NULLIF(order_id, 'T-1') AS id", "WHERE NULLIF(order_id, 'T-1') IS NOT NULL"),
    ("placeholder_id", "'(not set)' AS id", "WHERE LOWER(TRIM('(not set)')) NOT IN"),
    ("duplicate_id", "o.status AS id", "CONCAT(o.status, '-'"),
]


@pytest.mark.parametrize(("code", "id_", "fix"), FIXES)
def test_a_fix_is_written_with_the_authors_own_expression(
    shown: Judge, code: str, id_: str, fix: str
) -> None:
    orders = f"FROM `shop.crm.orders` AS o {PERIOD}"
    answer = shown(f"SELECT {id_}, o.client_id, o.created_at AS created {orders}")
    assert fix in next(issue.fix for issue in answer.issues if issue.code == code)


def test_rows_of_a_placeholder_are_not_reported_as_duplicates_too(shown: Judge) -> None:
    answer = shown(f"SELECT '(not set)' AS id, client_id, created_at AS created {ORDERS}")
    assert "duplicate_id" not in codes(answer)


def test_a_column_written_as_null_is_reported_once(shown: Judge) -> None:
    answer = shown(f"SELECT {COLUMNS}, CAST(NULL AS STRING) AS user_id {ORDERS}")
    (issue,) = answer.issues
    assert issue.code == "null_column"
    assert issue.fix == "Remove `CAST(NULL AS STRING) AS user_id` from the SELECT list."


def test_the_shard_of_one_day_is_answered_with_all_days(shown: Judge) -> None:
    answer = shown(
        "SELECT event_name AS id, user_pseudo_id AS client_id, "
        "TIMESTAMP_MICROS(event_timestamp) AS created FROM `shop.analytics_123.events_20261029`"
    )
    issue = next(issue for issue in answer.issues if issue.code == "fixed_period")
    assert "20261029" in issue.message
    assert issue.fix.startswith("FROM `shop.analytics_123.events_*` WHERE _TABLE_SUFFIX BETWEEN")


def test_days_set_by_a_clock_are_reported_once(shown: Judge) -> None:
    answer = shown(
        f"SELECT {COLUMNS} FROM `shop.crm.orders` WHERE date BETWEEN "
        "DATE_SUB(CURRENT_DATE(), INTERVAL 30 DAY) AND CURRENT_DATE()"
    )
    assert {"fixed_period", "no_period"}.isdisjoint(codes(answer))
    assert "clock" in codes(answer)


class Unprovided(Warehouse):
    """A warehouse whose table of definitions is missing."""

    def rows(self, sql: Sql, **_: Any) -> Iterator[dict[str, Any]]:
        raise AccessError("Access Denied: Table shop:conversions.definitions: or it does not exist")


def test_a_missing_table_of_definitions_costs_no_other_answer(services: Services) -> None:
    unprovided = replace(services, own=Unprovided(services.own.client, services.settings))
    answer = validate(Ask(sql=f"SELECT {COLUMNS} {ORDERS}", with_profile=False), unprovided)
    assert answer.ok
    assert answer.predicted_value
    assert not answer.predicted_value.available
    assert "could not be read" in answer.predicted_value.reason


class Telling(Warehouse):
    """A warehouse that names another table among those that a query reads."""

    def dry_run(self, sql: Sql, *, timeout: float = 20) -> DryRun:
        shown = super().dry_run(sql, timeout=timeout)
        return replace(shown, referenced_tables=("shop.crm.orders", "shop.payroll.salaries"))


def test_a_table_that_only_bigquery_sees_is_refused_also_behind_a_view(services: Services) -> None:
    telling = replace(services, runner=Telling(services.own.client, services.settings))
    for table in ("shop.crm.orders", "shop.crm.orders_view"):
        answer = validate(Ask(sql=f"SELECT {COLUMNS} FROM {table} {PERIOD}"), telling)
        assert codes(answer) == ["table_not_allowed"]
        assert answer.profile is None
        assert answer.sample == []


CONTENT = {
    "no_rows": f"SELECT {COLUMNS} {ORDERS} AND status = 'never'",
    "null_id": f"SELECT NULLIF(order_id, 'T-1') AS id, client_id, created_at AS created {ORDERS}",
    "duplicate_id": f"SELECT status AS id, client_id, created_at AS created {ORDERS}",
    "placeholder_id": f"SELECT '(not set)' AS id, client_id, created_at AS created {ORDERS}",
    "personal_id": f"SELECT email AS id, client_id, created_at AS created {ORDERS}",
    "invalid_created": "SELECT order_id AS id, client_id, IF(items > 2, created_at, "
    f"TIMESTAMP '1970-01-01 00:00:00+00') AS created {ORDERS}",
    "outside_window": "SELECT order_id AS id, client_id, "
    f"TIMESTAMP_SUB(created_at, INTERVAL 90 DAY) AS created {ORDERS}",
    "date_only": "SELECT order_id AS id, client_id, "
    f"TIMESTAMP(date, 'Europe/London') AS created {ORDERS}",
    "all_null_column": f"SELECT {COLUMNS}, NULLIF(status, status) AS currency {ORDERS}",
    "sparse_column": f"SELECT {COLUMNS}, IF(items = 1, total, NULL) AS value {ORDERS}",
    "missing_client_id": "SELECT order_id AS id, IF(items > 2, NULL, client_id) AS client_id, "
    f"created_at AS created {ORDERS}",
    "client_id_format": "SELECT order_id AS id, CONCAT('GA1.1.', client_id) AS client_id, "
    f"created_at AS created {ORDERS}",
    "stitch_rate": f"SELECT order_id AS id, order_id AS client_id, created_at AS created {ORDERS}",
    "currency_code": f"SELECT {COLUMNS}, 'Euro' AS currency {ORDERS}",
    "currency_case": f"SELECT {COLUMNS}, 'eur' AS currency {ORDERS}",
    "negative_value": f"SELECT {COLUMNS}, -total AS value {ORDERS}",
    "params_key": f"SELECT {COLUMNS}, "
    f"[STRUCT('a' AS key, note AS value), STRUCT('a', note)] AS params {ORDERS}",
    "geo_key": f"SELECT {COLUMNS}, [STRUCT('Town' AS key, note AS value)] AS params {ORDERS}",
    "failing_row": f"SELECT {COLUMNS}, CAST(note AS FLOAT64) AS value {ORDERS}",
}


@pytest.mark.parametrize("code", CONTENT)
def test_what_only_the_rows_show_is_reported(shown: Judge, code: str) -> None:
    assert code in codes(shown(CONTENT[code]))


@pytest.mark.parametrize(
    ("client_id", "fault"),
    [
        ("CONCAT('GA1.1.', client_id)", "with_cookie_prefix"),
        ("email", "addresses"),
        ("'undefined'", "placeholders"),
        ("'1.83E+09'", "scientific"),
        ("REPLACE(client_id, '.', '')", "without_dot"),
        ("CONCAT('9', client_id)", "well_formed_unknown"),
    ],
)
def test_the_usual_faults_of_client_ids_are_counted(
    shown: Judge, client_id: str, fault: str
) -> None:
    answer = shown(
        f"SELECT order_id AS id, {client_id} AS client_id, created_at AS created {ORDERS}"
    )
    assert answer.profile
    assert answer.profile.clients
    counts = answer.profile.clients.model_dump()
    assert counts[fault] == counts["total"] == 60
    assert counts["known_before"] == 0


def test_a_visit_after_the_conversion_does_not_attribute_it(shown: Judge) -> None:
    early = "TIMESTAMP_SUB(created_at, INTERVAL 25 DAY)"
    answer = shown(f"SELECT order_id AS id, client_id, {early} AS created {ORDERS}")
    assert answer.profile
    assert answer.profile.clients
    assert answer.profile.clients.known == 50
    assert answer.profile.clients.known_before == 0


def test_a_profile_holds_no_address_and_no_number_of_a_person(shown: Judge) -> None:
    answer = shown(
        f"SELECT {COLUMNS}, email, phone, "
        f"[STRUCT('mail' AS key, email AS value)] AS params {ORDERS}"
    )
    assert answer.sample
    text = answer.model_dump_json()
    assert "canary.example" not in text
    assert "7946" not in text


def test_a_failure_on_a_row_does_not_show_the_row(shown: Judge) -> None:
    text = shown(CONTENT["failing_row"]).model_dump_json()
    assert "canary" not in text


class Slow(Warehouse):
    """A warehouse that plans a query and never finishes it in time."""

    def execute(self, *_: object, **__: object) -> Executed:
        raise UserError("Job timed out after 20 s.", code="query_failed")


class Locked(Warehouse):
    """A warehouse whose account may not write the short-lived copy."""

    def execute(self, *_: object, **__: object) -> Executed:
        raise AccessError(
            "Access Denied: Dataset shop:conversions_staging: Permission bigquery.tables.create"
        )


def test_a_query_that_takes_too_long_is_reported_without_a_profile(services: Services) -> None:
    slow = replace(services, runner=Slow(services.own.client, services.settings))
    answer = validate(Ask(sql=f"SELECT {COLUMNS} {ORDERS}"), slow)
    assert answer.ok
    assert codes(answer) == ["profile_failed"]
    assert "too long" in answer.issues[0].message


class Refusing(Warehouse):
    """A warehouse that plans a query and refuses to run it, for a reason that is no row's."""

    reason: ProductError

    def execute(self, *_: object, **__: object) -> Executed:
        raise self.reason


@pytest.mark.parametrize(
    ("reason", "fix"),
    [
        (
            UserError("Resources exceeded", code="resources_exceeded", fix="Read less."),
            "Read less.",
        ),
        (UserError("Query exceeded limit", code="bytes_cap", fix="Raise it."), "Raise it."),
        (QuotaError("Quota exceeded", code="quota_exceeded", fix="Wait."), "Wait."),
        (RetryableError("Exceeded rate limits", code="rate_limited"), "Send the query again"),
        (NotFoundError("Not found: Table shop.crm.orders."), "Send the query again"),
    ],
)
def test_a_job_that_is_refused_is_no_failing_row(
    services: Services, reason: ProductError, fix: str
) -> None:
    refusing = Refusing(services.own.client, services.settings)
    refusing.reason = reason
    answer = validate(Ask(sql=f"SELECT {COLUMNS} {ORDERS}"), replace(services, runner=refusing))
    assert codes(answer) == ["profile_failed"]
    assert reason.detail.rstrip(".") in answer.issues[0].message
    assert answer.issues[0].fix.startswith(fix)


def test_a_missing_right_to_write_the_copy_is_reported_with_its_grant(services: Services) -> None:
    locked = replace(services, runner=Locked(services.own.client, services.settings))
    answer = validate(Ask(sql=f"SELECT {COLUMNS} {ORDERS}"), locked)
    assert codes(answer) == ["access_denied"]
    assert "shop.conversions_staging" in answer.issues[0].fix


def test_a_profile_that_takes_too_long_tells_what_it_saw(services: Services) -> None:
    seconds = iter([0.0, 1.0, 30.0, *[31.0] * 50])
    answer = validate(
        Ask(sql=f"SELECT {COLUMNS} FROM shop.crm.orders {PERIOD}"),
        replace(services, clock=lambda: next(seconds)),
    )
    assert answer.ok
    assert "profile_failed" in codes(answer)
    assert answer.profile
    assert answer.profile.rows == 60
    assert answer.sample
    assert not answer.profile.days


def test_a_table_may_be_read_by_the_day_on_which_its_rows_came(shown: Judge) -> None:
    bare = f"SELECT {COLUMNS} FROM shop.crm.landed"
    issue = next(it for it in shown(bare).issues if it.code == "partition_filter")
    assert issue.fix == "WHERE _PARTITIONDATE BETWEEN @start_date AND @end_date"
    answer = shown(f"{bare} {issue.fix}")
    assert answer.ok
    assert answer.profile
    assert answer.profile.rows == 10


def test_no_period_is_answered_with_a_moment_that_the_query_or_its_table_has(shown: Judge) -> None:
    deals = (
        "SELECT deal_id AS lead_id, closed_at AS outcome_at, stage AS status FROM shop.crm.deals"
    )
    answer = shown(deals, contract="deals", with_profile=False)
    assert "DATE(closed_at," in next(it.fix for it in answer.issues if it.code == "no_period")
    bare = shown("SELECT deal_id AS id FROM shop.crm.deals", with_profile=False)
    assert "DATE(closed_at," in next(it.fix for it in bare.issues if it.code == "no_period")


def test_a_moment_compared_with_days_is_answered_with_its_day(shown: Judge) -> None:
    sql = f"SELECT {COLUMNS} {ORDERS} AND created_at BETWEEN @start_date AND @end_date"
    issue = next(it for it in shown(sql).issues if it.code == "query_failed")
    assert "DATE(column, " in issue.fix


@pytest.mark.parametrize(
    ("created", "before"),
    [
        ("DATETIME(created_at)", 50),
        ("DATE(created_at)", 50),
        ("CAST(created_at AS STRING)", 50),
        ("UNIX_SECONDS(created_at)", 50),
        ("DATETIME_SUB(DATETIME(created_at), INTERVAL 25 DAY)", 0),
    ],
)
def test_client_ids_are_judged_although_created_has_another_type(
    shown: Judge, created: str, before: int
) -> None:
    answer = shown(f"SELECT order_id AS id, client_id, {created} AS created {ORDERS}")
    assert answer.profile
    assert answer.profile.clients
    assert answer.profile.clients.known == 50
    assert answer.profile.clients.known_before == before
