"""Pub/Sub from the settings."""

from __future__ import annotations

from common.messaging.publisher import PubSubBus
from common.settings import Settings


def bus(settings: Settings) -> PubSubBus:
    """A publisher to the settings' topics; messages of one conversion keep their order."""
    # Pub/Sub is slow to import and many requests never publish
    from google.cloud import pubsub_v1

    # without it the client refuses a message that has an ordering key
    options = pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
    return PubSubBus(pubsub_v1.PublisherClient(publisher_options=options), settings)
