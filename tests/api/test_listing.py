"""The list: counts, trend and health of every conversion in one answer, page by page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from common.catalog.definitions import Catalog
from common.incidents.incidents import Incident, IncidentLog
from functions.export.destinations.registry import CONFIG
from tests.api.conftest import LEAD, PURCHASE, Harness, House
from tests.destinations.harness import HERE as CASES
from tests.destinations.harness import load

DAY = date(2026, 11, 19)


def purchase(number: int, day: date, value: float = 10) -> dict[str, Any]:
    return {
        "name": "purchase",
        "at": datetime(day.year, day.month, day.day, 10, tzinfo=UTC),
        "client": f"{number}.1",
        "order": f"o{number}",
        "value": value,
    }


@pytest.fixture(scope="module")
def ran(open_house: Callable[[], House]) -> House:
    """A shop of which purchase has run, with four orders, and lead has not."""
    house = open_house()
    days = [DAY - timedelta(days=back) for back in range(40)]
    orders = [(1, DAY), (2, DAY), (3, DAY - timedelta(days=29)), (4, DAY - timedelta(days=30))]
    house.world.events(
        [purchase(number, day) for number, day in orders]
        + [
            {
                "name": "page_view",
                "at": datetime(day.year, day.month, day.day, 9, tzinfo=UTC),
                "client": "9.9",
            }
            for day in days
        ]
    )
    house.harness.save(PURCHASE)
    house.world.run(DAY)
    house.harness.save(LEAD, "?allow_unknown_event=true")
    return house


def lines(harness: Harness, query: str = "") -> dict[str, Any]:
    return {one["id"]: one for one in harness.get(f"/conversions{query}")["conversions"]}


def test_a_line_tells_what_was_counted_in_thirty_days(ran: House) -> None:
    shown = ran.harness.get("/conversions")
    assert (shown["start_date"], shown["end_date"]) == ("2026-10-21", "2026-11-19")
    assert shown["currency"] == "USD"
    line = lines(ran.harness)["purchase"]
    assert (line["conversions"], line["value"], line["health"]) == (3, 30.0, "fresh")
    assert len(line["trend"]) == 30
    assert line["trend"][-1] == {"date": "2026-11-19", "conversions": 2, "value": 20.0}
    assert line["trend"][0] == {"date": "2026-10-21", "conversions": 1, "value": 10.0}
    statistics = ran.harness.get("/conversions/purchase/statistics")
    assert [day["conversions"] for day in statistics["days"]] == [
        day["conversions"] for day in line["trend"]
    ]
    assert statistics["totals"]["value"] == line["value"]


def test_what_never_ran_is_new_and_counts_nothing(ran: House) -> None:
    line = lines(ran.harness)["lead"]
    assert (line["health"], line["conversions"], line["value"]) == ("new", 0, None)


def test_no_conversions_table_is_read(ran: House, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    warehouse = ran.harness.services.warehouse
    rows = warehouse.rows

    def counted(sql: Any, **more: Any) -> Any:
        read.append(sql.text)
        return rows(sql, **more)

    monkeypatch.setattr(warehouse, "rows", counted)
    lines(ran.harness)
    assert len(read) <= 5
    assert not any("conversion_purchase" in text for text in read)


def entry(status: str, hours: float = 1, **facts: Any) -> dict[str, Any]:
    at = datetime(2026, 11, 20, 12, tzinfo=UTC) - timedelta(hours=hours)
    row = {"run_id": f"{status}{hours}", "conversion": "purchase", "end_date": "2026-11-19"}
    return {"date": at.date(), "recorded_at": at, "status": status, **row, **facts}


@pytest.mark.parametrize(
    ("entries", "health", "detail"),
    [
        ([entry("applied")], "fresh", ""),
        ([entry("applied", 5), entry("failed", 1, detail="No.")], "failing", "No."),
        ([entry("applied", 5), entry("held", 1, detail="Less.")], "held", "Less."),
        ([entry("applied", 40)], "late", "40 hours ago"),
        ([entry("applied", 5), entry("applied", 1, end_date="2026-01-10")], "fresh", ""),
        ([entry("applied", 1, end_date="2026-11-16")], "late", "up to 2026-11-16"),
    ],
)
def test_health_names_the_gravest_trouble(
    harness: Harness, entries: list[dict[str, Any]], health: str, detail: str
) -> None:
    harness.save(PURCHASE)
    harness.load("runs", *entries)
    line = lines(harness)["purchase"]
    assert line["health"] == health
    assert detail in line["health_detail"]
    assert [one["id"] for one in harness.get(f"/conversions?health={health}")["conversions"]]
    assert harness.get("/conversions?health=unexported")["total"] == 0


def test_pages_follow_the_order_and_hold_each_once(harness: Harness) -> None:
    for number in range(7):
        id = f"c{number}"
        harness.save({**PURCHASE, "id": id, "name": f"Name {(number * 3) % 7}"})
    for sort in ("name", "-name", "value", "-created_at", "-conversions"):
        whole = [one["id"] for one in harness.get(f"/conversions?sort={sort}")["conversions"]]
        paged: list[str] = []
        page = ""
        while True:
            shown = harness.get(f"/conversions?sort={sort}&limit=3&page={page}")
            paged += [one["id"] for one in shown["conversions"]]
            if not (page := shown["next_page"]):
                break
        assert paged == whole
        assert len(set(paged)) == 7 == shown["total"]
    found = harness.get("/conversions?search=NAME%203")["conversions"]
    assert [one["id"] for one in found] == ["c1"]
    refused = harness.ask("GET", "/conversions?page=WyJuaXgiXQ")
    assert (refused.status, refused.body["code"]) == (400, "bad_page")


def exported(harness: Harness) -> None:
    """A shop whose purchases one destination sends."""
    harness.save(PURCHASE)
    harness.load("runs", entry("applied"))
    config = {**load(CASES / "meta" / "plain" / "target.json"), "id": "meta"}
    Catalog(harness.services.warehouse, "destination", CONFIG).save(
        {**config, "conversions": [{**config["conversions"][0], "conversion": "purchase"}]},
        now=harness.services.now(),
        author="somebody",
    )


def test_what_stops_a_delivery_shows_at_the_conversion_and_is_listed_first(
    harness: Harness,
) -> None:
    exported(harness)
    halted = Incident("export_halted", "meta/purchase: it takes no more.", "Pay.", "meta/purchase")
    IncidentLog(harness.services.warehouse, "export", harness.services.now()).report([halted])
    line = lines(harness)["purchase"]
    assert (line["health"], line["health_detail"]) == ("unexported", "meta: it takes no more.")
    assert line["incidents"] == 1
    for conversion in ("purchase", "meta", "meta/purchase"):
        found = harness.get(f"/incidents?conversion={conversion}")["incidents"]
        assert [one["code"] for one in found] == ["export_halted"]
    assert harness.get("/incidents?conversion=urchase")["incidents"] == []


def test_what_needs_a_look_is_named_whatever_is_searched_for(harness: Harness) -> None:
    harness.save(PURCHASE)
    harness.load("runs", entry("failed", 1, detail="No."))
    answer = harness.get("/conversions?search=nothing&limit=1")
    assert answer["conversions"] == []
    assert answer["attention_total"] == 1
    (one,) = answer["attention"]
    assert (one["id"], one["health"], one["health_detail"]) == ("purchase", "failing", "No.")
