"""Every screen when it is refused, when nothing answers, and when there is nothing or too much."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.console.browser.answers import (
    BEHIND,
    EMPTY,
    NO_FIGURES,
    NO_RUN,
    SAYS,
    STORED,
    answering,
    refusing,
)
from tests.console.browser.conftest import NARROW, Opener
from tests.console.browser.screens import SCREENS
from tests.console.browser.seen import beyond_the_edge, show

FORMS = ("/new", "/new/event", "/new/combined", "/new/custom", "/new/scoring")
"""Screens that stand without an answer: one can type before anything has come."""


def foreign(route: Route) -> None:
    route.fulfill(status=502, content_type="text/html", body="<html>Bad gateway</html>")


def nothing_answers(route: Route) -> None:
    route.abort("internetdisconnected")


def said_by(page: Page, path: str, sentence: str) -> None:
    """The screen says what happened and offers another try, or is a form that stands by itself."""
    show(page, path)
    main = page.locator("main")
    if path in FORMS:
        expect(main.get_by_role("heading").first).to_be_visible()
        return
    alert = main.get_by_role("alert").filter(has_text=sentence).first
    expect(alert).to_be_visible()
    expect(alert.get_by_role("button", name="Try again")).to_be_visible()


def test_every_screen_says_that_it_is_refused_and_offers_another_try(hollow: Opener) -> None:
    page = hollow("/nowhere")
    statuses = cycle(SAYS)
    # the tabs of one page have asked for it together
    of_page: dict[str, int] = {}
    for path in SCREENS:
        status = of_page.setdefault("/".join(path.split("/")[:3]), next(statuses))
        page.unroute_all()
        page.route(BEHIND, refusing(status))
        said_by(page, path, SAYS[status])
        assert not beyond_the_edge(page)


def test_every_screen_says_that_nothing_answers(hollow: Opener) -> None:
    page = hollow("/nowhere")
    page.route(BEHIND, nothing_answers)
    for path in SCREENS:
        said_by(page, path, "The console could not be reached.")


def test_what_is_no_answer_of_the_service_is_called_so(hollow: Opener) -> None:
    page = hollow("/nowhere")
    page.route(BEHIND, foreign)
    # all screens ask by the same door
    for path in ("/report", "/destinations", "/settings"):
        said_by(page, path, "The answer was no JSON")


def test_a_browser_without_a_network_says_so_and_goes_on_when_it_is_back(
    hollow: Opener, provoked: list[str]
) -> None:
    # a screen that was not fetched yet cannot come
    provoked.append("Failed to fetch dynamically imported module")
    page = hollow("/nowhere")
    page.route(BEHIND, answering(EMPTY))
    show(page, "/runs/all/schedules")
    expect(page.get_by_text("Nothing runs by itself")).to_be_visible()
    page.context.set_offline(True)
    show(page, "/settings")
    # neither a blank page nor grey lines for ever
    expect(page.get_by_role("alert").first).to_be_visible()
    page.context.set_offline(False)


def test_a_screen_that_cannot_be_drawn_leaves_the_others(
    hollow: Opener, provoked: list[str]
) -> None:
    # a list where the report is wanted: what React says of it is what other tests must not see
    provoked.append("TypeError")
    page = hollow("/nowhere")
    page.route(BEHIND, lambda route: route.fulfill(json=[]))
    show(page, "/report")
    expect(page.get_by_text("This screen could not be shown")).to_be_visible()
    show(page, "/new")
    expect(page.get_by_role("heading", name="Simple conversion")).to_be_visible()


SAYS_OF_NOTHING = {
    "/": "No conversion yet",
    "/new/purchase": "Nothing would have counted.",
    "/new/custom": "Start from an example",
    "/conversions/purchase": "Nothing counted in these days",
    "/conversions/purchase/rows": "No rows in the last 30 days",
    "/conversions/purchase/why": "Order id, or id of a row or lead",
    "/conversions/purchase/versions": "(live)",
    "/conversions/purchase/edit": "Nothing would have counted.",
    "/report": "Nothing to report yet",
    "/runs": "Nothing needs you",
    "/runs/all/runs": "In the last 14 days nothing ran",
    "/runs/all/schedules": "Nothing runs by itself",
    "/runs/r-1": "It has not begun anything yet",
    "/destinations": "No destination yet",
    "/destinations/new/nix": "There is no such platform",
    "/destinations/google_ads": "It sends no conversion yet",
    "/destinations/google_ads/edit": "It knows no platform google_ads",
    "/destinations/google_ads/ledger": "Nothing was sent yet",
    "/destinations/google_ads/health": "Nothing was sent in these days",
    "/destinations/google_ads/versions": "(live)",
    "/scoring": "No lead scoring yet",
    "/settings": "No conversion reads a table yet",
    "/nowhere": "There is no such page",
}


def test_every_screen_says_why_it_is_empty_and_what_to_do(hollow: Opener) -> None:
    page = hollow("/new")
    page.route(BEHIND, answering(EMPTY))
    for path, sentence in SAYS_OF_NOTHING.items():
        show(page, path)
        expect(page.locator("main").get_by_text(sentence).first).to_be_visible()


def _many() -> Iterator[tuple[str, str, dict[str, Any], str]]:
    """Screen, address, answer of too much, and what tells how much of it is shown."""
    version = {key: STORED[key] for key in ("status", "created_at", "created_by", "definition")}
    yield (
        "/conversions/purchase/versions",
        "/api/conversions/purchase/versions",
        {"versions": [{**version, "version": n} for n in range(1, 501)]},
        "50 of 500 shown",
    )
    source = {"state": "fresh", "changed_at": "2026-11-28T10:00:00Z", "read_by": []}
    yield (
        "/settings",
        "/api/freshness",
        {"properties": [], "sources": [{**source, "table": f"p.d.t{n}"} for n in range(500)]},
        "50 of 500 shown",
    )
    incident = {
        "code": "held", "severity": "warning", "source": "materialize", "conversion": None,
        "detail": "A run was held.", "recorded_at": "2026-11-28T10:00:00Z", "state": "open",
    }  # fmt: skip
    yield (
        "/runs",
        "/api/incidents",
        {"incidents": [{**incident, "incident_id": f"i{n}"} for n in range(20)], "next_page": "x"},
        "20 shown",
    )
    run = {**NO_RUN, "status": "finished", "inserted": 1, "updated": 0, "deleted": 0}
    yield (
        "/runs/all/runs",
        "/api/runs",
        {"runs": [{**run, "run_id": f"r{n}", "seconds": 1.0} for n in range(50)], "next_page": "x"},
        "50 shown",
    )
    line: dict[str, Any] = {
        "kind": "simple", "totals": NO_FIGURES, "days": [], "counted": None,
    }  # fmt: skip
    yield (
        "/report",
        "/api/report",
        {
            **EMPTY["/api/report"],
            "conversions": [{**line, "id": f"c{n}", "name": f"Number {n}"} for n in range(500)],
        },
        "50 of 500 shown",
    )


def test_too_much_is_cut_and_says_how_much_is_shown(hollow: Opener) -> None:
    page = hollow("/new")
    for path, address, answer, sentence in _many():
        page.unroute_all()
        page.route(BEHIND, answering({**EMPTY, address: answer}))
        show(page, path)
        expect(page.locator("main").get_by_text(sentence).first).to_be_visible()
        assert not beyond_the_edge(page)


def test_a_closed_menu_is_no_stop_of_the_keyboard(hollow: Opener) -> None:
    page = hollow("/new")
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    expect(page.get_by_role("heading", name="Simple conversion")).to_be_visible()
    menu = page.get_by_role("button", name="Open the menu")
    menu.focus()
    for _ in range(4):
        page.keyboard.press("Tab")
        assert not page.evaluate("Boolean(document.activeElement.closest('nav'))")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Settings")).to_be_visible()
