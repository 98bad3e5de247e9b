"""The function as Pub/Sub pushes to it: tasks, the same task again, and what is no task."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, cast

import flask
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from common.errors import RetryableError
from functions.score_leads import main
from functions.score_leads.data.sources import Warehouses
from functions.score_leads.numeric import threads
from tests.score_leads.department import Department
from tests.score_leads.simulator import sales

TASK = {
    "kind": "score",
    "run_id": "run",
    "conversion": "leads",
    "definition_version": 1,
    "tier": 0,
    "start_date": "2024-01-10",
    "end_date": "2024-02-10",
    "trigger": "schedule",
}


@pytest.fixture(scope="module")
def department() -> Iterator[Department]:
    built = Department()
    built.define(conversion_window_days=40)
    built.load(sales(1, days=88, per_day=0.3), 88)
    yield built
    built.warehouse.connection.close()


@pytest.fixture
def send(department: Department, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Push a body to the function; its answer."""
    warehouses = Warehouses(department.warehouse, department.warehouse)
    monkeypatch.setattr(main, "_clients", lambda: (warehouses, department.bus))
    department.bus.published.clear()

    def push(body: Any) -> flask.Response:
        with flask.Flask("test").test_request_context(method="POST", json=body):
            return cast("flask.Response", main.score_leads(flask.request))

    return push


def envelope(message: Any) -> dict[str, Any]:
    text = message if isinstance(message, str) else json.dumps(message)
    return {"message": {"data": base64.b64encode(text.encode()).decode(), "messageId": "1"}}


def test_a_task_is_carried_out_and_may_come_again(send: Any, department: Department) -> None:
    assert send(envelope(TASK)).status_code == 204
    before = department.newest()
    assert before
    assert send(envelope(TASK)).status_code == 204
    after = department.newest()
    assert {id: row["probability"] for id, row in after.items()} == {
        id: row["probability"] for id, row in before.items()
    }
    assert len(department.rows("models")) == 1
    assert len(department.bus.published) == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": {}},
        {"message": {"data": "not base64!"}},
        envelope("no json"),
        envelope("[" * 10_000),
        envelope({"kind": "score"}),
        envelope({**TASK, "start_date": "soon"}),
        envelope({**TASK, "surprise": 1}),
        envelope({"kind": "watchdog"}),
    ],
)
def test_a_broken_message_is_refused_in_words(
    send: Any, department: Department, body: dict[str, Any]
) -> None:
    answer = send(body)
    assert answer.status_code in (400, 422)
    assert answer.content_type == "application/problem+json"
    assert json.loads(answer.data)["detail"]
    assert department.bus.published == []


def test_a_fault_that_passes_asks_for_another_delivery(
    send: Any, department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise RetryableError("BigQuery is away.", code="bigquery_unavailable")

    monkeypatch.setattr(department.warehouse, "execute", away)
    answer = send(envelope({**TASK, "run_id": "another"}))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


def test_numerical_libraries_are_asked_for_one_sleeping_thread() -> None:
    environment = {"OMP_NUM_THREADS": "7"}
    threads.limit(environment)
    assert environment == {**threads.ENVIRONMENT, "OMP_NUM_THREADS": "7"}, "somebody chose before"


def test_a_model_is_made_by_one_thread_whoever_imported_numpy_first() -> None:
    def openmp() -> set[int]:
        return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "openmp"}

    with threadpool_limits(2):
        with threads.alone():
            assert openmp() == {1}
        assert openmp() == {2}
