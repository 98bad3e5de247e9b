"""Entry point of the API: an HTTP request in, JSON out; passes the clients in."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache

import functions_framework
from flask import Request, Response

from common import cold_start
from common.clients import publisher, scheduler, warehouses
from common.http.service import answered
from common.http.tokens import Keys
from common.messaging.publisher import Bus
from common.settings import Settings
from functions.api.routes import INTERFACE
from functions.api.scheduler import Scheduler
from functions.api.services import Services

cold_start.loaded()


@functions_framework.http
def api(request: Request) -> Response:
    """The answer of the route that the request names, or problem details."""
    return answer(request, _services())


def answer(request: Request, services: Services, keys: Keys | None = None) -> Response:
    """The answer of the route that the request names, given the services."""
    return answered(request, INTERFACE, services, keys)


@cache
def _services() -> Services:
    settings = Settings.from_environment(os.environ)
    own, runner = warehouses.warehouses(settings)
    return Services(
        settings=settings,
        warehouse=own,
        runner=runner,
        bus=_bus,
        scheduler=_scheduler,
        now=lambda: datetime.now(UTC),
    )


@cache
def _bus() -> Bus:
    return publisher.bus(_services().settings)


@cache
def _scheduler() -> Scheduler:
    settings = _services().settings
    return Scheduler(scheduler.scheduler(settings), settings)
