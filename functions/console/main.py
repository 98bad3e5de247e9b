"""Entry point of the console: the built page, and the three functions behind one address."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import functions_framework
import requests
from flask import Request, Response

from common import cold_start
from common.settings import Settings
from functions.console.answer import Services, respond
from functions.console.forward import Upstreams, no_token, own_token
from functions.console.page import Page

cold_start.loaded()

DIST = Path(__file__).parent / "dist"


@functions_framework.http
def console(request: Request) -> Response:
    """The page, one of its files, or the answer of the function that the address names."""
    return respond(request, _services())


@cache
def _services() -> Services:
    settings = Settings.from_environment(os.environ)
    # one for all requests, so that its connections are used again
    session = requests.Session()
    # a proxy or a .netrc of the machine must neither see nor add credentials
    session.trust_env = False
    # Cloud Run sets it; elsewhere no metadata server gives an identity
    in_cloud = "K_SERVICE" in os.environ
    return Services(
        page=Page(DIST),
        upstreams=Upstreams.of(settings, session, own_token if in_cloud else no_token),
        local_user=settings.local_user,
    )
