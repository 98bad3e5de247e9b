"""A failed publish is one that may be tried again, whatever failed, with a key and without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.cloud import pubsub_v1

from common.errors import RetryableError
from common.local.pubsub.server import PubsubServer
from common.local.rpc.wire import RpcError
from common.messaging import publisher
from common.messaging.messages import Message, RunRequested, ScoreTask
from common.messaging.publisher import PubSubBus
from common.settings import Settings

KEYED: Message = ScoreTask.model_validate(
    {"kind": "score", "run_id": "r", "conversion": "c", "definition_version": 1}
    | {"start_date": "2026-11-28", "end_date": "2026-11-28", "trigger": "manual", "tier": 0}
)
UNKEYED: Message = RunRequested(trigger="manual")


class Door:
    """Lets publishing pass, or answers with a code."""

    def __init__(self) -> None:
        self.code: grpc.StatusCode | None = None

    def __call__(self, rpc: str, request: Any, authorization: str) -> None:
        if rpc == "Publish" and self.code is not None:
            raise RpcError(self.code, "no")


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def bus(door: Door, monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSubBus]:
    """A bus of the product, on the local Pub/Sub, that gives up after half a second."""
    monkeypatch.setattr(publisher, "PUBLISH_SECONDS", 0.5)
    server = PubsubServer(authorize=door)
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
    options = pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
    client = pubsub_v1.PublisherClient(publisher_options=options)
    for topic in ("runs", "tasks"):
        client.create_topic(name=f"projects/shop/topics/{topic}")
    yield PubSubBus(client, Settings(project="shop"))
    client.stop()
    server.stop(0)


@pytest.mark.parametrize("message", [KEYED, UNKEYED], ids=["keyed", "unkeyed"])
@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNAVAILABLE,
    ],
)
def test_a_failed_publish_may_be_tried_again(
    bus: PubSubBus,
    door: Door,
    message: Message,
    code: grpc.StatusCode,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    door.code = code
    with pytest.raises(RetryableError, match="did not accept"):
        bus.publish(message)
    door.code = None
    # after UNAVAILABLE the client itself goes on trying, with pauses, in order of the key
    monkeypatch.setattr(publisher, "PUBLISH_SECONDS", 10)
    bus.publish(message)
