"""A draft is tried on history, compared with what is live, and every row can be explained."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from common.bigquery.sql import Sql, fill
from common.kinds.candidate.rates import rates
from common.kinds.candidate.shape import Context, candidates
from common.model.window import Window
from functions.api.trial import diff, steps
from functions.api.trial.trial import Trial
from tests.api.conftest import LEAD, PURCHASE, House, Opened

WEEK = {"start_date": "2026-11-13", "end_date": "2026-11-19"}
OVER_60 = {"dimension": "transaction_total", "operator": "greater_than", "value": 60}
FRENCH = {"dimension": "country", "operator": "equals", "value": "France"}
BIG = {**PURCHASE, "filters": {"all": [OVER_60, FRENCH]}}


def event(name: str, number: int, day: int, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "at": datetime(2026, 11, day, 10, 0, number, tzinfo=UTC),
        "client": f"c{number}",
        "session": 100 + number,
        "key": number,
        **more,
    }


def purchase(number: int, day: int, value: float, **more: Any) -> dict[str, Any]:
    return event(
        "purchase",
        number,
        day,
        **{"order": f"T-{number}", "value": value, "currency": "USD", "country": "France", **more},
    )


EVENTS = [
    purchase(1, 17, 100.0),
    purchase(2, 17, 50.0),
    purchase(3, 18, 80.0, country="Spain"),
    purchase(4, 18, 80.0, order="T-3", country="Spain"),
    purchase(5, 19, 70.0),
    event("refund", 6, 19, order="T-1", refund_value=30.0, currency="USD"),
    event("generate_lead", 7, 18, client="c1"),
    event("generate_lead", 8, 18, client="c1"),
]


@pytest.fixture(scope="module")
def shop(open_house: Callable[[], House]) -> House:
    """A shop whose purchases are live; nobody has asked for its leads yet."""
    house = open_house()
    house.world.events(EVENTS)
    house.harness.save(PURCHASE)
    house.world.run(date(2026, 11, 19), start_date=date(2026, 11, 13))
    return house


def backtest(shop: House, definition: dict[str, Any]) -> Any:
    return shop.harness.post("/conversions:backtest", {"definition": definition, **WEEK})


def explain(shop: House, query: str, id: str = "purchase") -> Any:
    return shop.harness.get(f"/conversions/{id}/explain?{query}")


def test_a_backtest_equals_what_the_run_wrote(shop: House) -> None:
    tried = backtest(shop, PURCHASE)
    live = shop.harness.get("/conversions/purchase/statistics?start_date=2026-11-13")
    for name in ("conversions", "value", "attributed"):
        assert tried["totals"][name] == live["totals"][name]
    days = [day for day in live["days"] if day["conversions"]]
    assert [(d["date"], d["conversions"], d["value"]) for d in tried["days"]] == [
        (d["date"], d["conversions"], d["value"]) for d in days
    ]


def test_a_backtest_counts_duplicates_and_says_why_rows_are_left_out(shop: House) -> None:
    tried = backtest(shop, PURCHASE)
    assert (tried["totals"]["duplicates"], tried["totals"]["left_out"]) == (1, 1)
    assert tried["left_out"] == [
        {
            "reason": "duplicate_order",
            "text": "An earlier purchase has the same order id.",
            "candidates": 1,
            "examples": [],
        }
    ]


def test_a_backtest_shows_the_rows_behind_each_reason(shop: House) -> None:
    body = {"definition": PURCHASE, **WEEK, "examples": 5}
    [dropped] = shop.harness.post("/conversions:backtest", body)["left_out"]
    [row] = dropped["examples"]
    assert (row["id"], row["value"], row["currency"]) == ("T-3", 80.0, "USD")
    assert row["created"].startswith("2026-11-18T10:00:04")


def test_a_backtest_shows_the_effect_of_refunds(shop: House) -> None:
    totals = backtest(shop, {**PURCHASE, "refunds": {"days": 30}})["totals"]
    assert (totals["value_gross"], totals["refunded"], totals["value"]) == (300.0, 30.0, 270.0)


def test_a_backtest_reads_events_that_no_run_has_staged(shop: House) -> None:
    totals = backtest(shop, LEAD)["totals"]
    assert (totals["conversions"], totals["value"]) == (2, 40.0)


def test_a_backtest_writes_nothing(shop: House) -> None:
    before = shop.world.rows("purchase")
    backtest(shop, {**PURCHASE, "missing_order_id": "drop"})
    backtest(shop, LEAD)
    assert shop.world.rows("purchase") == before
    assert [one["id"] for one in shop.harness.get("/conversions")["conversions"]] == ["purchase"]
    staging = shop.harness.services.warehouse.staging_path("x").rpartition(".")[0]
    tables = shop.harness.services.warehouse.tables_in(staging)
    assert [name for name in tables if name.startswith("trial_")] == []


def test_a_draft_that_cannot_be_saved_is_not_tried(shop: House) -> None:
    draft = {**PURCHASE, "normalize": {"by": "nix"}}
    answered = shop.harness.ask("POST", "/conversions:backtest", {"definition": draft})
    assert (answered.status, answered.body["code"]) == (422, "unknown_reference")


def test_a_diff_names_each_row_and_the_rule_that_drops_it(shop: House) -> None:
    shown = shop.harness.post("/conversions:diff", {"definition": BIG, **WEEK})
    assert (shown["same"], shown["removed"]["rows"], shown["added"]["rows"]) == (2, 2, 0)
    assert shown["removed"]["live_value"] == 130.0
    assert {row["id"]: row["why"] for row in shown["rows"]} == {
        "T-2": "The draft leaves it out: "
        "It does not pass rule 2 (transaction_total greater than 60).",
        "T-3": "The draft leaves it out: It does not pass rule 3 (country equals France).",
    }


def test_a_diff_tells_added_and_changed_rows_too(shop: House) -> None:
    draft = {**PURCHASE, "value": {"type": "manual", "amount": 70}}
    shown = shop.harness.post("/conversions:diff", {"definition": draft, **WEEK})
    assert (shown["same"], shown["changed"]["rows"]) == (1, 3)
    assert shown["changed"]["live_value"] == 230.0
    assert shown["changed"]["draft_value"] == 210.0
    assert "Its value changes from 100.00 to 70.00." in [row["why"] for row in shown["rows"]]


def test_a_diff_with_itself_is_empty(shop: House) -> None:
    shown = shop.harness.post("/conversions:diff", {"definition": PURCHASE, **WEEK})
    assert (shown["same"], shown["rows"]) == (4, [])


def test_rows_that_are_equal_though_written_differently_still_have_words() -> None:
    row = {
        f"{side}_{name}": value
        for side in ("live", "draft")
        for name, value in (("value", 0.0), ("currency", "EUR"), ("qualified", None))
    }
    at = datetime(2026, 11, 20, tzinfo=UTC)
    words = diff._difference({**row, "draft_value": -0.0, "live_created": at, "created": at})
    assert words == "It is written in another way and means the same."


def test_a_row_that_moves_to_another_day_is_worth_what_it_is_on_each(open_api: Opened) -> None:
    harness = open_api(currency="EUR")
    harness.load(
        "ga4_rates",
        *(
            {"date": day, "rate_key": str(day), "property": "p.g", "currency": "EUR", "amounts": 1}
            | {"dollars": dollars}
            for day, dollars in ((date(2026, 11, 13), 2.0), (date(2026, 11, 17), 1.25))
        ),
    )
    warehouse = harness.services.warehouse
    context = Context(
        stage=Sql("unused"),
        target=Sql("unused"),
        raw=Sql("unused"),
        members={},
        identity=Sql("unused"),
        scores=warehouse.table("lead_scores"),
        rates=rates(harness.services.settings),
        window=Window(date(2026, 11, 13), date(2026, 11, 19)),
        timezone="UTC",
        currency="EUR",
    )

    def on(day: int) -> Trial:
        row = {
            "id": "'o1'",
            "created": f"TIMESTAMP '2026-11-{day} 10:00:00+00'",
            "net_value": "100.0",
            "currency": "'USD'",
        }
        one = fill("(SELECT {{ columns }} FROM UNNEST([1]))", columns=candidates(row))
        return Trial(one, context, warehouse)

    (counted,) = diff._rows("diff_counts", on(14), on(18))
    assert (counted["change"], counted["live_value"]) == ("changed", 50.0)
    assert counted["draft_value"] == 80.0


def test_a_diff_needs_a_live_definition(shop: House) -> None:
    answered = shop.harness.ask("POST", "/conversions:diff", {"definition": LEAD})
    assert (answered.status, answered.body["code"]) == (404, "unknown_conversion")


def test_a_counted_order_is_walked_to_the_end(shop: House) -> None:
    shown = explain(shop, "order_id=T-1")
    assert (shown["verdict"], shown["dropped_by"]) == ("counted", "")
    assert shown["sentence"] == "T-1 is a conversion of purchase."
    assert [step["step"] for step in shown["steps"]] == [
        "source",
        "filter",
        "identity",
        "dedup",
        "value",
        "published",
    ]


def test_a_duplicate_is_explained_by_its_own_event(shop: House) -> None:
    shown = explain(shop, "id=T-3")
    dedup = next(step for step in shown["steps"] if step["step"] == "dedup")
    assert shown["verdict"] == "counted"
    assert "2 candidates share this id; the first counts." in dedup["text"]


def test_money_that_nobody_can_read_has_words() -> None:
    row = {"net_value": 5.0, "currency": None, "rate": None}
    assert steps._value(row).text == (
        "It is worth 5.00 in a currency that cannot be read, so totals leave it out."
    )
    unrated = steps._value({**row, "currency": "SEK"})
    assert unrated.text == (
        "It is worth 5.00 SEK; there is no exchange rate for that day, so totals leave it out."
    )


def test_an_order_that_nobody_recorded_is_reported(shop: House) -> None:
    shown = explain(shop, "order_id=T-99")
    assert (shown["verdict"], shown["dropped_by"]) == ("not_found", "source")
    assert "No GA4 event with this id is staged" in shown["sentence"]


def test_the_rule_that_drops_an_order_is_named(shop: House) -> None:
    shop.harness.save({**BIG, "id": "big"})
    shown = explain(shop, "order_id=T-2", "big")
    assert (shown["verdict"], shown["dropped_by"]) == ("dropped", "filter")
    assert shown["sentence"] == (
        "T-2 is no conversion of big. It does not pass rule 2: transaction_total greater than 60."
    )


def test_an_id_with_its_client_is_explained_as_well(shop: House) -> None:
    per_client = {**PURCHASE, "id": "mine", "order_ids_are_per_client": True}
    shop.harness.save(per_client)
    assert explain(shop, "id=T-2@c2", "mine")["verdict"] == "waiting"
    shop.harness.save({**per_client, "filters": OVER_60})
    shown = explain(shop, "id=T-2@c2", "mine")
    assert (shown["verdict"], shown["dropped_by"]) == ("dropped", "filter")
    shop.harness.ask("DELETE", "/conversions/mine")


def test_a_trial_asks_orders_who_is_who_as_the_run_does(house: House) -> None:
    world, orders = house.world, "test-project.quick_crm.orders"
    columns = {"id": "STRING", "client_id": "STRING", "user_id": "STRING", "created": "TIMESTAMP"}
    world.replace(
        orders,
        [{"name": name, "type": type_, "mode": "NULLABLE"} for name, type_ in columns.items()],
        [
            {
                "id": f"O{day}",
                "client_id": client,
                "user_id": "C-7",
                "created": f"2026-11-{day} 11:00",
            }
            for day, client in ((17, "c1"), (18, "c2"))
        ],
    )
    # no table of rates: what the export itself tells is the rate, for a trial as for a run
    abroad = {"currency": "EUR", "in_usd": 110.0}
    world.events([purchase(1, 17, 100.0, **abroad), purchase(2, 18, 50.0)])
    world.define(id="order", kind="custom", sql=f"SELECT * FROM `{orders}`", reads=(orders,))
    first = {**PURCHASE, "id": "first", "deduplicate_by_user": True}
    # nobody can tell anything before the first run
    assert backtest(house, first)["totals"]["conversions"] == 2
    house.harness.save(first)
    world.run(date(2026, 11, 19), start_date=date(2026, 11, 13))
    tried = backtest(house, first)
    assert tried["left_out"][0]["reason"] == "duplicate_user"
    assert tried["totals"]["conversions"] == len(world.rows("first")) == 1
    (row,) = world.rows("first", "value_project")
    assert row["value_project"] == pytest.approx(110)
    assert tried["totals"]["value"] == tried["totals"]["value_gross"] == 110.0
    walked = explain(house, "order_id=T-1", "first")
    assert "110.00 in the project's currency" in str(walked["steps"])
    shown = explain(house, "order_id=T-2", "first")
    assert (shown["verdict"], shown["dropped_by"]) == ("dropped", "dedup")


def test_an_order_that_waits_for_its_first_run_is_answered_with_what_to_do(shop: House) -> None:
    shop.harness.save({**PURCHASE, "id": "again"})
    shown = explain(shop, "order_id=T-1", "again")
    assert shown["verdict"] == "waiting"
    assert shown["steps"][-1]["text"] == (
        "It is not in the table yet: it never ran. Run it: POST /runs."
    )


def test_the_last_word_of_each_destination_ends_the_walk(shop: House) -> None:
    attempts = [("accepted", None), ("rejected", "too_old")]
    shop.harness.load(
        "export_attempts",
        *(
            {
                "date": "2026-11-19",
                "happened_at": f"2026-11-19T1{number}:00:00+00:00",
                "recorded_at": f"2026-11-19T1{number}:00:00+00:00",
                "destination": "meta",
                "account": "1",
                "conversion": "purchase",
                "conversion_id": "T-5",
                "dedup_key": "k",
                "run_id": "r",
                "fence": 1,
                "seq": number,
                "state": state,
                "reason": reason,
            }
            for number, (state, reason) in enumerate(attempts)
        ),
    )
    shown = explain(shop, "id=T-5")
    assert shown["verdict"] == "counted"
    assert shown["steps"][-1] == {
        "step": "export",
        "passed": False,
        "text": "meta: rejected (too_old).",
    }


def test_an_explanation_needs_one_key(shop: House) -> None:
    answered = shop.harness.ask("GET", "/conversions/purchase/explain")
    assert answered.status == 422
    assert "give either id or order_id" in answered.body["detail"]
