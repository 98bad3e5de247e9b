"""What the generator knows is what a careful stranger finds in its tables."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise

import pytest

from common.local.shop.shop import Shop
from common.local.shop.truth.answers import Counted
from tests.shop.reader import Stranger, moment, number, won_leads

BERLIN = "Europe/Berlin"
DAYS = [1, 2, 4, 9, 20, 30, 35, 40]
"""Days after the start on which the shop is looked at."""


@cache
def stranger(shop: Shop, as_of: date) -> Stranger:
    return Stranger(shop.ga4_days(as_of), shop.crm(as_of), BERLIN, as_of)


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


@pytest.mark.parametrize("day", DAYS)
def test_a_stranger_counts_the_same_purchases_at_the_same_value(shop: Shop, day: int) -> None:
    as_of = shop.period.start + timedelta(days=day)
    reader = stranger(shop, as_of)
    for refund_days in (0, 7, 30):
        truth = shop.truth(as_of, refund_days)
        known = [
            (row.id, row.created, row.client_id, row.currency, row.value_gross, rounded(row.value))
            for row in truth.purchases
        ]
        found = [
            (sale.id, sale.created, sale.client_id, sale.currency, sale.gross, rounded(sale.value))
            for sale in reader.sales(refund_days)
        ]
        assert sorted(known, key=str) == sorted(found, key=str)
        assert truth.purchase_events == len(reader.named("purchase"))


@pytest.mark.parametrize("day", [1, 2, 4, 9, 10, 13])
def test_a_property_east_of_the_project_loses_nothing(tokyo: Shop, day: int) -> None:
    as_of = tokyo.period.start + timedelta(days=day)
    sales = stranger(tokyo, as_of).sales(30)
    assert Counter(row.created for row in tokyo.truth(as_of).purchases) == Counter(
        sale.created for sale in sales
    )


@pytest.mark.parametrize("day", [9, 20, 35])
def test_a_stranger_finds_the_same_first_purchases_of_persons(shop: Shop, day: int) -> None:
    as_of = shop.period.start + timedelta(days=day)
    first: dict[object, datetime] = {}
    for sale in stranger(shop, as_of).sales(30):
        first.setdefault(sale.person, sale.created)
    known = [row.created for row in shop.truth(as_of).first_purchases]
    assert sorted(known) == sorted(first.values())


@pytest.mark.parametrize("day", [10, 35])
def test_a_stranger_finds_the_same_click_behind_each_purchase(shop: Shop, day: int) -> None:
    as_of = shop.period.start + timedelta(days=day)
    reader = stranger(shop, as_of)
    known = {(row.created, row.id): row.gclid for row in shop.truth(as_of).purchases}
    found = {(sale.created, sale.id): reader.click(sale) for sale in reader.sales(30)}
    assert known == found
    assert any(found.values())


@pytest.mark.parametrize("day", DAYS)
def test_a_stranger_values_the_same_enquiries(shop: Shop, day: int) -> None:
    as_of = shop.period.start + timedelta(days=day)
    reader = stranger(shop, as_of)
    found = [(moment(row), number(row, "value")) for row in reader.named("generate_lead")]
    known = [(row.created, row.value) for row in shop.truth(as_of).enquiries]
    assert sorted(known, key=str) == sorted(found, key=str)


def test_enquiries_of_a_person_within_seven_days_count_once(shop: Shop) -> None:
    truth = shop.truth(shop.period.end)
    kept = truth.enquiries_once_in_7_days
    assert len(kept) < len(truth.enquiries)
    for person in {row.person for row in kept}:
        moments = [row.created for row in kept if row.person == person]
        assert all(b - a >= timedelta(days=7) for a, b in pairwise(moments))


@pytest.mark.parametrize("day", [-100, -30, 0, 20, 35, 120])
def test_a_stranger_credits_each_won_deal_to_the_same_lead(shop: Shop, day: int) -> None:
    as_of = shop.period.start + timedelta(days=day)
    found = {won.lead_id: won.amount for won in won_leads(shop.crm(as_of))}
    known = [lead for lead in shop.truth(as_of).leads if lead.status == "won"]
    assert sorted(found) == sorted(lead.lead_id for lead in known)
    for lead in known:
        pounds = shop.rates.rate("GBP", lead.outcome_at.date()) if lead.outcome_at else 1
        assert lead.deal_value is not None
        ratio = lead.deal_value / found[lead.lead_id]
        assert min(abs(ratio - 1), abs(ratio - pounds)) < 1e-9


@pytest.mark.parametrize("day", [2, 10, 35, 60])
def test_confirmed_orders_are_those_of_the_order_table(shop: Shop, day: int) -> None:
    as_of = shop.period.start + timedelta(days=day)
    found = {
        (row["order_id"], row["ga_client_id"], row["total"], row["status"] == "paid")
        for row in shop.crm(as_of)["crm.orders"]
        if row["status"] in ("confirmed", "paid")
    }
    known = shop.truth(as_of).confirmed_orders
    assert found == {(row.id, row.client_id, row.value, row.is_qualified) for row in known}


def test_the_days_add_up(shop: Shop) -> None:
    truth = shop.truth(shop.period.end)
    assert sum(day.conversions for day in truth.purchase_days.values()) == len(truth.purchases)
    assert truth.purchase_events == len(truth.purchases) + truth.duplicates_removed
    for day, total in truth.purchase_days.items():
        known = [row.value_project or 0 for row in truth.purchases if row.date == day]
        assert total.value == pytest.approx(sum(known))
        assert total.value <= total.value_gross + 1e-9


def test_no_refund_takes_more_than_was_paid(shop: Shop) -> None:
    rows: tuple[Counted, ...] = shop.truth(shop.period.end).purchases
    assert all(row.value is None or row.value >= 0 for row in rows)
    assert {0.0} < {row.value_refunded for row in rows if row.value_refunded is not None}


def test_a_longer_refund_window_never_raises_the_value(shop: Shop) -> None:
    totals = [
        sum(day.value for day in shop.truth(shop.period.end, days).purchase_days.values())
        for days in (0, 3, 10, 30)
    ]
    assert totals == sorted(totals, reverse=True)
    assert totals[0] > totals[-1]


def test_a_lead_is_lost_when_its_deal_is_closed_and_not_won(shop: Shop) -> None:
    tables = shop.crm(shop.period.end)
    stages = {row["stage_id"]: row for row in tables["hubspot.deal_pipeline_stage"]}
    deals = {row["deal_id"]: row for row in tables["hubspot.deal"] if not row["is_deleted"]}
    for lead in shop.truth(shop.period.end).leads:
        deal = deals.get(lead.deal_id or 0)
        stage = stages[deal["deal_pipeline_stage_id"]] if deal else None
        closed, won = (stage["is_closed"], stage["closed_won"]) if stage else (False, False)
        assert lead.status == ("won" if won else "lost" if closed else "open")
