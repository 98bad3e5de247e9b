"""Publishes messages to their topics; the only place that knows the Pub/Sub client."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from common.errors import RetryableError
from common.messaging.messages import (
    ExportContinuation,
    Materialized,
    MaterializeTask,
    Message,
    ReplayRequested,
    RunRequested,
    ScoreTask,
    Watchdog,
)
from common.settings import Settings

if TYPE_CHECKING:
    from google.cloud.pubsub_v1 import PublisherClient

PUBLISH_SECONDS = 30


class Bus(Protocol):
    """Where messages are handed over."""

    def publish(self, message: Message) -> None:
        """Hand the message over; raises RetryableError when it was not accepted."""


class PubSubBus:
    """Messages of one conversion share an ordering key, so that its tasks run one by one."""

    def __init__(self, client: PublisherClient, settings: Settings) -> None:
        self._client = client
        self._settings = settings

    def publish(self, message: Message) -> None:
        path = self._client.topic_path(self._settings.project, self._topic(message))
        key = getattr(message, "conversion", "")
        # whole: a receiver of another release may have other defaults
        data = message.model_dump_json(exclude_defaults=False).encode()
        sent = self._client.publish(path, data, ordering_key=key, kind=getattr(message, "kind", ""))
        try:
            sent.result(timeout=PUBLISH_SECONDS)
        # after a TimeoutError the client may still deliver it: receivers do nothing twice
        except Exception as error:
            if key:
                # a refused message blocks its ordering key until the client resumes it; one
                # that timed out does not, and telling is then an error
                with suppress(RuntimeError):
                    self._client.resume_publish(path, key)
            raise RetryableError(
                f"Pub/Sub did not accept a message for {path}.", code="publish_failed"
            ) from error

    def _topic(self, message: Message) -> str:
        # one topic a receiver: each function subscribes to the one that it answers for
        match message:
            case RunRequested() | Watchdog():
                return self._settings.topic_runs
            case MaterializeTask() | ScoreTask():
                return self._settings.topic_tasks
            case Materialized() | ExportContinuation() | ReplayRequested():
                return self._settings.topic_materialized
        raise TypeError(f"{type(message).__name__} has no topic")
