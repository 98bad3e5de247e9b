"""Pub/Sub on this machine, for Google's own clients at PUBSUB_EMULATOR_HOST.

Topics, push and pull subscriptions, filters, ordering keys, deadlines, retries, dead letters and
retention; schemas, snapshots, streaming pull and exactly-once delivery are not there.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from google.protobuf import field_mask_pb2
from google.pubsub_v1 import types

from common.local.pubsub import rules
from common.local.pubsub.agent import Agent, Almighty
from common.local.pubsub.backlog import Backlog
from common.local.pubsub.push import Clock, Pusher
from common.local.rpc import wire


class PubsubServer:
    """A running server; `host` is what PUBSUB_EMULATOR_HOST wants.

    Nothing is pushed before `pushes.resume()`, so that endpoints can be made ready first. The state
    lies in `path`, or in memory without one.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        port: int = 0,
        clock: Clock = time.time,
        authorize: wire.Authorize | None = None,
        agent: Agent | None = None,
    ) -> None:
        self._clock = clock
        agent = agent or Almighty()
        self.backlog = Backlog(path, agent)
        self.backlog.recover(clock())
        self.pushes = Pusher(self.backlog, clock, agent)
        self._server, self.host = wire.start(port, *self._services(authorize))
        self.pushes.start()

    def stop(self, grace: float = 5.0) -> None:
        """Lets pushes under way end, then takes no more calls; the rest is delivered next time."""
        self.pushes.stop(grace)
        self._server.stop(grace).wait()
        self.backlog.database.close()

    def publish(self, topic: str, messages: Iterable[types.PubsubMessage]) -> list[int]:
        """The messages' ids; raises wire.RpcError."""
        batch = list(messages)
        rules.check_publish(batch)
        numbers = self.backlog.publish(topic, batch, self._clock())
        self.pushes.wake()
        return numbers

    def redeliver(self, subscription: str, message: int) -> None:
        """Delivers the message once more, as at-least-once delivery may at any time."""
        self.backlog.redeliver(subscription, message, self._clock())
        self.pushes.wake()

    def create_topic(self, request: types.Topic) -> types.Topic:
        rules.check_name(request.name, "topics")
        self.backlog.add_topic(request)
        return request

    def get_topic(self, request: types.GetTopicRequest) -> types.Topic:
        return self.backlog.topic(request.topic)

    def list_topics(self, request: types.ListTopicsRequest) -> types.ListTopicsResponse:
        inside = [topic for topic in self.backlog.topics() if _within(topic.name, request.project)]
        return types.ListTopicsResponse(topics=inside)

    def list_topic_subscriptions(
        self, request: types.ListTopicSubscriptionsRequest
    ) -> types.ListTopicSubscriptionsResponse:
        names = [found.name for found in self.backlog.subscriptions_of(request.topic)]
        return types.ListTopicSubscriptionsResponse(subscriptions=names)

    def delete_topic(self, request: types.DeleteTopicRequest) -> None:
        self.backlog.drop_topic(request.topic)

    def publish_request(self, request: types.PublishRequest) -> types.PublishResponse:
        numbers = self.publish(request.topic, request.messages)
        return types.PublishResponse(message_ids=[str(number) for number in numbers])

    def create_subscription(self, request: types.Subscription) -> types.Subscription:
        subscription = rules.completed(request)
        self.backlog.add_subscription(subscription)
        return subscription

    def get_subscription(self, request: types.GetSubscriptionRequest) -> types.Subscription:
        return self.backlog.subscription(request.subscription)

    def update_subscription(self, request: types.UpdateSubscriptionRequest) -> types.Subscription:
        changed = self.backlog.subscription(request.subscription.name)
        for field in _fields(request.update_mask):
            setattr(changed, field, getattr(request.subscription, field))
        subscription = rules.completed(changed)
        self.backlog.put_subscription(subscription)
        self.pushes.wake()
        return subscription

    def list_subscriptions(
        self, request: types.ListSubscriptionsRequest
    ) -> types.ListSubscriptionsResponse:
        found = self.backlog.subscriptions()
        inside = [
            subscription for subscription in found if _within(subscription.name, request.project)
        ]
        return types.ListSubscriptionsResponse(subscriptions=inside)

    def delete_subscription(self, request: types.DeleteSubscriptionRequest) -> None:
        self.backlog.drop_subscription(request.subscription)

    def pull(self, request: types.PullRequest) -> types.PullResponse:
        """Answers at once, with nothing when nothing is there, as the service may."""
        subscription = self.backlog.subscription(request.subscription)
        if subscription.push_config.push_endpoint:
            raise wire.precondition_failed(f"{subscription.name} pushes its messages.")
        if request.max_messages < 1:
            raise wire.invalid("max_messages is at least 1.")
        taken = self.backlog.take(
            subscription,
            self._clock(),
            min(request.max_messages, rules.MAXIMUM_MESSAGES),
            one_by_one=False,
        )
        counts = bool(subscription.dead_letter_policy)
        received = [
            types.ReceivedMessage(
                ack_id=f"{delivery.message_id}-{delivery.attempt}",
                message=delivery.message,
                delivery_attempt=delivery.attempt if counts else 0,
            )
            for delivery in taken
        ]
        return types.PullResponse(received_messages=received)

    def acknowledge(self, request: types.AcknowledgeRequest) -> None:
        self.backlog.subscription(request.subscription)
        for message, _ in map(_receipt, request.ack_ids):
            self.backlog.acknowledge(request.subscription, message)

    def modify_ack_deadline(self, request: types.ModifyAckDeadlineRequest) -> None:
        """Zero seconds refuse the message, as the service understands them."""
        subscription, now = self.backlog.subscription(request.subscription), self._clock()
        for message, attempt in map(_receipt, request.ack_ids):
            if request.ack_deadline_seconds:
                deadline = now + request.ack_deadline_seconds
                self.backlog.extend(subscription.name, message, attempt, deadline)
            else:
                self.backlog.fail(subscription, message, attempt, now)

    def _services(self, authorize: wire.Authorize | None) -> list[object]:
        publisher = {
            "CreateTopic": self.create_topic,
            "GetTopic": self.get_topic,
            "ListTopics": self.list_topics,
            "ListTopicSubscriptions": self.list_topic_subscriptions,
            "DeleteTopic": self.delete_topic,
            "Publish": self.publish_request,
        }
        subscriber = {
            "CreateSubscription": self.create_subscription,
            "GetSubscription": self.get_subscription,
            "UpdateSubscription": self.update_subscription,
            "ListSubscriptions": self.list_subscriptions,
            "DeleteSubscription": self.delete_subscription,
            "Pull": self.pull,
            "Acknowledge": self.acknowledge,
            "ModifyAckDeadline": self.modify_ack_deadline,
        }
        return [
            wire.service("google.pubsub.v1.Publisher", publisher, authorize),
            wire.service("google.pubsub.v1.Subscriber", subscriber, authorize),
        ]


def _within(name: str, project: str) -> bool:
    return name.startswith(f"{project}/")


def _fields(mask: field_mask_pb2.FieldMask) -> list[str]:
    if not mask.paths:
        raise wire.invalid("update_mask names no field.")
    fixed = sorted(set(mask.paths) - rules.MUTABLE)
    if fixed:
        raise wire.invalid(f"A subscription's {', '.join(fixed)} cannot be changed.")
    return list(mask.paths)


def _receipt(ack_id: str) -> tuple[int, int]:
    message, _, attempt = ack_id.partition("-")
    if not (message.isdigit() and attempt.isdigit()):
        raise wire.invalid(f"{ack_id!r} is no acknowledgement id of this server.")
    return int(message), int(attempt)
