"""One attempt of a job: a published message or an HTTP request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import requests
from google.cloud.scheduler_v1.types import HttpMethod, HttpTarget, Job

from common.local.iam.identity import identity_token
from common.local.rpc.wire import RpcError
from common.local.scheduler.rules import zone

Publish = Callable[[str, bytes, Mapping[str, str]], object]
"""Topic, data, attributes; raises RpcError when the message is not accepted."""


def attempt(job: Job, scheduled: float | None, publish: Publish, now: float) -> str:
    """Nothing when the target accepted, else the reason why not."""
    if job.http_target:
        return _request(job, scheduled, now)
    target = job.pubsub_target
    try:
        publish(target.topic_name, target.data, target.attributes)
    except RpcError as fault:
        return fault.detail
    return ""


def headers(job: Job, scheduled: float | None, now: float) -> dict[str, str]:
    """Headers of a job's request; a run by hand has no scheduled time.

    Source: https://cloud.google.com/scheduler/docs/configuring/deduplicate-job-requests
    """
    target = job.http_target
    sent = {"Content-Type": "application/octet-stream"} if target.body else {}
    sent |= {name.title(): value for name, value in target.headers.items()}
    sent |= {
        "User-Agent": "Google-Cloud-Scheduler",
        "X-CloudScheduler": "true",
        "X-CloudScheduler-JobName": job.name.rpartition("/")[2],
    }
    if scheduled is not None:
        local = datetime.fromtimestamp(scheduled, zone(job))
        sent["X-CloudScheduler-ScheduleTime"] = local.isoformat()
    if target.oidc_token:
        token = _token(target, now)
        sent["Authorization"] = f"Bearer {token}"
    return sent


def _request(job: Job, scheduled: float | None, now: float) -> str:
    target = job.http_target
    method = HttpMethod(target.http_method or HttpMethod.POST).name
    assert job.attempt_deadline is not None
    try:
        answer = requests.request(
            method,
            target.uri,
            data=target.body,
            headers=headers(job, scheduled, now),
            timeout=job.attempt_deadline.total_seconds(),
            # of a redirected request the last answer counts:
            # https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs#HttpTarget
            allow_redirects=True,
        )
    except requests.RequestException as error:
        return f"{type(error).__name__} at {target.uri}"
    return "" if 200 <= answer.status_code < 300 else f"HTTP {answer.status_code}"


def _token(target: HttpTarget, now: float) -> str:
    oidc = target.oidc_token
    return identity_token(oidc.audience or target.uri, oidc.service_account_email, now)
