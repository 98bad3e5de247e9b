"""What every test may ask for: an embedded BigQuery, a client on it, a fresh dataset."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from google.cloud import bigquery

from common.local.bigquery import EmbeddedBigQuery

PROJECT = "test-project"


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


@pytest.fixture
def dataset(client: bigquery.Client) -> Iterator[str]:
    """The path `project.dataset` of a dataset that lives for one test."""
    path = f"{PROJECT}.d_{uuid.uuid4().hex[:12]}"
    client.create_dataset(path)
    yield path
    client.delete_dataset(path, delete_contents=True)
