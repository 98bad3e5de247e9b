"""Our writer of Google's requests against Google's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from google.ads import datamanager_v1 as dm
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from functions.export.contract.base import Built, chunks
from functions.export.transport import proto_json
from tests.destinations.generated import built
from tests.destinations.harness import HERE, destination_of, load, prepare, row_of

TYPES = {
    "/v1/events:ingest": dm.IngestEventsRequest,
    "/v1/audienceMembers:ingest": dm.IngestAudienceMembersRequest,
    "/v1/audienceMembers:remove": dm.RemoveAudienceMembersRequest,
}
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=9, minutes=30))])
TIMES = st.datetimes(datetime(1970, 1, 2), datetime(2099, 1, 1), timezones=ZONES).map(
    proto_json.timestamp
)
MONEY = st.decimals(0, 10**15, places=4).map(float)
SOME_TEXT = st.text(min_size=1)


def as_google_writes(kind: Any, message: proto_json.Message) -> str:
    """The text that the official client sends for this message."""
    said = kind.pb()(**proto_json.fields(message))
    return str(json_format.MessageToJson(said, use_integers_for_enums=True))


@pytest.mark.parametrize("name", ["google_ads", "google_customer_match"])
def test_every_generated_request_is_what_the_official_client_writes(name: str) -> None:
    destination, conversion, rows = built(name)
    for batch in chunks(rows, 50):
        request = destination.request(conversion, batch)
        path = request.url.removeprefix("https://datamanager.googleapis.com")
        assert request.body.decode() == as_google_writes(TYPES[path], request.message)


def test_cart_data_is_what_the_official_client_writes() -> None:
    case = HERE / "google_ads" / "cart_data"
    rows = [
        prepare(destination_of(case), "purchase", row_of(step["row"]), step.get("op", "create"))
        for step in load(case / "rows.json")
    ]
    made = [each for each in rows if isinstance(each, Built)]
    request = destination_of(case).request("purchase", made)
    assert '"quantity": "2"' in request.body.decode()
    assert request.body.decode() == as_google_writes(dm.IngestEventsRequest, request.message)


@given(
    st.fixed_dictionaries(
        {"transactionId": SOME_TEXT, "eventTimestamp": TIMES},
        optional={
            "lastUpdatedTimestamp": TIMES,
            "currency": SOME_TEXT,
            "conversionValue": MONEY,
            "eventSource": st.integers(1, 5),
        },
    ),
    st.booleans(),
)
def test_whatever_stands_in_a_message_it_is_written_as_google_writes_it(
    event: proto_json.Message, validate: bool
) -> None:
    ordered = {name: event[name] for name in EVENT_FIELDS if name in event}
    frame: proto_json.Message = {"destinations": [{"reference": "here"}], "events": []}
    frame |= {"validateOnly": True} if validate else {}
    rows = [proto_json.row(ordered)] * 2
    assert proto_json.with_rows(frame, "events", rows) == as_google_writes(
        dm.IngestEventsRequest, {**frame, "events": [ordered, ordered]}
    )


EVENT_FIELDS = [
    field.json_name
    for field in sorted(dm.Event.pb().DESCRIPTOR.fields, key=lambda each: each.number)
]
