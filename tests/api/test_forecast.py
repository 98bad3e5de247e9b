"""What a month of daily runs costs, told by the sizes of the tables that are there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from common.cost.estimate import MEGABYTE, MINIMUM
from common.cost.forecast import Table
from common.errors import UserError
from functions.api.services import Recent
from functions.api.trial import forecast
from tests.api.conftest import LEAD, PURCHASE, House

AT = datetime(2026, 11, 19, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def house(open_wire_house: Callable[[], House]) -> House:
    """A shop with one purchase, counted."""
    house = open_wire_house()
    house.world.events(
        [{"name": "purchase", "at": AT, "client": "c1", "order": "T-1", "value": 9.0}]
    )
    house.harness.save(PURCHASE)
    house.world.run(date(2026, 11, 19), start_date=date(2026, 11, 17))
    return house


def test_a_month_is_the_shared_scan_and_what_each_conversion_reads(house: House) -> None:
    shown = house.harness.get("/forecast")
    [purchase] = shown["conversions"]
    # tables as small as these are billed their least: the export's one, in the scan
    assert shown["scan"]["bytes"] == shown["scan"]["cap_needed"] == MINIMUM
    assert shown["scan"]["cap"] == house.harness.services.settings.maximum_bytes_billed
    assert purchase["conversion"] == "purchase"
    assert purchase["bytes"] % MINIMUM == 0
    assert shown["day"]["bytes"] == shown["scan"]["bytes"] + purchase["bytes"]
    # 6.25 USD a TiB, 30 days
    month = shown["day"]["bytes"] / 1024**4 * 6.25 * 30
    assert shown["month_usd"] == pytest.approx(month, abs=0.005)
    assert shown["slots"] is None
    megabytes = shown["day"]["bytes"] // MEGABYTE
    assert shown["text"] == (
        f"A daily run of 1 conversion reads {megabytes}.0 MiB, less than 0.01 USD a month."
        if month < 0.01
        else f"A daily run of 1 conversion reads {megabytes}.0 MiB, about {month:.2f} USD a month."
    )


def test_with_reserved_slots_a_month_costs_what_is_reserved(house: House) -> None:
    shown = house.harness.get("/forecast?slots=100")
    # 100 slots at 0.06 USD an hour, 730 hours a month
    assert shown["slots"] == {"slots": 100, "usd_a_month": 4380.0}
    assert shown["month_usd"] == 4380.0
    assert shown["text"].endswith(
        "about 4,380.00 USD a month for 100 reserved slots, whatever is read."
    )
    assert {one["usd_a_month"] for one in shown["conversions"]} == {0.0}
    assert shown["day"]["bytes"] == house.harness.get("/forecast?slots=0")["day"]["bytes"]
    refused = house.harness.ask("GET", "/forecast?slots=-1")
    assert refused.status == 422


def test_a_run_says_what_it_reads_by_the_same_forecast(house: House) -> None:
    (run,) = house.harness.get("/runs")["runs"]
    shown = house.harness.get(f"/runs/{run['run_id']}/forecast")
    whole = house.harness.get("/forecast")
    # the days of the run are read once, and its one conversion as each day
    assert shown["bytes"] == whole["scan"]["bytes"] + whole["conversions"][0]["bytes"]
    assert shown["price_usd"] == pytest.approx(shown["bytes"] / 1024**4 * 6.25, abs=0.0001)
    assert shown["text"].startswith("A run of 1 conversion reads ")
    assert house.harness.ask("GET", "/runs/none/forecast").status == 404


def test_a_draft_says_what_it_adds_before_it_is_saved(house: House) -> None:
    one = house.harness.post("/conversions:forecast", {"definition": {**LEAD, "id": "draft"}})
    assert (one["conversion"], one["cap_needed"]) == ("draft", None)
    assert one["bytes"] >= one["largest_bytes"] >= MINIMUM
    counting = {**PURCHASE, "id": "draft", "refunds": {"days": 30}, "deduplicate_by_user": True}
    more = house.harness.post("/conversions:forecast", {"definition": counting})
    assert more["bytes"] > one["bytes"], "it reads the memory of orders, and what counted before"


def test_sizes_are_asked_for_once_in_ten_minutes() -> None:
    recent = Recent()
    asked: list[int] = []

    def ask() -> dict[str, Table]:
        asked.append(1)
        return {}

    for minutes in (0, 1, 9, 10, 19, 20):
        recent.tables(AT + timedelta(minutes=minutes), ask)
    assert len(asked) == 3


def test_a_draft_that_refers_to_nothing_is_refused(house: House) -> None:
    draft = {"kind": "combined", "id": "both", "name": "Both", "conversions": ["purchase", "gone"]}
    refused = house.harness.post("/conversions:forecast", {"definition": draft}, 422)
    assert refused["code"] == "unknown_reference"


def test_a_query_that_fails_by_now_hides_no_other_forecast(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise UserError("Its table is gone.")

    monkeypatch.setattr(forecast, "_queries", refused)
    shown = house.harness.get("/forecast")
    assert shown["scan"]["bytes"] == MINIMUM
    [purchase] = shown["conversions"]
    assert (purchase["bytes"], shown["month_usd"]) == (None, None)
    assert purchase["text"].endswith("Its table is gone.")
    assert shown["text"] == (
        "A daily run of 1 conversion reads an unknown size, because BigQuery does not tell it of"
        " purchase."
    )
    assert house.harness.get("/forecast?slots=100")["month_usd"] == 4380.0, "whatever is read"


def test_a_query_is_priced_by_its_tables_where_a_dry_run_tells_nothing(house: House) -> None:
    (export,) = house.harness.services.settings.ga4_datasets
    sql = f"""SELECT event_name AS id, user_pseudo_id AS client_id,
      TIMESTAMP_MICROS(event_timestamp) AS created
    FROM `{export}.events_*` WHERE _TABLE_SUFFIX
      BETWEEN FORMAT_DATE('%Y%m%d', @start_date) AND FORMAT_DATE('%Y%m%d', @end_date)"""
    draft = {"kind": "custom", "id": "asked", "name": "Asked", "sql": sql}
    shown = house.harness.post("/conversions:forecast", {"definition": draft})
    assert shown["bytes"] >= shown["largest_bytes"] >= MINIMUM
    assert shown["text"].startswith("It reads ")
