"""A page gone through by its keys alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

LISTENS = Path(__file__).with_suffix(".js").read_text()
"""Notes each element that gets the focus within the screen; returns how many should."""

TRIES = 60
"""Presses of one key, a second apart."""

MOST = 500
"""Presses after which a screen has no end."""


def walked(page: Page) -> list[str]:
    """What is wrong with going through the screen by Tab, from its first element to its last."""
    expected = page.evaluate(LISTENS)
    for pressed in range(MOST):
        page.keyboard.press("Tab")
        # what comes meanwhile, such as an answer with links, is gone through as well
        if pressed >= expected and page.evaluate("window.walk.ended()"):
            break
    return [str(one) for one in page.evaluate("window.walk.judged()")]


def pressed_until(page: Page, key: str, seen: Callable[[int], None]) -> None:
    """Press the key, and again where the page was not listening yet, until it is `seen`.

    `seen` expects something within so many milliseconds.
    """
    for _ in range(TRIES):
        page.keyboard.press(key)
        try:
            return seen(1_000)
        except AssertionError:
            continue
    return seen(1_000)


def entered_and_left(page: Page, button: Locator) -> None:
    """The button's dialog takes the focus, keeps it and gives it back."""
    expect(button).to_be_enabled()
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    # it has the focus once it keeps it
    expect(dialog.locator(":focus")).to_have_count(1)
    inside = "document.activeElement.closest('[role=dialog]') !== null"
    for key in ["Tab"] * 8 + ["Shift+Tab"] * 10:
        page.keyboard.press(key)
        assert page.evaluate(inside), f"{key} leaves the dialog"
    pressed_until(page, "Escape", lambda soon: expect(dialog).to_have_count(0, timeout=soon))
    expect(button).to_be_focused()
