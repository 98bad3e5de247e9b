"""Publishes a message to the local Pub/Sub, as a customer's own loader would."""

from __future__ import annotations

from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.types import PubsubMessage

from common.local.iam.grants import account
from common.local.iam.tokens import channel as channel_of
from common.local.stack.attach import Attached
from common.messaging.messages import Message


def publish(stack: Attached, topic: str, message: Message) -> None:
    """Hand the message to the topic; returns when Pub/Sub has it."""
    with channel_of(stack.pubsub, account("owner", stack.settings.project)) as channel:
        client = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        path = f"projects/{stack.settings.project}/topics/{topic}"
        data = message.model_dump_json().encode()
        client.publish(topic=path, messages=[PubsubMessage(data=data)])
