"""What a form does while it is filled in, before answers that need no stack behind them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.console.browser.answers import BEHIND, FULL, answering
from tests.console.browser.conftest import Opener
from tests.console.browser.seen import faults, show

GOOGLE = "/export-preview/destinations/google_ads"
PEOPLE = "/export-preview/destinations/people"
AUDIENCE = {
    "kind": "meta_audience",
    "id": "people",
    "name": "People",
    "mode": "live",
    "access_token": "env:META_TOKEN",
    "ad_account": "1234567890",
    "conversions": [
        {"conversion": "lead", "audience_id": "23850000000000001"},
        {"conversion": "deal", "audience_id": "23850000000000002"},
    ],
}

PART: dict[str, Any] = {"start_date": "2026-10-01", "end_date": "2026-11-28"}
PLAN: dict[str, Any] = {
    **PART, "conversions": ["lead", "purchase"], "days": 59, "bytes": 5 << 40, "price_usd": 31.25,
    "text": "2 conversions: 5 TiB.", "run_id": "",
    "parts": [
        {**PART, "reads": "the GA4 export p.analytics_1", "conversions": ["lead", "purchase"],
         "bytes": 5 << 40, "price_usd": 31.25},
        {**PART, "reads": "the query of lead", "conversions": ["lead"], "bytes": 1 << 20,
         "price_usd": 0.0001},
    ],
}  # fmt: skip


NAMED = {
    "/new": (
        "Simple conversion", "Purchase", "Custom event", "Combined conversion",
        "Custom conversion", "Lead Scoring conversion",
    ),
    "/new/purchase": (
        "Name", "Conversion event type", "Filters", "Conversions deduplication",
        "Deduplicate conversions by User", "Conversions adjustment", "Normalize by conversion",
        "Save",
    ),
    "/new/event": (
        "Event Action", "Filters", "Conversion value", "Event value", "Manual value",
        "Conversions deduplication", "Deduplicate conversions by User", "Normalize by conversion",
    ),
    "/new/combined": ("Conversions", "Conversions deduplication", "Google Client ID"),
    "/new/custom": (
        "id", "client_id", "created", "value", "currency", "is_qualified", "params", "user_id",
        "STRING", "TIMESTAMP", "FLOAT64", "BOOLEAN", "ARRAY<STRUCT<key STRING, value STRING>>",
        "(not attributed)", "Conversions adjustment", "Predicted value",
    ),
    "/new/scoring": (
        "Standard CRM integration", "Custom data integration", "HubSpot", "Salesforce",
        "Microsoft Dynamics", "Pipedrive",
    ),
}  # fmt: skip
"""What the product description calls by name, and where it says that it is."""

SAID = """text => {
  const main = document.getElementById('main');
  const shown = [main.textContent, ...[...main.querySelectorAll('input')].map((one) => one.value),
    ...[...document.querySelectorAll('[aria-label], [role=option]')].flatMap(
      (one) => [one.getAttribute('aria-label') ?? '', one.textContent])];
  return shown.some((one) => one.includes(text));
}"""


def filled(hollow: Opener, path: str, answers: dict[str, Any]) -> Page:
    """The page at the path, which these answers stand behind, beside the usual ones."""
    page = hollow("/nowhere")
    page.route(BEHIND, answering({**FULL, **answers}))
    page.goto(path)
    return page


def by_field(page: Page, field: str) -> Any:
    return page.locator(f':is(input, textarea)[data-field="{field}"]').last


def written(page: Page, field: Any, keys: str) -> None:
    """Typed key by key in the place of what stood there."""
    field.click()
    page.keyboard.press("Control+A")
    page.keyboard.press("Backspace")
    page.keyboard.type(keys)
    expect(field).to_have_value(keys)


def test_a_number_is_written_key_by_key(hollow: Opener) -> None:
    sent: list[Any] = []

    def keep(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(json=FULL["/api/conversions/purchase"])

    page = filled(hollow, "/new/event", {})
    page.route("**/api/conversions", keep)
    by_field(page, "name").fill("Web")
    page.get_by_role("combobox", name="Condition 1: value").fill("sign_up")
    page.get_by_role("button", name="+ Condition").click()
    page.get_by_role("combobox", name="Condition 2: dimension").fill("total")
    page.get_by_role("option", name="Transaction total").click()
    written(page, page.get_by_role("combobox", name="Condition 2: value"), "99.50")
    page.get_by_label("Manual value").check()
    written(page, by_field(page, "value.amount"), "0.05")
    page.get_by_role("switch", name="Deduplicate conversions by User").check()
    # emptied it stays a field, in which the next number is written
    written(page, by_field(page, "deduplication_days"), "7")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as version 1")).to_be_visible()
    (body,) = sent
    assert body["filters"]["all"][1]["value"] == 99.5
    assert (body["value"]["amount"], body["deduplication_days"]) == (0.05, 7)


def test_each_form_has_what_the_product_description_names(hollow: Opener) -> None:
    page = filled(hollow, "/", {})
    expect(
        page.get_by_role("button", name="+ Add").or_(page.get_by_role("link", name="+ Add"))
    ).to_be_visible()
    for path, words in NAMED.items():
        show(page, path)
        for word in words:
            page.wait_for_function(SAID, arg=word)


def test_a_predicted_value_reveals_its_target_and_its_window(hollow: Opener) -> None:
    verdict: dict[str, Any] = {
        "issues": [], "columns": [], "sample": [], "suggestion": None, "profile": None,
        "cost": None,
        "predicted_value": {
            "available": True, "reason": None, "fix": None, "features": ["country", "job_title"],
            "eligible_targets": [{"id": "deal_closed", "name": "Deal Closed"}],
            "ineligible_targets": [
                {"id": "lead", "name": "Lead", "reason": "It has no user_id."},
            ],
        },
    }  # fmt: skip
    page = filled(hollow, "/new/custom", {"/validate-sql": verdict})
    predicted = page.get_by_role("switch", name="Predicted value")
    expect(predicted).to_be_disabled()
    page.get_by_role("textbox", name="SQL").click()
    page.keyboard.insert_text("SELECT 1")
    expect(predicted).to_be_enabled()
    predicted.check()
    page.get_by_role("combobox", name="Target conversion").click()
    refused = page.get_by_role("option", name="Lead: It has no user_id.")
    expect(refused).to_have_attribute("data-combobox-disabled", "true")
    page.get_by_role("option", name="Deal Closed").click()
    expect(page.get_by_label("Conversion window, days")).to_have_value("40")
    expect(page.get_by_text("country, job_title")).to_be_visible()
    assert not faults(page)


def test_a_look_at_the_other_event_type_loses_nothing(hollow: Opener) -> None:
    page = filled(hollow, "/new/purchase", {})
    by_field(page, "name").fill("Big orders")
    page.get_by_role("button", name="+ Condition").click()
    page.get_by_role("combobox", name="Condition 1: dimension").fill("total")
    page.get_by_role("option", name="Transaction total").click()
    types = page.get_by_role("radiogroup", name="Conversion event type")
    types.get_by_text("Custom event").click()
    expect(by_field(page, "name")).to_have_value("Big orders")
    expect(page.get_by_text("Products")).to_have_count(0)
    expect(page.get_by_role("switch", name="Once per session")).to_be_visible()
    page.get_by_role("combobox", name="Condition 1: value").fill("sign_up")
    types.get_by_text("Purchase").click()
    expect(page.get_by_role("combobox", name="Condition 1: dimension")).to_have_value(
        "Transaction total"
    )
    expect(page.get_by_role("switch", name="Carry products")).to_be_visible()
    types.get_by_text("Custom event").click()
    expect(page.get_by_role("combobox", name="Condition 1: value")).to_have_value("sign_up")


def test_what_was_typed_for_a_destination_is_there_after_a_look_elsewhere(hollow: Opener) -> None:
    page = filled(hollow, "/destinations/new/meta", {})
    by_field(page, "name").fill("Meta shop")
    page.get_by_role("combobox", name="Conversion 1").click()
    page.get_by_role("option", name="Lead form").click()
    page.get_by_role("navigation").get_by_role("link", name="Settings").click()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("You go on with what you had typed here")).to_be_visible()
    expect(by_field(page, "name")).to_have_value("Meta shop")
    expect(page.get_by_role("combobox", name="Conversion 1")).to_have_value("Lead form")
    page.get_by_role("button", name="Start over").click()
    expect(by_field(page, "name")).to_have_value("")


@pytest.mark.parametrize(
    ("edit", "address"),
    [
        ("/conversions/purchase/edit", "/api/conversions/purchase"),
        ("/destinations/google_ads/edit", GOOGLE),
    ],
)
def test_who_starts_over_saves_over_the_version_that_is_shown(
    hollow: Opener, edit: str, address: str
) -> None:
    stored = FULL[address]
    place = f"draft {'destination google_ads' if address == GOOGLE else 'purchase'}"
    typed = {"draft": {**stored["definition"], "name": "Typed"}, "etag": '"1"'}
    sent: list[str | None] = []

    def newest(route: Route) -> None:
        if route.request.method == "PUT":
            sent.append(route.request.headers.get("if-match"))
        route.fulfill(json=stored, headers={"ETag": '"4"'})

    page = filled(hollow, "/", {})
    page.route(lambda url: url.endswith(address), newest)
    page.evaluate(
        "([place, kept]) => sessionStorage.setItem(place, kept)",
        [place, json.dumps({**typed, "at": "2026-11-28T10:00:00Z"})],
    )
    page.goto(edit)
    expect(by_field(page, "name")).to_have_value("Typed")
    page.get_by_role("button", name="Start over").click()
    by_field(page, "name").fill("Anew")
    if address == GOOGLE:
        page.get_by_role("button", name="Save", exact=True).click()
    else:
        page.get_by_role("button", name="Review and save").click()
        page.get_by_role("dialog").get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as version 1")).to_be_visible()
    # what was typed was typed over version 1; nothing of it is left
    assert sent == ['"4"']


def test_lists_are_created_where_a_conversion_names_none(hollow: Opener) -> None:
    named = {**AUDIENCE, "conversions": [{"conversion": "lead", "audience_id": "778"}]}
    made = {"definition": named, "created": {"lead": "778"}}
    page = filled(
        hollow,
        "/destinations/new/meta_audience",
        {"/export-preview/destinations/audiences": made},
    )
    create = page.get_by_role("button", name="Create list")
    expect(create).to_be_disabled()
    page.get_by_role("combobox", name="Conversion 1").click()
    page.get_by_role("option", name="Lead form").click()
    worth = page.get_by_role("switch", name="Value-based 1")
    worth.check()
    expect(worth).to_be_checked()
    list_id = page.get_by_role("textbox", name="Audience 1")
    list_id.fill("23850000000000001")
    expect(create).to_be_disabled()
    list_id.fill("")
    create.click()
    expect(page.get_by_text("1 list made at the platform")).to_be_visible()
    expect(page.locator('input[value="778"]')).to_be_visible()
    expect(create).to_be_disabled()
    assert not faults(page)


def test_people_leave_the_lists_that_a_conversion_filled_before(hollow: Opener) -> None:
    stored = {**FULL[GOOGLE], "id": "people", "kind": "meta_audience", "definition": AUDIENCE}
    sent: list[Any] = []

    def keep(route: Route) -> None:
        if route.request.method == "PUT":
            sent.append(route.request.post_data_json)
        route.fulfill(json=stored, headers={"ETag": '"1"'})

    page = filled(hollow, "/nowhere", {})
    page.route(f"**{PEOPLE}", keep)
    page.goto("/destinations/people/edit")
    lists = page.get_by_role("combobox", name="Lists to leave 2")
    for id in ("23850000000000003", "23850000000000004", "5"):
        lists.fill(id)
        lists.press("Enter")
    lists.press("Backspace")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as version 1")).to_be_visible()
    [lead, deal] = sent[0]["conversions"]
    assert not lead.get("leaves")
    assert deal["leaves"] == ["23850000000000003", "23850000000000004"]
    assert not faults(page)


def test_an_audience_tells_its_size_and_gets_a_lookalike(hollow: Opener) -> None:
    sizes = {"lead": (1000, 1200, 61.5), "deal": (10, 40, None)}
    diagnoses = [
        {
            "date": "2026-11-28",
            "conversion": conversion,
            "measures": {"size_from": low, "size_to": high}
            | ({"match_rate": known} if known else {}),
        }
        for conversion, (low, high, known) in sizes.items()
    ]
    asked: list[Any] = []

    def made(route: Route) -> None:
        asked.append(route.request.post_data_json)
        route.fulfill(json={"id": "991", "name": "People: like lead, DE"})

    stored = {**FULL[GOOGLE], "id": "people", "kind": "meta_audience", "definition": AUDIENCE}
    page = filled(
        hollow,
        "/destinations/people/health",
        {
            PEOPLE: stored,
            f"{PEOPLE}/check": {"problems": []},
            f"{PEOPLE}/report": {"days": [], "diagnoses": diagnoses},
        },
    )
    page.route(f"**{PEOPLE}/lookalikes", made)
    table = page.get_by_role("table", name="Audiences")
    lead, deal = (table.get_by_role("row").filter(has_text=each) for each in ("lead", "deal"))
    expect(lead).to_contain_text("1,000 to 1,200")
    expect(lead).to_contain_text("61.5%")
    expect(lead).not_to_contain_text("Too small")
    expect(deal).to_contain_text("Too small: 100 needed")
    expect(page.get_by_role("table", name="What the platform says")).to_contain_text("Match rate")
    assert not faults(page)
    lead.get_by_role("button", name="Lookalike").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Country").fill("de")
    dialog.get_by_role("button", name="Create lookalike").click()
    expect(dialog.get_by_text("Made: People: like lead, DE")).to_be_visible()
    assert asked == [{"conversion": "lead", "country": "DE", "percent": 1, "name": ""}]


@pytest.mark.parametrize(
    ("state", "word"),
    [("rejected", "Refused"), ("parked", "Set aside, tried again daily")],
)
def test_a_figure_of_the_ledger_leads_to_its_rows(hollow: Opener, state: str, word: str) -> None:
    standing = {"conversion": "lead", "state": state, "op": "create", "reason": "too_old"}
    entry = {
        "conversion": "lead", "conversion_id": "L-1", "state": state, "op": "create",
        "reason": "too_old", "value": 20, "currency": "EUR", "request_id": "q",
        "recorded_at": "2026-11-28T10:00:00Z", "happened_at": "2026-11-28T09:00:00Z",
    }  # fmt: skip
    page = filled(
        hollow,
        "/destinations/google_ads/ledger",
        {
            f"{GOOGLE}/standings": {"standings": [{**standing, "conversions": 3}]},
            f"{GOOGLE}/ledger": {"entries": [entry], "next_page": ""},
        },
    )
    with page.expect_request(lambda request: f"state={state}" in request.url):
        page.get_by_role("table", name="Where conversions stand").get_by_role("link").click()
    expect(page.get_by_role("combobox", name="State")).to_have_value(word)
    assert not faults(page)


def test_costs_and_what_a_platform_says_are_shown(hollow: Opener) -> None:
    tables = [
        {"table": "p.crm.orders", "bytes_per_run": 3 << 30, "share": 0.75, "price_per_month": 0.55},
        {"table": "p.crm.people", "bytes_per_run": 1 << 30, "share": 0.25, "price_per_month": 0.18},
    ]
    verdict: dict[str, Any] = {
        "issues": [], "columns": [], "sample": [], "suggestion": None, "profile": None,
        "predicted_value": None,
        "cost": {
            "bytes_per_run": 4 << 30, "price_per_month": 0.73, "currency": "USD", "tables": tables,
        },
    }  # fmt: skip
    quality = {
        "date": "2026-11-28", "conversion": "lead",
        "measures": {"event_match_quality": 7.2, "coverage_email": 81.0},
    }  # fmt: skip
    day = {
        "date": "2026-11-28", "conversion": "lead", "sent": 9, "accepted": 7, "refused": 1,
        "failed_later": 1, "refused_later": {"no_click": 1}, "in_doubt": 0,
    }  # fmt: skip
    page = filled(
        hollow,
        "/new/custom",
        {
            "/validate-sql": verdict,
            f"{GOOGLE}/report": {"days": [day], "diagnoses": [quality]},
            "/api/backfills": PLAN,
        },
    )
    page.get_by_role("textbox", name="SQL").click()
    page.keyboard.insert_text("SELECT 1")
    costs = page.get_by_role("table", name="Cost by table")
    expect(costs.get_by_role("row").nth(1)).to_contain_text("p.crm.orders")
    expect(costs.get_by_role("row").nth(1)).to_contain_text("3 GiB")
    expect(costs.get_by_role("row").nth(1)).to_contain_text("75%")
    assert not faults(page)
    show(page, "/destinations/google_ads/health")
    said = page.get_by_role("table", name="What the platform says")
    expect(said.get_by_role("row").nth(1)).to_contain_text("7.2 of 10")
    expect(said.get_by_role("row").nth(2)).to_contain_text("81%")
    expect(page.get_by_role("table", name="Days of sending")).to_contain_text("7")
    assert not faults(page)
    show(page, "/runs")
    page.get_by_role("button", name="Backfill").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Conversions").click()
    page.get_by_role("option", name="Lead form").click()
    dialog.get_by_label("First day").fill("2026-10-01")
    prices = dialog.get_by_role("table", name="Price by conversion").get_by_role("row")
    expect(prices.nth(1)).to_contain_text("shared by 2 conversions")
    expect(prices.nth(2)).to_contain_text("lead")
    expect(prices.nth(2)).to_contain_text("< 0.01")
    assert not faults(page)


def test_a_figure_of_the_list_leads_to_the_rows_of_its_own_days(hollow: Opener) -> None:
    days = ("2026-10-21", "2026-11-19")
    trend = [{"date": day, "conversions": 1, "value": None} for day in days]
    listed = FULL["/api/conversions"]
    lines = [{**line, "trend": trend} for line in listed["conversions"]]
    page = filled(hollow, "/", {"/api/conversions": {**listed, "conversions": lines}})
    figure = page.get_by_role("link", name="3 rows of Lead form")
    # the rows themselves begin with those of today, which no figure counts yet
    expect(figure).to_have_attribute(
        "href", "/conversions/lead/rows?start=2026-10-21&end=2026-11-19"
    )
