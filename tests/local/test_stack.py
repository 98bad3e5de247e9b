"""The stack: everything started together, told by one line, healed after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from google.cloud import bigquery
from google.cloud.scheduler_v1.types import Job
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from google.pubsub_v1.types import PubsubMessage
from pydantic import ValidationError

from common.local.functions import manifest
from common.local.iam.grants import account
from common.local.iam.tokens import channel as connected
from common.local.stack import provision
from common.local.stack.directory import DirectoryBusyError
from common.local.stack.ports import FREE_PORTS, Ports
from common.local.stack.stack import Stack, running, scheduler_client
from tests.local.receiver import Hands
from tests.local.repository import MANIFEST, write_repository

OWNER = account("owner", "conversions-local")
TOPICS = "projects/conversions-local/topics"


def environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "RECEIVED": str(home / "received")}


def received(home: Path) -> list[list[str]]:
    file = home / "received"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def eventually(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def publish(host: str, topic: str, **attributes: str) -> str:
    with connected(host, OWNER) as channel:
        client = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        message = PubsubMessage(data=b"{}", attributes=attributes, ordering_key="c1")
        answer = client.publish(topic=f"{TOPICS}/{topic}", messages=[message])
        return str(answer.message_ids[0])


@pytest.fixture(scope="module")
def clock() -> Hands:
    return Hands()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="module")
def stack(home: Path, clock: Hands) -> Iterator[Stack]:
    with running(home, home / ".local", environment(home), clock=clock, schedules=False) as stack:
        yield stack


def test_the_ready_line_and_a_file_say_where_everything_answers(stack: Stack, home: Path) -> None:
    ready = json.loads(json.dumps(stack.ready()))
    assert ready["ready"] is True
    assert set(ready["functions"]) == {"greet", "greet-local", "work"}
    assert requests.get(ready["functions"]["greet"], timeout=60).status_code == 200
    assert ready["scheduler"] == f"http://{stack.scheduler.host}"
    assert ready["pubsub"] == stack.pubsub.host
    assert ready["settings"]["project"] == "conversions-local"
    reply = json.loads((home / ".local" / "stack.json").read_text())
    assert {"ready": True, **reply} == {**ready, "process": os.getpid()}


def test_bigquery_answers_googles_client_with_nothing_but_the_environment(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stack.environment.items():
        monkeypatch.setenv(name, value)
    with bigquery.Client() as client:
        rows = list(client.query("SELECT 40 + 2 AS answer").result())
    assert [dict(row) for row in rows] == [{"answer": 42}]


def test_a_tick_travels_through_its_topic_to_its_function(stack: Stack, home: Path) -> None:
    stack.tick("daily")
    assert stack.wait_until_idle(60)
    assert received(home)[-1][:2] == [f"/{TOPICS}/runs", "run"]
    assert stack.dead_letters() == 0


def test_a_filtered_message_reaches_no_function(stack: Stack, home: Path) -> None:
    before = len(received(home))
    publish(stack.pubsub.host, "tasks", kind="ignored")
    publish(stack.pubsub.host, "tasks", kind="wanted")
    assert stack.wait_until_idle(60)
    assert [kind for _, kind, _ in received(home)[before:]] == ["wanted"]


def test_the_schedules_of_the_manifest_are_jobs_in_the_projects_time_zone(stack: Stack) -> None:
    with connected(stack.scheduler.host, OWNER) as channel:
        parent = "projects/conversions-local/locations/europe-west1"
        (job,) = scheduler_client(channel).list_jobs(parent=parent)
    assert (job.name, job.schedule, job.time_zone) == (f"{parent}/jobs/daily", "30 5 * * *", "UTC")
    assert job.state == Job.State.ENABLED


def test_work_cut_by_a_crash_of_the_functions_is_done_when_they_are_back(
    stack: Stack, home: Path, clock: Hands
) -> None:
    number = publish(stack.pubsub.host, "tasks", kind="slow")
    eventually(lambda: received(home)[-1][2] == number)
    stack.kill_functions()
    assert not stack.functions_run()
    stack.start_functions()
    eventually(lambda: not stack.pubsub.pushes.busy())
    clock.advance(provision.LEAST_BACKOFF.total_seconds())
    stack.pubsub.pushes.wake()
    assert stack.wait_until_idle(60)
    assert [seen for _, _, seen in received(home)].count(number) == 2


def test_a_second_stack_on_the_same_data_is_answered_with_who_has_it(
    stack: Stack, home: Path
) -> None:
    with (
        pytest.raises(DirectoryBusyError, match=f"process {os.getpid()} .*{stack.url}"),
        running(home, home / ".local", environment(home)),
    ):
        pass


def test_a_wrong_setting_is_named_before_anything_starts(home: Path, tmp_path: Path) -> None:
    wrong = {**environment(home), "CONVERSIONS_TIMEZONE": "Mars/Olympus"}
    with pytest.raises(ValidationError, match="timezone"), running(home, tmp_path, wrong):
        pass
    assert list(tmp_path.iterdir()) == []


def test_no_grants_at_all_are_none_and_not_the_recorded_ones(home: Path, tmp_path: Path) -> None:
    ports = FREE_PORTS.chosen()
    bare = Stack(home, tmp_path, environment(home), ports, log=None, granted=[])
    usual = Stack(home, tmp_path, environment(home), ports, log=None)
    assert (len(bare.policy.grants), len(usual.policy.grants)) == (0, 2)


def test_a_taken_port_is_named_or_replaced(stack: Stack) -> None:
    taken = int(stack.url.rpartition(":")[2])
    with pytest.raises(OSError, match=f"Port {taken} is taken"):
        Ports(gateway=taken, bigquery=0, pubsub=0, scheduler=0).chosen()
    chosen = Ports(gateway=taken, bigquery=0, pubsub=0, scheduler=0, fall_back=True).chosen()
    assert chosen.gateway not in (0, taken)
    assert len({FREE_PORTS.chosen().gateway, chosen.bigquery, chosen.pubsub}) == 3


def test_a_free_port_is_none_that_an_outgoing_connection_may_get_meanwhile() -> None:
    # seen: the scheduler's port was a client's when the scheduler was started, a second later
    limits = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(limits.read_text().split()[0]) if limits.exists() else 49_152
    assert all(FREE_PORTS.chosen().scheduler < first for _ in range(50))


SERVED = """
import os, sys
from pathlib import Path
from common.local.stack.ports import FREE_PORTS
from common.local.stack.serve import serve
serve(Path(sys.argv[1]), Path(sys.argv[2]), os.environ, FREE_PORTS)
"""


@contextmanager
def served(home: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A process that serves the repository, and its ready line."""
    command = [sys.executable, "-c", SERVED, str(home), str(home / ".local")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment(home)}
    ) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def test_a_stack_killed_in_the_middle_of_work_does_it_after_the_next_start(tmp_path: Path) -> None:
    home = write_repository(tmp_path)
    with served(home) as (process, ready):
        number = publish(ready["pubsub"], "tasks", kind="slow")
        eventually(lambda: len(received(home)) == 1)
        os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: not answers(ready["url"]))
    with running(home, home / ".local", environment(home), schedules=False) as stack:
        assert stack.wait_until_idle(60)
    assert [seen for _, _, seen in received(home)] == [number, number]


def answers(url: str) -> bool:
    try:
        requests.get(url, timeout=60)
    except requests.ConnectionError:
        return False
    return True


def test_a_served_stack_ends_in_order_when_asked_to(tmp_path: Path) -> None:
    with served(write_repository(tmp_path)) as (process, ready):
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    assert not answers(ready["url"])
    assert not answers(ready["bigquery"])


def test_what_the_manifest_says_anew_replaces_what_was_there(stack: Stack, home: Path) -> None:
    changed = json.loads(json.dumps(MANIFEST))
    changed["subscriptions"]["work-tasks"]["filter"] = ""
    del changed["subscriptions"]["work-runs"]
    provisioned(stack, changed)
    found = {held.name.rpartition("/")[2]: held for held in stack.pubsub.backlog.pushing()}
    assert {name: held.filter for name, held in found.items()} == {"work-tasks": ""}
    provisioned(stack, MANIFEST)
    assert len(stack.pubsub.backlog.pushing()) == 2


def provisioned(stack: Stack, deployed: dict[str, Any]) -> None:
    with connected(stack.pubsub.host, OWNER) as channel:
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        provision.subscriptions(
            manifest.Manifest.model_validate(deployed),
            stack.settings.project,
            subscriber,
            stack.functions.__getitem__,
        )
