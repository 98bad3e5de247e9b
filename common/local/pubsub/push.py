"""Pushes due messages to their endpoints, as fast as the endpoints take them.

Source: https://cloud.google.com/pubsub/docs/push
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import requests
from google.pubsub_v1.types import PubsubMessage, Subscription

from common.local.iam.identity import identity_token
from common.local.pubsub.agent import Agent
from common.local.pubsub.backlog import Backlog, Delivery
from common.local.rpc.ticker import Ticker

Clock = Callable[[], float]

ACKNOWLEDGED = {102, 200, 201, 202, 204}
"""Answers that acknowledge a push; every other one is a refusal."""

FIRST_WINDOW = 3
LARGEST_WINDOW = 16


class Pusher:
    """Delivers the backlog of push subscriptions; at least once, at the times the clock tells."""

    def __init__(self, backlog: Backlog, clock: Clock, agent: Agent) -> None:
        self._backlog = backlog
        self._agent = agent
        self._clock = clock
        self._pool = ThreadPoolExecutor(max_workers=2 * LARGEST_WINDOW, thread_name_prefix="push")
        self._windows: dict[str, int] = {}
        self._in_flight: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._ticker = Ticker("pubsub", self._step)
        self._paused = True

    def start(self) -> None:
        """From now on due messages are looked for."""
        self._ticker.start()

    def pause(self) -> None:
        """Nothing more is pushed on its own; what is under way ends."""
        self._paused = True

    def resume(self) -> None:
        """Due messages are pushed again, beginning now."""
        self._paused = False
        self.wake()

    def wake(self) -> None:
        """Looks for due messages now: after a publish, and when a test has moved its clock."""
        self._ticker.wake()

    def push_until_idle(self) -> int:
        """Pushes, paused or not, whatever is due at the clock's time, and what that makes due.

        Answers how many pushes it took; returns when none is under way, its own or another's.
        """
        pushed = 0
        while (submitted := self._submit()) or self.busy():
            pushed += submitted
            self._wait(lambda: not self.busy(), None)
        return pushed

    def busy(self) -> bool:
        """Whether a push is under way."""
        return bool(self._in_flight.total())

    def wait_until_idle(self, timeout: float) -> bool:
        """Whether, within the timeout, every message of a push subscription was acknowledged."""
        return self._wait(self._idle, timeout)

    def stop(self, grace: float) -> None:
        """Lets the pushes under way end for `grace` seconds; the others stay undelivered."""
        self._paused = True
        self._ticker.stop()
        self._wait(lambda: not self.busy(), grace)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _step(self) -> float | None:
        if self._paused:
            return None
        self._submit()
        now = self._clock()
        due = self._backlog.next_due(now)
        return None if due is None else due - now

    def _submit(self) -> int:
        with self._changed:
            now, before = self._clock(), self._in_flight.total()
            for subscription in self._backlog.pushing():
                name = subscription.name
                room = self._windows.get(name, FIRST_WINDOW) - self._in_flight[name]
                for delivery in self._backlog.take(
                    subscription, now, max(room, 0), one_by_one=True
                ):
                    self._in_flight[name] += 1
                    self._pool.submit(self._deliver, delivery)
            return self._in_flight.total() - before

    def _deliver(self, delivery: Delivery) -> None:
        accepted = False
        try:
            accepted = _accepted(delivery, self._clock(), self._agent)
        finally:
            self._conclude(delivery, accepted)

    def _conclude(self, delivery: Delivery, accepted: bool) -> None:
        subscription, name = delivery.subscription, delivery.subscription.name
        with self._changed:
            if accepted:
                self._backlog.acknowledge(name, delivery.message_id)
            else:
                self._backlog.fail(
                    subscription, delivery.message_id, delivery.attempt, self._clock()
                )
            self._in_flight[name] -= 1
            self._windows[name] = next_window(self._windows.get(name, FIRST_WINDOW), accepted)
            self._changed.notify_all()
        self.wake()

    def _idle(self) -> bool:
        waiting = self._backlog.undelivered(pushes=True)
        return not any(waiting.values()) and not self.busy()

    def _wait(self, reached: Callable[[], bool], timeout: float | None) -> bool:
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not reached():
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                self._changed.wait(left)
        return True


def next_window(window: int, accepted: bool) -> int:
    """How many pushes may be under way at once after this answer.

    As the service does, it starts with few, grows by success and shrinks by refusal; the figures
    are ours.
    """
    return min(window + 1, LARGEST_WINDOW) if accepted else max(window // 2, 1)


def push_body(delivery: Delivery) -> bytes:
    """The wrapped message, as Pub/Sub posts it (https://cloud.google.com/pubsub/docs/push).

    `deliveryAttempt` is there only with a dead-letter policy
    (https://cloud.google.com/pubsub/docs/handling-failures).
    """
    body: dict[str, object] = {
        "message": _json(delivery.message),
        "subscription": delivery.subscription.name,
    }
    if delivery.subscription.dead_letter_policy:
        body["deliveryAttempt"] = delivery.attempt
    return json.dumps(body).encode()


def push_headers(subscription: Subscription, now: float, agent: Agent) -> dict[str, str]:
    """Headers of a push, with an identity token where the subscription asks for one and the agent
    may make it."""
    headers = {"Content-Type": "application/json", "User-Agent": "CloudPubSub-Google"}
    push = subscription.push_config
    if push.oidc_token and agent.may_sign(push.oidc_token.service_account_email):
        audience = push.oidc_token.audience or push.push_endpoint
        token = identity_token(audience, push.oidc_token.service_account_email, now)
        headers["Authorization"] = f"Bearer {token}"
    return headers


def _accepted(delivery: Delivery, now: float, agent: Agent) -> bool:
    subscription = delivery.subscription
    try:
        answer = requests.post(
            subscription.push_config.push_endpoint,
            data=push_body(delivery),
            headers=push_headers(subscription, now, agent),
            timeout=subscription.ack_deadline_seconds,
            allow_redirects=False,
        )
    except requests.RequestException:
        return False
    return answer.status_code in ACKNOWLEDGED


def _json(message: PubsubMessage) -> dict[str, object]:
    published = message.publish_time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    wrapped: dict[str, object] = {
        "messageId": message.message_id,
        "message_id": message.message_id,
        "publishTime": published,
        "publish_time": published,
    }
    if message.data:
        wrapped["data"] = base64.b64encode(message.data).decode()
    if message.attributes:
        wrapped["attributes"] = dict(message.attributes)
    if message.ordering_key:
        wrapped["orderingKey"] = message.ordering_key
    return wrapped
