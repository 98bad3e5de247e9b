"""Whatever a platform, or a proxy in front of it, answers is read as one of five results.

The judge is arbitrary JSON and arbitrary bytes under every status; the documented answers of the
platforms stand beside it, each with its meaning.
"""

from __future__ import annotations

import json
import math
from types import SimpleNamespace
from typing import Any, cast

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
    Retry,
    Status,
    Unknown,
)
from tests.destinations.harness import HERE, NOW, load, plain

KINDS = sorted(DESTINATIONS)
RESULTS = (Accepted, Refused, Retry, Unknown, Halted)
ROWS = [Built(f"k{number}", b"{}", "f") for number in range(3)]

NAMES = st.sampled_from(
    """error code error_subcode message details reason fieldViolations field requestId
    events_received num_received num_invalid_entries is_transient request_id elements status
    events num_events_processed
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


QUALITY = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                """web event_name event_match_quality composite_score match_key_feedback identifier
            coverage percentage DailySummaries SuccessCount FailureCount delivery_status code
            approximate_count_lower_bound approximate_count_upper_bound sizeInfo
            displayNetworkMembersCount ingestedUserListInfo contactIdInfo
            matchRatePercentage destinations status audienceSize matchedCount inputCount data list
            audience_id cover_num is_valid page_info total_page Audiences Id SearchSize
            AudienceNetworkSize overall_status quality_components hashed_email CHECKOUT""".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


TELLING = [k for k in KINDS if DESTINATIONS[k].diagnose is not Destination.diagnose]


@pytest.mark.parametrize("kind", TELLING)
@settings(max_examples=100, deadline=None)
@given(body=QUALITY)
def test_whatever_a_platform_says_of_quality_is_numbers_or_nothing(kind: str, body: Any) -> None:
    destination, _ = plain(kind)
    wire = SimpleNamespace(exchange=lambda _: Answer(200, json.dumps(body).encode()))
    diagnoses = destination.diagnose(NOW.date(), cast("Any", wire))
    assert set(diagnoses) <= {*destination.mapped, ""}
    assert all(math.isfinite(each) for measures in diagnoses.values() for each in measures.values())


@pytest.mark.parametrize("kind", KINDS)
def test_nested_without_end_is_read_too(kind: str) -> None:
    destination, _ = plain(kind)
    deep = Answer(400, b"[" * 100_000)
    assert isinstance(destination.verdict(deep, ROWS, NOW), RESULTS)


DOCUMENTED = [
    (path.parent.name, answer)
    for path in sorted(HERE.glob("*/answers.json"))
    for answer in load(path)
]
"""Answers as documents, or what people saw, have them; `means` is the result."""


@pytest.mark.parametrize(("kind", "answer"), DOCUMENTED)
def test_a_documented_answer_means_what_its_document_says(
    kind: str, answer: dict[str, Any]
) -> None:
    destination, _ = plain(kind)
    body = json.dumps(answer["body"]).encode() if answer["body"] else b""
    result = destination.verdict(Answer(answer["status"], body), ROWS, NOW)
    assert type(result).__name__ == answer["means"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_destination_says_what_it_makes_of_documented_answers(kind: str) -> None:
    assert [kind for known, _ in DOCUMENTED if known == kind]


CAUSES = [
    ("microsoft_ads", "5609_OfflineConversionTimeOutOfWindow", Cause.ROW),
    ("microsoft_ads", "5606_OfflineConversionNameInvalid", Cause.ACCOUNT),
    ("microsoft_ads", "5615_GoalTooYoung", Cause.AGAIN),
    ("linkedin", "outside_90_days", Cause.ROW),
    ("linkedin", "status_429", Cause.SLOW),
    ("linkedin", "status_503", Cause.DOUBT),
    ("linkedin", "status_None", Cause.DOUBT),
    ("linkedin", "status_409", Cause.UNLISTED),
    ("google_ads", "A_REASON_OF_NEXT_YEAR", Cause.UNLISTED),
    ("google_ads", "USER_LIST_OF_NEXT_YEAR", Cause.ACCOUNT),
    ("meta", "meta_80003", Cause.SLOW),
    ("meta", "meta_100_999", Cause.UNLISTED),
    ("tiktok", "tiktok_40999", Cause.UNLISTED),
    ("tiktok", "tiktok_40002", Cause.ROW),
    ("tiktok_audience", "tiktok_40002", Cause.UNLISTED),
]


@pytest.mark.parametrize(("kind", "reason", "cause"), CAUSES)
def test_each_code_has_one_cause_and_an_unknown_one_is_never_the_rows(
    kind: str, reason: str, cause: Cause
) -> None:
    destination: Destination[Any] = plain(kind)[0]
    assert destination.cause(reason) is cause


def test_a_goal_that_is_too_young_is_not_asked_for_again_within_a_run() -> None:
    destination, _ = plain("microsoft_ads")
    for code, seconds in ((5615, 7200.0), (117, 60.0)):
        said = json.dumps({"Errors": [{"Code": code}]}).encode()
        result = destination.read(Answer(400, said), [])
        assert isinstance(result, Retry)
        assert result.after == seconds


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
