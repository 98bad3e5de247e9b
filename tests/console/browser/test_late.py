"""What is typed before an answer comes stays as it is, in its place, when the answer comes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page, Route, expect

from tests.console.browser.answers import BEHIND, FULL, answering
from tests.console.browser.conftest import Opener

LAW = Path(__file__).with_name("late.js").read_text()


EDIT, SCHEMA, LIST = "/conversions/normalized", "/api/schemas/", "/api/conversions?"


class Case(NamedTuple):
    path: str
    focused: str
    """The field that is being written in."""
    last: str = SCHEMA
    """Part of the address of the answer that comes after all others."""
    sign: str = "For colleagues."
    """What shows that it has come."""
    first: tuple[str, ...] = ("never",)
    """Ends of addresses without whose answers there is nothing to write in."""


def of(field: str) -> str:
    inside = f'[data-field="{field}"]'
    return f":is({inside}, {inside} *):is(input, textarea, [contenteditable])"


def labelled(label: str) -> str:
    return f'[aria-label="{label}"]'


CASES = [
    Case("/", labelled("Search conversions"), LIST, "Lead form"),
    Case("/new/event", labelled("Condition 1: value")),
    Case("/new/combined", of("conversions")),
    Case("/new/custom", of("sql")),
    Case("/new/scoring", of("source.dataset")),
    Case(f"{EDIT}/edit", labelled("Condition 2: dimension"), first=(EDIT,)),
    Case(f"{EDIT}/edit", labelled("Condition 3: value"), first=(EDIT,)),
    Case(f"{EDIT}/edit", of("normalize.by"), first=(EDIT,)),
    Case("/destinations/meta/edit", labelled("Conversion 1"), LIST, "", ("/schemas", "/meta")),
]


class Late:
    """Holds back every answer but the first ones until `come`, the last one after all others."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.held: list[Route] | None = []
        self.answer = answering(FULL)

    def __call__(self, route: Route) -> None:
        if self.held is None or route.request.url.endswith(self.case.first):
            self.answer(route)
        else:
            self.held.append(route)

    def come(self) -> None:
        held, self.held = self.held or [], None
        for route in sorted(held, key=lambda each: self.case.last in each.request.url):
            self.answer(route)


def test_what_is_typed_before_an_answer_stays_when_it_comes(hollow: Opener) -> None:
    page = hollow("/nowhere")
    found = {f"{case.path} {case.focused}": taken_away(page, case) for case in CASES}
    wrong = {place: each for place, each in found.items() if each}
    assert not wrong, json.dumps(wrong, indent=1)


def taken_away(page: Page, case: Case) -> list[str]:
    """What answers that come late take away from who writes meanwhile."""
    late = Late(case)
    page.unroute_all()
    page.route(BEHIND, late)
    page.evaluate("sessionStorage.clear()")
    page.goto(case.path)
    field = page.locator(case.focused).first
    expect(field).to_be_visible()
    for each in range(page.evaluate(LAW)):
        page.evaluate("at => window.late.fields()[at].focus()", each)
        page.keyboard.type("12")
    field.focus()
    page.keyboard.type("34")
    page.keyboard.press("ArrowLeft")
    page.evaluate("window.late.noted()")
    with page.expect_response(lambda response: case.last in response.url):
        late.come()
    if case.sign:
        expect(page.locator("main").get_by_text(case.sign).first).to_be_attached()
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))")
    return [str(each) for each in page.evaluate("window.late.judged()")]
