"""Builds Google's clients from the settings; only entry points call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.cloud import bigquery

from common.bigquery.warehouse import JOB_SECONDS, Warehouse
from common.messaging.publisher import PubSubBus
from common.settings import Settings

if TYPE_CHECKING:
    from google.cloud.scheduler_v1 import CloudSchedulerClient


def warehouse(settings: Settings, job_seconds: int = JOB_SECONDS) -> Warehouse:
    """BigQuery under the function's own identity; a job runs for at most `job_seconds`."""
    client = bigquery.Client(project=settings.project, location=settings.location)
    return Warehouse(client, settings, job_seconds)


def warehouses(settings: Settings, job_seconds: int = JOB_SECONDS) -> tuple[Warehouse, Warehouse]:
    """BigQuery under the function's own identity, and under the one that may run users' SQL.

    They are the same unless the settings name an account to impersonate.
    """
    own = warehouse(settings, job_seconds)
    if not settings.sql_runner:
        return own, own
    # impersonation is imported only where it is used, for quick cold starts
    from common.bigquery.runner import credentials_of_runner

    client = bigquery.Client(
        project=settings.project,
        location=settings.location,
        credentials=credentials_of_runner(settings.sql_runner),
    )
    return own, Warehouse(client, settings, job_seconds)


def bus(settings: Settings) -> PubSubBus:
    """A publisher to the settings' topics; messages of one conversion keep their order."""
    # Pub/Sub is slow to import and many requests never publish
    from google.cloud import pubsub_v1

    options = pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
    return PubSubBus(pubsub_v1.PublisherClient(publisher_options=options), settings)


def scheduler(settings: Settings) -> CloudSchedulerClient:
    """Cloud Scheduler, at Google's address unless the settings name another."""
    from google.cloud.scheduler_v1 import CloudSchedulerClient

    if not settings.scheduler_endpoint.startswith("http://"):
        options = {"api_endpoint": settings.scheduler_endpoint or None}
        return CloudSchedulerClient(client_options=options)
    import grpc
    from google.cloud.scheduler_v1.services.cloud_scheduler.transports import (
        CloudSchedulerGrpcTransport,
    )

    channel = grpc.insecure_channel(settings.scheduler_endpoint.removeprefix("http://"))
    return CloudSchedulerClient(transport=CloudSchedulerGrpcTransport(channel=channel))
