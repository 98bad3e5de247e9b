"""A dead letter goes back to its topic as it was published, and is forgotten only then."""

from __future__ import annotations

from typing import Any, cast

import pytest
from google.api_core.exceptions import DeadlineExceeded
from google.cloud.pubsub_v1.types import PubsubMessage, PullResponse, ReceivedMessage

from terraform.operations import replay_dead_letters as tool

INBOX = "projects/shop/subscriptions/conversions-prod-dead-letters"


class Future:
    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def result(self, timeout: float) -> str:
        if self.error:
            raise self.error
        return "id"


class PubSub:
    """A publisher and a subscriber over one list of dead letters.

    As in the cloud, a pull waits for a message until its time is up.
    """

    def __init__(self, *messages: PubsubMessage, error: Exception | None = None) -> None:
        self.waiting = {f"ack-{m.message_id}": m for m in messages}
        self.published: list[tuple[Any, ...]] = []
        self.given_back: list[str] = []
        self.error = error

    def subscription_path(self, project: str, name: str) -> str:
        return f"projects/{project}/subscriptions/{name}"

    def modify_ack_deadline(
        self, subscription: str, ack_ids: list[str], ack_deadline_seconds: int, timeout: float
    ) -> None:
        assert (subscription, ack_deadline_seconds) == (INBOX, 0)
        self.given_back += ack_ids

    def pull(self, subscription: str, max_messages: int, timeout: float) -> PullResponse:
        assert subscription == INBOX
        if not self.waiting:
            raise DeadlineExceeded("Deadline Exceeded")  # type: ignore[no-untyped-call]
        received = [ReceivedMessage(ack_id=a, message=m) for a, m in self.waiting.items()]
        return PullResponse(received_messages=received[:max_messages])

    def acknowledge(self, subscription: str, ack_ids: list[str], timeout: float) -> None:
        for ack_id in ack_ids:
            del self.waiting[ack_id]

    def topic_path(self, project: str, topic: str) -> str:
        return f"projects/{project}/topics/{topic}"

    def publish(self, path: str, data: bytes, ordering_key: str, **attributes: str) -> Future:
        self.published.append((path, data, ordering_key, attributes))
        return Future(self.error)


def dead(number: int, subscription: str = "materialize-tasks") -> PubsubMessage:
    return PubsubMessage(
        message_id=str(number),
        data=b'{"kind": "materialize"}',
        ordering_key="lead",
        attributes={
            "kind": "materialize",
            "CloudPubSubDeadLetterSourceDeliveryCount": "10",
            "CloudPubSubDeadLetterSourceSubscription": f"conversions-prod-{subscription}",
        },
    )


def replay_all(pubsub: PubSub) -> None:
    for letter in tool.waiting(cast(Any, pubsub), INBOX, "conversions-prod-"):
        tool.replay(letter, cast(Any, pubsub), cast(Any, pubsub), "shop", INBOX)


def test_a_dead_letter_goes_back_to_its_topic_as_it_was_published() -> None:
    pubsub = PubSub(dead(1))
    replay_all(pubsub)
    topic = "projects/shop/topics/conversions-prod-tasks"
    expected = (topic, b'{"kind": "materialize"}', "lead", {"kind": "materialize"})
    assert pubsub.published == [expected]
    assert not pubsub.waiting


def test_more_letters_than_one_pull_brings_are_all_replayed() -> None:
    pubsub = PubSub(*(dead(number) for number in range(250)))
    replay_all(pubsub)
    assert len(pubsub.published) == 250


def test_a_letter_that_could_not_be_published_stays() -> None:
    pubsub = PubSub(dead(1), error=TimeoutError())
    with pytest.raises(TimeoutError):
        replay_all(pubsub)
    assert list(pubsub.waiting) == ["ack-1"]


def test_listing_sends_nothing_and_ends() -> None:
    pubsub = PubSub(dead(1), dead(2, "score-tasks"))
    listed = [str(letter) for letter in tool.waiting(cast(Any, pubsub), INBOX, "conversions-prod-")]
    assert listed == [
        "conversions-prod-materialize-tasks: materialize lead",
        "conversions-prod-score-tasks: materialize lead",
    ]
    assert not pubsub.published


def command(pubsub: PubSub, monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    monkeypatch.setattr("google.cloud.pubsub_v1.PublisherClient", lambda **_: pubsub)
    monkeypatch.setattr("google.cloud.pubsub_v1.SubscriberClient", lambda: pubsub)
    monkeypatch.setattr("sys.argv", ["replay_dead_letters.py", "shop", "prod", *options])
    return tool.main()


def test_a_letter_of_another_installation_stays_and_keeps_no_other_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    by_hand = PubsubMessage(message_id="2", data=b"{}")
    pubsub = PubSub(dead(1, "somebody-elses"), by_hand, dead(3))
    assert command(pubsub, monkeypatch) == 1
    assert list(pubsub.waiting) == ["ack-1", "ack-2"]
    assert len(pubsub.published) == 1
    assert "somebody-elses" in capsys.readouterr().out


def test_what_was_listed_can_be_replayed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pubsub = PubSub(dead(1), dead(2))
    assert command(pubsub, monkeypatch, "--list") == 0
    assert pubsub.given_back == ["ack-1", "ack-2"]
    assert command(pubsub, monkeypatch) == 0
    assert not pubsub.waiting
