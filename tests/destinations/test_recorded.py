"""What generated rows become is recorded, byte for byte: a faster way must say the same."""

from __future__ import annotations

import pytest

from functions.export.destinations.registry import DESTINATIONS
from tests.destinations.generated import RECORDED, record
from tests.expected import Expected


@pytest.mark.parametrize("kind", sorted(DESTINATIONS))
def test_generated_rows_become_the_recorded_bytes(kind: str, expecting: Expected) -> None:
    expecting.json(RECORDED / f"{kind}.json", record(kind))
