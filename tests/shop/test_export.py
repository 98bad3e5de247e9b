"""The export has the columns that GA4 writes, and all the faults that GA4 tables have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest

from common.local.shop.shop import Shop, columns
from common.local.shop.site.ga4 import Row
from tests.shop.reader import order_id

TYPES: dict[str, type | tuple[type, ...]] = {
    "STRING": str,
    "INTEGER": int,
    "FLOAT": (int, float),
    "BOOLEAN": bool,
    "TIMESTAMP": str,
    "DATE": str,
}


def faults(row: Mapping[str, Any], schema: Iterable[Row], path: str = "") -> list[str]:
    """Where the row does not fit the schema."""
    known = {column["name"]: column for column in schema}
    found = [f"{path}{name} is no column" for name in row if name not in known]
    for name, value in row.items():
        if name in known and value is not None:
            found += misfits(value, known[name], f"{path}{name}")
    return found


def misfits(value: object, column: Row, path: str) -> list[str]:
    """Where a value does not fit its column."""
    if column["mode"] == "REPEATED":
        if not isinstance(value, list):
            return [f"{path} is no list"]
        return [it for one in value for it in misfits(one, {**column, "mode": ""}, path)]
    if "fields" in column:
        return faults(value, column["fields"], f"{path}.") if isinstance(value, dict) else [path]
    wanted = TYPES[column["type"]]
    return [] if isinstance(value, wanted) else [f"{path} is {type(value).__name__}"]


@cache
def tables(shop: Shop, as_of: date) -> dict[str, list[Row]]:
    return {name: list(rows) for name, rows in shop.ga4_days(as_of).items()}


@cache
def rows(shop: Shop) -> list[Row]:
    """All rows of the daily tables in the end."""
    found = tables(shop, shop.period.end + timedelta(days=3))
    return [row for name, table in found.items() if "intraday" not in name for row in table]


def purchases(shop: Shop) -> list[Row]:
    return [row for row in rows(shop) if row["event_name"] == "purchase"]


def test_every_row_fits_the_schema_of_its_table(shop: Shop) -> None:
    for name, table in tables(shop, shop.period.end).items():
        schema = shop.ga4_schema(name)
        for row in table:
            assert faults(row, schema) == []


def test_every_row_of_the_crm_fits_its_schema(shop: Shop) -> None:
    for name, table in shop.crm(shop.period.end).items():
        for row in table:
            assert faults(row, columns(name)) == []
            assert set(row) == {column["name"] for column in columns(name)}


def test_the_oldest_tables_lack_the_newest_columns(shop: Shop) -> None:
    old = {column["name"] for column in shop.ga4_schema("events_20260301")}
    new = {column["name"] for column in shop.ga4_schema("events_20260320")}
    assert {"batch_page_id", "session_traffic_source_last_click"} <= new - old
    assert old < new


def test_a_table_is_named_by_the_day_of_the_property(shop: Shop) -> None:
    for name, table in tables(shop, shop.period.end).items():
        assert {row["event_date"] for row in table} == {name[-8:]}
    moments = [row["event_timestamp"] for row in rows(shop)]
    assert any(shop.period.shard(moment) != shop.period.day(moment) for moment in moments)


def test_a_day_is_written_again_until_the_third_day_after_it(shop: Shop) -> None:
    day = shop.period.start + timedelta(days=10)
    name = f"events_{day:%Y%m%d}"
    sizes = [len(tables(shop, day + timedelta(days=age))[name]) for age in (1, 2, 3, 4)]
    assert sizes[0] < sizes[1] < sizes[2] == sizes[3]
    assert name not in tables(shop, day)


def test_a_later_writing_adds_the_traffic_source_of_some_sessions(shop: Shop) -> None:
    day = shop.period.start + timedelta(days=10)
    name, source = f"events_{day:%Y%m%d}", "session_traffic_source_last_click"
    first, second = (tables(shop, day + timedelta(days=age))[name] for age in (1, 2))
    assert any(source not in row for row in first if "device" in row)
    assert all(source in row for row in second if "device" in row)


def test_yesterday_is_there_twice_and_today_in_part(shop: Shop) -> None:
    as_of = shop.period.start + timedelta(days=10)
    found = tables(shop, as_of)
    yesterday = as_of - timedelta(days=1)
    assert f"events_{yesterday:%Y%m%d}" in found
    assert sorted(name for name in found if "intraday" in name) == [
        f"events_intraday_{yesterday:%Y%m%d}",
        f"events_intraday_{as_of:%Y%m%d}",
    ]
    partly, whole = found[f"events_intraday_{as_of:%Y%m%d}"], tables(shop, as_of + timedelta(1))
    assert 0 < len(partly) < len(whole[f"events_{as_of:%Y%m%d}"])


def test_one_day_lands_after_its_neighbours(shop: Shop) -> None:
    day = shop.period.start + timedelta(days=26)
    name = f"events_{day:%Y%m%d}"
    there = {age: name in tables(shop, day + timedelta(days=age)) for age in (1, 7, 8)}
    assert there == {1: False, 7: False, 8: True}
    before = day + timedelta(days=7)
    assert name in shop.export.changed(before + timedelta(days=1), before)


def test_one_day_is_written_again_when_nobody_expects_it(shop: Shop) -> None:
    day = shop.period.start + timedelta(days=20)
    name = f"events_{day:%Y%m%d}"
    sizes = [len(tables(shop, day + timedelta(days=age))[name]) for age in (3, 8, 9)]
    assert sizes[0] == sizes[1] < sizes[2]
    before = day + timedelta(days=8)
    assert name in shop.export.changed(before + timedelta(days=1), before)


def test_only_the_tables_that_changed_are_loaded_again(shop: Shop) -> None:
    as_of = shop.period.start + timedelta(days=10)
    before, after = tables(shop, as_of - timedelta(days=1)), tables(shop, as_of)
    changed = {
        name: list(found)
        for name, found in shop.export.changed(as_of, as_of - timedelta(days=1)).items()
    }
    assert before | changed == after | {
        name: table for name, table in before.items() if name not in after
    }
    assert len(changed) == 5


def kinds_of(parameter: str) -> Callable[[Shop], bool]:
    return lambda shop: (
        {
            kind
            for row in rows(shop)
            for it in row["event_params"]
            if it["key"] == parameter
            for kind in it["value"]
        }
        >= {"string_value", "int_value"}
    )


def sent_ids(shop: Shop) -> list[str | None]:
    return [row["ecommerce"].get("transaction_id") for row in purchases(shop)]


def clients_of(shop: Shop, user: str) -> set[str]:
    return {
        row["user_pseudo_id"]
        for row in rows(shop)
        if row.get("user_id") == user and "user_pseudo_id" in row
    }


def users_of_clients(shop: Shop) -> dict[str, set[str]]:
    found = defaultdict(set)
    for row in rows(shop):
        if str(row.get("user_id")).startswith("C-") and "user_pseudo_id" in row:
            found[row["user_pseudo_id"]].add(row["user_id"])
    return found


def clients_of_orders(shop: Shop) -> dict[str, set[object]]:
    found: defaultdict[str, set[object]] = defaultdict(set)
    for row in purchases(shop):
        if str(row["ecommerce"].get("transaction_id")).strip().startswith("KO-"):
            found[row["ecommerce"]["transaction_id"].strip()].add(row.get("user_pseudo_id"))
    return found


def refunds(shop: Shop) -> list[Row]:
    return [row for row in rows(shop) if row["event_name"] == "refund"]


def keys(row: Row) -> set[str]:
    return {it["key"] for it in row["event_params"]}


def ids(table: Iterable[Row], event: str) -> set[str]:
    """The order ids of these events, wherever they stand."""
    return {
        order_id(row) or str(row["ecommerce"].get("transaction_id"))
        for row in table
        if row["event_name"] == event
    }


def early_refund(shop: Shop) -> bool:
    """Some day shows a refund whose purchase arrives on a later one."""
    bought = ids(rows(shop), "purchase")
    for day in range(2, shop.period.days):
        found = tables(shop, shop.period.start + timedelta(days=day))
        seen = [row for name, table in found.items() if "intraday" not in name for row in table]
        if (ids(seen, "refund") - ids(seen, "purchase")) & bought:
            return True
    return False


def equal_instants(shop: Shop) -> bool:
    keys = [(row["event_timestamp"], row.get("user_pseudo_id")) for row in purchases(shop)]
    return len(set(keys)) < len(keys)


def values_of(shop: Shop, key: str) -> list[tuple[Row, object]]:
    """Purchases with the value of a parameter."""
    return [
        (row, value)
        for row in purchases(shop)
        for it in row["event_params"]
        if it["key"] == key
        for value in it["value"].values()
    ]


def amounts(shop: Shop) -> list[tuple[object, object]]:
    records = [row["ecommerce"] for row in purchases(shop)]
    return [(it.get("purchase_revenue"), it["purchase_revenue_in_usd"]) for it in records]


WARNED_OF: dict[str, Callable[[Shop], bool]] = {
    "a_key_with_text_integer_and_float": kinds_of("value"),
    "a_key_with_text_and_integer": kinds_of("session_engaged"),
    "order_ids_that_are_none": lambda shop: (
        {"(not set)", "", "undefined", None} <= set(sent_ids(shop))
    ),
    "order_ids_with_blanks_around": lambda shop: any(
        id and id != id.strip() for id in sent_ids(shop)
    ),
    "another_id_under_the_same_key": lambda shop: all(
        value != row["ecommerce"].get("transaction_id")
        for row, value in values_of(shop, "transaction_id")
    ),
    "purchases_without_an_amount": lambda shop: (None, 0) in amounts(shop),
    "reloaded_thank_you_pages": lambda shop: len(set(sent_ids(shop))) < len(sent_ids(shop)),
    "orders_crawled_by_another_client": lambda shop: any(
        len(clients) > 1 for clients in clients_of_orders(shop).values()
    ),
    "two_sales_at_the_same_instant": equal_instants,
    "refunds_by_amount": lambda shop: any(
        "refund_value" in row["ecommerce"] for row in refunds(shop)
    ),
    "refunds_by_item": lambda shop: any(
        "item_refund" in item for row in refunds(shop) for item in row["items"]
    ),
    "refunds_that_say_no_amount": lambda shop: any(
        "refund_value" not in row["ecommerce"] and not row["items"] for row in refunds(shop)
    ),
    "a_refund_sent_twice": lambda shop: any(refunds(shop).count(row) > 1 for row in refunds(shop)),
    "refunds_of_unknown_orders": lambda shop: bool(
        ids(rows(shop), "refund") - ids(rows(shop), "purchase")
    ),
    "refunds_that_arrive_before_their_purchase": early_refund,
    "several_currencies": lambda shop: (
        {value for _, value in values_of(shop, "currency")} == {"EUR", "GBP", "USD"}
    ),
    "user_ids_that_are_none": lambda shop: all(
        clients_of(shop, id) for id in ("undefined", "null", "0")
    ),
    "a_user_id_of_a_crowd": lambda shop: len(clients_of(shop, "store-terminal")) > 50,
    "a_client_with_two_accounts": lambda shop: max(map(len, users_of_clients(shop).values())) > 1,
    "a_person_with_two_clients": lambda shop: (
        len(set().union(*users_of_clients(shop).values())) < len(users_of_clients(shop))
    ),
    "visitors_without_consent": lambda shop: any("user_pseudo_id" not in row for row in rows(shop)),
    "click_ids_of_google": lambda shop: any(
        "gclid" in row.get("collected_traffic_source", {}) for row in rows(shop)
    ),
    "clicks_in_the_middle_of_a_visit": lambda shop: any(
        "gclid" in row.get("collected_traffic_source", {}) and "entrances" not in keys(row)
        for row in rows(shop)
        if row["event_name"] == "page_view"
    ),
    "click_ids_that_were_never_filled_in": lambda shop: any(
        row.get("collected_traffic_source", {}).get("gclid") == "{gclid}" for row in rows(shop)
    ),
    "visits_that_google_ads_tags_itself": lambda shop: any(
        "google_ads_campaign" in session and "manual_campaign" not in session
        for row in rows(shop)
        if (session := row.get("session_traffic_source_last_click"))
    ),
    "order_ids_in_the_parameters_alone": lambda shop: any(
        "transaction_id" not in row["ecommerce"] and str(value).startswith("KO-")
        for row, value in values_of(shop, "transaction_id")
    ),
    "orders_of_a_server_at_one_moment": lambda shop: any(
        "batch_page_id" not in row and str(value).startswith("MP-")
        for row, value in values_of(shop, "transaction_id")
    ),
    "refunds_with_a_minus": lambda shop: any(
        row["ecommerce"].get("refund_value", 0) < 0 for row in refunds(shop)
    ),
    "refunds_of_0_beside_their_products": lambda shop: any(
        row["ecommerce"].get("refund_value") == 0 and row["items"] for row in refunds(shop)
    ),
    "refunds_by_products_without_price": lambda shop: any(
        "price" not in item for row in refunds(shop) for item in row["items"]
    ),
    "enquiries": lambda shop: any(row["event_name"] == "generate_lead" for row in rows(shop)),
    "a_day_of_23_hours": lambda shop: (
        shop.period.moment(date(2026, 3, 30), 0) - shop.period.moment(date(2026, 3, 29), 0)
        == 23 * 3600 * 10**6
    ),
}


@pytest.mark.parametrize("fault", WARNED_OF)
def test_the_shop_has(shop: Shop, fault: str) -> None:
    assert WARNED_OF[fault](shop)
