"""What Terraform makes in the cloud, made on this machine: topics, subscriptions and schedules.

The figures are those of terraform/pubsub.tf and terraform/scheduler.tf.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from google.api_core.exceptions import AlreadyExists, NotFound
from google.cloud.scheduler_v1.types import Job, PubsubTarget, RetryConfig
from google.protobuf.field_mask_pb2 import FieldMask
from google.pubsub_v1.types import DeadLetterPolicy, PushConfig, RetryPolicy, Subscription

from common.local.functions.manifest import Manifest, Schedule
from common.local.functions.manifest import Subscription as Wanted

if TYPE_CHECKING:
    from google.cloud.scheduler_v1 import CloudSchedulerClient
    from google.pubsub_v1 import PublisherClient, SubscriberClient

PUSH_SECONDS = 600
LEAST_BACKOFF = timedelta(seconds=10)
MOST_BACKOFF = timedelta(seconds=600)
MAXIMUM_ATTEMPTS = 30
KEPT = timedelta(days=7)
DEAD_LETTERS = "dead-letters"
DEAD_LETTERS_KEPT = timedelta(days=31)
SCHEDULE_RETRIES = 3

_FIXED = ("topic", "filter", "enable_message_ordering")


def topics(deployed: Manifest, project: str, publisher: PublisherClient) -> None:
    """Every topic of the manifest and the one for dead letters, where missing."""
    for name in (*deployed.topics, DEAD_LETTERS):
        with suppress(AlreadyExists):
            publisher.create_topic(name=f"projects/{project}/topics/{name}")


def subscriptions(
    deployed: Manifest, project: str, subscriber: SubscriberClient, url_of: Callable[[str], str]
) -> None:
    """Push subscriptions to the functions, whose URLs `url_of` knows, and the dead letters' own.

    A push subscription that the manifest no longer names is dropped with what it holds.
    """
    wanted = {
        made.name: made
        for made in (
            push_subscription(name, subscription, project, url_of(subscription.function))
            for name, subscription in deployed.subscriptions.items()
        )
    }
    for found in subscriber.list_subscriptions(project=f"projects/{project}"):
        if found.push_config.push_endpoint and found.name not in wanted:
            subscriber.delete_subscription(subscription=found.name)
    for subscription in (*wanted.values(), dead_letters(project)):
        _put_subscription(subscription, subscriber)


def schedules(
    deployed: Manifest, project: str, location: str, timezone: str, scheduler: CloudSchedulerClient
) -> None:
    """The manifest's jobs; one that is as it should be keeps its place in time."""
    parent = f"projects/{project}/locations/{location}"
    for name, schedule in deployed.schedules.items():
        _put_job(
            parent, scheduled_job(f"{parent}/jobs/{name}", schedule, project, timezone), scheduler
        )


def push_subscription(name: str, wanted: Wanted, project: str, url: str) -> Subscription:
    """A subscription that pushes to the function at `url`, as Terraform makes it."""
    topic = f"projects/{project}/topics/{wanted.topic}"
    return Subscription(
        name=f"projects/{project}/subscriptions/{name}",
        topic=topic,
        filter=wanted.filter,
        enable_message_ordering=wanted.ordering,
        ack_deadline_seconds=PUSH_SECONDS,
        message_retention_duration=KEPT,
        push_config=PushConfig(
            push_endpoint=f"{url}/{topic}",
            oidc_token=PushConfig.OidcToken(
                service_account_email=f"push@{project}.iam.gserviceaccount.com", audience=url
            ),
        ),
        retry_policy=RetryPolicy(minimum_backoff=LEAST_BACKOFF, maximum_backoff=MOST_BACKOFF),
        dead_letter_policy=DeadLetterPolicy(
            dead_letter_topic=f"projects/{project}/topics/{DEAD_LETTERS}",
            max_delivery_attempts=MAXIMUM_ATTEMPTS,
        ),
    )


def dead_letters(project: str) -> Subscription:
    """The pull subscription that keeps what could not be delivered."""
    return Subscription(
        name=f"projects/{project}/subscriptions/{DEAD_LETTERS}",
        topic=f"projects/{project}/topics/{DEAD_LETTERS}",
        ack_deadline_seconds=60,
        message_retention_duration=DEAD_LETTERS_KEPT,
    )


def scheduled_job(name: str, schedule: Schedule, project: str, timezone: str) -> Job:
    """A job that publishes the schedule's message."""
    return Job(
        name=name,
        description=schedule.description,
        schedule=schedule.cron,
        time_zone=timezone,
        pubsub_target=PubsubTarget(
            topic_name=f"projects/{project}/topics/{schedule.topic}",
            data=json.dumps(schedule.message).encode(),
            attributes=schedule.attributes,
        ),
        retry_config=RetryConfig(retry_count=SCHEDULE_RETRIES),
    )


def _put_subscription(wanted: Subscription, subscriber: SubscriberClient) -> None:
    try:
        found = subscriber.get_subscription(subscription=wanted.name)
    except NotFound:
        subscriber.create_subscription(request=wanted)
        return
    if any(getattr(found, field) != getattr(wanted, field) for field in _FIXED):
        # such a change replaces the subscription in the cloud too
        subscriber.delete_subscription(subscription=wanted.name)
        subscriber.create_subscription(request=wanted)
        return
    changing = ["push_config", "ack_deadline_seconds", "retry_policy", "dead_letter_policy"]
    subscriber.update_subscription(subscription=wanted, update_mask=FieldMask(paths=changing))


def _put_job(parent: str, wanted: Job, scheduler: CloudSchedulerClient) -> None:
    try:
        found = scheduler.get_job(name=wanted.name)
    except NotFound:
        scheduler.create_job(parent=parent, job=wanted)
        return
    compared = ("description", "schedule", "time_zone", "pubsub_target")
    if any(getattr(found, field) != getattr(wanted, field) for field in compared):
        scheduler.update_job(job=wanted, update_mask=FieldMask(paths=list(compared)))
