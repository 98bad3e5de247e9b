"""Cloud Scheduler from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.settings import Settings

if TYPE_CHECKING:
    from google.cloud.scheduler_v1 import CloudSchedulerClient


def scheduler(settings: Settings) -> CloudSchedulerClient:
    """Cloud Scheduler, at Google's address unless the settings name another."""
    from google.cloud.scheduler_v1 import CloudSchedulerClient

    # the client speaks gRPC over TLS, which the stand-in of one machine does not
    if not settings.scheduler_endpoint.startswith("http://"):
        options = {"api_endpoint": settings.scheduler_endpoint or None}
        return CloudSchedulerClient(client_options=options)
    import grpc
    from google.cloud.scheduler_v1.services.cloud_scheduler.transports import (
        CloudSchedulerGrpcTransport,
    )

    channel = grpc.insecure_channel(settings.scheduler_endpoint.removeprefix("http://"))
    return CloudSchedulerClient(transport=CloudSchedulerGrpcTransport(channel=channel))
