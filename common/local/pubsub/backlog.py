"""The messages that subscriptions still have to deliver, kept through a kill of the process.

Times are seconds since the epoch and always an argument.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from google.pubsub_v1.types import PubsubMessage, Subscription, Topic

from common.local.pubsub import rules
from common.local.pubsub.agent import Agent, Almighty
from common.local.rpc.database import Database
from common.local.rpc.wire import already_exists, not_found

DELETED_TOPIC = "_deleted-topic_"


@dataclass(frozen=True)
class Delivery:
    """One attempt to hand one message to one subscription; attempts count from 1."""

    subscription: Subscription
    message_id: int
    attempt: int
    message: PubsubMessage


class Backlog:
    """Topics, subscriptions and deliveries in one SQLite file, or in memory without a path."""

    def __init__(self, path: Path | None = None, agent: Agent | None = None) -> None:
        self.database = Database(__file__, path)
        self._agent = agent or Almighty()

    def topics(self) -> list[Topic]:
        """All topics."""
        return _topics(self.database.rows("topics"))

    def topic(self, name: str) -> Topic:
        """Raises RpcError NOT_FOUND."""
        for topic in _topics(self.database.rows("topic", name=name)):
            return topic
        raise not_found(f"Topic {name} does not exist.")

    def add_topic(self, topic: Topic) -> None:
        """Raises RpcError ALREADY_EXISTS."""
        with self.database.transaction():
            if self.database.rows("topic", name=topic.name):
                raise already_exists(f"Topic {topic.name} exists already.")
            self.database.change("put_topic", name=topic.name, resource=Topic.serialize(topic))

    def drop_topic(self, name: str) -> None:
        """Its subscriptions stay and deliver what they have; raises RpcError NOT_FOUND."""
        with self.database.transaction():
            self.topic(name)
            for subscription in self.subscriptions_of(name):
                subscription.topic = DELETED_TOPIC
                self.put_subscription(subscription)
            self.database.change("drop_topic", name=name)

    def subscriptions(self) -> list[Subscription]:
        """All subscriptions."""
        return _subscriptions(self.database.rows("subscriptions"))

    def subscriptions_of(self, topic: str) -> list[Subscription]:
        """The subscriptions of a topic, by its full name."""
        return _subscriptions(self.database.rows("subscriptions_of", topic=topic))

    def pushing(self) -> list[Subscription]:
        """The subscriptions with a push endpoint."""
        return _subscriptions(self.database.rows("pushing"))

    def subscription(self, name: str) -> Subscription:
        """Raises RpcError NOT_FOUND."""
        for found in _subscriptions(self.database.rows("subscription", name=name)):
            return found
        raise not_found(f"Subscription {name} does not exist.")

    def add_subscription(self, subscription: Subscription) -> None:
        """Raises RpcError ALREADY_EXISTS, or NOT_FOUND for a topic that it names."""
        with self.database.transaction():
            if self.database.rows("subscription", name=subscription.name):
                raise already_exists(f"Subscription {subscription.name} exists already.")
            self.topic(subscription.topic)
            self.put_subscription(subscription)

    def put_subscription(self, subscription: Subscription) -> None:
        """Adds or replaces it; raises RpcError NOT_FOUND without its dead-letter topic."""
        with self.database.transaction():
            if subscription.dead_letter_policy:
                self.topic(subscription.dead_letter_policy.dead_letter_topic)
            self.database.change(
                "put_subscription",
                name=subscription.name,
                topic=subscription.topic,
                pushes=bool(subscription.push_config.push_endpoint),
                resource=Subscription.serialize(subscription),
            )

    def drop_subscription(self, name: str) -> None:
        """Takes its undelivered messages with it; raises RpcError NOT_FOUND."""
        with self.database.transaction():
            self.subscription(name)
            self.database.change("drop_subscription", name=name)

    def publish(self, topic: str, messages: Iterable[PubsubMessage], now: float) -> list[int]:
        """The new messages' ids; each goes to every subscription whose filter it passes."""
        with self.database.transaction():
            self.topic(topic)
            subscriptions = self.subscriptions_of(topic)
            return [self._add(message, subscriptions, now) for message in messages]

    def take(
        self, subscription: Subscription, now: float, most: int, *, one_by_one: bool
    ) -> list[Delivery]:
        """Up to `most` deliveries, outstanding from now until the acknowledgement deadline.

        One by one, a key has a single outstanding message, as push subscriptions have
        (https://cloud.google.com/pubsub/docs/ordering); otherwise a batch may hold several of a
        key, in order, and the key pauses until all of them are acknowledged.
        """
        with self.database.transaction():
            self._expire(subscription, now)
            name, deadline = subscription.name, now + subscription.ack_deadline_seconds
            ready = self.database.rows(
                "ready", subscription=name, now=now, most=most, one_by_one=one_by_one
            )
            for row in ready:
                self.database.change(
                    "lease", subscription=name, message=row["id"], deadline=deadline
                )
        return [Delivery(subscription, row["id"], row["attempt"], _message(row)) for row in ready]

    def acknowledge(self, subscription: str, message: int) -> None:
        """Any attempt's acknowledgement counts, a late one too."""
        self.database.change("acknowledge", subscription=subscription, message=message)

    def extend(self, subscription: str, message: int, attempt: int, deadline: float) -> None:
        """Moves the end of this attempt's acknowledgement deadline."""
        self.database.change(
            "extend", subscription=subscription, message=message, attempt=attempt, deadline=deadline
        )

    def fail(self, subscription: Subscription, message: int, attempt: int, now: float) -> None:
        """The attempt was refused or timed out: again after the backoff, or to the dead letters.

        An attempt that is no longer the outstanding one changes nothing.
        """
        due = now + rules.backoff(subscription, attempt)
        with self.database.transaction():
            released = self.database.change(
                "release", subscription=subscription.name, message=message, attempt=attempt, due=due
            )
            if released and self._is_given_up(subscription, attempt):
                self._bury(subscription, message, attempt, now)
            elif released:
                self.database.change(
                    "again_after", subscription=subscription.name, message=message, due=due
                )

    def redeliver(self, subscription: str, message: int, now: float) -> None:
        """Delivers the message once more, whatever its state, as at-least-once delivery may.

        The later messages of its key follow, acknowledged or not
        (https://cloud.google.com/pubsub/docs/ordering).
        """
        with self.database.transaction():
            self.database.change("again", subscription=subscription, message=message, due=now)
            self.database.change("again_after", subscription=subscription, message=message, due=now)

    def recover(self, now: float) -> None:
        """Ends the attempts that a killed process left behind; they are repeated at once."""
        with self.database.transaction():
            self.database.change("forget_messages")
            for row in self.database.rows("outstanding"):
                subscription = self.subscription(row["subscription"])
                self.fail(subscription, row["message"], row["attempts"], now)
                if not self._is_given_up(subscription, row["attempts"]):
                    self.redeliver(subscription.name, row["message"], now)

    def next_due(self, now: float) -> float | None:
        """When the next push or deadline is due after now."""
        due: float | None = self.database.rows("next_due", now=now)[0]["due"]
        return due

    def undelivered(self, *, pushes: bool) -> dict[str, int]:
        """{subscription: messages not yet acknowledged} of the push or of the pull ones."""
        rows = self.database.rows("undelivered", pushes=pushes)
        return {row["name"]: row["messages"] for row in rows}

    def _add(self, message: PubsubMessage, subscriptions: list[Subscription], now: float) -> int:
        number = self.database.insert(
            "put_message", published=now, message=PubsubMessage.serialize(message)
        )
        for subscription in subscriptions:
            if rules.wants(subscription, message.attributes):
                self.database.change(
                    "put_delivery",
                    subscription=subscription.name,
                    message=number,
                    ordering_key=message.ordering_key
                    if subscription.enable_message_ordering
                    else "",
                    due=now,
                )
        return number

    def _expire(self, subscription: Subscription, now: float) -> None:
        retained = subscription.message_retention_duration.total_seconds()
        if self.database.change("forget", subscription=subscription.name, before=now - retained):
            self.database.change("forget_messages")
        for row in self.database.rows("overdue", subscription=subscription.name, now=now):
            self.fail(subscription, row["message"], row["attempts"], now)

    def _is_given_up(self, subscription: Subscription, attempt: int) -> bool:
        return rules.is_spent(subscription, attempt) and self._agent.may_give_up(subscription)

    def _bury(self, subscription: Subscription, message: int, attempts: int, now: float) -> None:
        (row,) = self.database.rows("message", message=message)
        buried = rules.dead_letter(_message(row), subscription.name, attempts)
        self.publish(subscription.dead_letter_policy.dead_letter_topic, [buried], now)
        self.acknowledge(subscription.name, message)


def _topics(rows: Iterable[sqlite3.Row]) -> list[Topic]:
    return [Topic.deserialize(row["resource"]) for row in rows]


def _subscriptions(rows: Iterable[sqlite3.Row]) -> list[Subscription]:
    return [Subscription.deserialize(row["resource"]) for row in rows]


def _message(row: sqlite3.Row) -> PubsubMessage:
    message = PubsubMessage.deserialize(row["message"])
    return rules.stamped(message, row["id"], row["published"])
