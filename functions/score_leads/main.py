"""Entry point of score_leads: a Pub/Sub push in, a status out. Passes the clients in."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache

from functions.score_leads.numeric import threads

# before numpy is imported
threads.limit(os.environ)

import functions_framework  # noqa: E402
from flask import Request, Response  # noqa: E402

from common import cold_start  # noqa: E402
from common.catalog.definitions import Catalog  # noqa: E402
from common.clients import publisher, warehouses  # noqa: E402
from common.http.push import receive  # noqa: E402
from common.messaging.publisher import Bus  # noqa: E402
from common.settings import Settings  # noqa: E402
from functions.score_leads.data.sources import Warehouses  # noqa: E402
from functions.score_leads.operate.run import Services, handle  # noqa: E402

cold_start.loaded()


@functions_framework.http
def score_leads(request: Request) -> Response:
    """204 when the pushed message was carried out; 503 asks Pub/Sub to deliver it again."""
    return receive(request, lambda message: handle(_services(datetime.now(UTC)), message))


def _services(now: datetime) -> Services:
    warehouses, bus = _clients()
    return Services(warehouses, Catalog(warehouses.warehouse), bus, now)


@cache
def _clients() -> tuple[Warehouses, Bus]:
    settings = Settings.from_environment(os.environ)
    return Warehouses(*warehouses.warehouses(settings)), publisher.bus(settings)
