"""What Google says of a request afterwards, and which of it another attempt may mend."""

from __future__ import annotations

from typing import Any

import pytest

from functions.export.destinations.data_manager import status
from functions.export.transport.results import Status


def answer(state: str, **counts: int) -> dict[str, Any]:
    """A requestStatus answer: counts are text, reasons carry the enumeration's prefix."""
    errors = [
        {"recordCount": str(count), "reason": f"PROCESSING_ERROR_REASON_{reason}"}
        for reason, count in counts.items()
    ]
    shown: dict[str, Any] = {"requestStatus": state}
    return {"requestStatusPerDestination": [shown | ({"errorInfo": {"errorCounts": errors}})]}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (answer("PROCESSING"), Status("processing")),
        (answer("SUCCESS"), Status("success")),
        (
            answer("FAILED", TOO_RECENT_CLICK=2),
            Status("failed", {"TOO_RECENT_CLICK": 2}, frozenset({"TOO_RECENT_CLICK"})),
        ),
        (answer("FAILED", INVALID_GCLID=1), Status("failed", {"INVALID_GCLID": 1})),
        # our own key came twice: the conversion is where it should be
        (answer("FAILED", DUPLICATE_TRANSACTION_ID=3), Status("success")),
        (
            answer("PARTIAL_SUCCESS", DUPLICATE_GCLID=1, EVENT_TOO_OLD=1),
            Status("partial", {"EVENT_TOO_OLD": 1}),
        ),
        # an answer of unknown shape ends nothing
        ({}, Status("processing")),
        (None, Status("processing")),
        (answer("SOMETHING_NEW"), Status("processing")),
    ],
)
def test_a_status_is_read_as_counts_per_reason(body: Any, expected: Status) -> None:
    assert status(body) == expected
