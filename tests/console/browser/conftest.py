"""A real browser before a real stack; any message of error on its console fails the test."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    expect,
    sync_playwright,
)

from tests.console.browser.world import DIST, World, console, world

PATIENCE = 1_000 * int(os.environ.get("CONSOLE_PATIENCE", "300"))
"""Milliseconds until what does not come is a fault: a busy machine is slow, and wrong it is not.

Who looks for a fault on an idle machine waits less for it: CONSOLE_PATIENCE=20 pytest ...
"""
expect.set_options(timeout=PATIENCE)
SLOWER = int(os.environ.get("CONSOLE_SLOWER", "1"))
"""So many times slower the browser computes: whoever wants to see a slow machine sets it."""
MISSING = "No browser: apt-get install chromium, or python -m playwright install chromium."
NOT_BUILT = "The page is not built: make console."
FLAGS = (
    "--no-sandbox --disable-gpu --disable-software-rasterizer --disable-quic --no-first-run "
    "--disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
).split()
WIDE, NARROW = (1280, 860), (390, 844)
Opener = Callable[[str], Page]
NO_UPSTREAM = "http://127.0.0.1:9"
"""Where nothing answers: every answer is then the test's own."""


def launched() -> tuple[ExitStack, Browser]:
    """Debian's Chromium where it is installed, else what Playwright brought; raises Error."""
    parts = ExitStack()
    try:
        driver = parts.enter_context(sync_playwright())
        found = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = driver.chromium.launch(executable_path=found, args=FLAGS)
    except BaseException:
        parts.close()
        raise
    return parts, browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not (DIST / "index.html").exists():
        _end(NOT_BUILT)
    try:
        parts, started = launched()
    except Error:
        _end(MISSING)
    with parts:
        yield started
        started.close()


def _end(why: str) -> None:
    """A machine without a browser leaves these tests out; CI has to have one."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="module")
def shop(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    # after the browser, so that nothing is built for a machine without one
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with world(tmp_path_factory.mktemp("shop")) as running:
        yield running


@pytest.fixture(scope="module")
def shoppers(browser: Browser, shop: World) -> Iterator[BrowserContext]:
    """Where the pages of the shop are opened; what one of them has fetched, all have."""
    with kept(browser, shop.url) as context:
        yield context


@pytest.fixture(scope="session")
def nobody(browser: Browser) -> Iterator[BrowserContext]:
    """Where the pages of a console with nothing behind it are opened."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with console(NO_UPSTREAM) as url, kept(browser, url) as context:
        yield context


@contextmanager
def kept(browser: Browser, url: str) -> Iterator[BrowserContext]:
    context = browser.new_context(
        base_url=url,
        viewport={"width": WIDE[0], "height": WIDE[1]},
        color_scheme="light",
        reduced_motion="reduce",
        service_workers="block",
    )
    yield context
    context.close()


@pytest.fixture
def provoked() -> list[str]:
    """Words of messages that a test itself causes on the browser's console; it adds to them."""
    return []


@pytest.fixture
def opened(shoppers: BrowserContext, provoked: list[str]) -> Iterator[Opener]:
    """`opened(path)` is a page of the shop, with drafts of its own; more are more people."""
    with opener(shoppers, provoked) as open_:
        yield open_


@pytest.fixture
def hollow(nobody: BrowserContext, provoked: list[str]) -> Iterator[Opener]:
    """`hollow(path)` is a page behind which only answers that a test routes to it stand."""
    with opener(nobody, provoked) as open_:
        yield open_


@contextmanager
def opener(context: BrowserContext, provoked: list[str]) -> Iterator[Opener]:
    """Opens pages; what their consoles complained of fails at the end."""
    said: list[str] = []
    pages: list[Page] = []

    def keep(message: ConsoleMessage) -> None:
        # what the service refuses is shown by the page; the browser reports it as well
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            said.append(message.text)

    def open_(path: str) -> Page:
        page = context.new_page()
        pages.append(page)
        page.set_default_timeout(PATIENCE)
        if SLOWER > 1:
            slowed = context.new_cdp_session(page)
            slowed.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.on("console", keep)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path)
        return page

    yield open_
    for page in pages:
        page.unroute_all(behavior="ignoreErrors")
        page.close()
    context.set_offline(False)
    unexpected = [text for text in said if not any(words in text for words in provoked)]
    assert not unexpected, f"the browser's console: {unexpected}"
