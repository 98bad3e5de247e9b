"""The CRM changes from day to day as CRMs do, and its leads carry a true and fair signal."""

from __future__ import annotations

import math
import re
from datetime import date, timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.local.shop.crm.outcomes import known_leads
from common.local.shop.shop import Shop, generate
from common.local.shop.site.ga4 import Row

LATE = (
    "property_annualrevenue",
    "property_contract_type",
    "property_hs_lead_status",
    "property_lifecyclestage",
    "property_num_contacted_notes",
    "property_recent_deal_amount",
)
"""Attributes that sales fills in while a deal goes on."""
AFTER_ALL = 10**16


@cache
def crm(shop: Shop, as_of: date) -> dict[str, list[Row]]:
    return shop.crm(as_of)


def end(shop: Shop) -> date:
    return shop.period.end


def test_what_was_known_at_creation_never_changes(shop: Shop) -> None:
    asked = {row["id"]: row for row in crm(shop, end(shop))["hubspot.contact"]}
    before = crm(shop, end(shop) - timedelta(days=40))["hubspot.contact"]
    kept = ("property_industry", "property_jobtitle", "property_numberofemployees")
    assert all(row[name] == asked[row["id"]][name] for row in before for name in kept)


def test_attributes_filled_in_later_tell_the_outcome(shop: Shop) -> None:
    won = {lead.contact_id for lead in shop.truth(end(shop)).leads if lead.status == "won"}
    contacts = crm(shop, end(shop))["hubspot.contact"]
    for name in LATE:
        filled = [row for row in contacts if row[name] not in (None, "lead")]
        share = sum(row["id"] in won for row in filled) / len(filled)
        assert share > 1.1 * len(won) / len(contacts)


def test_a_new_lead_has_none_of_them(shop: Shop) -> None:
    for row in crm(shop, end(shop))["hubspot.contact"]:
        if row["property_createdate"][:10] == (end(shop) - timedelta(days=1)).isoformat():
            assert row["property_contract_type"] is None
            assert row["property_recent_deal_amount"] is None


def test_neither_label_nor_id_of_a_stage_tells_won_from_lost(shop: Shop) -> None:
    stages = {row["stage_id"]: row for row in crm(shop, end(shop))["hubspot.deal_pipeline_stage"]}
    assert not stages["closedwon"]["closed_won"]
    assert stages["1711"]["closed_won"]
    assert [row["is_closed"] for row in stages.values() if row["label"] == "Closed Lost"] == [
        False,
        False,
    ]


def test_merged_and_deleted_records_stay_in_the_tables(shop: Shop) -> None:
    tables = crm(shop, end(shop))
    deals = {row["deal_id"] for row in tables["hubspot.deal"]}
    assert {row["merged_deal_id"] for row in tables["hubspot.merged_deal"]} <= deals
    folded = {row["vid_to_merge"] for row in tables["hubspot.contact_merge_audit"]}
    rows = [row for row in tables["hubspot.contact"] if row["id"] in folded]
    assert {row["_fivetran_deleted"] for row in rows} == {True, False}
    assert any(row["is_deleted"] for row in tables["hubspot.deal"])


def test_a_won_deal_can_be_changed_or_taken_back(shop: Shop) -> None:
    early = {lead.lead_id: lead for lead in shop.truth(end(shop)).leads}
    late = {lead.lead_id: lead for lead in shop.truth(end(shop) + timedelta(days=60)).leads}
    won = [id for id, lead in early.items() if lead.status == "won" and id in late]
    assert any(late[id].status != "won" for id in won)
    assert any(
        late[id].status == "won" and late[id].deal_value != early[id].deal_value for id in won
    )


def test_some_leads_are_still_open_that_will_win(shop: Shop) -> None:
    young = [
        lead
        for lead in shop.truth(end(shop)).leads
        if lead.status == "open" and lead.eventually_won
    ]
    assert len(young) > 10
    assert {lead.status for lead in shop.truth(end(shop)).leads} == {"open", "won", "lost"}


def test_captured_client_ids_have_the_usual_faults(shop: Shop) -> None:
    ids = [row["property_ga_client_id"] for row in crm(shop, end(shop))["hubspot.contact"]]
    for shape in (r"\d+\.\d+", r"GA1\.1\.\d+\.\d+", r"undefined", r"\d\.\d+E\+\d+", r".+@.+"):
        assert any(re.fullmatch(shape, id) for id in ids if id)
    assert None in ids


def test_a_lead_that_ga4_saw_has_an_enquiry_of_its_client(shop: Shop) -> None:
    asked = {event.visit.browser.client_id for event in shop.site.enquiries}
    seen = [lead for lead in shop.leads if lead.seen_by_ga4 and shop.period.contains(lead.at)]
    assert seen
    assert all(lead.contact.browser and lead.contact.browser.client_id in asked for lead in seen)


def test_orders_change_and_vanish_after_the_fact(shop: Shop) -> None:
    days = [end(shop) + timedelta(days=later) for later in (-10, 40)]
    before, after = ({row["order_id"]: row for row in crm(shop, day)["crm.orders"]} for day in days)
    assert set(before) - set(after)
    changed = [id for id in before if id in after and before[id] != after[id]]
    assert any(before[id]["total"] != after[id]["total"] for id in changed)
    assert {after[id]["status"] for id in changed} >= {"paid", "returned"}


def test_the_same_orders_have_been_bought_in_ga4_and_in_the_order_table(shop: Shop) -> None:
    counted = {
        row.id: row
        for row in shop.truth(end(shop)).purchases
        if row.id and row.id.startswith("KO-")
    }
    orders = {row["order_id"]: row for row in crm(shop, end(shop))["crm.orders"]}
    both = counted.keys() & orders.keys()
    assert len(both) > 0.95 * len(counted)
    gross = {id: counted[id].value_gross for id in both if counted[id].value_gross is not None}
    assert sum(orders[id]["total"] == value for id, value in gross.items()) > 0.9 * len(gross)


def test_over_many_shops_the_true_chances_are_fair() -> None:
    chance = won = spread = expected = value = 0.0
    for seed in range(6):
        small = generate(seed=seed, days=1, visits_per_day=0, crm_days=150, leads_per_day=20)
        leads = list(known_leads(small.leads, small.rates, AFTER_ALL))
        chance += sum(lead.chance for lead in leads)
        spread += sum(lead.chance * (1 - lead.chance) for lead in leads)
        won += sum(lead.eventually_won for lead in leads)
        expected += sum(lead.expected_value for lead in leads)
        value += sum(lead.eventual_value or 0 for lead in leads)
    assert abs(won - chance) < 3 * math.sqrt(spread)
    assert value == pytest.approx(expected, rel=0.1)


@settings(max_examples=30, deadline=None)
@given(days=st.floats(0.1, 1000), more=st.floats(0, 1000), place=st.integers(0, 200))
def test_the_chance_grows_with_time_up_to_the_whole(
    shop: Shop, days: float, more: float, place: int
) -> None:
    true = shop.leads[place].true
    assert 0 <= true.chance_within(days) <= true.chance_within(days + more) <= true.chance <= 1
