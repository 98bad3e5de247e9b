"""What a backfill or a saved definition is said to read is what its run reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from common.bigquery.sql import Sql
from common.bigquery.warehouse import DryRun, Executed
from common.cost.estimate import TEBIBYTE
from common.cost.forecast import Price
from common.cost.words import money, size_in_words
from functions.api.definitions.planned import Part, price, total
from tests.api.conftest import LEAD, PURCHASE, House, house_of
from tests.materialize.world import QuickWorld
from tests.quick import QuickWarehouse

DAY = date(2026, 11, 19)
ORDERS = "test-project.quick_crm.orders"
QUERY = (
    f"SELECT id, client_id, created FROM `{ORDERS}` WHERE date BETWEEN @start_date AND @end_date"
)


MILLION = 1_000_000
OWN = "what is staged and counted already"


class Metered(QuickWarehouse):
    """Tells the bytes of a statement: a thousand for each day that it asks for.

    The daily tables of the export hold a million rows each, of 1,000 bytes.
    """

    def rows(self, sql: Sql, **options: Any) -> Iterator[dict[str, Any]]:
        if ".INFORMATION_SCHEMA.PARTITIONS" not in sql.text:
            return super().rows(sql, **options)
        first, last = (str(sql.parameters[name].value) for name in ("first", "last"))
        names = (f"events_202611{day}" for day in (10, 18, 19))
        held = {"partition_id": None, "total_rows": MILLION, "total_logical_bytes": 1000 * MILLION}
        return iter([{"table_name": name, **held} for name in names if first <= name <= last])

    def dry_run(self, sql: Sql, **options: Any) -> DryRun:
        columns = [("id", "STRING"), ("client_id", "STRING"), ("created", "TIMESTAMP")]
        schema = [{"name": name, "type": type_, "mode": "NULLABLE"} for name, type_ in columns]
        return DryRun(schema, cost(sql), (ORDERS,), "SELECT")

    def execute(self, sql: Sql, **options: Any) -> Executed:
        done = super().execute(sql, **options)
        outside = ".events_" in sql.text or ORDERS in sql.text
        return replace(done, bytes_processed=cost(sql)) if outside else done


def cost(sql: Sql) -> int | None:
    start, end = (sql.parameters.get(name) for name in ("start_date", "end_date"))
    if start is None or end is None:
        return None
    assert isinstance(start.value, date)
    assert isinstance(end.value, date)
    return ((end.value - start.value).days + 1) * 1000


@pytest.fixture
def house() -> Iterator[House]:
    """A shop with three days of GA4, of which nothing is staged yet."""
    world = QuickWorld(now=datetime(2026, 11, 20, 6, tzinfo=UTC))
    world.events(
        {"name": name, "at": datetime(2026, 11, day, 9, tzinfo=UTC), "client": "a", "key": name}
        for day in (10, 18, 19)
        for name in ("purchase", "generate_lead")
    )
    columns = {"id": "STRING", "client_id": "STRING", "created": "TIMESTAMP", "date": "DATE"}
    schema = [{"name": name, "type": type_} for name, type_ in columns.items()]
    world.replace(ORDERS, schema, [])
    world.warehouse = world.quick = Metered(world.settings, world.quick.connection)
    yield house_of(world)
    world.close()


def staged(house: House) -> list[tuple[str, str]]:
    """The days that runs so far have read into the stage."""
    return [
        (str(entry["start_date"]), str(entry["end_date"]))
        for entry in house.world.ledger()
        if entry["status"] == "staged"
    ]


def days_of(shown: dict[str, Any]) -> list[tuple[str, str]]:
    """The days that a plan says are read from outside."""
    outside = [part for part in shown["parts"] if part["reads"] != OWN]
    return [(part["start_date"], part["end_date"]) for part in outside]


def carried_out(house: House) -> None:
    for message in house.harness.services.bus().published:  # type: ignore[attr-defined]
        house.world.handle(message)


def test_a_backfill_reads_what_it_was_said_to_read(house: House) -> None:
    for definition in (PURCHASE, LEAD):
        house.harness.save(definition)
    asked = {"start_date": "2026-11-01", "conversions": ["purchase"]}
    shown = house.harness.post("/backfills", {**asked, "dry": True}, status=202)
    assert staged(house) == []
    # the export begins on the tenth; a shard may hold the last hours of the day before
    assert days_of(shown) == [("2026-11-09", "2026-11-19")]
    # of 3,000,000,000 bytes the columns that something uses
    export, own = shown["parts"]
    assert 0.3 * 3000 * MILLION < export["bytes"] < 3000 * MILLION
    assert (own["reads"], own["conversions"]) == (OWN, ["purchase"])
    assert shown["bytes"] == export["bytes"] + own["bytes"]
    house.harness.post("/backfills", asked, status=202)
    carried_out(house)
    assert staged(house) == days_of(shown)
    again = house.harness.post("/backfills", {**asked, "dry": True}, status=202)
    # only the days that GA4 may still rewrite: two of the three tables
    assert again["parts"][0]["bytes"] == pytest.approx(2 / 3 * export["bytes"], rel=0.01)


def test_a_saved_definition_says_what_its_first_run_reads(house: House) -> None:
    saved = house.harness.save(PURCHASE)["next_run"]
    assert (saved["conversions"], saved["days"]) == (["purchase"], 90)
    usd = saved["bytes"] / TEBIBYTE * 6.25
    assert saved["price_usd"] == pytest.approx(usd, abs=0.0001)
    assert saved["text"] == (
        f"1 conversion from 2026-08-22 to 2026-11-19: {size_in_words(saved['bytes'])} by the GA4"
        " export test-project.quick_ga4 (login, purchase, refund, sign_up);"
        f" {money(usd)} USD at the on-demand price."
    )
    house.harness.post("/runs", {}, status=202)
    carried_out(house)
    assert house.harness.save(PURCHASE)["next_run"] is None
    # an edit counts the same events: of the raw export only the days that may still change
    edited = house.harness.save({**PURCHASE, "once_per_session": True})["next_run"]
    assert edited["bytes"] == pytest.approx(2 / 3 * saved["bytes"], rel=0.01)
    lead = house.harness.save(LEAD)["next_run"]
    assert [(part["start_date"], part["end_date"]) for part in lead["parts"]] == [
        ("2026-11-09", "2026-11-15"),
        ("2026-11-16", "2026-11-19"),
    ]
    assert "(generate_lead)" in lead["parts"][0]["reads"]


def test_a_query_is_priced_task_by_task_and_with_what_is_computed_from_it(house: House) -> None:
    house.harness.save({"id": "order", "name": "Order", "kind": "custom", "sql": QUERY})
    house.harness.save(PURCHASE)
    both = {"id": "both", "name": "Both", "kind": "combined", "conversions": ["order", "purchase"]}
    house.harness.save(both)
    asked = {"start_date": "2026-05-01", "conversions": ["order"], "dry": True}
    shown = house.harness.post("/backfills", asked, status=202)
    assert shown["conversions"] == ["both", "order", "purchase"]
    assert {part["reads"]: part["bytes"] for part in shown["parts"]}[
        "the query of order"
    ] == 203_000


def test_a_backfill_of_days_past_goes_on_where_rows_silence_later_ones(house: House) -> None:
    house.harness.save(PURCHASE)
    house.harness.save({"id": "order", "name": "Order", "kind": "custom", "sql": QUERY})
    house.harness.post("/runs", {}, status=202)
    carried_out(house)
    for id, last in (("purchase", "2026-11-19"), ("order", "2026-09-30")):
        asked = {"start_date": "2026-09-01", "end_date": "2026-09-30", "conversions": [id]}
        shown = house.harness.post("/backfills", {**asked, "dry": True}, status=202)
        assert shown["end_date"] == last
        assert ("goes on after 2026-09-30" in shown["text"]) == (last != "2026-09-30")


def test_without_any_conversion_there_is_nothing_to_run(house: House) -> None:
    answered = house.harness.ask("POST", "/backfills", {"start_date": "2026-11-01"})
    assert (answered.status, answered.body["code"]) == (422, "nothing_to_run")


def test_a_price_is_unknown_when_any_part_of_it_is() -> None:
    days: dict[str, Any] = {"start_date": DAY, "end_date": DAY}
    known = Part(reads="a", conversions=["a"], bytes=TEBIBYTE, **days)
    unknown = Part(reads="b", conversions=["b"], bytes=None, **days)
    assert price(total([known, known]), Price(6.25)) == 12.5
    assert price(total([known, unknown]), Price(6.25)) is None


def test_a_day_that_the_newest_table_tells_in_part_is_named(house: House) -> None:
    house.harness.save(PURCHASE)
    asked = {"start_date": "2026-11-18", "conversions": ["purchase"]}
    assert house.harness.post("/backfills", {**asked, "dry": True}, status=202)["reaching"] is None
    # the table of the 20th has not landed
    house.world.now = datetime(2026, 11, 21, 6, tzinfo=UTC)
    shown = house.harness.post("/backfills", {**asked, "dry": True}, status=202)
    assert (shown["end_date"], shown["reaching"]) == ("2026-11-19", "2026-11-20")
    assert "newest table tells of 2026-11-20" in shown["text"]
    house.harness.post("/backfills", asked, status=202)
    carried_out(house)
    (run,) = house.harness.get("/runs")["runs"]
    entries = house.harness.get(f"/runs/{run['run_id']}")["entries"]
    applied = next(entry for entry in entries if entry["status"] == "applied")
    assert (applied["end_date"], applied["detail"]) == ("2026-11-19", None)
