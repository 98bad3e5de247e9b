"""A world for each test of whole runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.cloud import bigquery

from tests.materialize.world import QuickWorld, World


@pytest.fixture
def wire(client: bigquery.Client, dataset: str) -> Iterator[World]:
    """A world behind BigQuery's own API, in UTC; its datasets go with the test."""
    built = World(client, dataset)
    yield built
    built.close()


@pytest.fixture
def world() -> Iterator[QuickWorld]:
    """A world without HTTP, in UTC."""
    built = QuickWorld()
    yield built
    built.close()
