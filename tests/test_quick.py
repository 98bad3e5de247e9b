"""The warehouse without HTTP names the tables that are there, whoever made or dropped them."""

from __future__ import annotations

import pytest

from common.bigquery.sql import Sql
from common.settings import Settings
from tests.quick import QuickWarehouse

PATH = "test-project.d"
COLUMNS = [{"name": "x", "type": "INTEGER", "mode": "NULLABLE"}]


@pytest.fixture
def quick() -> QuickWarehouse:
    warehouse = QuickWarehouse(Settings(project="test-project"))
    warehouse.ensure_dataset(PATH)
    warehouse.create(f"{PATH}.a", COLUMNS)
    assert warehouse.tables_in(PATH) == ["a"]
    return warehouse


def test_tables_are_listed_as_they_are_after_each_statement(quick: QuickWarehouse) -> None:
    quick.execute(Sql(f"CREATE OR REPLACE TABLE `{PATH}.b` AS SELECT 1 AS x"))
    assert quick.tables_in(PATH) == ["a", "b"]
    quick.execute(Sql(f"/* with a reason */ DROP TABLE `{PATH}.a`"))
    assert quick.tables_in(PATH) == ["b"]
    quick.create(f"{PATH}.c", COLUMNS)
    quick.drop(f"{PATH}.b")
    assert quick.tables_in(PATH) == ["c"]
    quick.connection.execute('ALTER TABLE "test-project__d"."c" RENAME TO "e"')
    assert quick.tables_in(PATH) == ["e"]
    quick.empty_dataset(PATH)
    assert quick.tables_in(PATH) == []


def test_a_table_of_a_transaction_that_failed_is_not_listed(quick: QuickWarehouse) -> None:
    with pytest.raises(ZeroDivisionError):
        quick.together([lambda: quick.create(f"{PATH}.b", COLUMNS), lambda: 1 // 0], "job")
    assert quick.tables_in(PATH) == ["a"]


def test_who_changes_a_list_changes_his_own(quick: QuickWarehouse) -> None:
    quick.tables_in(PATH).clear()
    assert quick.tables_in(PATH) == ["a"]
