"""Entry point of materialize: a Pub/Sub push in, a status out. Passes the clients in."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from functools import cache

import functions_framework
from flask import Request, Response

from common import cold_start
from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import Catalog
from common.clients import publisher, warehouses
from common.http.push import receive
from common.messaging.publisher import Bus
from common.settings import Settings
from functions.materialize.ledger import Ledger
from functions.materialize.runs.run import handle
from functions.materialize.services import Services

cold_start.loaded()


@functions_framework.http
def materialize(request: Request) -> Response:
    """204 when the pushed message was carried out; 503 asks Pub/Sub to deliver it again."""
    return receive(request, lambda message: handle(_services(datetime.now(UTC)), message))


def _services(now: datetime) -> Services:
    # clients stay with the process; the moment is each message's own
    warehouse, runner, catalog, bus = _clients()
    return Services(warehouse, runner, Ledger(warehouse, now), catalog, bus, time.monotonic)


@cache
def _clients() -> tuple[Warehouse, Warehouse, Catalog, Bus]:
    settings = Settings.from_environment(os.environ)
    warehouse, runner = warehouses.warehouses(settings)
    return warehouse, runner, Catalog(warehouse), publisher.bus(settings)
