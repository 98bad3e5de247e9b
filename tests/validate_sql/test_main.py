"""The HTTP surface: bodies, methods, problem details, and nothing personal in any output."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, Request, Response

from common.model.findings import catalogue
from functions.validate_sql.check import Services
from functions.validate_sql.main import answer
from tests.validate_sql.conftest import COLUMNS, PERIOD

SOUND = f"SELECT {COLUMNS}, email, phone FROM `shop.crm.orders` {PERIOD}"


def send(services: Services, **request: Any) -> Response:
    with Flask("test").test_request_context("/", **request) as context:
        asked: Request = context.request
        return answer(asked, services)


def test_a_query_is_posted_as_json_and_answered_as_json(services: Services) -> None:
    response = send(services, method="POST", json={"sql": SOUND})
    assert response.status_code == 200
    assert response.json
    assert response.json["ok"] is True
    assert response.json["profile"]["rows"] == 60


def test_a_faulty_query_is_no_faulty_request(services: Services) -> None:
    response = send(services, method="POST", json={"sql": "DROP TABLE shop.crm.orders"})
    assert response.status_code == 200
    assert response.json
    (issue,) = response.json["issues"]
    assert issue["code"] == "changes_schema"
    assert set(issue) == {
        "code",
        "severity",
        "message",
        "fix",
        "line",
        "column",
        "end_line",
        "end_column",
        "replacement",
        "field",
        "documentation",
    }


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"method": "POST", "json": {}}, 422),
        ({"method": "POST", "json": {"sql": 1}}, 422),
        ({"method": "POST", "json": {"sql": "SELECT 1", "surprise": True}}, 422),
        ({"method": "POST", "data": "{", "content_type": "application/json"}, 400),
        ({"method": "POST", "data": b"\xff", "content_type": "application/json"}, 400),
        ({"method": "POST", "data": "x" * 3_000_000, "content_type": "application/json"}, 413),
        ({"method": "POST", "data": "{}"}, 415),
        ({"method": "POST", "json": {"sql": "x" * 3_000_000}}, 413),
        ({"method": "DELETE"}, 405),
    ],
)
def test_a_faulty_request_is_answered_with_problem_details(
    services: Services, request_: dict[str, Any], status: int
) -> None:
    response = send(services, **request_)
    assert response.status_code == status
    assert response.content_type == "application/problem+json"


def test_the_schemas_and_the_catalogue_can_be_read(services: Services) -> None:
    response = send(services, method="GET")
    assert response.json
    assert set(response.json["findings"]) == set(catalogue())
    assert "sql" in response.json["request"]["properties"]
    assert "issues" in response.json["response"]["properties"]


@pytest.mark.parametrize(
    "sql",
    [
        SOUND,
        f"SELECT {COLUMNS}, CAST(note AS FLOAT64) AS value FROM `shop.crm.orders` {PERIOD}",
        "SELECT email AS id, email AS client_id, created_at AS created "
        f"FROM `shop.crm.orders` {PERIOD}",
        f"SELECT {COLUMNS}, email AS currency FROM `shop.crm.orders` {PERIOD}",
        f"SELECT {COLUMNS}, [STRUCT(email AS key, phone AS value)] AS params "
        f"FROM `shop.crm.orders` {PERIOD}",
        "SELECT 'ann.lee1@canary.example' AS idd FROM `shop.crm.orders`",
    ],
)
def test_no_answer_and_no_log_line_holds_personal_data(
    services: Services, capsys: pytest.CaptureFixture[str], sql: str
) -> None:
    response = send(services, method="POST", json={"sql": sql})
    printed = capsys.readouterr()
    assert "sql_validated" in printed.out
    assert "canary" not in printed.out + printed.err
    if "canary" not in sql:
        assert "canary" not in response.get_data(as_text=True)
        assert "7946" not in response.get_data(as_text=True)


def test_an_unforeseen_fault_tells_nothing_of_the_query(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> str:
        raise RuntimeError("canary@example.com")

    class Broken(Services):
        @property
        def last_days(self) -> Any:
            return fails()

    broken = Broken(services.own, services.runner, services.now, services.account)
    response = send(broken, method="POST", json={"sql": SOUND})
    assert response.status_code == 500
    printed = capsys.readouterr()
    assert "canary" not in response.get_data(as_text=True) + printed.out + printed.err
