"""What every test may ask for: an embedded BigQuery, a client on it, a fresh dataset."""

from __future__ import annotations

import gc
import os
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from google.cloud import bigquery
from hypothesis import settings

from common.local.iam.identity import exchange, write_credentials
from common.local.stack.bigquery import EmbeddedBigQuery
from tests.expected import Expected

PROJECT = "test-project"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update",
        action="store_true",
        help="write expected files anew (case folders, recorded bytes, golden SQL); read the diff",
    )


# no test is timed: on a busy machine any example takes longer than hypothesis allows
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    # statements make trees of many nodes; looking through all that a run holds for each is a tenth
    gc.set_threshold(50_000, 20, 50)
    if config.getoption("--update") and os.environ.get("CI"):
        raise pytest.UsageError("CI compares expected files; it never writes them.")


@pytest.fixture
def expecting(request: pytest.FixtureRequest) -> Expected:
    """The door to expected files; writes them where --update is given."""
    return Expected(update=bool(request.config.getoption("--update")))


@pytest.fixture(scope="session")
def engine() -> Iterator[EmbeddedBigQuery]:
    """One embedded BigQuery, in memory, for the whole run."""
    with EmbeddedBigQuery() as running:
        yield running


@pytest.fixture(scope="session")
def client(engine: EmbeddedBigQuery) -> Iterator[bigquery.Client]:
    """A client of the test project on it."""
    with engine.client(PROJECT) as connected:
        yield connected


class Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a test's output is its verdict."""


@pytest.fixture
def credentials(tmp_path: Path) -> Iterator[str]:
    """A credentials file for Google's clients, whose access tokens open nothing."""
    with make_server("127.0.0.1", 0, exchange, handler_class=Silent) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield str(write_credentials(tmp_path, f"http://127.0.0.1:{server.server_port}"))
        server.shutdown()
        thread.join()


@pytest.fixture
def dataset(client: bigquery.Client) -> Iterator[str]:
    """The path `project.dataset` of a dataset that lives for one test."""
    path = f"{PROJECT}.d_{uuid.uuid4().hex[:12]}"
    client.create_dataset(path)
    yield path
    client.delete_dataset(path, delete_contents=True)
