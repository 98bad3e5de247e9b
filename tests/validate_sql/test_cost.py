"""Bytes and money: what is unknown stays unknown, and a filter has to reduce what is read."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import ClassVar

import pytest

from common.bigquery.sql import Sql
from common.bigquery.warehouse import DryRun
from common.settings import Settings
from functions.validate_sql.check import Services, validate
from functions.validate_sql.engine.cost import check, estimate, size
from functions.validate_sql.models import Ask
from tests.validate_sql.examples import Cloud

GIB = 1024**3
SETTINGS = Settings(project="shop", maximum_bytes_billed=100 * GIB)


def test_a_month_is_thirty_daily_runs_at_the_on_demand_price() -> None:
    cost = estimate(1024**4 // 30, 5 * GIB, SETTINGS)
    assert cost.price_per_month == pytest.approx(6.25, abs=0.01)


def test_unknown_bytes_have_no_price() -> None:
    assert estimate(None, None, SETTINGS).price_per_month is None


def test_a_run_above_the_cap_is_an_error() -> None:
    (finding,) = check(estimate(GIB, 101 * GIB, SETTINGS), GIB, True)
    assert finding.code == "too_expensive"
    assert "101 GiB" in finding.message
    assert "100 GiB" in finding.message


@pytest.mark.parametrize(
    ("one_day", "month", "is_partitioned", "complaint"),
    [
        (GIB, GIB, True, ["not_pruned"]),
        (GIB, 30 * GIB, True, []),
        (GIB, GIB, False, []),
        (1024, 1024, True, []),
        (None, GIB, True, []),
    ],
)
def test_a_filter_that_prunes_nothing_is_reported(
    one_day: int | None, month: int, is_partitioned: bool, complaint: list[str]
) -> None:
    found = check(estimate(GIB, month, SETTINGS), one_day, is_partitioned)
    assert [finding.code for finding in found] == complaint


@pytest.mark.parametrize(
    ("count", "shown"), [(512, "512 bytes"), (1536, "1.5 KiB"), (3 * 1024**4, "3 TiB")]
)
def test_sizes_are_for_people(count: int, shown: str) -> None:
    assert size(count) == shown


class Weighing(Cloud):
    """Reads 8 bytes a column of each row: so many rows has a table a day."""

    a_day: ClassVar = {"crm.orders": 40_000_000, "crm.forms": 10_000_000}

    def dry_run(self, sql: Sql, *, timeout: float = 20) -> DryRun:
        done = super().dry_run(sql, timeout=timeout)
        days = [it.value for it in sql.parameters.values() if isinstance(it.value, date)]
        count = (max(days) - min(days)).days + 1 if days else 1
        alone = len(done.referenced_tables) == 1
        read = [n for path, n in self.a_day.items() if path in sql.text]
        width = 8 * (len(done.schema) if alone else 3)
        return replace(done, bytes_processed=sum(read) * width * count)


def test_the_cost_is_reported_by_table(services: Services) -> None:
    sql = (
        "SELECT o.order_id AS id, o.client_id, o.created_at AS created FROM crm.orders AS o "
        "JOIN crm.forms AS f ON f.id = o.order_id WHERE o.date BETWEEN @start_date AND @end_date "
        "AND f.date BETWEEN @start_date AND @end_date"
    )
    runner = Weighing(services.own)
    answer = validate(Ask(sql=sql, with_profile=False), replace(services, runner=runner))
    assert answer.cost
    orders, forms = answer.cost.tables
    # order_id, client_id, created_at and date of one; id, created_at and date of the other
    assert (orders.table, forms.table) == ("shop.crm.orders", "shop.crm.forms")
    assert orders.share == pytest.approx(40 * 4 / (40 * 4 + 10 * 3))
    assert orders.bytes_per_run + forms.bytes_per_run == answer.cost.bytes_per_run
    assert "A run reads 1.1 GiB: shop.crm.orders" in answer.explanation


def test_where_bytes_are_unknown_no_share_is_reported(services: Services) -> None:
    sql = "SELECT o.id, f.id AS other FROM crm.forms AS o JOIN crm.deals AS f ON f.deal_id = o.id"
    answer = validate(Ask(sql=sql, with_profile=False), services)
    assert answer.cost is None or answer.cost.tables == []
