"""Pictures of the console for the README, from a stack that runs (`make serve` after the demo).

python -m tests.console.browser.pictures http://127.0.0.1:8080
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from tests.console.browser.conftest import launched

FOLDER = Path(__file__).parents[3] / "functions" / "console" / "web" / "pictures"
SHOWN = {
    "conversions": "/",
    "conversion": "/conversions/purchase",
    "form": "/conversions/purchase_over_100/edit",
    "sql": "/conversions/confirmed_order/edit",
    "scoring": "/scoring",
    "run": "/runs/all/runs",
    "report": "/report",
}
COLOURS = 128


def main(url: str) -> None:
    """One PNG a screen, small enough for a README."""
    parts, browser = launched()
    FOLDER.mkdir(exist_ok=True)
    with parts:
        context = browser.new_context(
            base_url=url, viewport={"width": 1200, "height": 760}, reduced_motion="reduce"
        )
        page = context.new_page()
        for name, path in SHOWN.items():
            save(page, path, FOLDER / f"{name}.png")
        browser.close()


def save(page: Page, path: str, file: Path) -> None:
    """What is seen at the path once all has been loaded."""
    page.goto(path)
    page.wait_for_load_state("networkidle")
    picture = Image.open(io.BytesIO(page.screenshot(animations="disabled")))
    picture.convert("RGB").quantize(COLOURS).save(file, optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="where the console answers")
    main(parser.parse_args().url)
