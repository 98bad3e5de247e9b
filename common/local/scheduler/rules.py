"""When jobs run and run again, as pure functions; times are seconds since the epoch.

Source: https://cloud.google.com/scheduler/docs/reference/rpc/google.cloud.scheduler.v1 where no
other is named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from croniter import croniter
from google.cloud.scheduler_v1.types import HttpMethod, Job, RetryConfig

from common.local.rpc.wire import invalid, unsupported

MUTABLE = {
    "description",
    "pubsub_target",
    "http_target",
    "schedule",
    "time_zone",
    "retry_config",
    "attempt_deadline",
}

MAXIMUM_DESCRIPTION, MAXIMUM_URI, MAXIMUM_JOB = 500, 2083, 1_000_000
"""Characters of a description and of an address, bytes of a whole job."""

_FIELDS = (r"\d+", r"\d+", r"\d+", r"\d+|[A-Z]{3}", r"\d+|[A-Z]{3}")
_CRON = re.compile(
    r"\s+".join(
        rf"{item}(?:,{item})*"
        for value in _FIELDS
        for item in [rf"(?:(?:\*|(?:{value})-(?:{value}))(?:/\d+)?|{value})"]
    )
)
"""Five fields of unix-cron as they are documented: lists, ranges and steps, names of three capital
letters. https://cloud.google.com/scheduler/docs/configuring/cron-job-schedules"""
_NAME = re.compile(r"projects/(?P<project>[^/]+)/locations/[^/]+/jobs/[A-Za-z0-9_-]{1,500}")
_WITH_BODY = {
    HttpMethod.HTTP_METHOD_UNSPECIFIED,
    HttpMethod.POST,
    HttpMethod.PUT,
    HttpMethod.PATCH,
}


@dataclass(frozen=True)
class Execution:
    """A job and its next attempt: for which scheduled time, when, and after how many failures."""

    job: Job
    scheduled: float
    due: float
    failures: int = 0
    began: float | None = None
    """When the first attempt for this scheduled time started."""


def next_run(job: Job, after: float) -> float:
    """The first scheduled time later than `after`, by the wall clock of the job's time zone.

    A time that the clocks skip runs when they have jumped; one that they repeat runs twice, which
    the service allows (https://cloud.google.com/scheduler/docs/configuring/cron-job-schedules).
    """
    start = datetime.fromtimestamp(after, zone(job))
    following: datetime = croniter(job.schedule, start).get_next(datetime)
    return following.timestamp()


def planned(job: Job, now: float) -> Execution:
    """The job's next scheduled execution after now."""
    scheduled = next_run(job, now)
    return Execution(job, scheduled, scheduled)


def concluded(execution: Execution, succeeded: bool, now: float) -> Execution:
    """What follows an attempt: a retry while the configuration allows one, else the next run.

    Retries may outlive the next scheduled time, which is then skipped
    (https://cloud.google.com/scheduler/docs/configuring/retry-jobs).
    """
    failures = execution.failures + 1
    elapsed = 0.0 if execution.began is None else now - execution.began
    if succeeded or not _tries_again(execution.job.retry_config, failures, elapsed):
        return planned(execution.job, now)
    due = now + retry_delay(execution.job.retry_config, failures)
    return replace(execution, due=due, failures=failures)


def retry_delay(config: RetryConfig, retry: int) -> float:
    """Seconds before the retry of this number, from 1: doubling, then linear, then constant."""
    least, most = _seconds(config.min_backoff_duration), _seconds(config.max_backoff_duration)
    doublings = config.max_doublings
    if retry <= doublings:
        return min(most, least * 2.0 ** (retry - 1))
    return min(most, least * 2.0**doublings * (retry - doublings))


def zone(job: Job) -> ZoneInfo:
    """The time zone of its schedule; UTC where none is named."""
    return ZoneInfo("UTC" if job.time_zone.lower() in ("", "utc") else job.time_zone)


def completed(job: Job) -> Job:
    """The job with the service's defaults; raises RpcError for what the service refuses."""
    made = Job(job)
    _check_name(made)
    _check_size(made)
    _check_schedule(made)
    _check_target(made)
    made.retry_config = _completed_retries(made.retry_config)
    if made.http_target and not made.attempt_deadline:
        made.attempt_deadline = timedelta(minutes=3)
    return made


def timestamp(moment: float) -> datetime:
    """Seconds since 1970 as an aware time in UTC."""
    return datetime.fromtimestamp(moment, UTC)


def _tries_again(config: RetryConfig, failures: int, elapsed: float) -> bool:
    limit = _seconds(config.max_retry_duration)
    return failures <= config.retry_count or elapsed < limit


def _completed_retries(config: RetryConfig) -> RetryConfig:
    if not 0 <= config.retry_count <= 5:
        raise invalid(f"retry_count is {config.retry_count}; it lies between 0 and 5.")
    made = RetryConfig(config)
    made.min_backoff_duration = made.min_backoff_duration or timedelta(seconds=5)
    made.max_backoff_duration = made.max_backoff_duration or timedelta(hours=1)
    made.max_doublings = made.max_doublings or 5
    return made


def _check_name(job: Job) -> None:
    if not _NAME.fullmatch(job.name):
        raise invalid(
            f"{job.name!r} is not a name of the form projects/{{project}}/locations/{{location}}"
            "/jobs/{id}, with letters, digits, hyphens and underscores in the id."
        )


def _check_size(job: Job) -> None:
    if len(job.description) > MAXIMUM_DESCRIPTION:
        raise invalid(f"The description has more than {MAXIMUM_DESCRIPTION} characters.")
    if Job.pb(job).ByteSize() > MAXIMUM_JOB:
        raise invalid("The job is larger than 1 MB.")


def _check_schedule(job: Job) -> None:
    # croniter alone would also take L, #, ?, random times and small letters
    if not _CRON.fullmatch(job.schedule.strip()) or not croniter.is_valid(job.schedule):
        raise invalid(
            f"The schedule {job.schedule!r} has not the five fields of unix-cron as Cloud "
            "Scheduler documents them; the local scheduler knows no other format."
        )
    if job.time_zone.lower() not in ("", "utc") and job.time_zone not in available_timezones():
        raise invalid(f"{job.time_zone!r} is no time zone of the tz database.")


def _check_target(job: Job) -> None:
    match Job.pb(job).WhichOneof("target"):
        case "pubsub_target":
            _check_pubsub(job)
        case "http_target":
            _check_http(job)
        case "app_engine_http_target":
            raise unsupported("The local scheduler has no App Engine targets.")
        case _:
            raise invalid("A job needs a target.")


def _check_pubsub(job: Job) -> None:
    target, project = job.pubsub_target, job.name.split("/")[1]
    if not target.topic_name.startswith(f"projects/{project}/topics/"):
        raise invalid(f"The topic {target.topic_name!r} is not in the job's project {project}.")
    if not target.data and not target.attributes:
        raise invalid("A Pub/Sub target needs data or at least one attribute.")


def _check_http(job: Job) -> None:
    target = job.http_target
    if not target.uri.startswith(("http://", "https://")):
        raise invalid(f"The uri {target.uri!r} begins with neither http:// nor https://.")
    if len(target.uri) > MAXIMUM_URI:
        raise invalid(f"The uri has more than {MAXIMUM_URI:,} characters.")
    if target.oauth_token:
        raise unsupported("The local scheduler makes identity tokens only, no OAuth tokens.")
    if target.body and target.http_method not in _WITH_BODY:
        raise invalid(f"A {target.http_method.name} request takes no body.")
    if job.attempt_deadline and not 15 <= job.attempt_deadline.total_seconds() <= 1800:
        raise invalid("attempt_deadline lies between 15 seconds and 30 minutes.")


def _seconds(duration: timedelta | None) -> float:
    return 0.0 if duration is None else duration.total_seconds()
