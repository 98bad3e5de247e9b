"""Entry point of materialize: a Pub/Sub push in, a status out. Clients are built here only."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from functools import cache

import functions_framework
from flask import Request, Response
from google.cloud import bigquery

from common.bigquery.runner import credentials_of_runner
from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import Catalog
from common.http import wsgi
from common.messaging.publisher import PubSubBus
from common.settings import Settings
from functions.materialize.runs.ledger import Ledger
from functions.materialize.runs.run import handle
from functions.materialize.services import Services


@functions_framework.http
def materialize(request: Request) -> Response:
    """204 when the pushed message was carried out; 503 asks Pub/Sub to deliver it again."""
    return wsgi.receive(request, lambda message: handle(_services(datetime.now(UTC)), message))


def _services(now: datetime) -> Services:
    warehouse, runner, bus = _clients()
    ledger = Ledger(warehouse, now)
    return Services(warehouse, runner, ledger, Catalog(warehouse), bus, time.monotonic)


@cache
def _clients() -> tuple[Warehouse, Warehouse, PubSubBus]:
    settings = Settings.from_environment(os.environ)
    client = bigquery.Client(project=settings.project, location=settings.location)
    runner = client
    if settings.sql_runner:
        runner = bigquery.Client(
            project=settings.project,
            location=settings.location,
            credentials=credentials_of_runner(settings.sql_runner),
        )
    return Warehouse(client, settings), Warehouse(runner, settings), PubSubBus.connect(settings)
