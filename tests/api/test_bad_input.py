"""Every bad request gets a problem document that a person can act on, and changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask, request

from common.errors import MalformedError
from common.ga4.stage import RULES
from common.http.conditions import idempotency_key
from tests.api.conftest import LEAD, PURCHASE, Harness, Opened
from tests.conftest import PROJECT


@pytest.fixture(scope="module")
def shop(open_api: Opened) -> Harness:
    """An API whose stage has seen some events."""
    harness = open_api()
    names = ["purchase"] * 9 + ["generate_lead"] * 3 + ["page_view"] * 20
    harness.load("ga4_events", *[event(name, n) for n, name in enumerate(names)])
    # the ledger says which days the stage holds
    read = {"rules": RULES, "events": sorted(set(names))}
    days = dict.fromkeys(("date", "start_date", "end_date"), "2026-11-18")
    at = {**days, "recorded_at": "2026-11-19T05:30:00+00:00", "message": json.dumps(read)}
    harness.load("runs", {**at, "run_id": "r", "conversion": "", "status": "staged"})
    return harness


def event(name: str, number: int) -> dict[str, Any]:
    return {
        "date": "2026-11-18",
        "event_key": str(number),
        "property": f"{PROJECT}.analytics_1",
        "event_name": name,
        "occurred_at": "2026-11-18T10:00:00+00:00",
    }


def lead(**changes: Any) -> dict[str, Any]:
    return {**LEAD, **changes}


def where(**condition: Any) -> dict[str, Any]:
    return lead(filters={"all": [LEAD["filters"], condition]})


def test_an_unknown_field_is_named_and_the_likely_one_offered(shop: Harness) -> None:
    problem = shop.refused({**PURCHASE, "filter": None})
    assert problem["status"] == 422
    assert problem["detail"] == "filter: there is no such field; did you mean filters?"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", 5, "must be text"),
        ("name", "", "must have at least 1 character"),
        ("deduplicate_by_user", "yes", "must be true or false"),
        ("event_type", "sale", "must be 'purchase' or 'custom_event'"),
        ("value.amount", "25", "must be a number"),
        ("value.type", "some", "'type' must be one of 'event', 'manual', 'none'"),
        ("deduplication_days", 1.5, "must be a whole number"),
        ("deduplication_days", 0, "must be greater than or equal to 1"),
    ],
)
def test_a_wrong_value_is_reported_with_its_field_and_what_it_must_be(
    shop: Harness, field: str, value: Any, message: str
) -> None:
    outer, _, inner = field.partition(".")
    sent = {"type": "manual", "amount": 1, inner: value} if inner else value
    problem = shop.refused(lead(**{outer: sent}))
    assert problem["status"] == 422
    shown = {fault["field"]: fault["message"] for fault in problem["errors"]}
    assert message in shown[outer if inner == "type" else field]


def test_all_faults_are_reported_at_once(shop: Harness) -> None:
    problem = shop.refused({**PURCHASE, "name": 5, "event_type": "sale", "refund": {}})
    assert {fault["field"] for fault in problem["errors"]} == {"name", "event_type", "refund"}


def test_a_missing_kind_is_asked_for(shop: Harness) -> None:
    problem = shop.refused({"id": "x", "name": "X"})
    assert problem["detail"] == "needs the field 'kind', which tells its form"


@pytest.mark.parametrize("filters", [7, "all", True, [], [{"all": []}]])
def test_filters_that_are_no_object_are_refused(shop: Harness, filters: Any) -> None:
    problem = shop.refused(lead(filters=filters))
    assert (problem["status"], problem["field"]) == (422, "filters")


def test_an_unknown_dimension_is_named_with_its_place(shop: Harness) -> None:
    problem = shop.refused(where(dimension="contry", operator="equals", value="France"))
    assert problem["field"] == "filters.all.1.dimension"
    assert "did you mean country" in problem["detail"]


def test_text_is_not_compared_with_a_number_dimension(shop: Harness) -> None:
    problem = shop.refused(where(dimension="transaction_total", operator="equals", value="x"))
    assert "transaction_total needs a number, not text" in problem["detail"]


def test_a_broken_pattern_is_refused_with_its_text(shop: Harness) -> None:
    problem = shop.refused(where(dimension="page_path", operator="matches_regex", value="/a(b"))
    assert problem["code"] == "bad_pattern"
    assert "'/a(b' is no regular expression" in problem["detail"]
    assert "RE2" in problem["fix"]


def test_an_unknown_event_is_refused_and_near_ones_are_offered(shop: Harness) -> None:
    condition = {"dimension": "event", "operator": "equals", "value": "generateLead"}
    problem = shop.refused(lead(filters=condition))
    assert (problem["status"], problem["code"], problem["field"]) == (
        422,
        "unknown_event",
        "filters",
    )
    assert problem["detail"] == (
        "GA4 has recorded no event 'generateLead' lately. Did you mean generate_lead (3 events)?"
    )
    assert "?allow_unknown_event=true" in problem["fix"]


def test_an_event_still_to_come_is_saved_when_asked_for_with_a_warning(shop: Harness) -> None:
    condition = {"dimension": "event", "operator": "equals", "value": "sign_in"}
    saved = shop.save(lead(id="later", filters=condition), "?allow_unknown_event=true")
    codes = [warning["code"] for warning in saved["warnings"]]
    assert codes == ["ga4_not_configured", "unknown_event"]


def test_nothing_can_be_judged_without_a_ga4_export_and_that_is_said(harness: Harness) -> None:
    assert [warning["code"] for warning in harness.save(LEAD)["warnings"]] == ["ga4_not_configured"]


@pytest.mark.parametrize(
    ("text", "status", "code", "said"),
    [
        ("{", 400, "malformed", "no valid JSON"),
        ("[1, 2", 400, "malformed", "line 1, column 6"),
        ('{"id": "a", "id": "b"}', 400, "malformed", "a key twice: id"),
        ('{"amount": NaN}', 400, "malformed", "NaN is no JSON number"),
        ('{"amount": 1e999}', 400, "malformed", "too large for a number"),
        (f'{{"amount": {"9" * 5000}}}', 400, "malformed", "too many digits"),
        ("[" * 40 + "]" * 40, 400, "malformed", "deeper than 32 levels"),
        ('"\\ud800"', 400, "malformed", "half of a surrogate pair"),
        ("null", 422, "invalid_request", "must be an object"),
        (" " * 3_000_000, 413, "too_large", "larger than 2,097,152 bytes"),
    ],
)
def test_a_body_that_is_no_plain_json_is_refused(
    shop: Harness, text: str, status: int, code: str, said: str
) -> None:
    answered = shop.ask("POST", "/conversions", text)
    assert (answered.status, answered.body["code"]) == (status, code)
    assert said in answered.body["detail"]


def test_a_body_that_is_not_sent_as_json_is_refused_with_the_header_to_send(shop: Harness) -> None:
    answered = shop.ask("POST", "/conversions", "id=a", Content_Type="text/plain")
    assert (answered.status, answered.body["code"]) == (415, "not_json")
    assert "Content-Type: application/json" in answered.body["fix"]


def test_a_wrong_verb_is_answered_with_the_right_ones(shop: Harness) -> None:
    answered = shop.ask("PATCH", "/conversions/purchase")
    assert (answered.status, answered.body["code"]) == (405, "wrong_method")
    assert answered.body["fix"] == "It takes DELETE and GET and PUT."


def test_an_unknown_address_is_answered_with_the_nearest_one(shop: Harness) -> None:
    answered = shop.ask("GET", "/conversion")
    assert (answered.status, answered.body["code"]) == (404, "unknown_route")
    assert answered.body["fix"] == "Did you mean /conversions?"


def test_an_address_that_only_begins_like_the_functions_name_is_unknown(shop: Harness) -> None:
    assert shop.ask("GET", "/apiconversions").status == 404


def test_addresses_work_with_and_without_the_functions_name(shop: Harness) -> None:
    assert shop.get("/api/conversions?status=archived") == shop.get("/conversions?status=archived")


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("?strat_date=2026-11-01", "strat_date", "did you mean start_date?"),
        ("?start_date=yesterday", "start_date", "must be a valid date"),
        ("?limit=0", "limit", "greater than or equal to 1"),
        ("?limit=1&limit=2", "limit", "names limit twice"),
        ("?page=abc", "page", "none of ours"),
        ("?start_date=2026-11-02&end_date=2026-11-01", "end_date", "before it starts"),
        ("?start_date=2010-01-01", "start_date", "longer than 1100 days"),
        ("?start_date=0001-01-01", "start_date", "must be a day from 2000-01-01"),
        ("?minimum_value=nan", "minimum_value", "must be a number"),
        ("?start_date=0", "start_date", "must be a valid date"),
        ("?is_qualified=yes", "is_qualified", "true or false"),
        ("?limit=1_0", "limit", "whole number"),
    ],
)
def test_a_bad_query_parameter_is_named(shop: Harness, query: str, field: str, said: str) -> None:
    shop.save(PURCHASE)
    answered = shop.ask("GET", f"/conversions/purchase/records{query}")
    assert answered.status in (400, 422)
    assert answered.body["field"] == field
    assert said in answered.body["detail"]


@pytest.mark.parametrize(
    "moment", ["2026-11-19T10:00:00", "0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "0", "now"]
)
def test_a_moment_without_zone_or_out_of_bounds_is_refused(shop: Harness, moment: str) -> None:
    shop.save(PURCHASE)
    answered = shop.ask("GET", f"/conversions/purchase/history?id=a&as_of={moment}")
    assert (answered.status, answered.body["field"]) == (422, "as_of")


@pytest.mark.parametrize("header", ["abc", '"x"', '"1", "2"'])
def test_an_if_match_that_names_no_version_is_refused(shop: Harness, header: str) -> None:
    answered = shop.ask("PUT", "/conversions/purchase", PURCHASE, If_Match=header)
    assert (answered.status, answered.body["code"]) == (400, "bad_if_match")


def test_a_problem_names_its_request_and_no_internals(shop: Harness) -> None:
    answered = shop.ask("GET", "/conversions/nix", X_Cloud_Trace_Context="abc123/1")
    assert answered.body["request_id"] == answered.headers["X-Request-Id"] == "abc123"
    assert answered.body["instance"] == "/conversions/nix"
    assert answered.body["type"] == "urn:conversions:unknown_conversion"


def test_a_fault_of_our_own_says_so_and_shows_nothing_of_it(
    open_api: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    harness = open_api()
    harness.services.warehouse.drop(harness.services.warehouse.path("definitions"))
    answered = harness.ask("GET", "/conversions")
    assert (answered.status, answered.body["code"]) == (500, "internal")
    assert "definitions" not in answered.body["detail"]
    assert '"unexpected_error"' in capsys.readouterr().out


def test_browsers_of_an_allowed_origin_may_ask_and_others_may_not(open_api: Opened) -> None:
    harness = open_api(cors_origins=("https://app.example",))
    allowed = harness.ask("OPTIONS", "/conversions", Origin="https://app.example")
    assert allowed.status == 204
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "If-Match" in allowed.headers["Access-Control-Allow-Headers"]
    assert "Idempotency-Key" in allowed.headers["Access-Control-Allow-Headers"]
    assert "ETag" in allowed.headers["Access-Control-Expose-Headers"]
    other = harness.ask("OPTIONS", "/conversions", Origin="https://other.example")
    assert "Access-Control-Allow-Origin" not in other.headers


@pytest.mark.parametrize("key", ['""', '"', "", " x", "x" * 201])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    asked = Flask("test").test_request_context("/", headers={"Idempotency-Key": key})
    with asked, pytest.raises(MalformedError) as refused:
        idempotency_key(request)
    assert refused.value.code == "bad_idempotency_key"


@pytest.mark.parametrize("key", ['"a"', "a", "b c"])
def test_a_key_is_one_with_quotes_or_without(key: str) -> None:
    with Flask("test").test_request_context("/", headers={"Idempotency-Key": key}):
        assert idempotency_key(request) == key.strip('"')
