"""What a conversion counted: by day, by country, row by row, and what changed in a row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import LEAD, NOW, PURCHASE, Harness, House

REFUNDED = {**PURCHASE, "refunds": {"days": 30}}
WEEK = "start_date=2026-11-13&end_date=2026-11-19"


def purchase(number: int, day: int, value: float, **more: Any) -> dict[str, Any]:
    return {
        "name": "purchase",
        "at": datetime(2026, 11, day, 10, 0, number, tzinfo=UTC),
        "client": f"c{number}",
        "session": 100 + number,
        "order": f"T-{number}",
        "value": value,
        "currency": "USD",
        "key": number,
        **more,
    }


EVENTS = [
    purchase(1, 17, 100.0, country="France"),
    purchase(2, 17, 50.0, country="Germany"),
    purchase(3, 18, 20.0, country="France"),
    purchase(4, 18, 20.0, order="T-3"),
    purchase(5, 19, 70.0, country=None),
]
REFUND = {
    "name": "refund",
    "at": datetime(2026, 11, 19, 12, tzinfo=UTC),
    "client": "c1",
    "order": "T-1",
    "refund_value": 30.0,
    "currency": "USD",
    "key": 90,
}


def opened(house: House) -> House:
    """The shop with its purchases of three days materialized."""
    house.world.events(EVENTS)
    house.harness.save(REFUNDED)
    house.world.run(date(2026, 11, 19))
    return house


@pytest.fixture(scope="module")
def shop(open_house: Callable[[], House]) -> House:
    """A shop for tests that change nothing."""
    return opened(open_house())


@pytest.fixture
def changing(house: House) -> House:
    """A shop in which a refund came after the first run."""
    opened(house)
    house.world.events([*EVENTS, REFUND])
    house.world.run(date(2026, 11, 19), request_id="again")
    return house


def test_totals_and_the_trend_agree(shop: House) -> None:
    shown = shop.harness.get(f"/conversions/purchase/statistics?{WEEK}")
    assert shown["totals"] == {
        "conversions": 4,
        "value": 240.0,
        "refunded": None,
        "qualified": 4,
        "attributed": 4,
        "attributed_share": 1.0,
    }
    assert [(day["date"], day["conversions"], day["value"]) for day in shown["days"][-3:]] == [
        ("2026-11-17", 2, 150.0),
        ("2026-11-18", 1, 20.0),
        ("2026-11-19", 1, 70.0),
    ]
    assert len(shown["days"]) == 7
    assert shown["days"][0]["conversions"] == 0


def test_the_newest_run_tells_the_duplicates_that_it_removed(shop: House) -> None:
    shown = shop.harness.get(f"/conversions/purchase/statistics?{WEEK}")
    assert (shown["last_run"]["status"], shown["last_run"]["duplicates"]) == ("applied", 1)
    listed = shop.harness.get("/conversions")["conversions"]
    assert listed[0]["last_run"]["run_id"] == shown["last_run"]["run_id"]


def test_a_refund_shows_in_the_figures(changing: House) -> None:
    totals = changing.harness.get(f"/conversions/purchase/statistics?{WEEK}")["totals"]
    assert (totals["value"], totals["refunded"], totals["conversions"]) == (210.0, 30.0, 4)


def test_countries_come_largest_first_and_the_unknown_one_has_a_name(shop: House) -> None:
    shown = shop.harness.get(f"/conversions/purchase/by-country?{WEEK}")
    assert [(c["country"], c["conversions"], c["value"]) for c in shown["countries"]] == [
        ("France", 2, 120.0),
        ("(not set)", 1, 70.0),
        ("Germany", 1, 50.0),
    ]
    largest = shop.harness.get(f"/conversions/purchase/by-country?{WEEK}&limit=1")
    assert [country["country"] for country in largest["countries"]] == ["France"]


def test_records_come_newest_first_and_page_by_page(shop: House) -> None:
    first = shop.harness.get(f"/conversions/purchase/records?{WEEK}&limit=3")
    assert [row["id"] for row in first["records"]] == ["T-5", "T-3", "T-2"]
    second = shop.harness.get(
        f"/conversions/purchase/records?{WEEK}&limit=3&page={first['next_page']}"
    )
    assert [row["id"] for row in second["records"]] == ["T-1"]
    assert second["next_page"] == ""


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("id=T-2", ["T-2"]),
        ("country=France", ["T-3", "T-1"]),
        ("country=(not set)", ["T-5"]),
        ("minimum_value=60", ["T-5", "T-1"]),
        ("minimum_value=60&maximum_value=80", ["T-5"]),
        ("client_id=c2", ["T-2"]),
        ("is_qualified=false", []),
    ],
)
def test_records_are_filtered(shop: House, query: str, ids: list[str]) -> None:
    shown = shop.harness.get(f"/conversions/purchase/records?{WEEK}&{query}")
    assert [row["id"] for row in shown["records"]] == ids


def test_records_hold_no_personal_data(shop: House) -> None:
    row = shop.harness.get(f"/conversions/purchase/records?{WEEK}")["records"][0]
    assert {"email", "phone", "first_name", "last_name", "ip_address", "user_agent"}.isdisjoint(row)


def test_history_tells_what_changed_when_and_why(changing: House) -> None:
    shown = changing.harness.get("/conversions/purchase/history?id=T-1")
    insert, update = shown["changes"]
    assert (insert["change"], insert["new_value"]) == ("insert", 100.0)
    assert (update["change"], update["cause"]) == ("update", "refund")
    assert (update["old_value"], update["new_value"]) == (100.0, 70.0)
    assert {"value", "value_refunded", "refund_status"} <= set(update["fields"])
    assert shown["row"]["value"] == 70.0
    assert "email" not in shown["row"]


def test_a_row_is_shown_as_it_was(shop: House) -> None:
    before = shop.harness.get("/conversions/purchase/history?id=T-1&as_of=2026-11-01T00:00:00Z")
    assert before["row"] is None


def test_a_row_that_never_was_has_no_history_but_a_way_to_ask_why(shop: House) -> None:
    answered = shop.harness.ask("GET", "/conversions/purchase/history?id=T-99")
    assert (answered.status, answered.body["code"]) == (404, "unknown_record")
    assert "explain" in answered.body["fix"]


def test_a_conversion_that_never_ran_has_empty_figures(harness: Harness) -> None:
    harness.save(LEAD)
    shown = harness.get("/conversions/lead/statistics")
    assert (shown["totals"]["conversions"], shown["last_run"]) == (0, None)
    assert len(shown["days"]) == 30
    assert (shown["start_date"], shown["end_date"]) == ("2026-10-21", "2026-11-19")
    assert harness.get("/conversions/lead/by-country")["countries"] == []
    assert harness.get("/conversions/lead/records")["records"] == []


def test_the_report_tells_why_so_many_were_counted(shop: House) -> None:
    at = NOW - timedelta(hours=12)
    held = {"run_id": "h", "status": "held", "conversion": "purchase", "start_date": "2020-01-01"}
    shop.harness.load(
        "runs",
        {**held, "date": at.date(), "recorded_at": at, "end_date": "2026-11-19", "rows_read": 1,
         "rows_total": 1},
    )  # fmt: skip
    (line,) = shop.harness.get(f"/report?{WEEK}")["conversions"]
    assert line["name"] == "Purchase"
    assert [day["conversions"] for day in line["days"]] == [0, 0, 0, 0, 2, 1, 1]
    assert line["totals"]["value"] == 240.0
    counts = line["counted"]
    assert (counts["read"], counts["duplicates"], counts["counted"], counts["now"]) == (5, 1, 4, 4)
    left_out = ("duplicates", "broken", "refunded", "otherwise")
    assert counts["read"] - sum(counts[name] for name in left_out) == counts["counted"]


@pytest.mark.parametrize(("refunded", "otherwise"), [(2, 1), (0, 3), (None, 3)])
def test_the_report_adds_up_whether_or_not_the_run_told_what_was_refunded(
    open_house: Callable[[], House], refunded: int | None, otherwise: int
) -> None:
    house = opened(open_house())
    at = NOW - timedelta(hours=1)
    wide = {"run_id": "w", "status": "applied", "conversion": "purchase", "rows_read": 9,
            "rows_total": 4, "duplicates": 1, "quarantined": 1}  # fmt: skip
    told = {} if refunded is None else {"refunded": refunded}
    days = {"date": at.date(), "start_date": "2026-01-01", "end_date": "2026-11-19"}
    house.harness.load("runs", {**wide, **told, **days, "recorded_at": at})
    (line,) = house.harness.get(f"/report?{WEEK}")["conversions"]
    counts = line["counted"]
    assert counts["run_id"] == "w"
    assert (counts["refunded"], counts["otherwise"], counts["counted"]) == (refunded, otherwise, 4)


def test_the_report_names_each_change_with_its_cause(changing: House) -> None:
    answer = changing.harness.get(f"/report?{WEEK}")
    changes = {(one["change"], one["cause"]): one for one in answer["changes"]}
    assert sum(one["rows"] for (change, _), one in changes.items() if change == "insert") == 4
    assert changes["update", "refund"] | {"conversion": ""} == {
        "conversion": "",
        "change": "update",
        "cause": "refund",
        "rows": 1,
        "value": -30.0,
    }


def test_the_report_counts_deliveries_by_state_and_leads_by_probability(house: House) -> None:
    day = date(2026, 11, 18)
    moment = datetime(2026, 11, 18, 9, tzinfo=UTC)
    attempt = {
        "date": day,
        "happened_at": moment,
        "destination": "meta",
        "account": "1",
        "conversion": "purchase",
        "conversion_date": day,
        "dedup_key": "k",
        "run_id": "r",
        "fence": 1,
    }
    house.harness.load(
        "export_attempts",
        {**attempt, "conversion_id": "1", "recorded_at": moment, "seq": 1, "state": "sending"},
        {**attempt, "conversion_id": "1", "recorded_at": moment, "seq": 2, "state": "accepted"},
        {**attempt, "conversion_id": "2", "recorded_at": moment, "seq": 1, "state": "rejected"},
    )
    answer = house.harness.get(f"/report?{WEEK}")
    assert [(one["state"], one["conversions"]) for one in answer["deliveries"]] == [
        ("accepted", 1),
        ("rejected", 1),
    ]
    assert answer["leads"] == []
    assert answer["conversions"] == []


def test_before_any_run_the_report_is_empty(open_house: Callable[[], House]) -> None:
    house = open_house()
    house.harness.save(PURCHASE)
    (line,) = house.harness.get("/report")["conversions"]
    assert line["totals"]["conversions"] == 0
    assert line["counted"] is None
