"""Amounts and eligibility: what a row is worth to a platform, and whether it may go there."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.export.contract.base import Consent
from functions.export.payload.money import Money, money, remembered, zero
from functions.export.payload.rows import columns, conversion_row
from functions.export.reconcile.eligibility import (
    Unwanted,
    Wanted,
    consent_of,
    judge,
    unknown_values,
)
from tests.destinations.harness import NOW, plain, sample_row

CONFIG = plain("google_ads")[0].config
ROW = sample_row(value=100.0)


@pytest.mark.parametrize(
    ("value", "currency", "written"),
    [
        (2.675, "EUR", "2.68"),
        (1.005, "USD", "1.01"),
        (1200.5, "JPY", "1201"),
        (0.0005, "KWD", "0.001"),
        (0.0, "EUR", "0.00"),
        (1e9, "EUR", "1000000000.00"),
    ],
)
def test_money_is_rounded_to_what_its_currency_has(
    value: float, currency: str, written: str
) -> None:
    assert f"{money(value, currency).amount:f}" == written


@given(st.floats(0, 1e12), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_rounding_twice_is_rounding_once(value: float, currency: str) -> None:
    once = money(value, currency)
    assert money(float(once), currency) == once


def config(**changes: Any) -> Any:
    return CONFIG.model_copy(update=changes)


def worth(row: Any, **changes: Any) -> Any:
    judged = judge(row, config(**changes), "USD")
    return judged.money if isinstance(judged, Wanted) else judged.reason


def test_the_projects_currency_stands_in_for_a_missing_one_and_nothing_is_converted() -> None:
    assert worth(replace(ROW, currency=None)) == Money(money(100, "USD").amount, "USD")
    assert worth(replace(ROW, currency="gbp")) == money(100, "GBP")


def test_a_value_is_converted_where_the_destination_asks_for_it() -> None:
    converted = replace(ROW, currency="GBP", value_project=131.257)
    assert worth(converted) == money(100, "GBP")
    assert worth(converted, value_currency="project") == money(131.26, "USD")
    assert worth(replace(converted, currency="usd"), value_currency="project") == money(100, "USD")
    assert worth(converted, value_currency="project", minimum_value=120) == money(131.26, "USD")
    unknown = replace(converted, value_project=None)
    assert worth(unknown, value_currency="project") == "no_exchange_rate"
    assert worth(unknown) == money(100, "GBP")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"value": -1.0}, "negative_value"),
        ({"value": float("nan")}, "invalid_value"),
        ({"value": float("inf")}, "invalid_value"),
        ({"value": 1e16}, "invalid_value"),
        ({"currency": "ABC"}, "unknown_currency"),
        ({"is_qualified": False}, "not_qualified"),
        ({"consent_ad_user_data": "denied"}, "no_consent"),
    ],
)
def test_what_cannot_be_sent_says_why(changes: dict[str, Any], reason: str) -> None:
    assert worth(replace(ROW, **changes)) == reason


def test_no_value_is_not_zero_and_zero_is_a_value() -> None:
    assert worth(replace(ROW, value=None)) is None
    assert worth(replace(ROW, value=0.0)) == money(0, "EUR")


@pytest.mark.parametrize(
    ("choice", "kind", "sent"),
    [
        ("any", "predicted", True),
        ("actual", "actual", True),
        ("actual", "manual", True),
        ("actual", "predicted", False),
        ("predicted", "predicted", True),
        ("predicted", "actual", False),
        ("none", "actual", False),
    ],
)
def test_the_destination_chooses_which_values_it_gets(choice: str, kind: str, sent: bool) -> None:
    assert (worth(replace(ROW, value_kind=kind), value=choice) is not None) is sent


def test_below_the_minimum_value_nothing_is_sent_and_what_was_sent_is_taken_back() -> None:
    judged = judge(replace(ROW, value=9.99), config(minimum_value=10), "USD")
    assert judged == Unwanted("below_minimum_value", undo=True)
    assert worth(replace(ROW, value=10.0), minimum_value=10) == money(10, "EUR")
    assert worth(replace(ROW, value=None), minimum_value=10) == "below_minimum_value"


@pytest.mark.parametrize(
    ("country", "given", "allowed"),
    [
        ("Germany", None, False),
        ("DE", None, False),
        ("United Kingdom", None, False),
        ("Switzerland", None, False),
        ("United States", None, True),
        (None, None, True),
        ("Germany", "granted", True),
        ("United States", "denied", False),
        ("Germany", "perhaps", False),
    ],
)
def test_unknown_consent_is_no_consent_in_the_eea(
    country: str | None, given: str | None, allowed: bool
) -> None:
    row = replace(
        ROW, country=country, consent_ad_user_data=given, consent_ad_personalization=given
    )
    assert consent_of(row, CONFIG) == Consent(allowed, allowed)


def test_without_consent_the_conversion_may_go_without_the_person() -> None:
    denied = replace(ROW, consent_ad_user_data="denied")
    judged = judge(denied, config(when_denied="without_user_data"), "USD")
    assert isinstance(judged, Wanted)
    assert not judged.with_person
    assert judge(denied, config(send_user_data=False), "USD") != judged


def test_an_audience_takes_nobody_without_both_consents() -> None:
    row = replace(ROW, consent_ad_personalization="denied")
    assert judge(row, CONFIG, "USD", audience=True) == Unwanted("no_consent", undo=True)
    assert isinstance(judge(row, CONFIG, "USD"), Wanted)


@pytest.mark.parametrize("bad", [{"currency": "XYZ"}, {"value": -1.0}, {"value": math.inf}])
def test_a_value_that_cannot_be_sent_keeps_nobody_out_of_an_audience(bad: dict[str, Any]) -> None:
    row = sample_row(**bad)
    assert isinstance(judge(row, CONFIG, "USD", audience=True), Wanted)
    choosy = CONFIG.model_copy(update={"minimum_value": 1.0})
    assert isinstance(judge(row, choosy, "USD", audience=True), Unwanted)


@pytest.mark.parametrize("said", ["DENIED", "no", "false", "0", "declined", "denied ", "maybe"])
@pytest.mark.parametrize("country", ["United States", None, "Atlantis"])
def test_no_denial_is_sent_however_it_is_spelled(said: str, country: str | None) -> None:
    row = replace(ROW, country=country, consent_ad_user_data=said)
    assert judge(row, CONFIG, "USD") == Unwanted("no_consent")


def test_a_grant_in_other_letters_counts_in_the_eea_too() -> None:
    row = replace(ROW, country="DE", consent_ad_user_data="GRANTED")
    assert consent_of(row, CONFIG).user_data


def test_a_country_that_nobody_knows_may_lie_in_the_eea() -> None:
    row = replace(ROW, consent_ad_user_data=None, country="Alemania del Sur")
    assert not consent_of(row, CONFIG).user_data


def test_who_opted_out_in_the_united_states_is_not_sent() -> None:
    assert judge(replace(ROW, opted_out=True), CONFIG, "USD") == Unwanted("no_consent")


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("consent_ad_user_data", "maybe"),
        ("event_source", "carrier pigeon"),
        ("value_kind", "hoped"),
    ],
)
def test_a_word_of_no_list_is_named_and_never_the_permissive_default(
    column: str, said: str
) -> None:
    row = replace(ROW, **{column: said})  # type: ignore[arg-type]
    assert unknown_values(row) == [column]
    sent = judge(row, CONFIG.model_copy(update={"value": "actual"}), "USD")
    assert isinstance(sent, Unwanted) or sent.money is None


@pytest.mark.parametrize("as_parameter", [True, False])
@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        *[(said, False) for said in ("n/a", "undefined", "-", "?", "nan", "anonymous", "nein")],
        *[(said, True) for said in ("(not set)", "null", "unknown", " ", None)],
    ],
)
def test_only_the_table_of_consents_says_which_text_leaves_it_open(
    said: str | None, wanted: bool, as_parameter: bool
) -> None:
    named = "consent_ad_user_data"
    record: dict[str, Any] = dict.fromkeys(columns()) | {"id": "1", "created": NOW, "params": []}
    if as_parameter:
        record["params"] = [{"key": named, "value": said}]
    else:
        record[named] = said
    row = replace(conversion_row(record), is_qualified=True, country="US")
    assert isinstance(judge(row, CONFIG, "USD"), Wanted) == wanted
    assert unknown_values(row) == ([] if wanted else [named])


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        *[(name, "1", False) for name in ("GPC", "opt_out", "OptOut", "do-not-sell", "doNotSell")],
        *[(name, "1", False) for name in ("SaleOptOut", "sharing_opt_out")],
        *[("TargetedAdvertisingOptOut", value, True) for value in ("2", "0", "null")],
        ("US_Privacy", "1YYN", False),
        ("Consent_Ad_User_Data", "denied", False),
        ("consentAdUserData", "granted", True),
        ("colour", "1", True),
    ],
)
def test_who_opts_out_is_heard_however_the_parameter_is_written(
    name: str, value: str, wanted: bool
) -> None:
    params = [{"key": name, "value": value}]
    record = dict.fromkeys(columns()) | {"id": "1", "created": NOW, "params": params}
    row = replace(conversion_row(record), is_qualified=True, country="US")
    assert isinstance(judge(row, CONFIG, "USD"), Wanted) == wanted


def test_what_was_sent_in_a_currency_that_has_left_the_list_can_be_taken_back() -> None:
    assert remembered(12.5, "HRK") == Money(Decimal("12.5"), "HRK")
    assert zero("HRK") == Money(Decimal("0.0"), "HRK")
    assert remembered(2.675, "EUR") == money(2.675, "EUR")


@pytest.mark.parametrize(
    ("column", "params", "sent"),
    [
        ("granted", ["denied"], False),
        ("denied", ["granted"], False),
        ("unset", ["denied"], False),
        ("unknown", ["DECLINED"], False),
        ("", ["no"], False),
        (None, ["granted", "denied"], False),
        (None, ["denied", "granted"], False),
        ("granted", ["who knows"], False),
        ("unset", ["granted"], True),
        ("granted", ["unset", "yes"], True),
    ],
)
@pytest.mark.parametrize("name", ["consent_ad_user_data", "ConsentAdUserData", "ad_user_data"])
def test_a_no_counts_wherever_it_is_said(
    column: str | None, params: list[str], sent: bool, name: str
) -> None:
    record = dict.fromkeys(columns()) | {
        "id": "o1", "created": NOW, "date": NOW.date(), "consent_ad_user_data": column,
        "params": [{"key": name, "value": value} for value in params],
    }  # fmt: skip
    given = consent_of(conversion_row(record), CONFIG.model_copy(update=GRANTS))
    assert given.user_data is sent


GRANTS = {"default_consent": "granted", "eea_default_consent": "granted"}


def test_an_opt_out_counts_though_another_one_of_its_name_says_no_such_thing() -> None:
    record = dict.fromkeys(columns()) | {
        "id": "o1", "created": NOW, "date": NOW.date(),
        "params": [{"key": "opt_out", "value": value} for value in ("0", "1")],
    }  # fmt: skip
    assert conversion_row(record).opted_out
