"""Entry points of export: pushed messages, and the frontend's side; passes the clients in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache

import functions_framework
import google.auth
import requests
from flask import Request, Response
from google.auth.credentials import Credentials
from google.auth.transport.requests import AuthorizedSession

from common import cold_start
from common.clients import publisher, warehouses
from common.http.push import receive
from common.http.service import answered
from common.http.tokens import Keys
from common.messaging.publisher import Bus
from common.settings import Settings
from functions.export.send import service
from functions.export.services import Services
from functions.export.transport.clock import SystemClock
from functions.export.transport.secrets import SCOPE, SECRET_MANAGER, Secrets
from functions.export.transport.wire import Wire

cold_start.loaded()


@functions_framework.http
def export(request: Request) -> Response:
    """204 when the pushed message was carried out; 503 asks Pub/Sub to deliver it again."""
    return receive(request, lambda message: service.handle(_services(), message))


@functions_framework.http
def export_preview(request: Request) -> Response:
    """The answer of the route that the request names, or problem details."""
    return answer(request, _services())


def answer(request: Request, services: Services, keys: Keys | None = None) -> Response:
    """The answer of the route that the request names, given the services."""
    # pushed messages, for which most instances start, need none of it
    from functions.export.frontend.routes import INTERFACE

    return answered(request, INTERFACE, services, keys)


@cache
def _services() -> Services:
    settings = Settings.from_environment(os.environ)
    endpoints = replaced_hosts(settings.platform_endpoints)
    secrets = Secrets(os.environ, _secret_manager, endpoints.get(SECRET_MANAGER, SECRET_MANAGER))
    return Services(
        warehouse=warehouses.warehouse(settings),
        wire=Wire(requests.Session(), secrets, google_credentials, endpoints),
        clock=SystemClock(),
        bus=_bus,
    )


@cache
def _bus() -> Bus:
    return publisher.bus(_services().settings)


@cache
def _secret_manager() -> AuthorizedSession:
    return AuthorizedSession(google_credentials((SCOPE,), None))  # type: ignore[no-untyped-call]


def google_credentials(scopes: tuple[str, ...], quota_project: str | None) -> Credentials:
    """The function's own credentials for exactly these scopes.

    They are asked for here, because Google's clients over REST would fall back to cloud-platform,
    which the Data Manager API refuses.
    """
    credentials, _ = google.auth.default(scopes=list(scopes), quota_project_id=quota_project)
    return credentials


def replaced_hosts(pairs: tuple[str, ...]) -> Mapping[str, str]:
    """{https://host: address to use instead} out of the settings' host=address pairs."""
    return dict(pair.split("=", 1) for pair in pairs)
