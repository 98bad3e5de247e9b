"""Our writer of Google's requests against Google's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from google.ads import datamanager_v1 as dm
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from functions.export import proto_json
from functions.export.destinations.base import chunks
from tests.destinations.generated import built

TYPES = {
    "/v1/events:ingest": dm.IngestEventsRequest,
    "/v1/audienceMembers:ingest": dm.IngestAudienceMembersRequest,
    "/v1/audienceMembers:remove": dm.RemoveAudienceMembersRequest,
}
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=9, minutes=30))])
TIMES = st.datetimes(datetime(1970, 1, 2), datetime(2099, 1, 1), timezones=ZONES)
SOME_TEXT = st.text(min_size=1)


def as_google_writes(kind: Any, message: proto_json.Message) -> str:
    """The text that the official client sends for this message."""
    said = kind.pb()(**proto_json.plain(message))
    return str(json_format.MessageToJson(said, use_integers_for_enums=True))


@pytest.mark.parametrize("name", ["google_ads", "google_customer_match"])
def test_every_generated_request_is_what_the_official_client_writes(name: str) -> None:
    destination, conversion, rows = built(name)
    for batch in chunks(rows, 50):
        request = destination.request(conversion, batch)
        path = request.url.removeprefix("https://datamanager.googleapis.com")
        assert request.body.decode() == as_google_writes(TYPES[path], request.message)


@given(
    st.fixed_dictionaries(
        {
            "destinations": st.lists(
                st.fixed_dictionaries({"reference": SOME_TEXT}), min_size=1, max_size=2
            ),
            "events": st.lists(
                st.fixed_dictionaries(
                    {"transaction_id": SOME_TEXT, "event_timestamp": TIMES},
                    optional={
                        "last_updated_timestamp": TIMES,
                        "conversion_value": st.floats(allow_nan=False, allow_infinity=False),
                        "event_source": st.integers(1, 5),
                    },
                ),
                min_size=1,
                max_size=3,
            ),
        },
        optional={"validate_only": st.just(True), "encoding": st.integers(1, 2)},
    )
)
def test_whatever_stands_in_a_message_it_is_written_as_google_writes_it(
    message: proto_json.Message,
) -> None:
    ordered = {name: message[name] for name in FIELDS if name in message}
    ordered["events"] = [
        {name: event[name] for name in EVENT_FIELDS if name in event} for event in message["events"]
    ]
    assert proto_json.text(ordered) == as_google_writes(dm.IngestEventsRequest, ordered)


def in_order(kind: Any) -> list[str]:
    """Fields in the order of their numbers."""
    return [
        field.name for field in sorted(kind.pb().DESCRIPTOR.fields, key=lambda each: each.number)
    ]


FIELDS = in_order(dm.IngestEventsRequest)
EVENT_FIELDS = in_order(dm.Event)
