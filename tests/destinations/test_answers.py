"""Whatever a platform, or a proxy in front of it, answers is read as one of five results.

The judge is arbitrary JSON and arbitrary bytes under every status; the documented answers of the
platforms stand beside it, each with its meaning.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.ads import datamanager_v1
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.export.contract.base import Built, Destination
from functions.export.destinations import data_manager
from functions.export.destinations.registry import DESTINATIONS
from functions.export.transport.calls import Answer, Reply, Unanswered
from functions.export.transport.results import (
    Accepted,
    Cause,
    Halted,
    Refused,
    Result,
    Retry,
    Status,
    Unknown,
)
from tests.destinations.harness import NOW, plain

KINDS = sorted(DESTINATIONS)
RESULTS = (Accepted, Refused, Retry, Unknown, Halted)
ROWS = [Built(f"k{number}", b"{}", "f") for number in range(3)]

NAMES = st.sampled_from(
    """error code error_subcode message details reason fieldViolations field requestId
    events_received num_received num_invalid_entries is_transient request_id elements status
    PartialErrors Index Code ErrorCode Errors OperationErrors TrackingId fbtrace_id errorInfo
    errorCounts recordCount requestStatus requestStatusPerDestination validationMessages""".split()
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["events[0]", "events[99]", "Index: 1, ERROR :: x", "indices [0] (0-indexed)", "429"]
    )
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)
BODIES = JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=80)
STATUSES = st.sampled_from([200, 201, 204, 301, 400, 401, 403, 404, 409, 413, 422, 426, 429, 500])
HEADERS = st.dictionaries(st.just("retry-after"), st.text(max_size=30))
REPLIES = st.builds(Answer, STATUSES, BODIES, HEADERS) | st.builds(
    Unanswered, st.just("timeout"), st.booleans()
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=250, deadline=None)
@given(reply=REPLIES)
def test_any_bytes_at_all_are_one_of_five_results(kind: str, reply: Reply) -> None:
    destination, _ = plain(kind)
    result = destination.verdict(reply, ROWS, NOW)
    assert isinstance(result, RESULTS)
    if isinstance(result, Accepted | Refused):
        assert all(isinstance(row, int) for row in result.failures)
        assert all(isinstance(destination.cause(why), Cause) for why in result.failures.values())


@settings(max_examples=300, deadline=None)
@given(body=JSON)
def test_any_status_of_an_earlier_request_can_be_read(body: Any) -> None:
    assert isinstance(data_manager.status(body), Status)


@pytest.mark.parametrize("kind", KINDS)
def test_nested_without_end_is_read_too(kind: str) -> None:
    destination, _ = plain(kind)
    deep = Answer(400, b"[" * 100_000)
    assert isinstance(destination.verdict(deep, ROWS, NOW), RESULTS)


def meta_error(code: int, subcode: int | None = None, message: str = "x") -> bytes:
    error = {"code": code, "message": message, "type": "GraphMethodException"}
    return json.dumps({"error": error | ({"error_subcode": subcode} if subcode else {})}).encode()


def google_error(reason: str, field: str = "events.events[1].currency") -> bytes:
    violation = {"field": field, "reason": reason, "description": "Not valid."}
    return json.dumps(
        {"error": {"code": 400, "details": [{"fieldViolations": [violation]}]}}
    ).encode()


DOCUMENTED: list[tuple[str, int, bytes, type[Result]]] = [
    ("google_ads", 200, b'{"requestId":"r1"}', Accepted),
    ("google_ads", 400, google_error("INVALID_CURRENCY_CODE"), Refused),
    ("google_ads", 400, google_error("NOT_ALLOWLISTED"), Halted),
    ("google_ads", 400, google_error("INVALID_FORMAT", "destinations[0]"), Halted),
    ("google_ads", 400, google_error("CONVERSION_ACTION_TOO_RECENTLY_CREATED", ""), Retry),
    ("google_ads", 400, google_error("TOO_MANY_EVENTS", "events"), Halted),
    ("google_ads", 400, google_error("A_REASON_OF_NEXT_YEAR"), Refused),
    ("google_customer_match", 400, google_error("TERMS_AND_CONDITIONS_NOT_SIGNED"), Halted),
    ("meta", 200, b'{"events_received":3,"messages":[],"fbtrace_id":"A"}', Accepted),
    ("meta", 200, b'{"events_received":2}', Unknown),
    ("meta", 400, meta_error(100, 2804003), Refused),
    ("meta", 400, meta_error(100, None, "API calls require an appsecret_proof argument"), Halted),
    ("meta", 400, meta_error(100, 33), Halted),
    ("meta", 400, meta_error(100), Refused),
    ("meta", 400, meta_error(190, 463), Halted),
    ("meta", 400, meta_error(613), Retry),
    ("meta", 400, meta_error(471, 1713230), Retry),
    ("meta", 400, meta_error(5), Refused),
    ("meta", 400, meta_error(-1), Unknown),
    ("meta", 400, b'{"error":"text"}', Refused),
    ("meta_audience", 400, meta_error(200, 1870090), Halted),
    ("meta_audience", 200, b'{"num_received":3,"num_invalid_entries":1}', Refused),
    ("tiktok", 200, b'{"code":0,"message":"OK","request_id":"q"}', Accepted),
    ("tiktok", 200, b'{"code":20001}', Unknown),
    ("tiktok", 200, b'{"code":40002}', Refused),
    ("tiktok", 401, b'{"code":40104}', Halted),
    ("tiktok", 401, b'{"code":40100}', Retry),
    ("tiktok", 200, b'{"code":51001}', Unknown),
    ("linkedin", 200, b'{"elements":[{"status":201},{"status":201},{"status":201}]}', Accepted),
    ("linkedin", 403, b'{"message":"No ad accounts found","status":403}', Halted),
    ("linkedin", 400, b'{"code":"VERSION_MISSING"}', Halted),
    ("linkedin", 426, b"{}", Halted),
    ("microsoft_ads", 200, b'{"PartialErrors":[],"TrackingId":"t"}', Accepted),
    ("microsoft_ads", 200, b'{"PartialErrors":[{"Index":7,"Code":5609}]}', Unknown),
    ("microsoft_ads", 401, b'{"OperationErrors":[{"Code":105}]}', Halted),
    ("microsoft_ads", 400, b'{"Errors":[{"Code":117}]}', Retry),
    ("google_analytics", 204, b"", Accepted),
]


@pytest.mark.parametrize(("kind", "status", "body", "result"), DOCUMENTED)
def test_a_documented_answer_means_what_its_document_says(
    kind: str, status: int, body: bytes, result: type[Result]
) -> None:
    destination, _ = plain(kind)
    assert isinstance(destination.verdict(Answer(status, body), ROWS, NOW), result)


CAUSES = [
    ("microsoft_ads", "5609_OfflineConversionTimeOutOfWindow", Cause.ROW),
    ("microsoft_ads", "5606_OfflineConversionNameInvalid", Cause.ACCOUNT),
    ("microsoft_ads", "5615_GoalTooYoung", Cause.AGAIN),
    ("linkedin", "outside_90_days", Cause.ROW),
    ("google_ads", "A_REASON_OF_NEXT_YEAR", Cause.UNLISTED),
    ("google_ads", "USER_LIST_OF_NEXT_YEAR", Cause.ACCOUNT),
    ("meta", "meta_80003", Cause.SLOW),
    ("meta", "meta_100_999", Cause.UNLISTED),
    ("tiktok", "tiktok_40999", Cause.UNLISTED),
]


@pytest.mark.parametrize(("kind", "reason", "cause"), CAUSES)
def test_each_code_has_one_cause_and_an_unknown_one_is_never_the_rows(
    kind: str, reason: str, cause: Cause
) -> None:
    destination: Destination[Any] = plain(kind)[0]
    assert destination.cause(reason) is cause


def test_the_rows_that_linkedin_names_in_a_sentence_are_found() -> None:
    text = (
        "Conversion time should be within 90 days and not exceed current time, "
        "indices [0, 2] (0-indexed)."
    )
    answer = Answer(400, json.dumps({"message": text}).encode())
    result = plain("linkedin")[0].read(answer, ROWS)
    assert isinstance(result, Refused)
    assert result.failures == {0: "outside_90_days", 2: "outside_90_days"}


def test_every_reason_that_googles_own_client_knows_of_later_refusals_has_a_cause() -> None:
    enumeration: Any = datamanager_v1.ProcessingErrorReason
    names = [data_manager._short(reason.name) for reason in enumeration]
    unlisted = {name for name in names if data_manager.later(name) is Cause.UNLISTED}
    assert unlisted == {
        "UNSPECIFIED",
        "INVALID_MOBILE_ID_FORMAT",
        "EVENT_ID_DECODE_ERROR",
        "INSUFFICIENT_MATCHED_TRANSACTIONS",
        "INSUFFICIENT_TRANSACTIONS",
    }
