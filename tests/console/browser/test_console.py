"""What people do in the console, done in a real browser before a running stack."""

from __future__ import annotations

import re
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.console.browser.conftest import Opener
from tests.console.browser.world import World

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


def faults(page: Page) -> list[str]:
    """What axe finds, by rule, with the first place of each."""
    found: Any = Axe().run(page, options=RULES).response
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found["violations"]]


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()


def name(page: Page, text: str) -> None:
    page.locator('[data-field="name"]').fill(text)


def test_the_list_tells_counts_and_is_searched_by_keyboard(opened: Opener) -> None:
    page = opened("/")
    row = page.get_by_role("row", name=re.compile("Purchase"))
    expect(row).to_contain_text(re.compile(r"\d+"))
    page.keyboard.press("/")
    page.keyboard.type("form")
    expect(page.get_by_role("link", name="Lead form")).to_be_visible()
    expect(page.get_by_role("link", name="Purchase", exact=True)).to_have_count(0)
    page.keyboard.type("zzz")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    page.get_by_role("button", name="Clear search and filters").click()
    expect(page.get_by_role("link", name="Purchase", exact=True)).to_be_visible()
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
    page.get_by_role("textbox", name="Condition 1: value").fill("100")
    expect(counted).not_to_have_text(before)
    save(page)
    expect(page.get_by_text("Saved as version 1")).to_be_visible()
    page.get_by_role("button", name="Run now").click()
    page.get_by_role("link", name="Watch it").click()
    expect(page.get_by_text("Finished").first).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="orders_over_100").first.click()
    page.get_by_role("tab", name="Rows").click()
    page.get_by_role("row").nth(1).get_by_role("button").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("is a conversion of orders_over_100")).to_be_visible()
    expect(drawer.get_by_text("Came in")).to_be_visible()
    assert not faults(page)


def test_a_custom_event_takes_a_value_that_ga4_recorded(opened: Opener) -> None:
    page = opened("/new/event")
    name(page, "Sign ups")
    page.get_by_role("combobox", name="Condition 1: value").click()
    page.get_by_role("option", name=re.compile("view_item")).first.click()
    expect(page.get_by_text("Counted", exact=True)).to_be_visible()
    page.get_by_label("Manual value").check()
    save(page)
    expect(page.get_by_text("Saved as version 1")).to_be_visible()


def test_a_combined_conversion_joins_two(opened: Opener) -> None:
    page = opened("/new/combined")
    name(page, "Anything")
    box = page.locator('input[data-field="conversions"]')
    box.click()
    page.get_by_role("option", name=re.compile("Purchase")).first.click()
    page.get_by_role("option", name=re.compile("Lead form")).click()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Counted", exact=True)).to_be_visible()
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


def test_what_fails_says_so_and_can_be_tried_again(opened: Opener) -> None:
    page = opened("/runs")
    page.route("**/api/conversions?**", lambda route: route.abort())
    page.get_by_role("link", name="Conversions").first.click()
    page.reload()
    refusal = page.get_by_role("alert").filter(has_text="could not be reached")
    expect(refusal).to_be_visible(timeout=30_000)
    page.unroute("**/api/conversions?**")
    refusal.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("link", name="Purchase", exact=True)).to_be_visible()
