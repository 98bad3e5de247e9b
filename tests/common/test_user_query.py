"""Users' SQL reads what it may when it runs, whatever was true when it was saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from google.cloud import bigquery

from common import user_query
from common.bigquery.sql import Sql, table
from common.bigquery.warehouse import DryRun, Executed, Warehouse
from common.errors import ProductError, RetryableError
from common.local.stack.bigquery import EmbeddedBigQuery
from common.model.window import Window
from common.settings import Settings
from common.user_query import RefusedQueryError

PROJECT = "reads"
SECRET = "salary-canary"
DAYS = Window(date(2026, 11, 1), date(2026, 11, 30))
SETTINGS = Settings(project=PROJECT, source_datasets=(f"{PROJECT}.crm",))


class House:
    """A project with an open and a closed dataset."""

    def __init__(self, client: bigquery.Client) -> None:
        self.client = client
        self.runner = Warehouse(client, SETTINGS)
        self.runner.ensure_tables()
        for dataset in ("crm", "hr"):
            client.create_dataset(f"{PROJECT}.{dataset}", exists_ok=True)
        self.table("hr.salaries", f"SELECT '{SECRET}' AS id")

    def table(self, name: str, rows: str) -> None:
        self.client.query(f"CREATE OR REPLACE TABLE `{PROJECT}.{name}` AS {rows}").result()

    def view(self, name: str, query: str) -> None:
        self.client.delete_table(f"{PROJECT}.{name}", not_found_ok=True)
        made = bigquery.Table(f"{PROJECT}.{name}")
        made.view_query = query
        self.client.create_table(made)

    def answer(self, sql: str, settings: Settings = SETTINGS, name: str = "raw") -> list[Any]:
        runner = Warehouse(self.client, settings)
        answer = user_query.run(user_query.judged(sql, settings), runner, DAYS, name)
        return [tuple(row.values()) for row in runner.rows(Sql(f"SELECT * FROM {answer.table}"))]


@pytest.fixture(scope="module")
def house(engine: EmbeddedBigQuery) -> Iterator[House]:
    with engine.client(PROJECT) as client:
        yield House(client)


def test_the_days_are_bound_and_the_rows_staged(house: House) -> None:
    house.table("crm.deals", "SELECT 'a' AS id, DATE '2026-11-02' AS day")
    sql = "SELECT id FROM crm.deals WHERE day BETWEEN @start_date AND @end_date"
    assert house.answer(sql) == [("a",)]
    assert house.answer(f"{sql} AND day = @end_date") == []


def test_a_table_that_became_a_view_of_a_closed_one_delivers_nothing(house: House) -> None:
    house.table("crm.orders", "SELECT 'open' AS id")
    verdict = user_query.judged("SELECT id FROM crm.orders", SETTINGS)
    assert user_query.plan(verdict, house.runner, DAYS).tables == (f"{PROJECT}.crm.orders",)
    house.client.delete_table(f"{PROJECT}.crm.orders")
    house.view("crm.orders", f"SELECT id FROM `{PROJECT}.hr.salaries`")
    with pytest.raises(RefusedQueryError) as refused:
        user_query.run(verdict, house.runner, DAYS, "replaced")
    assert refused.value.code == "table_not_allowed"
    assert "hr.salaries" in refused.value.detail
    assert "CONVERSIONS_AUTHORIZED_VIEWS=reads.crm.orders" in refused.value.fix
    assert house.runner.schema_of(house.runner.staging_path("replaced")) is None


def test_views_are_opened_to_any_depth(house: House) -> None:
    house.view("crm.level_0", f"SELECT id FROM `{PROJECT}.hr.salaries`")
    for level in range(1, 8):
        house.view(f"crm.level_{level}", f"SELECT id FROM `{PROJECT}.crm.level_{level - 1}`")
    with pytest.raises(RefusedQueryError, match=r"hr\.salaries"):
        house.answer("SELECT id FROM crm.level_7")


def test_a_listed_view_shows_what_it_shows_and_nothing_beside_it(house: House) -> None:
    house.view("crm.listed", f"SELECT id FROM `{PROJECT}.hr.salaries`")
    house.view("crm.beside", f"SELECT id FROM `{PROJECT}.hr.salaries`")
    listing = SETTINGS.model_copy(update={"authorized_views": (f"{PROJECT}.crm.listed",)})
    assert house.answer("SELECT id FROM crm.listed", listing) == [(SECRET,)]
    for sql in (
        "SELECT id FROM crm.beside",
        "SELECT a.id FROM crm.listed AS a JOIN crm.beside AS b USING (id)",
        "SELECT id FROM hr.salaries",
    ):
        with pytest.raises(RefusedQueryError):
            house.answer(sql, listing)


def test_a_view_of_our_own_tables_is_refused(house: House) -> None:
    house.view("crm.circle", f"SELECT id FROM `{PROJECT}.conversions.definitions`")
    listing = SETTINGS.model_copy(update={"authorized_views": (f"{PROJECT}.crm.circle",)})
    for settings in (SETTINGS, listing):
        with pytest.raises(RefusedQueryError) as refused:
            house.answer("SELECT id FROM crm.circle", settings)
        assert refused.value.code == "own_table"


class Wire(Warehouse):
    """A warehouse whose dry runs and jobs name tables as a test says."""

    planned: Callable[[str], tuple[str, ...]] = staticmethod(lambda sql: ())
    done: tuple[str, ...] = ()

    def dry_run(self, sql: Sql, *, timeout: float = 20) -> DryRun:
        seen = super().dry_run(sql, timeout=timeout)
        return replace(seen, referenced_tables=self.planned(sql.text))

    def execute(self, sql: Sql, **asked: Any) -> Executed:
        return replace(super().execute(sql, **asked), referenced_tables=self.done)


@pytest.fixture
def wire(house: House) -> Wire:
    house.table("crm.orders", "SELECT 'open' AS id")
    return Wire(house.client, SETTINGS)


def ran(wire: Wire, sql: str = "SELECT id FROM crm.orders") -> None:
    user_query.run(user_query.judged(sql, SETTINGS), wire, DAYS, "wired")


def test_what_bigquery_lists_is_judged_even_where_no_text_shows_it(wire: Wire) -> None:
    ran(wire)
    wire.planned = lambda _: (f"{PROJECT}.crm.orders", f"{PROJECT}.hr.salaries")
    with pytest.raises(RefusedQueryError, match=r"hr\.salaries"):
        ran(wire)


def test_a_list_that_may_be_incomplete_proves_nothing(wire: Wire) -> None:
    wire.planned = lambda _: tuple(f"{PROJECT}.crm.t{number}" for number in range(49))
    ran(wire)
    wire.planned = lambda _: tuple(f"{PROJECT}.crm.t{number}" for number in range(50))
    with pytest.raises(RefusedQueryError) as refused:
        ran(wire)
    assert refused.value.code == "too_many_tables"


def test_the_shards_of_a_wildcard_count_as_one(house: House, wire: Wire) -> None:
    house.table("crm.events_20261101", "SELECT 'a' AS id")
    wire.planned = lambda _: tuple(f"{PROJECT}.crm.events_2026{n:04}" for n in range(90))
    ran(wire, "SELECT id FROM `crm.events_*` WHERE _TABLE_SUFFIX BETWEEN '20261101' AND '20261130'")


def test_what_is_replaced_between_dry_run_and_job_is_dropped(wire: Wire) -> None:
    wire.planned = lambda _: (f"{PROJECT}.crm.orders",)
    wire.done = (f"{PROJECT}.hr.salaries",)
    with pytest.raises(RefusedQueryError, match=r"hr\.salaries"):
        ran(wire)
    assert wire.schema_of(wire.staging_path("wired")) is None


def test_rows_that_nobody_could_judge_are_dropped_too(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = user_query.catalogue
    answers = iter([known, None])

    def catalogue(*asked: Any) -> user_query.Catalogue:
        if (answered := next(answers)) is None:
            raise RetryableError("Backend error", code="backend_error")
        return answered(*asked)

    monkeypatch.setattr(user_query, "catalogue", catalogue)
    wire.planned = lambda _: (f"{PROJECT}.crm.orders",)
    wire.done = (f"{PROJECT}.hr.salaries",)
    with pytest.raises(RetryableError):
        ran(wire)
    assert wire.schema_of(wire.staging_path("wired")) is None


def test_a_view_whose_text_cannot_be_read_is_what_bigquery_says_of_it(
    house: House, wire: Wire
) -> None:
    house.view("crm.odd", "SELECT id FROM reads.hr.salaries")
    text = "SELECT id FROM [reads:hr.salaries]"

    class Odd(Wire):
        def table_info(self, path: str) -> Any:
            info = super().table_info(path)
            return replace(info, view_sql=text) if info and info.kind == "VIEW" else info

    odd = Odd(house.client, SETTINGS)
    odd.planned = lambda sql: (f"{PROJECT}.hr.salaries",) if "`reads.crm.odd`" in sql else ()
    with pytest.raises(RefusedQueryError, match=r"view reads\.crm\.odd reads reads\.hr\.salaries"):
        ran(odd, "SELECT id FROM crm.odd")


def test_no_value_stands_in_an_error_or_behind_it(house: House) -> None:
    house.table("crm.notes", "SELECT 'jane.doe@example.com' AS note")
    with pytest.raises(ProductError) as failed:
        house.answer("SELECT CAST(note AS FLOAT64) AS id FROM crm.notes")
    assert "jane" not in failed.value.detail
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


def test_the_staging_path_is_the_runners(house: House) -> None:
    house.table("crm.deals", "SELECT 'a' AS id, DATE '2026-11-02' AS day")
    answer = user_query.run(
        user_query.judged("SELECT id FROM crm.deals", SETTINGS), house.runner, DAYS, "deals_raw"
    )
    assert answer.table.text == table(f"{PROJECT}.conversions_staging.deals_raw").text
    assert answer.types == {"id": "STRING"}
