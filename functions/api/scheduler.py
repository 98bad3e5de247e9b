"""Cloud Scheduler in a few verbs: jobs that publish a run request.

Jobs that this API makes are called conversion-<topic>-<id>, with daily-run as the id of the run of
all; it never changes any other job, because those belong to Terraform.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from common.errors import AccessError, NotFoundError, RetryableError, UserError
from common.http.model import Model
from common.messaging.messages import RunRequested
from common.settings import Settings
from common.untyped import JsonObject

if TYPE_CHECKING:
    from google.cloud.scheduler_v1 import CloudSchedulerClient
    from google.cloud.scheduler_v1.types import Job

DAILY = "daily-run"
"""No conversion can be called so, because ids have no hyphen."""
SECONDS = 10.0
"""Longest time one call may take, its retries included: a person waits for the answer."""


class Schedule(Model):
    """A schedule and how it fares."""

    name: str = Field(description=f"A conversion's id, or {DAILY} for the run of all.")
    cron: str
    timezone: str
    paused: bool
    owner: Literal["api", "terraform"] = Field(description="terraform: read only here.")
    next_run_at: datetime | None
    last_run_at: datetime | None
    last_error: str = Field(description="Why the last run could not be started; empty: it was.")
    warnings: tuple[str, ...] = ()


class Scheduler:
    """The jobs of one project and region."""

    def __init__(
        self, client: CloudSchedulerClient, settings: Settings, seconds: float = SECONDS
    ) -> None:
        self._client = client
        self._seconds = seconds
        self._settings = settings
        self._parent = f"projects/{settings.project}/locations/{settings.scheduler_location}"
        self._topic = f"projects/{settings.project}/topics/{settings.topic_runs}"
        # two deployments in one project have topics of their own
        self._prefix = f"{self._parent}/jobs/conversion-{settings.topic_runs}-"

    def all(self) -> list[Schedule]:
        """Every job that asks for runs, Terraform's included, by name."""
        with _translated():
            jobs = list(self._client.list_jobs(parent=self._parent, **self._patience()))
        # a project may have other jobs, of which nothing is shown
        ours = [job for job in jobs if job.pubsub_target.topic_name == self._topic]
        return sorted(map(self._as_schedule, ours), key=lambda shown: (shown.owner, shown.name))

    def get(self, name: str) -> Schedule:
        """The schedule of a conversion, or of the daily run; raises NotFoundError."""
        with _translated():
            job = self._client.get_job(name=self._prefix + name, **self._patience())
        return self._as_schedule(job)

    def put(self, name: str, schedule: str, paused: bool, message: RunRequested) -> Schedule:
        """Create the schedule or change it."""
        from google.cloud.scheduler_v1.types import Job, PubsubTarget

        job = Job(
            name=self._prefix + name,
            description=f"Made by the conversions API: runs {name}.",
            schedule=schedule,
            time_zone=self._settings.timezone,
            pubsub_target=PubsubTarget(
                topic_name=self._topic,
                data=message.model_dump_json().encode(),
                attributes={"kind": message.kind},
            ),
        )
        with _translated():
            saved = self._save(job)
            # a job's state is no field of the update mask: it has verbs of its own
            if (saved.state == Job.State.PAUSED) != paused:
                switch = self._client.pause_job if paused else self._client.resume_job
                saved = switch(name=job.name, **self._patience())
        return self._as_schedule(saved)

    def remove(self, name: str) -> None:
        """Delete the schedule if there is one."""
        from google.api_core import exceptions

        with _translated():
            try:
                self._client.delete_job(name=self._prefix + name, **self._patience())
            # most conversions have none, and whoever archives one has nothing to do about that
            except exceptions.NotFound:
                return

    def _patience(self) -> JsonObject:
        from google.api_core.retry import Retry

        # the client's own default goes on for ten minutes, and a browser has long given up
        return {"timeout": self._seconds, "retry": Retry(timeout=self._seconds)}

    def _save(self, job: Job) -> Job:
        from google.api_core import exceptions
        from google.protobuf.field_mask_pb2 import FieldMask

        mask = FieldMask(paths=["description", "schedule", "time_zone", "pubsub_target"])
        try:
            # most puts change one that there is, and the API has no upsert
            return self._client.update_job(job=job, update_mask=mask, **self._patience())
        except exceptions.NotFound:
            return self._client.create_job(parent=self._parent, job=job, **self._patience())

    def _as_schedule(self, job: Job) -> Schedule:
        from google.cloud.scheduler_v1.types import Job as JobType

        made_here = job.name.startswith(self._prefix)
        return Schedule(
            # of Terraform's jobs the prefix stays and the path goes
            name=job.name.removeprefix(self._prefix).rpartition("/")[2],
            cron=job.schedule,
            timezone=job.time_zone,
            paused=job.state == JobType.State.PAUSED,
            owner="api" if made_here else "terraform",
            next_run_at=_moment(job, "schedule_time"),
            last_run_at=_moment(job, "last_attempt_time"),
            last_error=job.status.message if job.status.code else "",
        )


def _moment(job: Job, field: str) -> datetime | None:
    return getattr(job, field) if field in job else None


@contextmanager
def _translated() -> Iterator[None]:
    """Turns Google's exceptions into ours, so that callers know what to do next."""
    from google.api_core import exceptions

    try:
        yield
    except exceptions.NotFound as error:
        raise NotFoundError(
            "It has no schedule of its own.",
            code="unknown_schedule",
            fix="PUT one, or rely on the daily run of all conversions.",
        ) from error
    except (exceptions.Forbidden, exceptions.Unauthenticated) as error:
        raise AccessError(
            "The API may not use Cloud Scheduler in this project.",
            code="scheduler_denied",
            fix="Grant its service account roles/cloudscheduler.admin (Terraform does it).",
        ) from error
    except exceptions.InvalidArgument as error:
        raise UserError(
            f"Cloud Scheduler refuses the schedule: {error.message}",
            code="bad_cron",
            fix="Every day at 5:30 is 30 5 * * *",
            field="cron",
        ) from error
    except (exceptions.GoogleAPICallError, exceptions.RetryError) as error:
        raise RetryableError(
            "Cloud Scheduler does not answer.", code="scheduler_unavailable"
        ) from error
