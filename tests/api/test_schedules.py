"""Runs begin when the frontend says; Terraform's own jobs are shown and never touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import grpc
import pytest
from google.cloud.scheduler_v1 import CloudSchedulerClient
from google.cloud.scheduler_v1.services.cloud_scheduler.transports import (
    CloudSchedulerGrpcTransport,
)
from google.cloud.scheduler_v1.types import Job

from common.errors import UserError
from common.local.scheduler.server import SchedulerServer
from common.messaging.messages import MESSAGE, RunRequested
from functions.api.runs import cron
from functions.api.scheduler import Scheduler
from tests.api.conftest import NOW, PURCHASE, Harness
from tests.conftest import PROJECT

PARENT = f"projects/{PROJECT}/locations/europe-west1"
TOPIC = f"projects/{PROJECT}/topics/runs"
TERRAFORM = f"{PARENT}/jobs/conversions-prod-daily-run"


class Topics:
    """Keeps what schedules publish."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes, dict[str, str]]] = []

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
        self.published.append((topic, data, dict(attributes)))


class Clock:
    def __init__(self) -> None:
        self.now = NOW.timestamp()

    def __call__(self) -> float:
        return self.now


class Hall:
    """A local Cloud Scheduler with Terraform's job in it, and an API that speaks to it."""

    def __init__(self, harness: Harness) -> None:
        self.clock = Clock()
        self.topics = Topics()
        self.server = SchedulerServer(self.topics.publish, clock=self.clock)
        self.channel = grpc.insecure_channel(self.server.host)
        transport = CloudSchedulerGrpcTransport(channel=self.channel)
        self.client = CloudSchedulerClient(transport=transport)
        scheduler = Scheduler(self.client, harness.services.settings, seconds=2)
        self.harness = Harness(replace(harness.services, scheduler=lambda: scheduler), harness.bus)
        self.harness.save(PURCHASE)
        target = {"topic_name": TOPIC, "data": b"{}"}
        job = {"name": TERRAFORM, "schedule": "30 5 * * *", "pubsub_target": target}
        self.client.create_job(parent=PARENT, job=Job(job))

    def put(self, name: str, **body: Any) -> Any:
        return self.harness.ask("PUT", f"/schedules/{name}", body)

    def close(self) -> None:
        self.channel.close()
        self.server.stop(grace=0)


@pytest.fixture
def hall(harness: Harness) -> Iterator[Hall]:
    hall = Hall(harness)
    yield hall
    hall.close()


def test_a_conversion_gets_hours_of_its_own(hall: Hall) -> None:
    shown = hall.put("purchase", cron="15 * * * *").body
    assert (shown["name"], shown["cron"], shown["owner"]) == ("purchase", "15 * * * *", "api")
    assert datetime.fromisoformat(shown["next_run_at"]) == datetime(
        2026, 11, 20, 12, 15, tzinfo=UTC
    )
    hall.clock.now += 15 * 60
    hall.server.fire()
    ((topic, data, attributes),) = hall.topics.published
    assert (topic, attributes) == (TOPIC, {"kind": "run"})
    message = MESSAGE.validate_json(data)
    assert isinstance(message, RunRequested)
    assert (message.trigger, message.conversions) == ("schedule", ("purchase",))


def test_a_schedule_is_changed_paused_and_resumed(hall: Hall) -> None:
    hall.put("purchase", cron="15 * * * *")
    assert hall.put("purchase", cron="0 */6 * * *", paused=True).body["paused"] is True
    shown = hall.harness.get("/schedules/purchase")
    assert (shown["cron"], shown["paused"]) == ("0 */6 * * *", True)
    assert hall.put("purchase", cron="0 */6 * * *").body["paused"] is False


def test_a_schedule_is_taken_away_and_taking_it_twice_is_fine(hall: Hall) -> None:
    hall.put("purchase", cron="15 * * * *")
    for _ in range(2):
        assert hall.harness.ask("DELETE", "/schedules/purchase").status == 204
    answered = hall.harness.ask("GET", "/schedules/purchase")
    assert (answered.status, answered.body["code"]) == (404, "unknown_schedule")


def test_moving_the_daily_run_warns_that_terraforms_still_runs(hall: Hall) -> None:
    shown = hall.put("daily-run", cron="0 11 * * *").body
    assert "conversions-prod-daily-run still runs at '30 5 * * *'" in shown["warnings"][0]
    listed = hall.harness.get("/schedules")["schedules"]
    assert [(one["name"], one["owner"]) for one in listed] == [
        ("daily-run", "api"),
        ("conversions-prod-daily-run", "terraform"),
    ]


def test_terraforms_job_is_never_changed(hall: Hall) -> None:
    before = hall.client.get_job(name=TERRAFORM)
    hall.put("daily-run", cron="0 11 * * *")
    hall.harness.ask("DELETE", "/schedules/daily-run")
    deleted = hall.harness.ask("DELETE", "/schedules/conversions-prod-daily-run")
    assert (deleted.status, deleted.body["code"]) == (404, "unknown_schedule")
    refused = hall.put("conversions-prod-daily-run", cron="0 11 * * *")
    assert (refused.status, refused.body["code"]) == (409, "owned_by_terraform")
    assert hall.client.get_job(name=TERRAFORM) == before


def test_an_archived_conversion_loses_its_schedule(hall: Hall) -> None:
    hall.put("purchase", cron="15 * * * *")
    assert hall.harness.ask("DELETE", "/conversions/purchase").body["warnings"] == []
    names = [one["name"] for one in hall.harness.get("/schedules")["schedules"]]
    assert names == ["conversions-prod-daily-run"]


def test_a_scheduler_that_is_away_hinders_no_archiving(hall: Hall) -> None:
    hall.server.stop(grace=0)
    archived = hall.harness.ask("DELETE", "/conversions/purchase")
    assert archived.status == 200
    assert [warning["code"] for warning in archived.body["warnings"]] == ["schedule_kept"]


def test_an_unknown_conversion_gets_no_schedule(hall: Hall) -> None:
    assert hall.put("nix", cron="0 5 * * *").body["code"] == "unknown_conversion"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5 30", "has 2 parts"),
        ("75 5 * * *", "the minute is '75'"),
        ("30 25 * * *", "the hour is '25'"),
        ("30 5 * * monday", "the day of the week is 'monday'"),
        ("*/0 5 * * *", "the minute has the step '0'"),
        ("30 9-5 * * *", "the hour goes from 9 to 5"),
        ("* * * * *", "runs 60 times an hour"),
        ("@daily", "has 1 part."),
        ("30 2 31 2 *", "never comes"),
        ("30 2 31 APR,jun *", "never comes"),
    ],
)
def test_a_schedule_that_cannot_be_read_is_answered_with_the_reason(
    hall: Hall, text: str, said: str
) -> None:
    refused = hall.put("purchase", cron=text)
    assert (refused.status, refused.body["field"]) == (422, "cron")
    assert said in refused.body["detail"]


@pytest.mark.parametrize(
    ("text", "fix", "hours_or_days"),
    [
        ("0 22-5 * * *", "22-23,0-5", {22, 23, 0, 1, 2, 3, 4, 5}),
        ("0 5 * * fri-sun", "5-7,0-0", {5, 6, 7, 0}),
        ("0 5 * nov-feb *", "11-12,1-2", {11, 12, 1, 2}),
    ],
)
def test_over_the_end_it_is_written_in_two_parts_that_mean_the_same(
    text: str, fix: str, hours_or_days: set[int]
) -> None:
    # to turn it round, as 5-22, would be the other hours
    with pytest.raises(UserError) as refused:
        cron.checked(text)
    assert f"Write it in two parts: {fix}." in refused.value.fix
    place = next(n for n, part in enumerate(text.split()) if "-" in part)
    name = list(cron.FIELDS)[place]
    assert cron._numbers(name, fix) == hours_or_days
    mended = text.split()
    mended[place] = fix
    assert cron.checked(" ".join(mended))


@pytest.mark.parametrize(
    "text",
    [
        "30 5 * * *",
        "*/15 * * * *",
        "0 8-18/2 * * MON-FRI",
        "0,30 6 1 JAN *",
        "0 5 * * 7",
        "0 5 29 2 *",
        "0 5 31 2 1",
        "0 5 31 2,3 *",
    ],
)
def test_a_schedule_in_cron_is_taken(text: str) -> None:
    assert cron.checked(text) == text


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("0 5  * * mon-fri", "0 5 * * MON-FRI"),
        ("0,30 6 1 Jan *", "0,30 6 1 JAN *"),
        ("5/30 * * * *", "5-59/30 * * * *"),
        ("0 6/4,3 * * *", "0 6-23/4,3 * * *"),
    ],
)
def test_a_schedule_is_sent_in_the_form_that_cloud_scheduler_documents(
    text: str, sent: str
) -> None:
    # Source: cloud.google.com/scheduler/docs/configuring/cron-job-schedules: names are the first
    # three letters in capitals, and a step is one of a range
    assert cron.checked(text) == sent
    for name, ours, theirs in zip(cron.FIELDS, text.lower().split(), sent.split(), strict=True):
        assert cron._numbers(name, ours) == cron._numbers(name, theirs.lower())


def test_an_hour_that_the_clocks_skip_or_repeat_is_reported_with_a_safe_one() -> None:
    # Source: cloud.google.com/scheduler/docs/configuring/cron-job-schedules (daylight saving)
    [shown] = cron.warnings("30 2 * * *", "Europe/Berlin", date(2024, 3, 1))
    assert "02:30 does not exist on 2024-03-31" in shown
    assert "02:30 comes twice on 2024-10-27" in shown
    assert "03:30 (30 3 * * *) is safe" in shown


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("30 2 * * SUN", "03:30 (30 3 * * SUN)"),
        ("0 2,5 * * *", "03:00 (0 3,5 * * *)"),
        ("15 1-3 * * *", "03:15 (15 1,3 * * *)"),
        ("0,30 2 * * 0", "03:00 (0,30 3 * * 0)"),
    ],
)
def test_a_safe_schedule_keeps_the_days_and_the_other_hours(text: str, safe: str) -> None:
    [shown] = cron.warnings(text, "Europe/Berlin", date(2024, 3, 1))
    assert f"{safe} is safe" in shown


@pytest.mark.parametrize(
    ("text", "zone", "days"),
    [
        ("30 5 * * *", "Europe/Berlin", []),
        ("0 * * * *", "Europe/Berlin", []),
        ("30 2 * * *", "UTC", []),
        ("0 3 * * *", "Europe/Berlin", []),
        ("30 2 * * 1-5", "Europe/Berlin", []),
        ("30 2 31 * 1", "Europe/Berlin", ["2024-03-31"]),
        ("30 0 * * *", "America/Havana", ["2024-03-10", "2024-11-03"]),
        ("45 1 * * *", "Australia/Lord_Howe", ["2024-04-07"]),
    ],
)
def test_only_times_that_really_change_are_reported(text: str, zone: str, days: list[str]) -> None:
    found = cron.clock_changes(text, zone, date(2024, 3, 1))
    assert [str(change.day) for change in found] == days


def test_a_save_in_such_an_hour_warns(hall: Hall) -> None:
    services = hall.harness.services
    settings = services.settings.model_copy(update={"timezone": "Europe/Berlin"})
    scheduler = Scheduler(hall.client, settings, seconds=2)
    berlin = Harness(
        replace(services, settings=settings, scheduler=lambda: scheduler), hall.harness.bus
    )
    shown = berlin.ask("PUT", "/schedules/purchase", {"cron": "30 2 * * *"}).body
    assert "02:30 comes twice on 2027-10-31" in shown["warnings"][0]
    listed = berlin.get("/schedules")["schedules"]
    assert [bool(one["warnings"]) for one in listed] == [True, False]
