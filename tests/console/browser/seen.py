"""What is judged of any page: accessibility by axe, and that nothing lies beyond its edge."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],
}


def faults(page: Page) -> list[str]:
    """What axe finds, by rule, with the first place of each."""
    # half a megabyte, which stays in the page until it is loaded anew
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: Any = page.evaluate("rules => axe.run(document, rules)", RULES)
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found["violations"]]


def beyond_the_edge(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    return int(page.evaluate("Math.max(0, document.documentElement.scrollWidth - innerWidth)"))


def show(page: Page, path: str) -> None:
    """Goes to another screen as a link does, without loading the page anew."""
    page.evaluate("path => history.pushState(null, '', path)", path)
