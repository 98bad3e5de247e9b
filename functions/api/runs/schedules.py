"""When runs begin by themselves: the daily run moved, or a conversion with hours of its own."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from common.errors import ConflictError, NotFoundError, UserError
from common.http.model import Model
from common.http.request import Ask, Nothing
from common.messaging.messages import RunRequested
from functions.api.runs import cron
from functions.api.scheduler import DAILY, Schedule
from functions.api.services import Services


class ScheduleBody(Model):
    """When to run."""

    cron: str = Field(
        min_length=1,
        max_length=200,
        description="Minute, hour, day, month, day of the week, in the project's time zone.",
        examples=["30 5 * * *"],
    )
    paused: bool = Field(False, description="Keep the schedule, but do not run.")


class ScheduleList(Model):
    """All schedules of runs."""

    schedules: list[Schedule]


def list_schedules(ask: Ask[Nothing, None], services: Services) -> ScheduleList:
    """List the schedules of runs, those of Terraform included."""
    listed = services.scheduler().all()
    return ScheduleList(schedules=[_with_warnings(it, (), services) for it in listed])


def get_schedule(ask: Ask[Nothing, None], services: Services) -> Schedule:
    """Read the schedule that a conversion, or the daily run, got through this API."""
    found = services.scheduler().get(_checked(ask.path["name"], services))
    return _with_warnings(found, (), services)


def put_schedule(ask: Ask[Nothing, ScheduleBody], services: Services) -> Schedule:
    """Give a conversion hours of its own, or move the daily run.

    A conversion's own runs come on top of the daily run of all.
    """
    name = _checked(ask.path["name"], services)
    # without a key of its own: Pub/Sub's id of the message makes each day's another run
    message = RunRequested(trigger="schedule", conversions=() if name == DAILY else (name,))
    scheduler = services.scheduler()
    # Cloud Scheduler itself says only "Schedule or time zone is invalid."
    saved = scheduler.put(name, cron.checked(ask.body.cron), ask.body.paused, message)
    more = _twice_daily(scheduler.all()) if name == DAILY else []
    return _with_warnings(saved, more, services)


def _with_warnings(schedule: Schedule, more: Iterable[str], services: Services) -> Schedule:
    """The schedule with what the clocks of its time zone do to it, and more to know."""
    found = cron.warnings(schedule.cron, schedule.timezone, services.now().date())
    return schedule.model_copy(update={"warnings": (*found, *more)})


def delete_schedule(ask: Ask[Nothing, None], services: Services) -> None:
    """Take a conversion's own hours away again, or leave the daily run to Terraform.

    A conversion without hours of its own is no error; 404 for a job of Terraform's.
    """
    name = ask.path["name"]
    if name != DAILY and not name.isidentifier():
        raise NotFoundError(
            f"There is no schedule {name!r} of this API's own.",
            code="unknown_schedule",
            fix="GET /schedules lists them; those of Terraform are changed in Terraform.",
        )
    services.scheduler().remove(name)


def _checked(name: str, services: Services) -> str:
    """The same name if it may have a schedule; raises ConflictError or NotFoundError otherwise."""
    if name == DAILY:
        return name
    # ids of conversions have none, names of Terraform's jobs do
    if "-" in name:
        raise ConflictError(
            f"The schedule {name!r} belongs to Terraform.",
            code="owned_by_terraform",
            fix=f"Change it there. Here, a conversion's id or {DAILY} can have a schedule.",
        )
    stored = services.catalog.get(name)
    if stored.status == "archived":
        raise UserError(
            f"{name!r} is archived, so there is nothing to run.",
            code="archived_reference",
            fix="Save the conversion again to bring it back.",
        )
    return name


def _twice_daily(schedules: list[Schedule]) -> list[str]:
    others = [s for s in schedules if s.owner == "terraform" and s.name.endswith(DAILY)]
    return [
        f"Terraform's own job {other.name} still runs at {other.cron!r}, so everything runs twice a"
        f' day; the second run finds little to change. To keep only this one, set "{DAILY}" = null'
        " in Terraform's variable schedules and apply."
        for other in others
        if not other.paused
    ]
