"""What holds for every course of deliveries to a subscription that keeps the order of keys."""

from __future__ import annotations

from collections import defaultdict

from google.pubsub_v1.types import PubsubMessage, Subscription, Topic
from hypothesis import given
from hypothesis import strategies as st

from common.local.pubsub import rules
from common.local.pubsub.agent import Almighty
from common.local.pubsub.backlog import Backlog, Delivery
from common.local.pubsub.push import push_headers

TOPIC = "projects/shop/topics/tasks"
NAME = "projects/shop/subscriptions/worker"
DEADLINE = 10

steps = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.sampled_from(["a", "b", ""])),
        st.tuples(st.just("take"), st.integers(1, 4)),
        st.tuples(st.sampled_from(["acknowledge", "refuse"]), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.integers(1, 2 * DEADLINE)),
        st.tuples(st.just("crash"), st.none()),
    ),
    max_size=40,
)


class Course:
    """A backlog and what an observer of its deliveries notes down."""

    def __init__(self) -> None:
        self.backlog = Backlog()
        self.now = 1000.0
        self.published: dict[str, list[int]] = defaultdict(list)
        self.acknowledged: dict[str, list[int]] = defaultdict(list)
        self.under_way: list[tuple[Delivery, float]] = []
        self.backlog.add_topic(Topic(name=TOPIC))
        push = {"push_endpoint": "http://worker"}
        self.subscription = rules.completed(
            Subscription(name=NAME, topic=TOPIC, enable_message_ordering=True, push_config=push)
        )
        self.backlog.add_subscription(self.subscription)

    def publish(self, key: str) -> None:
        message = PubsubMessage(data=b"x", ordering_key=key)
        self.published[key] += self.backlog.publish(TOPIC, [message], self.now)

    def take(self, most: int) -> list[Delivery]:
        for delivery in self.backlog.take(self.subscription, self.now, most, one_by_one=True):
            key = delivery.message.ordering_key
            assert not key or key not in self.keys_at_work()
            self.under_way.append((delivery, self.now + DEADLINE))
        return [delivery for delivery, _ in self.under_way]

    def keys_at_work(self) -> set[str]:
        """Keys with a delivery whose deadline is not over."""
        return {
            delivery.message.ordering_key
            for delivery, deadline in self.under_way
            if deadline > self.now
        }

    def acknowledge(self, place: int) -> None:
        if place < len(self.under_way):
            delivery, _ = self.under_way.pop(place)
            self.backlog.acknowledge(NAME, delivery.message_id)
            seen = self.acknowledged[delivery.message.ordering_key]
            seen += [] if delivery.message_id in seen else [delivery.message_id]

    def refuse(self, place: int) -> None:
        if place < len(self.under_way):
            delivery, _ = self.under_way.pop(place)
            self.backlog.fail(self.subscription, delivery.message_id, delivery.attempt, self.now)

    def wait(self, seconds: int) -> None:
        self.now += seconds

    def crash(self, _: None) -> None:
        self.under_way.clear()
        self.backlog.recover(self.now)

    def finish(self) -> None:
        """Acknowledges whatever comes until nothing comes any more."""
        rounds = iter(range(200))
        while self.backlog.undelivered(pushes=True) != {NAME: 0} and next(rounds, None) is not None:
            self.wait(2 * DEADLINE)
            for _ in self.take(50):
                self.acknowledge(0)


@given(steps)
def test_every_message_arrives_and_a_key_is_acknowledged_in_the_order_of_publishing(
    taken_steps: list[tuple[str, object]],
) -> None:
    course = Course()
    for name, argument in taken_steps:
        getattr(course, name)(argument)
    course.finish()
    assert course.backlog.undelivered(pushes=True) == {NAME: 0}
    for key, numbers in course.published.items():
        arrived = course.acknowledged[key]
        assert (arrived if key else sorted(arrived)) == numbers


class Powerless:
    """An agent without any right."""

    def may_sign(self, account: str) -> bool:
        return False

    def may_give_up(self, subscription: Subscription) -> bool:
        return False


def test_without_the_right_to_the_dead_letters_a_message_stays_and_comes_again() -> None:
    """cloud.google.com/pubsub/docs/handling-failures#grant_forwarding_permissions"""
    dead = "projects/shop/topics/dead"
    for agent, left in ((None, {NAME: 0, f"{NAME}2": 1}), (Powerless(), {NAME: 1, f"{NAME}2": 0})):
        backlog = Backlog(agent=agent)
        for name in (TOPIC, dead):
            backlog.add_topic(Topic(name=name))
        policy = {"dead_letter_topic": dead, "max_delivery_attempts": 5}
        wanted = Subscription(name=NAME, topic=TOPIC, dead_letter_policy=policy)
        subscription = rules.completed(wanted)
        backlog.add_subscription(subscription)
        backlog.add_subscription(rules.completed(Subscription(name=f"{NAME}2", topic=dead)))
        backlog.publish(TOPIC, [PubsubMessage(data=b"x")], 0)
        for number in range(7):
            now = 1000.0 * number
            for delivery in backlog.take(subscription, now, 1, one_by_one=True):
                backlog.fail(subscription, delivery.message_id, delivery.attempt, now)
        assert backlog.undelivered(pushes=False) == left


def test_without_the_right_to_sign_a_push_carries_no_token() -> None:
    """cloud.google.com/pubsub/docs/authenticate-push-subscriptions"""
    token = {"service_account_email": "push@shop.iam"}
    push = {"push_endpoint": "http://worker", "oidc_token": token}
    subscription = Subscription(name=NAME, topic=TOPIC, push_config=push)
    assert "Authorization" in push_headers(subscription, 0, Almighty())
    assert "Authorization" not in push_headers(subscription, 0, Powerless())
