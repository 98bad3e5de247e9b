"""The demo's report: the console's own page as one file, beside the known truth."""

from __future__ import annotations

import json
from pathlib import Path

from common.local.shop.truth.answers import Truth
from common.local.stack.attach import ROOT, Attached
from common.untyped import JsonObject

ASSETS = ROOT / "functions" / "console" / "dist" / "assets"
PLACE = "__SHOWN__"
"""Where the built page keeps what it shows; functions/console/web/src/report/embed.ts as well."""


def page(shown: JsonObject, assets: Path = ASSETS) -> str | None:
    """The whole report as HTML, without any other file; None while the page is not built."""
    built = sorted(assets.glob("report-*.html"))
    if not built:
        return None
    # no text of it can end the element that it stands in
    text = json.dumps(shown).replace("<", "\\u003c")
    return built[-1].read_text(encoding="utf-8").replace(PLACE, text, 1)


def shown(stack: Attached, known: Truth, start: str, console: str) -> JsonObject:
    """What the page shows of all days since `start`; its numbers lead to the console there."""
    return {
        "report": stack.call("GET", f"/api/report?start_date={start}"),
        "incidents": stack.call("GET", "/api/incidents?state=open")["incidents"],
        "known": {
            "purchase": [
                {"date": str(day), "conversions": true.conversions, "value": round(true.value, 2)}
                for day, true in sorted(known.purchase_days.items())
            ]
        },
        "console": console,
    }
