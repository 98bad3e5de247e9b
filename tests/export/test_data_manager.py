"""What Google says of a request afterwards, and which of it another attempt may mend."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from functions.export.destinations.data_manager import retrieve_status, status
from functions.export.send.poll import reopened
from functions.export.transport.calls import Answer
from functions.export.transport.results import Status
from tests.destinations.harness import plain


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
        # a word that nobody listed is no row's fault
        (
            answer("FAILED", WORD_OF_TOMORROW=1),
            Status("failed", {"WORD_OF_TOMORROW": 1}, account=frozenset({"WORD_OF_TOMORROW"})),
        ),
        (
            {
                "requestStatusPerDestination": [
                    {
                        "requestStatus": "PARTIAL_SUCCESS",
                        "errorInfo": {
                            "errorCounts": [
                                {"recordCount": "2", "reason": "PROCESSING_ERROR_INVALID_GCLID"},
                                {"recordCount": "3", "reason": "PROCESSING_ERROR_INVALID_GCLID"},
                            ]
                        },
                    }
                ]
            },
            Status("partial", {"INVALID_GCLID": 5}),
        ),
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


def refused(status: int, reason: str) -> Answer:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    error = {"code": status, "status": "INVALID_ARGUMENT", "details": details}
    return Answer(status, json.dumps({"error": error}).encode())


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refused(400, "REQUEST_TOO_OLD"), Status("forgotten")),
        (refused(400, "INVALID_REQUEST_ID"), Status("forgotten")),
        (refused(404, "NOT_FOUND"), Status("forgotten")),
        # it may be said tomorrow
        (refused(400, "WORD_OF_TOMORROW"), None),
        (Answer(404, b"<html>no such page</html>"), None),
        (Answer(400, b""), None),
        (refused(403, "SERVICE_DISABLED"), None),
        (Answer(503, b""), None),
    ],
)
def test_only_who_says_that_a_request_is_forgotten_ends_the_asking(
    reply: Answer, expected: Status | None
) -> None:
    wire: Any = SimpleNamespace(exchange=lambda _: reply)
    assert retrieve_status(wire, "r1", None) == expected


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (Status("failed", {"INVALID_GCLID": 3}), "failed"),
        (Status("failed", {"NO_CONSENT": 3}, account=frozenset({"NO_CONSENT"})), "parked"),
        (Status("failed", {"TOO_RECENT_CLICK": 3}, frozenset({"TOO_RECENT_CLICK"})), "absent"),
        # without a reason nobody can say that the rows are bad
        (Status("failed"), "parked"),
        (Status("partial", {"INVALID_GCLID": 1}), None),
        (Status("forgotten"), None),
    ],
)
def test_what_a_later_answer_makes_of_its_rows(status: Status, state: str | None) -> None:
    destination, _ = plain("google_ads")
    assert reopened(status, destination) == state
