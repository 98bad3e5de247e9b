"""Ledgers are written by INSERT, which does not count among a table's 1,500 loads a day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, cast

import pytest

from common import schemas
from common.bigquery.insertion import FEW, LARGEST, insertion
from common.bigquery.sql import Sql
from common.bigquery.warehouse import Executed, Warehouse
from common.errors import RetryableError, UserError
from common.local.limits.limits import Limits, Refused
from common.local.stack.bigquery import EmbeddedBigQuery
from common.settings import Settings
from tests.judge import analyze

PROJECT = "append-project"
LEDGERS = ("definitions", "export_requests", "ga4_shards", "incidents", "runs")
VALUES: dict[str, Any] = {
    "STRING": 'a "quoted" {text}, \\ and\nü',
    "INTEGER": 9_007_199_254_740_993,
    "FLOAT": 0.1,
    "BOOLEAN": True,
    "DATE": date(2026, 11, 29),
    "TIMESTAMP": datetime(2026, 11, 29, 20, 55, 1, 123456, tzinfo=UTC),
}
LIMITS = Limits()


@pytest.fixture(scope="module")
def warehouse() -> Iterator[Warehouse]:
    """The ledgers of a BigQuery that has its limits."""
    with EmbeddedBigQuery(limits=LIMITS) as engine:
        built = Warehouse(engine.client(PROJECT), Settings(project=PROJECT))
        built.ensure_dataset(f"{PROJECT}.conversions")
        for table in LEDGERS:
            built.ensure_table(built.path(table), table)
        yield built


def whole(table: str) -> dict[str, Any]:
    """A row with a value in every column."""
    return {
        column["name"]: ["b", "a"] if column["mode"] == "REPEATED" else VALUES[column["type"]]
        for column in schemas.load(table)["schema"]
    }


def rows(warehouse: Warehouse, table: str) -> Iterator[dict[str, Any]]:
    """All that is in the table."""
    return warehouse.rows(Sql(f"SELECT * FROM {warehouse.table(table)}"))


@pytest.mark.parametrize("table", LEDGERS)
def test_a_row_comes_back_as_it_was_written(warehouse: Warehouse, table: str) -> None:
    columns = schemas.load(table)["schema"]
    needed = {it["name"] for it in columns if it["mode"] == "REQUIRED"}
    least = {name: value for name, value in whole(table).items() if name in needed}
    warehouse.append(table, iter([whole(table)]))
    assert list(rows(warehouse, table)) == [whole(table)]
    warehouse.append(table, iter([least]))
    nothing: dict[str, Any] = {
        it["name"]: [] if it["mode"] == "REPEATED" else None for it in columns
    }
    assert nothing | least in list(rows(warehouse, table))
    # few rows are written out, many are JSON; both come back alike
    for many in (2, FEW + 1):
        before = list(rows(warehouse, table))
        warehouse.append(table, [whole(table), *[least] * (many - 1)])
        added = [whole(table), *[nothing | least] * (many - 1)]
        assert sorted(map(str, rows(warehouse, table))) == sorted(map(str, before + added))


def test_columns_that_no_row_fills_cost_nothing() -> None:
    columns = schemas.load("runs")["schema"]
    made = insertion(
        f"{PROJECT}.conversions.runs", columns, [{"run_id": "1", "detail": None}, {"tier": 2}]
    )
    assert made is not None
    assert "(`run_id`, `tier`)" in made.text


@pytest.mark.parametrize("many", [1, FEW + 1])
@pytest.mark.parametrize("table", LEDGERS)
def test_bigquery_takes_the_statement(warehouse: Warehouse, table: str, many: int) -> None:
    columns = schemas.load(table)["schema"]
    statement = insertion(warehouse.path(table), columns, [whole(table)] * many)
    assert statement
    types = {name: bound.type for name, bound in statement.parameters.items()}
    analyze(statement.text, {warehouse.path(table): columns}, types)


def test_a_ledger_costs_no_load(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """300 conversions at 5 destinations each hour: 36,000 entries a day, where 1,500 loads are."""
    loads: list[str] = []
    monkeypatch.setattr(LIMITS, "write_table", lambda table, **_: loads.append(table))
    for table in LEDGERS:
        warehouse.append(table, [whole(table)])
    assert loads == []


def test_a_day_of_many_deliveries_is_hardly_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of 24 ticks of 300 conversions at 5 destinations, ten entries a second."""
    clock = [0.0]
    limits = Limits(clock=lambda: clock[0])
    written: Counter[str] = Counter()
    warehouse = Warehouse(cast("Any", None), Settings(project=PROJECT))

    def insert(*_: object) -> Executed:
        try:
            with limits.change_rows("requests", is_insert=True):
                written["insert"] += 1
        except Refused as refusal:
            raise RetryableError(refusal.message, code="rate_limited") from refusal
        return Executed("", 1, None)

    def wait(seconds: float) -> None:
        clock[0] += seconds

    monkeypatch.setattr(warehouse, "_run", insert)
    monkeypatch.setattr(warehouse, "_append_by_load", lambda *_: written.update(["load"]))
    monkeypatch.setattr("common.bigquery.warehouse.time.sleep", wait)
    # the shortest pauses that chance allows
    monkeypatch.setattr("common.bigquery.warehouse.random.uniform", lambda low, high: low)
    for tick in range(2):
        clock[0] = max(clock[0], tick * 3600.0)
        for _ in range(300 * 5):
            wait(0.1)
            warehouse.append("export_requests", [{"run_id": "r"}])
        assert clock[0] < (tick + 1) * 3600.0, "a tick is done before the next one"
    assert written.total() == 2 * 300 * 5
    # 1,500 are allowed of a table without partitions
    assert 12 * written["load"] < 150


def test_a_ledger_too_busy_to_wait_for_is_loaded(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BigQuery takes 25 INSERTs of a table in ten seconds, and counts loads apart."""
    monkeypatch.setattr("common.bigquery.warehouse.time.sleep", lambda _: None)
    monkeypatch.setattr(LIMITS, "_clock", lambda: 1e9)
    before = len(list(rows(warehouse, "runs")))
    for _ in range(27):
        warehouse.append("runs", [whole("runs")])
    assert len(list(rows(warehouse, "runs"))) == before + 27


def test_what_one_statement_does_not_hold_is_loaded(warehouse: Warehouse) -> None:
    before = len(list(rows(warehouse, "incidents")))
    large = {**whole("incidents"), "detail": "x" * (LARGEST // 4)}
    warehouse.append("incidents", [large] * 5)
    assert len(list(rows(warehouse, "incidents"))) == before + 5


def test_a_value_without_a_column_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(UserError):
        warehouse.append("incidents", [{**whole("incidents"), "colour": "red"}])
