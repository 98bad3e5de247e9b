"""Sends dead letters back to the topics that they came from, once their cause is mended.

    .venv/bin/python terraform/operations/replay_dead_letters.py PROJECT ENVIRONMENT [--list]

It runs under the operator's own credentials. Every message of the product may arrive twice without
harm, so a replay that broke off is simply started again. A letter of no subscription of this
deployment is named and stays, and the command ends with 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
    from google.cloud.pubsub_v1.types import ReceivedMessage

MANIFEST = Path(__file__).parents[2] / "functions" / "manifest.json"
ADDED_BY_PUBSUB = "CloudPubSubDeadLetterSource"
"""Prefix of the attributes that tell where a dead letter came from.
Source: cloud.google.com/pubsub/docs/handling-failures."""
BATCH = 100
SECONDS = 30


@dataclass(frozen=True)
class Letter:
    """A dead letter: where it failed, where it belongs, and the message as it was published."""

    ack_id: str
    subscription: str
    topic: str | None
    """None when the subscription is none of this deployment's: it is not guessed at."""
    data: bytes
    attributes: Mapping[str, str]
    ordering_key: str

    def __str__(self) -> str:
        # the data may hold what a person wrote; its kind is enough to recognise it
        shown = f"{self.subscription}: {self.attributes.get('kind', 'no kind')} {self.ordering_key}"
        return shown if self.topic else f"{shown} (of no subscription of this deployment: it stays)"


def main() -> int:
    from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
    from google.cloud.pubsub_v1.types import PublisherOptions

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project")
    parser.add_argument("environment")
    parser.add_argument("--list", action="store_true", help="show them, and send nothing")
    asked = parser.parse_args()
    options = PublisherOptions(enable_message_ordering=True)
    publisher = PublisherClient(publisher_options=options)
    subscriber = SubscriberClient()
    prefix = f"conversions-{asked.environment}-"
    inbox = subscriber.subscription_path(asked.project, f"{prefix}dead-letters")
    letters = []
    for letter in waiting(subscriber, inbox, prefix):
        letters.append(letter)
        print(letter)
        if letter.topic and not asked.list:
            replay(letter, publisher, subscriber, asked.project, inbox)
    stay = [letter for letter in letters if asked.list or not letter.topic]
    give_back(stay, subscriber, inbox)
    if asked.list:
        print(f"{len(letters)} dead letters wait")
        return 0
    print(f"{len(letters) - len(stay)} dead letters sent back, {len(stay)} stay")
    return 1 if stay else 0


def waiting(subscriber: SubscriberClient, inbox: str, prefix: str) -> Iterator[Letter]:
    """Every dead letter that waits; one not sent on meanwhile stays, and is not given twice."""
    topics = topic_of_subscription(prefix)
    seen: set[str] = set()
    while True:
        fresh = [got for got in pulled(subscriber, inbox) if got.message.message_id not in seen]
        if not fresh:
            return
        for received in fresh:
            seen.add(received.message.message_id)
            yield opened(received, topics)


def pulled(subscriber: SubscriberClient, inbox: str) -> Sequence[ReceivedMessage]:
    """Some of the messages that wait; none when there are none."""
    from google.api_core.exceptions import DeadlineExceeded

    try:
        answer = subscriber.pull(subscription=inbox, max_messages=BATCH, timeout=SECONDS)
    except DeadlineExceeded:
        # Pub/Sub does not answer before there is a message.
        # Source: github.com/googleapis/python-pubsub/issues/343
        return []
    received: Sequence[ReceivedMessage] = answer.received_messages
    return received


def topic_of_subscription(prefix: str) -> dict[str, str]:
    """Full subscription name → full topic name, from the manifest that deployed both."""
    subscriptions = json.loads(MANIFEST.read_text())["subscriptions"]
    return {prefix + name: prefix + made["topic"] for name, made in subscriptions.items()}


def opened(received: ReceivedMessage, topics: Mapping[str, str]) -> Letter:
    """The dead letter without what Pub/Sub added."""
    message = received.message
    # one that somebody published here by hand has no source
    source = message.attributes.get(f"{ADDED_BY_PUBSUB}Subscription", "unknown")
    kept = {k: v for k, v in message.attributes.items() if not k.startswith(ADDED_BY_PUBSUB)}
    topic = topics.get(source)
    return Letter(received.ack_id, source, topic, message.data, kept, message.ordering_key)


def give_back(letters: Sequence[Letter], subscriber: SubscriberClient, inbox: str) -> None:
    """Let the next command see them at once, and not when their time to be acknowledged is up."""
    for start in range(0, len(letters), BATCH):
        ack_ids = [letter.ack_id for letter in letters[start : start + BATCH]]
        subscriber.modify_ack_deadline(
            subscription=inbox, ack_ids=ack_ids, ack_deadline_seconds=0, timeout=SECONDS
        )


def replay(
    letter: Letter,
    publisher: PublisherClient,
    subscriber: SubscriberClient,
    project: str,
    inbox: str,
) -> None:
    """Publish the message again, and only then forget the dead letter."""
    assert letter.topic, "a letter of another deployment has no topic here"
    path = publisher.topic_path(project, letter.topic)
    sent = publisher.publish(
        path, letter.data, ordering_key=letter.ordering_key, **letter.attributes
    )
    sent.result(timeout=SECONDS)
    subscriber.acknowledge(subscription=inbox, ack_ids=[letter.ack_id], timeout=SECONDS)


if __name__ == "__main__":
    sys.exit(main())
