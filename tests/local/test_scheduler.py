"""The local Cloud Scheduler, spoken to by Google's own client over the real wire."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import pytest
from google.api_core import exceptions
from google.cloud.scheduler_v1 import CloudSchedulerClient
from google.cloud.scheduler_v1.services.cloud_scheduler.transports import (
    CloudSchedulerGrpcTransport,
)
from google.cloud.scheduler_v1.types import Job, RetryConfig
from google.protobuf import field_mask_pb2
from hypothesis import given
from hypothesis import strategies as st

from common.local.rpc.wire import not_found
from common.local.scheduler.rules import next_run, retry_delay
from common.local.scheduler.server import SchedulerServer
from tests.local.receiver import Hands, Receiver

PARENT = "projects/shop/locations/europe-west1"
NAME = f"{PARENT}/jobs/daily-run"
TOPIC = "projects/shop/topics/runs"
BERLIN = ZoneInfo("Europe/Berlin")


def seconds(text: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


class Topics:
    """Keeps what is published; refuses while it is told to."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes, dict[str, str]]] = []
        self.exist = True
        self.arrived = threading.Event()

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
        if not self.exist:
            raise not_found(f"Topic {topic} does not exist.")
        self.published.append((topic, data, dict(attributes)))
        self.arrived.set()


class Harness:
    """A scheduler that fires only when the test says so, and a real client of it."""

    def __init__(self, path: Path | None = None, now: float = 0.0) -> None:
        self.clock = Hands(now or seconds("2026-03-27T12:00"))
        self.topics = Topics()
        self.server = SchedulerServer(self.topics.publish, path, clock=self.clock)
        self.channel = grpc.insecure_channel(self.server.host)
        transport = CloudSchedulerGrpcTransport(channel=self.channel)
        self.client = CloudSchedulerClient(transport=transport)

    def create(self, **fields: Any) -> Job:
        job = {
            "name": NAME,
            "schedule": "30 5 * * *",
            "time_zone": "Europe/Berlin",
            "pubsub_target": {"topic_name": TOPIC, "data": b"{}", "attributes": {"kind": "run"}},
            **fields,
        }
        return self.client.create_job(parent=PARENT, job=Job(job))

    def fires_at(self, text: str, zone: ZoneInfo = BERLIN) -> bool:
        """Whether the job stays silent until that moment and fires at it."""
        self.clock.now = seconds(text, zone) - 1
        assert self.server.fire() == []
        self.clock.advance(1)
        return self.server.fire() == [NAME]

    def close(self) -> None:
        self.channel.close()
        self.server.stop(grace=0)


@pytest.fixture
def harness() -> Iterator[Harness]:
    harness = Harness()
    yield harness
    harness.close()


def test_a_daily_job_keeps_its_hour_while_the_clocks_change(harness: Harness) -> None:
    harness.create()
    assert harness.fires_at("2026-03-28T05:30")
    assert harness.fires_at("2026-03-29T05:30")
    assert harness.fires_at("2026-03-30T05:30")
    assert seconds("2026-03-29T05:30") - seconds("2026-03-28T05:30") == 23 * 3600
    assert harness.topics.published == [(TOPIC, b"{}", {"kind": "run"})] * 3


def test_a_time_that_the_clocks_skip_fires_when_they_have_jumped(harness: Harness) -> None:
    harness.create(schedule="30 2 * * *")
    assert harness.fires_at("2026-03-28T02:30")
    assert harness.fires_at("2026-03-29T03:00")
    assert harness.fires_at("2026-03-30T02:30")


def test_a_time_that_the_clocks_repeat_fires_at_both_moments() -> None:
    job = Job(schedule="30 2 * * *", time_zone="Europe/Berlin")
    utc = ZoneInfo("UTC")
    first = next_run(job, seconds("2026-10-24T12:00"))
    second = next_run(job, first)
    assert [first, second] == [seconds("2026-10-25T00:30", utc), seconds("2026-10-25T01:30", utc)]
    assert next_run(job, second) == seconds("2026-10-26T02:30")


def test_an_hourly_job_fires_every_hour_of_the_long_and_of_the_short_day() -> None:
    job = Job(schedule="10 * * * *", time_zone="Europe/Berlin")
    for day, hours in (("2026-03-29", 23), ("2026-10-25", 25)):
        start = seconds(f"{day}T00:00")
        end = (datetime.fromtimestamp(start, BERLIN) + timedelta(days=1)).timestamp()
        assert len([run for run in islice(runs(job, start), 30) if run < end]) == hours


def runs(job: Job, after: float) -> Iterator[float]:
    while True:
        after = next_run(job, after)
        yield after


@given(
    st.sampled_from(["30 5 * * *", "30 2 * * *", "10 * * * *", "*/7 * * * *", "0 9 * * 1"]),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "utc", ""]),
    st.integers(int(seconds("2026-01-01T00:00")), int(seconds("2027-01-01T00:00"))),
)
def test_the_next_run_lies_ahead_and_none_lies_between(schedule: str, zone: str, now: int) -> None:
    job = Job(schedule=schedule, time_zone=zone)
    following = next_run(job, now)
    assert following > now
    assert next_run(job, following - 1) == following


def test_a_run_missed_while_nothing_ran_is_made_up_for_once(tmp_path: Path) -> None:
    harness = Harness(tmp_path / "scheduler.sqlite3")
    harness.create()
    harness.close()
    harness = Harness(tmp_path / "scheduler.sqlite3", now=seconds("2026-04-05T12:00"))
    assert harness.server.fire() == [NAME]
    assert harness.server.fire() == []
    assert harness.fires_at("2026-04-06T05:30")
    harness.close()


def test_a_request_carries_the_job_the_scheduled_time_and_an_identity(harness: Harness) -> None:
    with Receiver() as receiver:
        harness.create(
            pubsub_target=None,
            http_target={
                "uri": f"{receiver.url}/runs",
                "body": b'{"a": 1}',
                "headers": {"content-type": "application/json", "User-Agent": "mine"},
                "oidc_token": {"service_account_email": "cron@shop.iam"},
            },
        )
        assert harness.fires_at("2026-03-28T05:30")
        harness.client.run_job(name=NAME)
    scheduled, by_hand = receiver.requests
    assert (scheduled.method, scheduled.path, scheduled.json) == ("POST", "/runs", {"a": 1})
    assert scheduled.headers["Content-Type"] == "application/json"
    assert scheduled.headers["User-Agent"] == "Google-Cloud-Scheduler"
    assert scheduled.headers["X-CloudScheduler"] == "true"
    assert scheduled.headers["X-CloudScheduler-JobName"] == "daily-run"
    assert scheduled.headers["X-CloudScheduler-ScheduleTime"] == "2026-03-28T05:30:00+01:00"
    assert scheduled.headers["Authorization"].startswith("Bearer ")
    assert "X-CloudScheduler-ScheduleTime" not in by_hand.headers


def test_a_failed_job_waits_for_its_next_time_unless_retries_are_allowed(harness: Harness) -> None:
    harness.create()
    harness.topics.exist = False
    assert harness.fires_at("2026-03-28T05:30")
    found = harness.client.get_job(name=NAME)
    assert (found.status.code, found.status.message) == (2, f"Topic {TOPIC} does not exist.")
    assert found.schedule_time == datetime(2026, 3, 29, 3, 30, tzinfo=UTC)


@pytest.mark.parametrize(("answer", "told"), [(204, ""), (404, "HTTP 404")])
def test_of_a_redirected_request_the_last_answer_counts(
    harness: Harness, answer: int, told: str
) -> None:
    # "For a redirected request, the response returned by the redirected request is considered."
    # (HttpTarget in the reference)
    with Receiver(lambda request: answer if request.path == "/elsewhere" else 302) as receiver:
        harness.create(pubsub_target=None, http_target={"uri": f"{receiver.url}/moved"})
        assert harness.fires_at("2026-03-28T05:30")
        assert [request.path for request in receiver.requests] == ["/moved", "/elsewhere"]
    assert harness.client.get_job(name=NAME).status.message == told


def test_retries_back_off_keep_the_scheduled_time_and_end(harness: Harness) -> None:
    with Receiver(lambda request: 500) as receiver:
        harness.create(
            pubsub_target=None, http_target={"uri": receiver.url}, retry_config={"retry_count": 2}
        )
        for moment in ("05:30:00", "05:30:05", "05:30:15"):
            assert harness.fires_at(f"2026-03-28T{moment}")
        assert harness.fires_at("2026-03-29T05:30")
        receiver.answer = lambda request: 200
        assert harness.fires_at("2026-03-29T05:30:05")
        assert harness.fires_at("2026-03-30T05:30")
    times = [request.headers["X-CloudScheduler-ScheduleTime"] for request in receiver.requests]
    assert times[:3] == ["2026-03-28T05:30:00+01:00"] * 3
    assert times[3:] == ["2026-03-29T05:30:00+02:00"] * 2 + ["2026-03-30T05:30:00+02:00"]


def test_retries_double_then_grow_evenly_then_stay() -> None:
    config = RetryConfig(
        min_backoff_duration=timedelta(seconds=10),
        max_backoff_duration=timedelta(seconds=300),
        max_doublings=3,
    )
    # the example in the reference of RetryConfig
    delays = [retry_delay(config, retry) for retry in range(1, 9)]
    assert delays == [10, 20, 40, 80, 160, 240, 300, 300]


def test_a_paused_job_rests_until_it_is_resumed_and_can_be_run_by_hand(harness: Harness) -> None:
    harness.create()
    assert harness.client.pause_job(name=NAME).state == Job.State.PAUSED
    with pytest.raises(exceptions.FailedPrecondition, match="not ENABLED"):
        harness.client.pause_job(name=NAME)
    harness.clock.now = seconds("2026-03-28T12:00")
    assert harness.server.fire() == []
    harness.client.run_job(name=NAME)
    assert len(harness.topics.published) == 1
    assert harness.client.resume_job(name=NAME).state == Job.State.ENABLED
    assert harness.fires_at("2026-03-29T05:30")


def test_jobs_are_made_found_listed_changed_and_dropped(harness: Harness) -> None:
    harness.create()
    with pytest.raises(exceptions.AlreadyExists):
        harness.create()
    target = {"topic_name": TOPIC, "data": b"x"}
    named = harness.create(name="", pubsub_target=target)
    assert named.name.startswith(f"{PARENT}/jobs/")
    assert len(list(harness.client.list_jobs(parent=PARENT))) == 2
    assert list(harness.client.list_jobs(parent="projects/shop/locations/us-central1")) == []
    changed = harness.client.update_job(
        job=Job(name=NAME, schedule="0 6 * * *"),
        update_mask=field_mask_pb2.FieldMask(paths=["schedule"]),
    )
    assert (changed.schedule, changed.time_zone) == ("0 6 * * *", "Europe/Berlin")
    assert changed.schedule_time == datetime(2026, 3, 28, 5, 0, tzinfo=UTC)
    harness.client.delete_job(name=NAME)
    with pytest.raises(exceptions.NotFound):
        harness.client.get_job(name=NAME)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"schedule": "every 5 minutes"}, "five fields"),
        ({"schedule": "61 * * * *"}, "five fields"),
        ({"schedule": "@daily"}, "five fields"),
        # croniter takes these; "Cloud Scheduler doesn't support the use of L", says the document
        ({"schedule": "0 5 L * *"}, "five fields"),
        ({"schedule": "0 5 * * 5#2"}, "five fields"),
        ({"schedule": "0 5 ? * *"}, "five fields"),
        ({"schedule": "0 5 * * mon"}, "five fields"),
        ({"schedule": "5/15 * * * *"}, "five fields"),
        ({"schedule": "R R * * *"}, "five fields"),
        ({"schedule": "0 5 15W * *"}, "five fields"),
        ({"description": "x" * 501}, "more than 500 characters"),
        ({"pubsub_target": {"topic_name": TOPIC, "data": b"x" * 1_000_000}}, "larger than 1 MB"),
        (
            {"pubsub_target": None, "http_target": {"uri": "https://shop.example/" + "x" * 2083}},
            "more than 2,083 characters",
        ),
        ({"time_zone": "Mars/Olympus"}, "no time zone"),
        ({"pubsub_target": None}, "needs a target"),
        ({"pubsub_target": {"topic_name": "projects/other/topics/x", "data": b"x"}}, "project"),
        ({"pubsub_target": {"topic_name": TOPIC}}, "data or at least one attribute"),
        ({"retry_config": {"retry_count": 6}}, "retry_count"),
        ({"name": f"{PARENT}/jobs/a b"}, "not a name"),
    ],
)
def test_a_job_that_the_service_refuses_is_refused_with_its_reason(
    harness: Harness, fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=reason):
        harness.create(**fields)


def test_a_token_that_the_local_server_cannot_make_is_refused(harness: Harness) -> None:
    oauth = {"service_account_email": "cron@shop.iam"}
    target = {"uri": "https://shop.example/", "oauth_token": oauth}
    with pytest.raises(exceptions.MethodNotImplemented, match="OAuth"):
        harness.create(pubsub_target=None, http_target=target)


@pytest.mark.parametrize(
    "schedule", ["0 8-18/2 * * MON-FRI", "0,30 6 1 JAN *", "*/15 0-5,22 * * 7", "30 5 * * SUN"]
)
def test_a_documented_schedule_is_taken(harness: Harness, schedule: str) -> None:
    assert harness.create(schedule=schedule).schedule == schedule


def test_a_started_scheduler_fires_by_itself(harness: Harness) -> None:
    harness.create()
    harness.clock.now = seconds("2026-03-28T05:30")
    harness.server.start()
    assert harness.topics.arrived.wait(60)


KILLED_SCHEDULER = """
import sys, time
from pathlib import Path
from common.local.scheduler.server import SchedulerServer

def hang(topic, data, attributes):
    print("published", flush=True)
    time.sleep(60)

start = float(sys.argv[2])
server = SchedulerServer(hang, Path(sys.argv[1]), clock=lambda: start)
print(server.host, flush=True)
server.start()
time.sleep(60)
"""


def test_an_attempt_cut_by_sigkill_is_made_again_after_the_restart(tmp_path: Path) -> None:
    path, moment = tmp_path / "scheduler.sqlite3", seconds("2026-03-28T05:30")
    harness = Harness(path)
    harness.create()
    harness.close()
    command = [sys.executable, "-c", KILLED_SCHEDULER, str(path), str(moment)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("127.0.0.1:")
        assert process.stdout.readline() == "published\n"
        os.kill(process.pid, signal.SIGKILL)
    harness = Harness(path, now=moment + 1)
    assert harness.server.fire() == [NAME]
    harness.close()
