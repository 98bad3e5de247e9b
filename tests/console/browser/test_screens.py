"""Every screen, wide and narrow, light and dark: it fits, and all can use it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser.conftest import NARROW, WIDE, Opener
from tests.console.browser.seen import beyond_the_edge, faults

SCREENS = {
    "/": "Lead form",
    "/new": "Lead scoring",
    "/new/purchase": "Counted",
    "/new/event": "Choose an event",
    "/new/combined": "Choose two or more",
    "/new/custom": "Validate and show rows",
    "/new/scoring": "Standard CRM",
    "/conversions/purchase": "Channels",
    "/conversions/purchase/rows": "Source / medium",
    "/conversions/purchase/why": "Order id, or id of a row or lead",
    "/conversions/purchase/versions": "live",
    "/conversions/purchase/edit": "Counted",
    "/runs": "Acknowledged",
    "/runs/all/runs": "Finished",
    "/runs/all/schedules": "When",
    "/destinations": "Google Ads",
    "/destinations/google_ads": "Rows",
    "/destinations/google_ads/ledger": "Ledger",
    "/destinations/google_ads/versions": "live",
    "/destinations/new/meta": "Access token",
    "/scoring": "No lead scoring yet",
    "/settings": "GA4 properties",
}
WALK = "path => { history.pushState(null, '', path); }"


@pytest.mark.parametrize(
    ("size", "scheme"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide light", "narrow dark"]
)
def test_every_screen_fits_and_is_accessible(
    opened: Opener, size: tuple[int, int], scheme: str
) -> None:
    page = opened("/settings", size=size, scheme=scheme)
    found = {path: seen for path, word in SCREENS.items() if (seen := _judged(page, path, word))}
    assert not found


def _judged(page: Page, path: str, word: str) -> list[str]:
    page.evaluate(WALK, path)
    expect(page.locator("main").get_by_text(word).first).to_be_attached()
    page.wait_for_load_state("networkidle")
    wider = beyond_the_edge(page)
    return [*faults(page), *([f"{wider} px beyond the edge"] if wider else [])]
