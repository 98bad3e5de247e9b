"""What Pub/Sub fixes about topics, subscriptions, retries and dead letters, as pure functions.

Source: https://cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1 where no other is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from google.pubsub_v1.types import PubsubMessage, Subscription

from common.local.pubsub import filters
from common.local.rpc.wire import invalid, unsupported

MAXIMUM_REQUEST = 10_000_000
"""Bytes of one publish request. https://cloud.google.com/pubsub/quotas"""
MAXIMUM_MESSAGES = 1_000
"""Messages of one publish request, and of one answer to a pull. https://cloud.google.com/pubsub/quotas"""
MAXIMUM_KEY = 1024
"""Bytes of an ordering key. https://cloud.google.com/pubsub/docs/ordering"""
MAXIMUM_ATTRIBUTES, MAXIMUM_NAME, MAXIMUM_VALUE = 100, 256, 1024
"""Attributes of one message, bytes of an attribute's name and of its value.
https://cloud.google.com/pubsub/quotas#resource_limits"""

MUTABLE = {
    "push_config",
    "ack_deadline_seconds",
    "message_retention_duration",
    "labels",
    "expiration_policy",
    "dead_letter_policy",
    "retry_policy",
}
"""Fields of a subscription that an update may name; the others are fixed when it is created.
https://cloud.google.com/pubsub/docs/update-subscription"""

_UNSUPPORTED = (
    "bigquery_config",
    "cloud_storage_config",
    "bigtable_config",
    "message_transforms",
    "enable_exactly_once_delivery",
)
_NAME = re.compile(r"projects/[^/]+/(?P<kind>\w+)/(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}")


def check_name(name: str, kind: str) -> None:
    """Raises RpcError unless the name is projects/{project}/{kind}/{id} with an allowed id."""
    match = _NAME.fullmatch(name)
    if match is None or match["kind"] != kind:
        raise invalid(f"{name!r} is not a name of the form projects/{{project}}/{kind}/{{id}}.")


def completed(subscription: Subscription) -> Subscription:
    """The subscription with the defaults of the service; raises RpcError for what it refuses."""
    check_name(subscription.name, "subscriptions")
    for field in _UNSUPPORTED:
        if getattr(subscription, field):
            raise unsupported(f"The local Pub/Sub does not know {field}.")
    if subscription.push_config.no_wrapper:
        raise unsupported("The local Pub/Sub pushes wrapped messages only.")
    made = Subscription(subscription)
    made.ack_deadline_seconds = made.ack_deadline_seconds or 10
    made.message_retention_duration = made.message_retention_duration or timedelta(days=7)
    made.state = Subscription.State(Subscription.State.ACTIVE)
    if made.dead_letter_policy:
        policy = made.dead_letter_policy
        policy.max_delivery_attempts = policy.max_delivery_attempts or 5
    _check(made)
    return made


def backoff(subscription: Subscription, attempts: int) -> float:
    """Seconds until a message that failed `attempts` times is delivered again.

    Sources: https://cloud.google.com/pubsub/docs/subscription-retry-policy and, for a push
    subscription without a policy, https://cloud.google.com/pubsub/docs/push
    """
    if "retry_policy" in subscription:
        policy = subscription.retry_policy
        least, most = (
            _seconds(policy.minimum_backoff, 10.0),
            _seconds(policy.maximum_backoff, 600.0),
        )
    elif subscription.push_config.push_endpoint:
        least, most = 0.1, 60.0
    else:
        return 0.0
    # 2**20 times any backoff is far above every maximum
    return min(most, least * 2.0 ** min(attempts - 1, 20))


def is_spent(subscription: Subscription, attempts: int) -> bool:
    """Whether a message that failed so often goes to the dead-letter topic.

    Source: https://cloud.google.com/pubsub/docs/handling-failures
    """
    policy = subscription.dead_letter_policy
    return bool(policy) and attempts >= policy.max_delivery_attempts


def dead_letter(message: PubsubMessage, subscription: str, attempts: int) -> PubsubMessage:
    """The message as it is published to the dead-letter topic: its source named by attributes.

    Source: https://cloud.google.com/pubsub/docs/handling-failures
    """
    _, project, _, name = subscription.split("/")
    origin = {
        "CloudPubSubDeadLetterSourceDeliveryCount": str(attempts),
        "CloudPubSubDeadLetterSourceSubscription": name,
        "CloudPubSubDeadLetterSourceSubscriptionProject": project,
        "CloudPubSubDeadLetterSourceTopicPublishTime": message.publish_time.isoformat(),
    }
    return PubsubMessage(
        data=message.data,
        attributes={**message.attributes, **origin},
        ordering_key=message.ordering_key,
    )


def stamped(message: PubsubMessage, message_id: int, published: float) -> PubsubMessage:
    """The message with the id and time that the service gives it."""
    made = PubsubMessage(message)
    made.message_id = str(message_id)
    made.publish_time = datetime.fromtimestamp(published, UTC)
    return made


def check_publish(messages: list[PubsubMessage]) -> None:
    """Raises RpcError for a batch that the service refuses.

    Source: https://cloud.google.com/pubsub/docs/publisher
    """
    if not messages:
        raise invalid("A publish request needs at least one message.")
    if len(messages) > MAXIMUM_MESSAGES:
        raise invalid(f"A publish request has at most {MAXIMUM_MESSAGES:,} messages.")
    for message in messages:
        _check_message(message)
    if len({message.ordering_key for message in messages}) > 1:
        raise invalid("All messages of one request carry the same ordering key.")
    if len(messages[0].ordering_key.encode()) > MAXIMUM_KEY:
        raise invalid(f"The ordering key is longer than {MAXIMUM_KEY} bytes.")
    if sum(PubsubMessage.pb(message).ByteSize() for message in messages) > MAXIMUM_REQUEST:
        raise invalid(f"The request is larger than {MAXIMUM_REQUEST:,} bytes.")


def _check_message(message: PubsubMessage) -> None:
    if not message.data and not message.attributes:
        raise invalid("A message needs data or at least one attribute.")
    if len(message.attributes) > MAXIMUM_ATTRIBUTES:
        raise invalid(f"A message has at most {MAXIMUM_ATTRIBUTES} attributes.")
    for name, value in message.attributes.items():
        if not name or name.startswith("goog") or len(name.encode()) > MAXIMUM_NAME:
            raise invalid(
                f"The attribute {name[:20]!r} has no name of 1 to {MAXIMUM_NAME} bytes that does "
                "not begin with goog."
            )
        if len(value.encode()) > MAXIMUM_VALUE:
            raise invalid(f"The attribute {name!r} is longer than {MAXIMUM_VALUE:,} bytes.")


def wants(subscription: Subscription, attributes: Mapping[str, str]) -> bool:
    """Whether the subscription's filter lets the message through."""
    return filters.parse(subscription.filter)(attributes)


def _check(subscription: Subscription) -> None:
    policy = subscription.dead_letter_policy
    _between("ack_deadline_seconds", subscription.ack_deadline_seconds, 10, 600)
    _between(
        "message_retention_duration",
        subscription.message_retention_duration.total_seconds(),
        timedelta(minutes=10).total_seconds(),
        timedelta(days=31).total_seconds(),
    )
    if policy:
        check_name(policy.dead_letter_topic, "topics")
        _between("max_delivery_attempts", policy.max_delivery_attempts, 5, 100)
    if "retry_policy" in subscription:
        retry = subscription.retry_policy
        least = _seconds(retry.minimum_backoff, 10.0)
        _between("minimum_backoff", least, 0, 600)
        _between("maximum_backoff", _seconds(retry.maximum_backoff, 600.0), least, 600)
    try:
        filters.parse(subscription.filter)
    except ValueError as error:
        raise invalid(f"The filter {subscription.filter!r} is not valid: {error}.") from error


def _between(field: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise invalid(f"{field} is {value:g}; it lies between {least:g} and {most:g}.")


def _seconds(duration: timedelta | None, default: float) -> float:
    return default if duration is None else duration.total_seconds()
