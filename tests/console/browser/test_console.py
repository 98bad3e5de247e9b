"""What people do in the console, done in a real browser before a running stack.

The walk through all screens comes first, before others add what it would see.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from tests.console.browser import keyboard
from tests.console.browser.conftest import NARROW, PATIENCE, WIDE, Opener
from tests.console.browser.screens import SCREENS
from tests.console.browser.seen import beyond_the_edge, faults, show
from tests.console.browser.world import World
from tests.kinds.keen_lead import KeenLead


def save(page: Page | Locator) -> None:
    page.get_by_role("button", name="Save", exact=True).click()


def name(page: Page, text: str) -> None:
    page.locator('[data-field="name"]').fill(text)


def listed(page: Page, text: str) -> Locator:
    """The link of a conversion in the list, whatever else on the page names it."""
    return page.get_by_role("table", name="Conversions").get_by_role("link", name=text, exact=True)


def test_every_screen_fits_and_is_accessible_wide_and_narrow_light_and_dark(opened: Opener) -> None:
    page = opened("/settings")
    # tried and counted once; the screens after the first get the same answer
    for slow in ("**/conversions:backtest", "**/dry-run"):
        page.route(slow, Again())
    found = {
        path: seen
        for number, (path, word) in enumerate(SCREENS.items())
        if (seen := _judged(page, path, word, LOOKS[number % 2]))
    }
    assert not found


class Again:
    """Answers every request as the first of its address was answered."""

    def __init__(self) -> None:
        self.first: dict[str, APIResponse] = {}

    def __call__(self, route: Route) -> None:
        url = route.request.url
        self.first[url] = self.first.get(url) or route.fetch(timeout=PATIENCE)
        route.fulfill(response=self.first[url])


LOOKS = (((WIDE, "light"), (NARROW, "dark")), ((NARROW, "dark"), (WIDE, "light")))
"""The two looks of a screen: both have to fit; axe, which is slow, judges the second."""


def _judged(page: Page, path: str, word: str, looks: tuple[Any, ...]) -> list[str]:
    """What is wrong at the path."""
    show(page, path)
    expect(page.locator("main").get_by_text(word).first).to_be_attached()
    found: list[str] = []
    for (width, height), scheme in looks:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
        wider = beyond_the_edge(page)
        found += [f"{scheme}: {wider} px beyond the edge"] if wider else []
    return found + [f"{scheme}: {fault}" for fault in faults(page)]


def test_every_screen_is_gone_through_by_keyboard(opened: Opener) -> None:
    page = opened("/settings")
    for slow in ("**/conversions:backtest", "**/dry-run"):
        page.route(slow, Again())
    found: dict[str, list[str]] = {}
    for path, word in SCREENS.items():
        show(page, path)
        expect(page.locator("main").get_by_text(word).first).to_be_attached()
        if wrong := keyboard.walked(page):
            found[path] = wrong
    assert not found


def test_dialogs_are_entered_and_left_by_keyboard(opened: Opener) -> None:
    page = opened("/runs")
    # a key that comes before the page has been drawn goes nowhere
    expect(page.get_by_role("button", name="Backfill").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    keyboard.pressed_until(page, "Escape", lambda soon: expect(keys).to_have_count(0, timeout=soon))
    for button in ("Backfill", "Acknowledge"):
        keyboard.entered_and_left(page, page.get_by_role("button", name=button).first)
    show(page, "/conversions/purchase/rows")
    keyboard.entered_and_left(page, page.get_by_role("row").nth(1).get_by_role("button"))


def test_menus_tabs_and_the_editor_are_entered_and_left_by_keyboard(opened: Opener) -> None:
    page = opened("/conversions/purchase/rows")
    more = page.get_by_role("button", name="More", exact=True)
    more.focus()
    page.keyboard.press("Enter")
    item = page.get_by_role("menuitem")
    expect(item).to_be_visible()
    # the menu listens a moment after it is seen
    keyboard.pressed_until(page, "ArrowDown", lambda soon: expect(item).to_be_focused(timeout=soon))
    page.keyboard.press("Escape")
    expect(more).to_be_focused()
    rows = page.get_by_role("tab", name="Rows")
    rows.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Why, why not")).to_be_focused()
    expect(page.get_by_label("Order id, or id of a row or lead")).to_be_visible()
    show(page, "/new/custom")
    editor = page.get_by_role("textbox", name="SQL")
    editor.focus()
    page.keyboard.type("SEL")
    option = page.get_by_role("option", name="SELECT")
    keyboard.pressed_until(
        page, "Control+Space", lambda soon: expect(option).to_be_visible(timeout=soon)
    )
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Validate and show rows")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(editor).to_be_focused()


def test_the_list_tells_counts_and_is_searched_by_keyboard(opened: Opener) -> None:
    page = opened("/")
    row = page.get_by_role("row", name=re.compile("Purchase"))
    expect(row).to_contain_text(re.compile(r"\d+"))
    page.keyboard.press("/")
    expect(page.get_by_label("Search conversions")).to_be_focused()
    page.keyboard.type("form")
    expect(listed(page, "Lead form")).to_be_visible()
    expect(listed(page, "Purchase")).to_have_count(0)
    page.keyboard.type("zzz")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    page.get_by_role("button", name="Clear search and filters").click()
    expect(listed(page, "Purchase")).to_be_visible()
    page.locator("body").click(position={"x": 600, "y": 700})
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert not faults(page)


def test_a_purchase_is_made_run_and_its_rows_explained(opened: Opener) -> None:
    page = opened("/new/purchase")
    name(page, "Orders over 100")
    expect(page.locator('[data-field="id"]')).to_have_value("orders_over_100")
    effect = page.get_by_role("region", name="Effect on the last 30 days")
    counted = effect.get_by_text("Counted", exact=True).locator("xpath=following-sibling::*[1]")
    before = counted.inner_text()
    page.get_by_role("button", name="+ Condition").click()
    page.get_by_role("combobox", name="Condition 1: dimension").fill("Transaction Total")
    page.get_by_role("option", name="Event Transaction Total").click()
    page.get_by_role("combobox", name="Condition 1: comparison").click()
    page.get_by_role("option", name=">", exact=True).click()
    page.get_by_role("combobox", name="Condition 1: value").fill("100")
    expect(counted).not_to_have_text(before)
    save(page)
    expect(page.get_by_text("Saved as version 1")).to_be_visible()
    page.get_by_role("button", name="Run now").click()
    page.get_by_role("link", name="Watch it").click()
    expect(page.get_by_text("Finished").first).to_be_visible()
    page.get_by_role("link", name="orders_over_100").first.click()
    page.get_by_role("tab", name="Rows").click()
    page.get_by_role("row").nth(1).get_by_role("button").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("is a conversion of orders_over_100")).to_be_visible()
    expect(drawer.get_by_text("Came in")).to_be_visible()
    assert not faults(page)


def uncounted(opened: Opener, path: str) -> Page:
    """The page at the path; what a draft would count is no part of the test."""
    page = opened("/settings")
    page.route("**/conversions:backtest", lambda route: route.abort())
    show(page, path)
    return page


def test_a_custom_event_takes_a_value_that_ga4_recorded(opened: Opener) -> None:
    page = uncounted(opened, "/new/event")
    name(page, "Sign ups")
    # what is typed is still there after a look elsewhere
    page.get_by_role("navigation").get_by_role("link", name="Settings").click()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("You go on with what you had typed here")).to_be_visible()
    expect(page.locator('[data-field="name"]')).to_have_value("Sign ups")
    page.get_by_role("combobox", name="Condition 1: value").click()
    page.get_by_role("option", name=re.compile("view_item")).first.click()
    page.get_by_label("Manual value").check()
    save(page)
    expect(page.get_by_text("Saved as version 1")).to_be_visible()


def test_a_combined_conversion_joins_two(opened: Opener) -> None:
    page = uncounted(opened, "/new/combined")
    name(page, "Anything")
    box = page.locator('input[data-field="conversions"]')
    box.click()
    page.get_by_role("option", name=re.compile("Purchase")).first.click()
    page.get_by_role("option", name=re.compile("Lead form")).click()
    page.keyboard.press("Escape")
    save(page)
    expect(page.get_by_text("Saved as version 1")).to_be_visible()


def test_a_lead_scoring_conversion_names_its_crm(opened: Opener, shop: World) -> None:
    page = opened("/new/scoring")
    name(page, "Good leads")
    page.locator('[data-field="source.dataset"]').fill(f"{shop.stack.settings.project}.nowhere")
    save(page)
    expect(page.get_by_role("alert").get_by_text("Not saved")).to_be_visible()
    page.locator('[data-field="source.dataset"]').fill(f"{shop.stack.settings.project}.hubspot")
    save(page)
    expect(page.get_by_text("Saved as version 1")).to_be_visible()


def test_a_kind_without_a_form_written_for_it_gets_one_from_its_schema(opened: Opener) -> None:
    schema = KeenLead.model_json_schema()
    sent: list[Any] = []

    def listed_too(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        body["kinds"]["keen_lead"] = schema
        route.fulfill(response=answer, json=body)

    def create(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fallback()

    page = opened("/settings")
    page.route("**/api/schemas", listed_too)
    page.route("**/api/schemas/keen_lead", lambda route: route.fulfill(json=schema))
    page.route("**/api/conversions", create)
    page.goto("/new")
    page.get_by_role("link", name="Keen lead conversion").click()
    name(page, "Keen")
    page.get_by_role("textbox", name="Times").fill("3")
    assert not faults(page)
    save(page)
    # the stack behind this page does not have the kind, and says so where people look
    expect(page.get_by_role("alert").filter(has_text="Not saved")).to_be_visible()
    asked = {"kind": "keen_lead", "id": "keen", "name": "Keen", "description": "", "times": 3}
    assert sent == [asked]


def test_what_fails_says_so_and_can_be_tried_again(opened: Opener) -> None:
    page = opened("/runs")
    page.route("**/api/conversions?**", lambda route: route.abort())
    page.get_by_role("link", name="Conversions").first.click()
    page.reload()
    refusal = page.get_by_role("alert").filter(has_text="could not be reached")
    expect(refusal).to_be_visible()
    page.unroute("**/api/conversions?**")
    refusal.get_by_role("button", name="Try again").click()
    expect(listed(page, "Purchase")).to_be_visible()


def test_broken_sql_is_mended_by_its_fixes(opened: Opener, shop: World) -> None:
    page = opened("/new/custom")
    name(page, "Paid orders")
    editor = page.get_by_role("textbox", name="SQL")
    editor.click()
    page.keyboard.insert_text(
        "SELECT order_id AS id, ga_client_id AS clientId, confirmed_at AS created\n"
        f"FROM `{shop.stack.settings.project}.crm.orders`\n"
        "WHERE date BETWEEN @start_date AND @end_date"
    )
    findings = page.get_by_role("list", name="Findings")
    expect(findings.get_by_text("misspelled_column")).to_be_visible()
    expect(page.locator(".cm-lintRange").first).to_be_visible()
    assert not faults(page)
    findings.get_by_role("button", name="Apply").first.click()
    expect(editor).to_contain_text("ga_client_id AS client_id")
    expect(findings.get_by_text("misspelled_column")).to_have_count(0)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("table", name="Sample rows")).to_be_visible()
    expect(page.get_by_text("Counted", exact=True)).to_be_visible()
    predicted = page.get_by_role("switch", name="Predicted value")
    expect(predicted).to_be_disabled()
    expect(page.get_by_text("Not yet possible")).to_be_visible()
    save(page)
    expect(page.get_by_text("Saved as version 1")).to_be_visible()


def test_sql_is_completed_with_the_columns_of_its_table(opened: Opener, shop: World) -> None:
    page = opened("/new/custom")
    page.get_by_role("textbox", name="SQL").click()
    rest = f" FROM `{shop.stack.settings.project}.crm.orders` AS o"
    page.keyboard.insert_text(f"SELECT o.{rest}")
    for _ in rest:
        page.keyboard.press("ArrowLeft")
    column = page.get_by_role("option", name=re.compile("ga_client_id"))
    keyboard.pressed_until(
        page, "Control+Space", lambda soon: expect(column).to_be_visible(timeout=soon)
    )


def test_two_editors_lose_nothing(opened: Opener, shop: World) -> None:
    contested = {"kind": "simple", "id": "contested", "name": "Contested", "event_type": "purchase"}
    shop.stack.call("PUT", "/api/conversions/contested", contested)
    first, second = (uncounted(opened, "/conversions/contested/edit") for _ in range(2))
    for page in (first, second):
        expect(page.locator('[data-field="name"]')).to_have_value("Contested")
    for page, words in ((first, "The first editor's words."), (second, "The second's.")):
        page.locator('[data-field="description"]').fill(words)
        page.get_by_role("button", name="Review and save").click()
        dialog = page.get_by_role("dialog", name="Changes of Contested")
        expect(dialog.get_by_text(words)).to_be_visible()
        expect(dialog.get_by_text("No row changes")).to_be_visible()
        save(dialog)
        if page is first:
            expect(page.get_by_text("Saved as version 2")).to_be_visible()
    conflict = second.get_by_role("dialog", name="Somebody else saved this meanwhile")
    expect(conflict.get_by_text("The first editor's words.")).to_be_visible()
    expect(conflict.get_by_text("The second's.")).to_be_visible()
    assert not faults(second)
    conflict.get_by_role("button", name="Review mine on top of theirs").click()
    save(second.get_by_role("dialog", name="Changes of Contested"))
    expect(second.get_by_text("Saved as version 3")).to_be_visible()
    second.get_by_role("tab", name="Versions").click()
    second.get_by_role("row", name=re.compile("^2 ")).get_by_role("button").click()
    older = second.get_by_role("dialog", name="Version 2 and the live one")
    expect(older.get_by_text("The first editor's words.")).to_be_visible()
    older.get_by_role("button", name="Restore version 2").click()
    expect(second.get_by_role("row", name=re.compile(r"^4 \(live\)"))).to_be_visible()


def test_an_edit_shows_the_rows_that_it_changes_and_why(opened: Opener) -> None:
    page = uncounted(opened, "/conversions/purchase/edit")
    page.get_by_role("button", name="+ Condition").click()
    page.get_by_role("combobox", name="Condition 1: dimension").fill("Country")
    page.get_by_role("option", name="Country", exact=True).click()
    page.get_by_role("combobox", name="Condition 1: value").fill("Germany")
    page.get_by_role("button", name="Review and save").click()
    rows = page.get_by_role("table", name="Rows that change")
    expect(rows.get_by_text("The draft leaves it out").first).to_be_visible()
    assert not faults(page)


def test_a_dry_run_shows_each_row_and_the_bytes(opened: Opener) -> None:
    page = opened("/destinations/google_ads")
    expect(page.get_by_role("table", name="Rows of the dry run")).to_be_visible()
    page.get_by_text("What is sent, byte for byte").first.click()
    expect(page.get_by_text(re.compile("operatingAccount|operating_account")).first).to_be_visible()
    assert not faults(page)
    page.get_by_role("button", name="Send one test conversion").click()
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_text("Set its mode to live.")).to_be_visible()


def test_an_incident_is_acknowledged_with_a_note(opened: Opener) -> None:
    page = opened("/runs")
    page.get_by_role("button", name="Acknowledge").first.click()
    page.get_by_label("Note for colleagues").fill("Asked the shop.")
    page.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()
    page.get_by_role("radiogroup", name="Which incidents").get_by_text("Acknowledged").click()
    expect(page.get_by_text("Asked the shop.")).to_be_visible()


def test_a_figure_leads_to_the_rows_that_it_counts(opened: Opener) -> None:
    page = opened("/conversions/purchase")
    # the smallest of those shown, which fits on one page of rows
    row = page.get_by_role("table", name="Countries").get_by_role("row").last
    country = row.get_by_role("cell").first.inner_text()
    figure = row.get_by_role("link").first
    counted = int(figure.inner_text())
    figure.click()
    rows = page.get_by_role("table", name="Rows").get_by_role("row", name=re.compile(country))
    expect(rows).to_have_count(counted)


def test_the_report_is_kept_as_a_file_that_opens_by_itself(opened: Opener, tmp_path: Path) -> None:
    page = opened("/report")
    with page.expect_download() as kept:
        page.get_by_role("button", name="Save as a file").click()
    file = tmp_path / "report.html"
    kept.value.save_as(file)
    page.goto(file.as_uri())
    expect(page.get_by_role("table", name="Why so many")).to_contain_text("Purchase")
    expect(page.locator("figure svg").first).to_be_visible()
    link = page.get_by_role("link", name="Purchase", exact=True).first
    assert re.fullmatch(r"http://[^/]+/conversions/purchase", link.get_attribute("href") or "")
    assert not faults(page)


def test_who_may_not_reads_why_beside_each_button(opened: Opener) -> None:
    page = opened("/settings")
    may = {"edit": False, "operate": False, "see_personal_data": False}
    viewer = {"email": "eve@shop.example", "role": "viewer", "may": may}
    page.route("**/api/me", lambda route: route.fulfill(json=viewer))
    page.goto("/conversions/purchase")
    run = page.get_by_role("button", name="Run now")
    expect(run).to_be_disabled()
    run.focus()
    expect(page.get_by_role("tooltip")).to_contain_text(
        "You are a viewer here; this takes an operator"
    )
    expect(page.get_by_role("button", name="Edit")).to_be_disabled()
    assert not faults(page)
    page.goto("/destinations/google_ads")
    expect(page.get_by_text("Nothing is tried")).to_be_visible()


def test_a_long_list_says_how_much_of_it_is_shown(opened: Opener) -> None:
    def many(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        (one, *_) = body["conversions"]
        body["conversions"] = [{**one, "id": f"c{n}", "name": f"Number {n}"} for n in range(100)]
        route.fulfill(response=answer, json={**body, "total": 500, "next_page": "more"})

    page = opened("/settings")
    page.route("**/api/conversions?**", many)
    page.goto("/")
    expect(page.get_by_text("100 of 500 shown")).to_be_visible()
