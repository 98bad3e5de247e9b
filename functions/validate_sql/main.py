"""Entry point of validate_sql: an HTTP request in, JSON out. Passes the clients in."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache

import functions_framework
from flask import Request, Response

from common import cold_start
from common.bigquery.runner import own_account
from common.bigquery.warehouse import Warehouse
from common.clients import warehouses
from common.http.service import answered
from common.http.tokens import Keys
from common.settings import Settings
from functions.validate_sql.check import Services
from functions.validate_sql.routes import INTERFACE

cold_start.loaded()

JOB_SECONDS = 15
"""Longest time one job may run: the profile is a few of them, within the function's 60 s."""


@functions_framework.http
def validate_sql(request: Request) -> Response:
    """The answer of the route that the request names, or problem details."""
    return answer(request, _services(datetime.now(UTC)))


def answer(request: Request, services: Services, keys: Keys | None = None) -> Response:
    """The judgment of the query in the request, or problem details."""
    return answered(request, INTERFACE, services, keys)


def _services(now: datetime) -> Services:
    own, runner = _warehouses()
    return Services(own, runner, now, _account)


@cache
def _warehouses() -> tuple[Warehouse, Warehouse]:
    return warehouses.warehouses(Settings.from_environment(os.environ), JOB_SECONDS)


def _account() -> str:
    own, _ = _warehouses()
    return own.settings.sql_runner or own_account()
