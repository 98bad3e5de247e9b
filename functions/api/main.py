"""Entry point of the frontend's API: an HTTP request in, JSON out; builds the clients."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache

import functions_framework
from flask import Request, Response
from google.cloud import bigquery

from common.bigquery.warehouse import Warehouse
from common.http import wsgi
from common.messaging.publisher import Bus, PubSubBus
from common.settings import Settings
from functions.api.routes import ROUTES
from functions.api.routing.request import Services
from functions.api.routing.routing import Router
from functions.api.runs.scheduler import Scheduler


@functions_framework.http
def api(request: Request) -> Response:
    """The answer of the route that the request names, or problem details."""
    return answer(request, _services())


def answer(request: Request, services: Services) -> Response:
    """The answer of the route that the request names, given the services."""
    return wsgi.respond(request, services.settings, lambda asked: _router().answer(asked, services))


@cache
def _router() -> Router:
    return Router(ROUTES)


@cache
def _services() -> Services:
    settings = Settings.from_environment(os.environ)
    client = bigquery.Client(project=settings.project, location=settings.location)
    return Services(
        settings=settings,
        warehouse=Warehouse(client, settings),
        runner=Warehouse(_runner(settings) or client, settings),
        bus=_bus,
        scheduler=_scheduler,
        now=lambda: datetime.now(UTC),
    )


def _runner(settings: Settings) -> bigquery.Client | None:
    """A client under the account that runs users' SQL, if it is not the function's own."""
    if not settings.sql_runner:
        return None
    from common.bigquery.runner import credentials_of_runner

    credentials = credentials_of_runner(settings.sql_runner)
    return bigquery.Client(
        project=settings.project, location=settings.location, credentials=credentials
    )


@cache
def _bus() -> Bus:
    return PubSubBus.connect(_services().settings)


@cache
def _scheduler() -> Scheduler:
    # seldom called for and slow to import
    from google.cloud.scheduler_v1 import CloudSchedulerClient

    settings = _services().settings
    if not settings.scheduler_endpoint.startswith("http://"):
        options = {"api_endpoint": settings.scheduler_endpoint or None}
        return Scheduler(CloudSchedulerClient(client_options=options), settings)
    import grpc
    from google.cloud.scheduler_v1.services.cloud_scheduler.transports import (
        CloudSchedulerGrpcTransport,
    )

    channel = grpc.insecure_channel(settings.scheduler_endpoint.removeprefix("http://"))
    transport = CloudSchedulerGrpcTransport(channel=channel)
    return Scheduler(CloudSchedulerClient(transport=transport), settings)
