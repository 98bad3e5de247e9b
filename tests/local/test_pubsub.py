"""The local Pub/Sub, spoken to by Google's own clients over the real wire."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient, types
from google.protobuf import duration_pb2, field_mask_pb2

from common.local.pubsub.push import FIRST_WINDOW, LARGEST_WINDOW, next_window
from common.local.pubsub.server import PubsubServer
from common.local.rpc.wire import RpcError
from tests.local.receiver import Hands, Received, Receiver

TOPIC = "projects/shop/topics/tasks"
DEAD = "projects/shop/topics/dead-letters"
SUBSCRIPTION = "projects/shop/subscriptions/worker"
DEAD_SUBSCRIPTION = "projects/shop/subscriptions/dead-letters"


class Wire:
    """A server whose pushes happen only when the test says so, and real clients of it."""

    def __init__(self, server: PubsubServer, clock: Hands) -> None:
        self.server = server
        self.clock = clock
        options = types.PublisherOptions(enable_message_ordering=True)
        self.publisher = PublisherClient(publisher_options=options)
        self.subscriber = SubscriberClient()

    def subscribe(self, endpoint: str = "", **fields: Any) -> types.Subscription:
        request: dict[str, Any] = {"name": SUBSCRIPTION, "topic": TOPIC, **fields}
        if endpoint:
            request["push_config"] = {
                "push_endpoint": endpoint,
                "oidc_token": {"service_account_email": "push@shop.iam", "audience": "worker"},
            }
        return self.subscriber.create_subscription(request=request)

    def publish(self, text: str, key: str = "", **attributes: str) -> int:
        data = text.encode()
        sent = self.publisher.publish(TOPIC, data, ordering_key=key, **attributes)
        return int(sent.result(timeout=60))

    def push(self, after: float = 0) -> int:
        """Moves the clock on and pushes whatever is due then."""
        self.clock.advance(after)
        return self.server.pushes.push_until_idle()

    def pull(self, subscription: str = SUBSCRIPTION, most: int = 10) -> list[Any]:
        request = {"subscription": subscription, "max_messages": most}
        return list(self.subscriber.pull(request=request).received_messages)

    def close(self) -> None:
        self.publisher.stop()
        self.publisher.transport.close()
        self.subscriber.close()


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    clock = Hands()
    server = PubsubServer(clock=clock)
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
    wire = Wire(server, clock)
    wire.publisher.create_topic(name=TOPIC)
    wire.publisher.create_topic(name=DEAD)
    yield wire
    wire.close()
    server.stop(grace=0)


def retry(least: int = 10, most: int = 600) -> dict[str, duration_pb2.Duration]:
    return {
        "minimum_backoff": duration_pb2.Duration(seconds=least),
        "maximum_backoff": duration_pb2.Duration(seconds=most),
    }


def test_topics_and_subscriptions_are_made_found_listed_and_dropped(wire: Wire) -> None:
    wire.subscribe(filter="attributes:kind")
    assert wire.publisher.get_topic(topic=TOPIC).name == TOPIC
    assert [topic.name for topic in wire.publisher.list_topics(project="projects/shop")] == [
        DEAD,
        TOPIC,
    ]
    assert list(wire.publisher.list_topic_subscriptions(topic=TOPIC)) == [SUBSCRIPTION]
    found = wire.subscriber.get_subscription(subscription=SUBSCRIPTION)
    assert (found.filter, found.ack_deadline_seconds) == ("attributes:kind", 10)
    assert found.message_retention_duration.days == 7
    assert list(wire.subscriber.list_subscriptions(project="projects/other")) == []

    wire.publisher.delete_topic(topic=TOPIC)
    found = wire.subscriber.get_subscription(subscription=SUBSCRIPTION)
    assert found.topic == "_deleted-topic_"
    wire.subscriber.delete_subscription(subscription=SUBSCRIPTION)
    with pytest.raises(exceptions.NotFound):
        wire.subscriber.get_subscription(subscription=SUBSCRIPTION)


def test_what_exists_is_not_made_twice_and_what_does_not_is_not_found(wire: Wire) -> None:
    with pytest.raises(exceptions.AlreadyExists):
        wire.publisher.create_topic(name=TOPIC)
    with pytest.raises(exceptions.NotFound):
        wire.publisher.publish("projects/shop/topics/none", b"x").result(timeout=60)
    with pytest.raises(exceptions.NotFound):
        wire.subscribe(topic="projects/shop/topics/none")
    with pytest.raises(exceptions.NotFound):
        wire.subscribe(dead_letter_policy={"dead_letter_topic": "projects/shop/topics/none"})


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"filter": "attributes.kind = x"}, "filter"),
        ({"ack_deadline_seconds": 700}, "ack_deadline_seconds"),
        (
            {"dead_letter_policy": {"dead_letter_topic": DEAD, "max_delivery_attempts": 3}},
            "max_delivery_attempts",
        ),
        ({"retry_policy": retry(least=700)}, "minimum_backoff"),
        ({"retry_policy": retry(least=60, most=30)}, "maximum_backoff"),
        (
            {"message_retention_duration": duration_pb2.Duration(seconds=1)},
            "message_retention_duration",
        ),
    ],
)
def test_a_subscription_that_the_service_refuses_is_refused_by_name(
    wire: Wire, fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=reason):
        wire.subscribe(**fields)


def test_what_the_local_server_does_not_know_is_said_and_not_ignored(wire: Wire) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match="exactly_once"):
        wire.subscribe(enable_exactly_once_delivery=True)


def test_a_message_without_data_and_attributes_is_refused(wire: Wire) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="data or at least one attribute"):
        wire.publish("")


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({f"a{number}": "" for number in range(101)}, "at most 100 attributes"),
        ({"a" * 257: "x"}, "1 to 256 bytes"),
        ({"": "x"}, "1 to 256 bytes"),
        ({"googclient": "x"}, "begin with goog"),
        ({"a": "ä" * 513}, "longer than 1,024 bytes"),
    ],
)
def test_a_message_over_the_limits_of_attributes_is_refused(
    wire: Wire, attributes: dict[str, str], reason: str
) -> None:
    # https://cloud.google.com/pubsub/quotas#resource_limits
    with pytest.raises(RpcError, match=reason):
        wire.server.publish(TOPIC, [types.PubsubMessage(data=b"x", attributes=attributes)])


def test_a_request_carries_a_thousand_messages_and_no_more(wire: Wire) -> None:
    wire.subscribe()
    messages = [types.PubsubMessage(data=b"x")] * 1001
    with pytest.raises(RpcError, match="at most 1,000 messages"):
        wire.server.publish(TOPIC, messages)
    wire.server.publish(TOPIC, messages[1:])
    wire.publish("one more")
    assert len(wire.pull(most=2000)) == 1000


def test_pushing_until_idle_waits_for_what_is_pushed_already(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    released, pushes = threading.Event(), wire.server.pushes
    wait = pushes._wait

    def released_by_whoever_waits(*arguments: Any) -> bool:
        released.set()
        return wait(*arguments)

    with Receiver(lambda request: 204 if released.wait(60) else 500) as receiver:
        wire.subscribe(receiver.url)
        pushes.resume()
        wire.publish("one")
        receiver.wait_for(1)
        pushes.pause()
        monkeypatch.setattr(pushes, "_wait", released_by_whoever_waits)
        assert wire.push() == 0
        assert wire.server.backlog.undelivered(pushes=True) == {SUBSCRIPTION: 0}
        released.set()


def test_a_push_has_the_body_and_the_identity_that_pub_sub_sends(wire: Wire) -> None:
    with Receiver() as receiver:
        wire.subscribe(f"{receiver.url}/worker/projects/shop/topics/tasks")
        number = wire.publish('{"a": 1}', kind="score")
        assert wire.push() == 1
    (request,) = receiver.requests
    assert request.path == "/worker/projects/shop/topics/tasks"
    assert request.headers["Content-Type"] == "application/json"
    assert request.json == {
        "message": {
            "attributes": {"kind": "score"},
            "data": base64.b64encode(b'{"a": 1}').decode(),
            "messageId": str(number),
            "message_id": str(number),
            "publishTime": "2025-10-09T08:53:20.000Z",
            "publish_time": "2025-10-09T08:53:20.000Z",
        },
        "subscription": SUBSCRIPTION,
    }
    claims = decoded(request.headers["Authorization"])
    assert claims["aud"] == "worker"
    assert claims["email"] == "push@shop.iam"
    assert claims["email_verified"] is True
    assert claims["iss"] == "https://accounts.google.com"
    assert claims["exp"] - claims["iat"] == 3600


def decoded(authorization: str) -> dict[str, Any]:
    scheme, _, token = authorization.partition(" ")
    _, claims, signature = token.split(".")
    assert (scheme, signature) == ("Bearer", "")
    padded = claims + "=" * (-len(claims) % 4)
    result: dict[str, Any] = json.loads(base64.urlsafe_b64decode(padded))
    return result


def test_a_filter_keeps_other_messages_from_the_subscription(wire: Wire) -> None:
    with Receiver() as receiver:
        wire.subscribe(receiver.url, filter='attributes.kind = "score"')
        wire.publish("no", kind="materialize")
        wire.publish("yes", kind="score")
        wire.publish("no")
        wire.push()
    assert receiver.texts == ["yes"]


def test_a_refused_push_comes_again_after_a_doubling_backoff_up_to_its_maximum(wire: Wire) -> None:
    with Receiver(lambda request: 500) as receiver:
        wire.subscribe(receiver.url, retry_policy=retry(10, 30))
        wire.publish("x")
        assert wire.push() == 1
        for pause in (10, 20, 30, 30):
            assert wire.push(after=pause - 0.5) == 0
            assert wire.push(after=0.5) == 1
        receiver.answer = lambda request: 204
        assert wire.push(after=30) == 1
        assert wire.push(after=3600) == 0
    assert all("deliveryAttempt" not in request.json for request in receiver.requests)


def test_an_endpoint_that_is_not_there_counts_as_a_refusal(wire: Wire) -> None:
    with Receiver() as receiver:
        pass
    wire.subscribe(receiver.url, retry_policy=retry())
    wire.publish("x")
    assert wire.push() == 1
    assert wire.server.backlog.undelivered(pushes=True) == {SUBSCRIPTION: 1}
    assert wire.push(after=10) == 1


@pytest.mark.parametrize(
    ("status", "accepted"), [(200, True), (202, True), (302, False), (429, False)]
)
def test_only_the_documented_answers_acknowledge(wire: Wire, status: int, accepted: bool) -> None:
    with Receiver(lambda request: status) as receiver:
        wire.subscribe(receiver.url, retry_policy=retry())
        wire.publish("x")
        wire.push()
    assert wire.server.backlog.undelivered(pushes=True) == {SUBSCRIPTION: int(not accepted)}


def test_after_the_last_attempt_a_message_lies_in_the_dead_letter_topic(wire: Wire) -> None:
    wire.subscriber.create_subscription(name=DEAD_SUBSCRIPTION, topic=DEAD)
    policy = {"dead_letter_topic": DEAD, "max_delivery_attempts": 5}
    with Receiver(lambda request: 500) as receiver:
        wire.subscribe(receiver.url, retry_policy=retry(10, 10), dead_letter_policy=policy)
        wire.publish("poison", key="c1", kind="score")
        pushes = [wire.push(after=10) for _ in range(7)]
    assert pushes == [1, 1, 1, 1, 1, 0, 0]
    assert [request.json["deliveryAttempt"] for request in receiver.requests] == [1, 2, 3, 4, 5]
    (dead,) = wire.pull(DEAD_SUBSCRIPTION)
    assert (dead.message.data, dead.message.ordering_key) == (b"poison", "c1")
    assert dict(dead.message.attributes) == {
        "kind": "score",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
        "CloudPubSubDeadLetterSourceSubscription": "worker",
        "CloudPubSubDeadLetterSourceSubscriptionProject": "shop",
        "CloudPubSubDeadLetterSourceTopicPublishTime": "2025-10-09T08:53:20+00:00",
    }
    acknowledge(wire, DEAD_SUBSCRIPTION, dead.ack_id)
    wire.clock.advance(60)
    assert wire.pull(DEAD_SUBSCRIPTION) == []


def acknowledge(wire: Wire, subscription: str, *receipts: str) -> None:
    wire.subscriber.acknowledge(request={"subscription": subscription, "ack_ids": list(receipts)})


def test_messages_of_one_key_are_pushed_one_by_one_and_keys_do_not_wait_for_each_other(
    wire: Wire,
) -> None:
    first_is_running, go_on = threading.Event(), threading.Event()

    def slow_first(request: Received) -> int:
        if request.text == "a1":
            first_is_running.set()
            assert go_on.wait(60)
        return 204

    with Receiver(slow_first) as receiver:
        wire.subscribe(receiver.url, enable_message_ordering=True)
        for text, key in [("a1", "a"), ("a2", "a"), ("b1", "b"), ("free", "")]:
            wire.publish(text, key)
        pushing = threading.Thread(target=wire.push)
        pushing.start()
        assert first_is_running.wait(60)
        receiver.wait_for(3)
        assert sorted(receiver.texts) == ["a1", "b1", "free"]
        go_on.set()
        pushing.join(60)
    assert receiver.texts[3:] == ["a2"]
    assert receiver.requests[3].json["message"]["orderingKey"] == "a"


def test_a_refused_message_holds_up_the_later_ones_of_its_key_only(wire: Wire) -> None:
    with Receiver(lambda request: 500 if request.text == "a1" else 204) as receiver:
        wire.subscribe(receiver.url, enable_message_ordering=True, retry_policy=retry())
        for text, key in [("a1", "a"), ("a2", "a"), ("b1", "b")]:
            wire.publish(text, key)
        wire.push()
        assert sorted(receiver.texts) == ["a1", "b1"]
        receiver.answer = lambda request: 204
        wire.push(after=10)
    assert receiver.texts[2:] == ["a1", "a2"]


def test_delivering_a_message_again_delivers_the_later_ones_of_its_key_again(wire: Wire) -> None:
    with Receiver() as receiver:
        wire.subscribe(receiver.url, enable_message_ordering=True)
        wire.publish("a1", "a")
        second = wire.publish("a2", "a")
        wire.publish("b1", "b")
        wire.publish("a3", "a")
        wire.push()
        receiver.requests.clear()
        wire.server.redeliver(SUBSCRIPTION, second)
        wire.push()
    assert receiver.texts == ["a2", "a3"]


def test_without_order_a_message_can_be_delivered_twice_on_demand(wire: Wire) -> None:
    with Receiver() as receiver:
        wire.subscribe(receiver.url)
        number = wire.publish("x")
        wire.push()
        wire.server.redeliver(SUBSCRIPTION, number)
        wire.push()
    assert [request.json["message"]["messageId"] for request in receiver.requests] == [
        str(number)
    ] * 2


def test_pushes_under_way_start_few_grow_by_success_and_shrink_by_refusal(wire: Wire) -> None:
    window, seen = FIRST_WINDOW, []
    for accepted in [True] * 20 + [False] * 6:
        window = next_window(window, accepted)
        seen.append(window)
    assert FIRST_WINDOW < 10
    assert max(seen) == LARGEST_WINDOW
    assert seen[-1] == 1


def test_a_paused_server_pushes_nothing_and_a_resumed_one_by_itself(wire: Wire) -> None:
    with Receiver() as receiver:
        wire.subscribe(receiver.url)
        wire.publish("x")
        assert not wire.server.pushes.wait_until_idle(timeout=0.05)
        assert receiver.requests == []
        wire.server.pushes.resume()
        assert wire.server.pushes.wait_until_idle(timeout=60)
        assert receiver.texts == ["x"]
        wire.publish("y")
        assert wire.server.pushes.wait_until_idle(timeout=60)
        assert receiver.texts == ["x", "y"]


def test_a_chain_of_messages_is_not_idle_before_its_last_one(wire: Wire) -> None:
    def publish_next(request: Received) -> int:
        number = int(request.text)
        if number < 5:
            wire.publish(str(number + 1))
        return 204

    with Receiver(publish_next) as receiver:
        wire.subscribe(receiver.url)
        wire.publish("1")
        wire.server.pushes.resume()
        assert wire.server.pushes.wait_until_idle(timeout=60)
    assert receiver.texts == ["1", "2", "3", "4", "5"]


def test_a_pulled_message_comes_again_after_its_deadline_unless_acknowledged(wire: Wire) -> None:
    wire.subscribe(ack_deadline_seconds=20)
    wire.publish("kept")
    wire.publish("lost")
    kept, lost = wire.pull()
    acknowledge(wire, SUBSCRIPTION, kept.ack_id)
    wire.clock.advance(19)
    assert wire.pull() == []
    wire.clock.advance(1)
    (again,) = wire.pull()
    assert (again.message.data, again.message.message_id) == (b"lost", lost.message.message_id)
    acknowledge(wire, SUBSCRIPTION, lost.ack_id)
    wire.clock.advance(60)
    assert wire.pull() == []


def test_a_deadline_can_be_moved_and_a_message_refused(wire: Wire) -> None:
    wire.subscribe()
    wire.publish("x")
    (pulled,) = wire.pull()
    request = {"subscription": SUBSCRIPTION, "ack_ids": [pulled.ack_id]}
    wire.subscriber.modify_ack_deadline(request={**request, "ack_deadline_seconds": 60})
    wire.clock.advance(59)
    assert wire.pull() == []
    wire.subscriber.modify_ack_deadline(request={**request, "ack_deadline_seconds": 0})
    assert len(wire.pull()) == 1


def test_a_late_refusal_of_an_earlier_attempt_changes_nothing(wire: Wire) -> None:
    wire.subscribe()
    wire.publish("x")
    (first,) = wire.pull()
    wire.clock.advance(10)
    assert len(wire.pull()) == 1
    request = {"subscription": SUBSCRIPTION, "ack_ids": [first.ack_id], "ack_deadline_seconds": 0}
    wire.subscriber.modify_ack_deadline(request=request)
    assert wire.pull() == []


def test_a_pulled_batch_keeps_the_order_of_a_key_and_a_refusal_repeats_what_follows(
    wire: Wire,
) -> None:
    wire.subscribe(enable_message_ordering=True)
    for text in ("a1", "a2", "a3", "a4"):
        wire.publish(text, "a")
    batch = wire.pull(most=3)
    assert [pulled.message.data for pulled in batch] == [b"a1", b"a2", b"a3"]
    assert wire.pull() == []
    acknowledge(wire, SUBSCRIPTION, batch[0].ack_id, batch[2].ack_id)
    request = {"subscription": SUBSCRIPTION, "ack_ids": [batch[1].ack_id]}
    wire.subscriber.modify_ack_deadline(request={**request, "ack_deadline_seconds": 0})
    assert [pulled.message.data for pulled in wire.pull()] == [b"a2", b"a3", b"a4"]


def test_an_unacknowledged_message_is_dropped_at_the_end_of_its_retention(wire: Wire) -> None:
    wire.subscribe(message_retention_duration=duration_pb2.Duration(seconds=600))
    wire.publish("old")
    wire.clock.advance(400)
    wire.publish("new")
    wire.clock.advance(201)
    assert [pulled.message.data for pulled in wire.pull()] == [b"new"]


def test_an_update_changes_what_may_change_and_refuses_the_rest(wire: Wire) -> None:
    wire.subscribe(filter="attributes:kind")
    changed = {
        "name": SUBSCRIPTION,
        "ack_deadline_seconds": 60,
        "push_config": {"push_endpoint": "http://x"},
    }
    mask = field_mask_pb2.FieldMask(paths=["ack_deadline_seconds", "push_config"])
    wire.subscriber.update_subscription(subscription=changed, update_mask=mask)
    found = wire.subscriber.get_subscription(subscription=SUBSCRIPTION)
    assert (found.ack_deadline_seconds, found.filter) == (60, "attributes:kind")
    assert found.push_config.push_endpoint == "http://x"
    with pytest.raises(exceptions.InvalidArgument, match="filter"):
        wire.subscriber.update_subscription(
            subscription={"name": SUBSCRIPTION, "filter": ""},
            update_mask=field_mask_pb2.FieldMask(paths=["filter"]),
        )


def test_two_servers_never_share_a_port(wire: Wire) -> None:
    port = int(wire.server.host.rpartition(":")[2])
    with pytest.raises(OSError, match=f"Port {port} is taken"):
        PubsubServer(port=port)


KILLED_SERVER = """
import sys, time
from pathlib import Path
from common.local.pubsub.server import PubsubServer
server = PubsubServer(Path(sys.argv[1]))
server.pushes.resume()
print(server.host, flush=True)
time.sleep(60)
"""


def test_a_message_whose_push_was_cut_by_sigkill_is_delivered_after_the_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pubsub.sqlite3"
    arrived, released = threading.Event(), threading.Event()

    def hang(request: Received) -> int:
        arrived.set()
        released.wait(60)
        return 204

    with Receiver(hang) as receiver:
        command = [sys.executable, "-c", KILLED_SERVER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            monkeypatch.setenv("PUBSUB_EMULATOR_HOST", process.stdout.readline().strip())
            publisher, subscriber = PublisherClient(), SubscriberClient()
            publisher.create_topic(name=TOPIC)
            push = {"push_endpoint": receiver.url}
            subscriber.create_subscription(name=SUBSCRIPTION, topic=TOPIC, push_config=push)
            publisher.publish(TOPIC, b"survivor").result(timeout=60)
            assert arrived.wait(60)
            os.kill(process.pid, signal.SIGKILL)
        publisher.stop()
        publisher.transport.close()
        subscriber.close()
        released.set()
        receiver.answer = lambda request: 204
        server = PubsubServer(path)
        server.pushes.resume()
        assert server.pushes.wait_until_idle(timeout=60)
        server.stop()
    assert receiver.texts == ["survivor", "survivor"]


def test_a_message_that_kills_its_server_each_time_ends_in_the_dead_letters(tmp_path: Path) -> None:
    path, clock = tmp_path / "pubsub.sqlite3", Hands()
    server = PubsubServer(path, clock=clock)
    subscription = {
        "name": SUBSCRIPTION,
        "topic": TOPIC,
        "push_config": {"push_endpoint": "http://localhost:9"},
        "dead_letter_policy": {"dead_letter_topic": DEAD, "max_delivery_attempts": 5},
    }
    for name in (TOPIC, DEAD):
        server.create_topic(types.Topic(name=name))
    server.create_subscription(types.Subscription(subscription))
    server.publish(TOPIC, [types.PubsubMessage(data=b"killer")])
    for life in range(1, 6):
        found = server.backlog.subscription(SUBSCRIPTION)
        taken = server.backlog.take(found, clock.now, 1, one_by_one=True)
        assert [delivery.attempt for delivery in taken] == [life]
        server.stop(grace=0)
        server = PubsubServer(path, clock=clock)
    assert server.backlog.undelivered(pushes=True) == {SUBSCRIPTION: 0}
    server.stop(grace=0)
