"""Tables of an older version get the columns that they lack, and keep everything else."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn
from unittest.mock import patch

import pytest
from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from common import schemas
from common.bigquery import migrations
from common.bigquery.sql import Sql
from common.bigquery.warehouse import Warehouse
from common.settings import Settings
from terraform.operations import erase_person, migrate_tables
from terraform.operations.migrate_tables import migrate
from tests.judge import analyze

OLD = ("date", "recorded_at", "incident_id", "code", "severity")
"""Columns of incidents before it had those that tell what to do."""


@pytest.fixture
def warehouse(client: bigquery.Client, dataset: str) -> Warehouse:
    """A dataset with incidents as they may have been, and a stranger's table."""
    project, name = dataset.split(".")
    settings = Settings(project=project, dataset=name)
    columns = [c for c in schemas.load("incidents")["schema"] if c["name"] in OLD]
    table = bigquery.Table(
        f"{dataset}.incidents",
        schema=[bigquery.SchemaField.from_api_repr(column) for column in columns],
    )
    table.labels = {"team": "data"}
    client.create_table(table)
    client.create_table(bigquery.Table(f"{dataset}.notes"))
    return Warehouse(client, settings)


def names(warehouse: Warehouse) -> set[str]:
    return {column["name"] for column in warehouse.schema_of(warehouse.path("incidents")) or ()}


def test_an_older_table_gets_the_columns_that_it_lacks(warehouse: Warehouse) -> None:
    lacking = set(schemas.columns("incidents")) - set(OLD)
    assert {table: set(added) for table, added in migrate(warehouse)} == {"incidents": lacking}
    assert names(warehouse) == set(schemas.columns("incidents"))


def test_rows_and_labels_stay(warehouse: Warehouse) -> None:
    path = warehouse.path("incidents")
    values = "DATE '2026-11-01', TIMESTAMP '2026-11-01 10:00:00+00', 'i1', 'stale', 'error'"
    warehouse.execute(Sql(f"INSERT INTO `{path}` ({', '.join(OLD)}) VALUES ({values})"))
    list(migrate(warehouse))
    version = str(schemas.load("incidents")["version"])
    [row] = warehouse.rows(Sql(f"SELECT incident_id, fix FROM `{path}`"))
    assert row == {"incident_id": "i1", "fix": None}
    assert warehouse.client.get_table(path).labels == {"team": "data", migrations.LABEL: version}


def test_twice_is_once(warehouse: Warehouse) -> None:
    list(migrate(warehouse))
    assert list(migrate(warehouse)) == [("incidents", [])]


class Killed(BaseException):
    """The process is gone."""


def dies_after(work: Callable[..., object]) -> Callable[..., NoReturn]:
    """The work done once, and nobody there any more who hears of it."""

    def done(*args: Any, **options: Any) -> NoReturn:
        work(*args, **options)
        raise Killed

    return done


def test_a_migration_that_dies_after_each_of_its_statements_is_taken_up_again(
    warehouse: Warehouse, dataset: str
) -> None:
    # a second table is behind as well, so that one death lies between the two
    date = bigquery.SchemaField("date", "DATE")
    warehouse.client.create_table(bigquery.Table(f"{dataset}.quarantine", schema=[date]))
    lacking = {"incidents": OLD, "quarantine": ("date",)}
    statements = sum(len(set(schemas.columns(it)) - set(has)) for it, has in lacking.items())
    with (
        patch.object(warehouse, "execute", dies_after(warehouse.execute)),
        patch.object(warehouse.client, "update_table", dies_after(warehouse.client.update_table)),
    ):
        # each table's label comes last
        for _ in range(statements + len(lacking)):
            with pytest.raises(Killed):
                list(migrate(warehouse))
    assert sorted(migrate(warehouse)) == [("incidents", []), ("quarantine", [])]
    for table in lacking:
        found = warehouse.client.get_table(warehouse.path(table))
        assert {column.name for column in found.schema} == set(schemas.columns(table))
        assert found.labels[migrations.LABEL] == str(schemas.load(table)["version"])


def test_code_that_is_older_than_a_table_leaves_it_as_it_is(warehouse: Warehouse) -> None:
    newer = bigquery.Table(warehouse.path("incidents"))
    newer.labels = {migrations.LABEL: "2"}
    warehouse.client.update_table(newer, ["labels"])
    assert list(migrate(warehouse)) == [("incidents", [])]
    assert names(warehouse) == set(OLD)


def test_a_table_that_the_code_makes_itself_is_up_to_date(warehouse: Warehouse) -> None:
    path = warehouse.path("conversion_lead")
    assert warehouse.ensure_table(path, "conversion") == []
    version = str(schemas.load("conversion")["version"])
    assert warehouse.client.get_table(path).labels == {migrations.LABEL: version}
    assert warehouse.ensure_table(path, "conversion") == []


def test_a_run_asks_for_all_of_its_tables_at_once(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ensure = warehouse.ensure_table

    def listening(path: str, schema: str) -> list[str]:
        asked.append(path)
        return ensure(path, schema)

    monkeypatch.setattr(warehouse, "ensure_table", listening)
    path = warehouse.path("conversion_asked")
    for run in ("first", "first", "second", "second"):
        warehouse.ensure_table_of_run(run, "conversion_asked", "conversion")
    assert asked == [path]
    # what is gone or older is mended by the next run
    older = bigquery.Table(path)
    older.labels = {migrations.LABEL: "1"}
    warehouse.client.update_table(older, ["labels"])
    warehouse.ensure_table_of_run("third", "conversion_asked", "conversion")
    warehouse.drop(path)
    warehouse.ensure_table_of_run("fourth", "conversion_asked", "conversion")
    assert asked == [path] * 3
    warehouse.drop(path)


@pytest.mark.parametrize("shape", [*schemas.fixed_tables(), "conversion"])
def test_googlesql_accepts_every_column_that_may_be_added(shape: str) -> None:
    columns = map(migrations.definition, migrations.missing((), schemas.load(shape)))
    analyze(f"CREATE TABLE `shop.conversions.held` ({', '.join(columns)})", {})


class Nowhere:
    """A client of a project that has no such dataset."""

    def __init__(self, **_: object) -> None:
        pass

    def list_tables(self, dataset: str, **_: object) -> list[bigquery.Table]:
        raise NotFound(f"Not found: Dataset {dataset}")  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("tool", "more"), [(migrate_tables, []), (erase_person, ["ann@shop.example"])]
)
def test_a_wrong_environment_is_told_and_no_success(
    tool: ModuleType, more: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("google.cloud.bigquery.Client", Nowhere)
    monkeypatch.setattr("sys.argv", ["tool", "shop-test", "prdo", "EU", *more])
    with pytest.raises(SystemExit, match=r"shop-test\.conversions_prdo .* PROJECT and ENVIRONMENT"):
        tool.main()
