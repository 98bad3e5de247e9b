"""What destination tests share: running stand-ins, a wire to them, and case folders.

A case folder holds `target.json` (the config), `rows.json` (what to do with which row) and
`expect.json` (the verdict of each row, the requests, and what the platform holds afterwards).
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from google.auth.credentials import Credentials
from google.oauth2.credentials import Credentials as Token

from common.local import platforms
from common.local.platforms.standin import StandIn
from functions.export.contract.base import Built, Destination, Intent, Rejected
from functions.export.destinations.registry import CONFIG, connect
from functions.export.payload.rows import ConversionRow
from functions.export.reconcile.delivery_state import dedup_key
from functions.export.reconcile.eligibility import Unwanted, judge
from functions.export.send.delivery import Delivery
from functions.export.transport.calls import Request
from functions.export.transport.clock import Deadline
from functions.export.transport.secrets import Secrets
from functions.export.transport.wire import Wire

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECRETS = {
    name: name.lower().replace("_", "-")
    for path in sorted(HERE.glob("*/*/target.json"))
    for name in re.findall("env:([A-Z0-9_]+)", path.read_text())
} | {"META_APP_SECRET": "meta-app-secret"}
"""Every secret that a case folder names, as the stand-ins know it: TIKTOK_TOKEN is tiktok-token."""
PATIENCE = 60.0
"""Seconds that a test waits for a platform's answer: longer than any machine is busy."""
TIMES = ("created", "updated_at", "click_at", "first_seen_at")


class TestClock:
    """Time that moves only when told; waiting moves it."""

    __test__ = False

    def __init__(self, start: datetime = NOW) -> None:
        self.time = start

    def now(self) -> datetime:
        return self.time

    def elapsed(self) -> float:
        return (self.time - NOW).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class World:
    """Fresh stand-ins, the time they and we share, and a wire that leads to them."""

    clock: TestClock
    stand_ins: dict[str, StandIn]
    wire: Wire

    def platform_of(self, request: Request) -> StandIn:
        """The stand-in that answers for the request's host."""
        for name, kind in platforms.STAND_INS.items():
            if request.url.startswith(kind.hosts):
                return self.stand_ins[name]
        raise LookupError(request.url)

    def delivery(self, destination: Destination[Any], conversion: str) -> Delivery:
        """Delivery over the real wire."""
        return Delivery(
            destination,
            conversion,
            "run",
            lambda request: destination.send(request, self.wire),
            self.clock,
            Deadline(self.clock, 10_000),
            random.Random(1),
        )


@contextmanager
def world(read_seconds: float = PATIENCE) -> Iterator[World]:
    """A world of fresh stand-ins."""
    clock = TestClock()
    session = requests.Session()
    with platforms.serving(clock.now) as running, session:
        wire = Wire(
            session,
            Secrets(SECRETS, no_secret_manager),
            google_token,
            running.endpoints,
            read_seconds=read_seconds,
            clock=clock.elapsed,
        )
        yield World(clock, running.stand_ins, wire)


def google_token(scopes: tuple[str, ...], quota_project: str | None) -> Credentials:
    """A token that says which scopes it was asked for, as the stand-in wants to see."""
    return Token(f"token {' '.join(scopes)}")  # type: ignore[no-untyped-call]


def cases() -> list[Path]:
    """Every case folder."""
    return sorted(path.parent for path in HERE.glob("*/*/target.json"))


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def destination_of(case: Path) -> Destination[Any]:
    """The destination that the folder's config describes."""
    return connect(CONFIG.validate_python(load(case / "target.json")))


def plain(kind: str) -> tuple[Destination[Any], str]:
    """The destination of a kind's case `plain`, and its first conversion."""
    destination = destination_of(HERE / kind / "plain")
    return destination, destination.config.conversions[0].conversion


def sample_row(**changes: Any) -> ConversionRow:
    """A row with everything that any platform can use."""
    everything: dict[str, Any] = {
        "id": "order-1",
        "created": NOW - timedelta(days=1),
        "date": (NOW - timedelta(days=1)).date(),
        "client_id": "111.222",
        "value": 12.345,
        "currency": "EUR",
        "is_qualified": True,
        "user_id": "u-7",
        "updated_at": NOW - timedelta(hours=2),
        "gclid": "Cj0-click",
        "fbclid": "IwAR-click",
        "fbp": "fb.1.1760000000000.123456",
        "msclkid": "ms-click",
        "ttclid": "E.C.P.click",
        "li_fat_id": "11111111-2222-3333-4444-555555555555",
        "click_at": NOW - timedelta(days=3),
        "session_id": "1763550000",
        "page_location": "https://shop.example.com/thanks",
        "user_agent": "Mozilla/5.0",
        "ip_address": "203.0.113.7",
        "country": "United Kingdom",
        "region": "England",
        "city": "New York",
        "postal_code": "M1 1AE",
        "email": "Mary.Ann@Example.com",
        "phone": "+44 113 496 0987",
        "first_name": "Mary",
        "last_name": "O'Brien",
        "order_id": "order-1",
        "event_source": "web",
        "consent_ad_user_data": "granted",
        "consent_ad_personalization": "granted",
    }
    return ConversionRow(**{**everything, **changes})


def row_of(record: Mapping[str, Any]) -> ConversionRow:
    """A row out of a case folder: changes to the sample row, times as ISO text."""
    changes = {
        name: datetime.fromisoformat(value) if name in TIMES and value else value
        for name, value in record.items()
    }
    if "created" in changes:
        changes["date"] = changes["created"].date()
    return sample_row(**changes)


def prepare(
    destination: Destination[Any], conversion: str, row: ConversionRow, op: Any = "create"
) -> Built | str:
    """The built payload of a row, or the verdict that keeps it from being sent."""
    audience = destination.capabilities.audience
    wanted = judge(row, destination.config, "EUR", audience=audience)
    if isinstance(wanted, Unwanted):
        return f"skipped: {wanted.reason}"
    intent = Intent(
        op,
        dedup_key(conversion, row.id),
        wanted.money,
        row.created,
        row.updated_at or row.created,
        wanted.consent,
        wanted.with_person,
    )
    built = destination.build(conversion, row, intent)
    return f"rejected: {built.reason}" if isinstance(built, Rejected) else built


def shown(request: Request) -> dict[str, Any]:
    """The request as a case folder holds it."""
    return {
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
        "body": json.loads(request.body),
    }


def no_secret_manager() -> Any:
    raise AssertionError("no test may ask Secret Manager")
