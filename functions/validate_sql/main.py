"""Entry point of validate_sql: an HTTP request in, JSON out. Passes the clients in."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

import functions_framework
from flask import Request, Response

from common import clients
from common.bigquery.runner import own_account
from common.bigquery.warehouse import Warehouse
from common.errors import MethodError
from common.http import wsgi
from common.logs import log
from common.model.findings import catalogue
from common.settings import Settings
from functions.validate_sql.check import Services, validate
from functions.validate_sql.models import Ask, Validated

JOB_SECONDS = 20
"""Longest time one job may run: the profile is a few of them, within the function's 60 s."""


@functions_framework.http
def validate_sql(request: Request) -> Response:
    """POST judges a query; GET tells the schemas of both sides and every code there is."""
    return answer(request, _services(datetime.now(UTC)))


def answer(request: Request, services: Services) -> Response:
    """The judgment of the query in the request, or problem details."""
    return wsgi.respond(request, services.settings, lambda asked: _answer(asked, services))


def _answer(request: Request, services: Services) -> Any:
    if request.method == "GET":
        return description()
    if request.method != "POST":
        raise MethodError(f"{request.method} is not answered here.", fix="Send a POST.")
    validated = validate(wsgi.read(request, Ask), services)
    first = next((issue.code for issue in validated.issues), "")
    log(
        "sql_validated",
        status="ok" if validated.ok else "refused",
        code=first,
        count=len(validated.issues),
        bytes_processed=validated.bytes_processed,
        request_id=wsgi.request_id_of(request),
    )
    return validated


def description() -> dict[str, Any]:
    """The JSON Schemas of request and response, and the catalogue of findings."""
    return {
        "request": Ask.model_json_schema(),
        "response": Validated.model_json_schema(),
        "findings": catalogue(),
    }


def _services(now: datetime) -> Services:
    own, runner = _warehouses()
    return Services(own, runner, now, _account)


@cache
def _warehouses() -> tuple[Warehouse, Warehouse]:
    return clients.warehouses(Settings.from_environment(os.environ), JOB_SECONDS)


def _account() -> str:
    own, _ = _warehouses()
    return own.settings.sql_runner or own_account()
