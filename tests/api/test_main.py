"""The function as the platform loads it: Google's own clients, found through the environment."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import functions_framework
import pytest
from flask import Flask
from flask.testing import FlaskClient

from common.local.bigquery import EmbeddedBigQuery
from common.local.identity import exchange, write_credentials
from tests.conftest import PROJECT

ROOT = Path(__file__).parents[2]


class Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a test's output is its verdict."""


@pytest.fixture
def tokens() -> Iterator[str]:
    """The address of a server that hands out access tokens that open nothing."""
    with make_server("127.0.0.1", 0, exchange, handler_class=Silent) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def browser(
    engine: EmbeddedBigQuery,
    tokens: str,
    dataset: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> FlaskClient:
    """A client of the function under functions-framework."""
    environment = {
        "CONVERSIONS_PROJECT": PROJECT,
        "CONVERSIONS_DATASET": dataset.partition(".")[2],
        "CONVERSIONS_LOCATION": "US",
        "BIGQUERY_EMULATOR_HOST": engine.host,
        "GOOGLE_APPLICATION_CREDENTIALS": str(write_credentials(tmp_path, tokens)),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(ROOT))
    source = tmp_path / "main.py"
    source.write_text("from functions.api.main import api\n")
    app: Flask = functions_framework.create_app("api", str(source), "http")  # type: ignore[no-untyped-call]
    return app.test_client()


def test_the_deployed_function_answers(browser: FlaskClient) -> None:
    assert browser.get("/openapi.json").status_code == 200
    problem = browser.get("/nix")
    assert problem.status_code == 404
    assert json.loads(problem.data)["code"] == "unknown_route"
