"""Our writer of Google's requests, read by Google's own types."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from google.ads import datamanager_v1 as dm
from google.auth.exceptions import DefaultCredentialsError, TransportError
from google.oauth2.credentials import Credentials as Token
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from functions.export.contract.base import Built, chunks
from functions.export.destinations import data_manager
from functions.export.transport.calls import Answer, Request
from tests.destinations.generated import built
from tests.destinations.harness import HERE, destination_of, load, plain, prepare, row_of, world

TYPES = {
    "/v1/events:ingest": dm.IngestEventsRequest,
    "/v1/audienceMembers:ingest": dm.IngestAudienceMembersRequest,
    "/v1/audienceMembers:remove": dm.RemoveAudienceMembersRequest,
}
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=9, minutes=30))])
TIMES = st.datetimes(datetime(1970, 1, 2), datetime(2099, 1, 1), timezones=ZONES)


def as_google_writes(request: Request) -> Any:
    """The request's content as the official client writes what it read; unknown fields are none."""
    kind: Any = TYPES[request.url.removeprefix(data_manager.HOST)]
    message = kind.from_json(request.body, ignore_unknown_fields=False)
    return json.loads(
        kind.to_json(
            message, use_integers_for_enums=True, always_print_fields_with_no_presence=False
        )
    )


@pytest.mark.parametrize("name", ["google_ads", "google_customer_match"])
def test_every_generated_request_is_what_the_official_client_writes(name: str) -> None:
    destination, conversion, rows = built(name)
    for batch in chunks(rows, 50):
        request = destination.request(conversion, batch)
        assert json.loads(request.body) == as_google_writes(request)


def test_cart_data_is_what_the_official_client_writes() -> None:
    case = HERE / "google_ads" / "cart_data"
    rows = [
        prepare(destination_of(case), "purchase", row_of(step["row"]), step.get("op", "create"))
        for step in load(case / "rows.json")
    ]
    made = [each for each in rows if isinstance(each, Built)]
    request = destination_of(case).request("purchase", made)
    assert b'"quantity":"2"' in request.body
    assert json.loads(request.body) == as_google_writes(request)


@given(TIMES)
def test_a_time_is_written_as_google_writes_it(moment: datetime) -> None:
    stamp = Timestamp()
    stamp.FromDatetime(moment.astimezone(UTC))
    assert data_manager.timestamp(moment) == stamp.ToJsonString()


@given(st.text(min_size=1))
def test_only_people_are_taken_for_people(text: str) -> None:
    destination, conversion = plain("google_ads")
    event = {"transactionId": f'{text}"userData":', "adIdentifiers": {"gclid": text}}
    request = destination.request(conversion, [data_manager.built("key", event)])
    assert "encoding" not in json.loads(request.body)


class Identity(Token):
    """Credentials that end as they are told to, or hand out their token."""

    def __init__(self, token: str, fault: Exception | None = None) -> None:
        super().__init__(token)  # type: ignore[no-untyped-call]
        self.fault = fault

    def before_request(self, *around: Any) -> None:
        if self.fault:
            raise self.fault
        super().before_request(*around)  # type: ignore[no-untyped-call]


ASKED = data_manager.request("/v1/requestStatus:retrieve?requestId=r", b"", "my-quota", "GET")
UNREACHABLE = TransportError("no metadata server")  # type: ignore[no-untyped-call]
NOBODY = DefaultCredentialsError("nobody")  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("identities", "status"),
    [
        ([Identity("", UNREACHABLE)], "token_endpoint_unreachable"),
        ([Identity("", NOBODY)] * 2, 401),
        # a token that Google no longer takes is asked for once more
        ([Identity("expired"), Identity(f"token {data_manager.SCOPE}")], 400),
        ([Identity("expired")] * 2, 401),
    ],
)
def test_the_functions_own_identity_goes_along(
    identities: list[Identity], status: int | str
) -> None:
    waiting = list(identities)
    with world() as here:
        here.wire.google = lambda scopes, quota: waiting.pop(0)
        reply = here.wire.exchange(ASKED)
    assert (reply.status if isinstance(reply, Answer) else reply.reason) == status
    assert not waiting
