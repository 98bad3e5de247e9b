"""A shop of ten days in a running stack of its own, and the console before it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import requests
from werkzeug.serving import make_server

from common.local.functions.gateway import PATIENCE
from common.local.platforms import serving
from common.local.shop.load import Datasets, load
from common.local.shop.orders.rates import CURRENCY
from common.local.shop.shop import generate
from common.local.stack.attach import Attached, attached, environment
from functions.console.answer import Services
from functions.console.forward import FUNCTIONS, Upstreams, no_token
from functions.console.page import Page
from tests.console.conftest import served

ROOT = Path(__file__).parents[3]
DIST = ROOT / "functions" / "console" / "dist"
ZONE = "Europe/Berlin"
DAYS = 10
DEFINITIONS: tuple[dict[str, Any], ...] = (
    {
        "kind": "simple",
        "id": "purchase",
        "name": "Purchase",
        "description": "Web shop orders, lowered by refunds.",
        "event_type": "purchase",
        "refunds": {"days": 30},
    },
    {
        "kind": "simple",
        "id": "web_lead",
        "name": "Lead form",
        "event_type": "custom_event",
        "filters": {"dimension": "event", "operator": "equals", "value": "generate_lead"},
        "value": {"type": "manual", "amount": 20},
    },
)
DESTINATION = {
    "kind": "google_ads",
    "id": "google_ads",
    "name": "Google Ads",
    "mode": "paused",
    "operating_account": "1234567890",
    "default_consent": "granted",
    "eea_default_consent": "granted",
    "conversions": [{"conversion": "purchase", "conversion_action_id": "987654321"}],
}


@dataclass(frozen=True)
class World:
    """Where the console answers, and the stack behind it as a program sees it."""

    url: str
    stack: Attached


@contextmanager
def world(directory: Path) -> Iterator[World]:
    """Two conversions that have run, one destination; everything ends with the context."""
    with serving() as platforms, attached(directory, _variables(platforms.endpoints)) as stack:
        _fill(stack)
        with console(stack.url) as url:
            yield World(url, stack)


@contextmanager
def console(behind: str) -> Iterator[str]:
    """The address of a console whose requests go to the functions at `behind`."""
    session = requests.Session()
    session.trust_env = False
    upstreams = Upstreams({name: f"{behind}/{name}" for name in FUNCTIONS}, session, no_token)
    app = served(Services(Page(DIST), upstreams, local_user="you@this-machine"))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    session.close()


def _variables(endpoints: Mapping[str, str]) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if "CONVERSIONS_" not in name}
    own = environment(clean, timezone=ZONE, currency=CURRENCY)
    return {
        **own,
        # what a page shows is judged here, not how soon a busy machine saves
        PATIENCE: "10",
        "CONVERSIONS_RATES_TABLE": f"{own['CONVERSIONS_PROJECT']}.crm.rates",
        "CONVERSIONS_PLATFORM_ENDPOINTS": ",".join(f"{a}={b}" for a, b in endpoints.items()),
    }


def _fill(stack: Attached) -> None:
    today = datetime.now(ZoneInfo(ZONE)).date()
    shop = generate(start=today - timedelta(days=DAYS), days=DAYS)
    project = stack.settings.project
    names = (f"{project}.{name}" for name in ("analytics_1", "hubspot", "crm"))
    load(shop, stack.client, Datasets(*names), today)
    for definition in DEFINITIONS:
        stack.call("PUT", f"/api/conversions/{definition['id']}", definition)
    since = {"start_date": (today - timedelta(days=DAYS)).isoformat()}
    stack.call("PUT", "/export-preview/destinations/google_ads", {**DESTINATION, **since})
    asked = stack.call("POST", "/api/runs", {})
    stack.wait_for(asked["run_id"])
