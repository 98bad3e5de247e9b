"""The console before an upstream that keeps what it gets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from flask import Flask, Response, request
from flask.testing import FlaskClient

from functions.console.answer import Services, respond
from functions.console.forward import FUNCTIONS, Token, Upstreams, no_token
from functions.console.page import Page
from tests.local.receiver import Receiver

OWN_PAGE = {"X-Requested-With": "XMLHttpRequest", "Sec-Fetch-Site": "same-origin"}


def served(services: Services) -> Flask:
    """The function as the platform serves it: every verb, every path."""
    app = Flask(__name__, static_folder=None)
    verbs = ["GET", "POST", "PUT", "DELETE", "PATCH"]

    @app.route("/", defaults={"path": ""}, methods=verbs)
    @app.route("/<path:path>", methods=verbs)
    def every(path: str) -> Response:
        return respond(request, services)

    return app


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """What a build leaves behind."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text('<meta name="csp-nonce" content="__NONCE__" />')
    (tmp_path / "assets" / "index-abc.js").write_text("1")
    return tmp_path


@pytest.fixture
def upstream() -> Iterator[Receiver]:
    with Receiver(lambda received: 200) as receiver:
        yield receiver


@dataclass(frozen=True)
class Console:
    """A browser at the console."""

    dist: Path
    upstream: Receiver

    def browser(self, local_user: str = "me@here", token: Token = no_token) -> FlaskClient:
        addresses = {name: f"{self.upstream.url}/{name}" for name in FUNCTIONS}
        upstreams = Upstreams(addresses, requests.Session(), token)
        return served(Services(Page(self.dist), upstreams, local_user)).test_client()


@pytest.fixture
def console(dist: Path, upstream: Receiver) -> Console:
    return Console(dist, upstream)
