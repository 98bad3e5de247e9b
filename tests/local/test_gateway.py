"""The gateway: functions loaded from their bundles, under their names, on one port."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from google.api_core import exceptions
from google.cloud import bigquery
from werkzeug.test import Client

from common.local.functions.gateway import PATIENCE, Gateway, GatewayProcess, start_process
from common.local.functions.instance import Instances
from tests.local.receiver import Receiver
from tests.local.repository import write_repository

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="module")
def gateway(home: Path) -> Iterator[GatewayProcess]:
    environment = {"PATH": os.environ["PATH"], "RECEIVED": str(home / "received")}
    running = start_process(home, home / ".local", environment)
    yield running
    running.stop()


def test_before_anything_is_mounted_one_is_asked_to_wait() -> None:
    empty = Gateway()
    empty.start()
    answer = requests.get(f"{empty.url}/api", timeout=60)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:conversions:starting")


def test_a_function_answers_under_its_name_for_every_method_and_path(
    gateway: GatewayProcess,
) -> None:
    answer = requests.post(f"{gateway.url}/greet", data="hello", allow_redirects=False, timeout=60)
    assert (answer.status_code, answer.text) == (200, "POST / common says hello")
    answer = requests.get(f"{gateway.url}/greet/a/b", timeout=60)
    assert answer.text == "GET /a/b common says "


def test_a_function_sees_the_files_of_its_bundle_and_no_others(gateway: GatewayProcess) -> None:
    assert requests.get(f"{gateway.url}/greet/deep", timeout=60).text == "SELECT 'ü'\n"
    assert requests.get(f"{gateway.url}/greet/missing", timeout=60).status_code == 500


def test_what_is_local_is_not_there_for_a_function(gateway: GatewayProcess) -> None:
    assert requests.get(f"{gateway.url}/greet-local", timeout=60).status_code == 500


def test_a_push_reaches_the_function_with_the_path_of_its_topic(
    gateway: GatewayProcess, home: Path
) -> None:
    push = {"message": {"attributes": {"kind": "run"}, "messageId": "7"}, "subscription": "s"}
    url = f"{gateway.url}/work/projects/shop/topics/runs"
    assert requests.post(url, json=push, timeout=60).status_code == 204
    assert (home / "received").read_text() == '["/projects/shop/topics/runs", "run", "7"]\n'


def test_an_unknown_name_is_answered_with_the_known_ones(gateway: GatewayProcess) -> None:
    answer = requests.get(f"{gateway.url}/nothing", timeout=60)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["fix"] == "Call one of /greet, /greet-local, /work."


def test_googles_clients_find_credentials_that_open_nothing_elsewhere(
    gateway: GatewayProcess, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / ".local" / "google" / "greet.json"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "shop")
    with Receiver(lambda request: 404) as receiver:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", receiver.url)
        with bigquery.Client() as client, pytest.raises(exceptions.NotFound):
            client.get_table("shop.sales.orders")
    (request,) = receiver.requests
    scope = "https://www.googleapis.com/auth/cloud-platform"
    assert (
        request.headers["Authorization"]
        == f"Bearer local:greet@conversions-local.iam.gserviceaccount.com {scope}"
    )


def test_functions_that_cannot_be_loaded_are_reported_and_not_served(tmp_path: Path) -> None:
    root = write_repository(tmp_path)
    (root / "functions" / "work" / "main.py").write_text("import nothing_of_that_name\n")
    with (
        (tmp_path / "log").open("w") as log,
        pytest.raises(RuntimeError, match="did not start"),
    ):
        start_process(root, tmp_path / ".local", {"PATH": os.environ["PATH"]}, log=log)
    assert "nothing_of_that_name" in (tmp_path / "log").read_text()


def test_timeouts_of_the_manifest_can_be_stretched_or_shortened(home: Path, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "RECEIVED": str(home / "received"), PATIENCE: "1e-3"}
    hasty = start_process(home, tmp_path, environment)
    answer = requests.get(f"{hasty.url}/greet/never", timeout=60)
    hasty.stop()
    assert (answer.status_code, answer.text) == (504, "upstream request timeout\n")


class Slow:
    """An app that works until it is told to go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.at_work = threading.Semaphore(0)

    def __call__(self, environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        self.at_work.release()
        assert self.go_on.wait(60)
        respond("200 OK", [])
        return [b"done"]


def test_a_request_above_the_concurrency_waits_and_is_then_refused() -> None:
    slow = Slow()
    client = Client(Instances(slow, places=1, timeout=60, patience=0.02))
    with ThreadPoolExecutor() as pool:
        first = pool.submit(client.get, "/")
        assert slow.at_work.acquire(timeout=60)
        assert client.get("/").status_code == 429
        slow.go_on.set()
        assert first.result().status_code == 200
    assert client.get("/").text == "done"


def test_a_request_above_the_concurrency_is_served_when_a_place_becomes_free_in_time() -> None:
    slow = Slow()
    client = Client(Instances(slow, places=1, timeout=60, patience=60))
    with ThreadPoolExecutor() as pool:
        answers = [pool.submit(client.get, "/") for _ in range(2)]
        assert slow.at_work.acquire(timeout=60)
        slow.go_on.set()
        assert [answer.result().status_code for answer in answers] == [200, 200]


def test_a_request_above_the_timeout_is_answered_while_its_work_keeps_its_place() -> None:
    slow = Slow()
    client = Client(Instances(slow, places=1, timeout=0.02, patience=0.02))
    assert client.get("/").status_code == 504
    assert client.get("/").status_code == 429
    slow.go_on.set()
