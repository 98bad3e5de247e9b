"""The function as the platform loads it: Google's own clients, found through the environment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import functions_framework
import pytest
from flask import Flask
from flask.testing import FlaskClient

from common.local.scheduler.server import SchedulerServer
from common.local.stack.bigquery import EmbeddedBigQuery
from tests.conftest import PROJECT

ROOT = Path(__file__).parents[2]


@pytest.fixture
def scheduler() -> Iterator[str]:
    """The address of a local Cloud Scheduler without any job."""
    server = SchedulerServer(Nowhere().publish)
    yield f"http://{server.host}"
    server.stop(grace=0)


class Nowhere:
    """Topics that nobody publishes to."""

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
        raise AssertionError(f"nothing is published to {topic}")


@pytest.fixture
def browser(
    engine: EmbeddedBigQuery,
    credentials: str,
    scheduler: str,
    dataset: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> FlaskClient:
    """A client of the function under functions-framework."""
    environment = {
        "CONVERSIONS_PROJECT": PROJECT,
        "CONVERSIONS_DATASET": dataset.partition(".")[2],
        "CONVERSIONS_LOCATION": "US",
        "CONVERSIONS_SCHEDULER_ENDPOINT": scheduler,
        "BIGQUERY_EMULATOR_HOST": engine.host,
        "GOOGLE_APPLICATION_CREDENTIALS": credentials,
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
    assert json.loads(browser.get("/schedules").data) == {"schedules": []}
