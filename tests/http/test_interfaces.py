"""One door for the three interfaces: the same rules, whichever function answers."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, Request, Response, request
from google.cloud import bigquery
from pydantic import TypeAdapter

from common.catalog.definitions import Catalog
from common.errors import ProductError, RetryableError, UserError
from common.http.answers import json_response, problem, request_id_of
from common.http.openapi import document
from common.http.routing import Interface
from common.messaging.messages import MESSAGE
from common.model.validation_messages import form_of
from functions.api.main import answer as answer_api
from functions.api.routes import INTERFACE as API
from functions.export.frontend.routes import INTERFACE as EXPORT
from functions.export.main import answer as answer_export
from functions.validate_sql.main import answer as answer_validate
from functions.validate_sql.routes import INTERFACE as VALIDATE
from tests.api.conftest import services_of
from tests.destinations.harness import HERE as CASES
from tests.destinations.harness import NOW, load
from tests.export.shop import Shop, shop

INTERFACES = {"api": API, "export-preview": EXPORT, "validate-sql": VALIDATE}
FIRST = {
    "api": "/conversions",
    "export-preview": "/destinations",
    "validate-sql": "/",
}
LEAD = load(CASES / "meta" / "plain" / "target.json")["conversions"][0]["conversion"]
Ask = Callable[..., Response]


@pytest.fixture(scope="module")
def opened(client: bigquery.Client) -> Iterator[Shop]:
    with shop(client) as here:
        lead = {"kind": "simple", "id": LEAD, "name": "L", "event_type": "purchase"}
        Catalog(here.warehouse).save(lead, now=NOW, author="test")
        yield here


@pytest.fixture
def ask(opened: Shop) -> Ask:
    """Asks one of the functions: ask(name, verb, path, body, headers)."""
    service = services_of(opened.warehouse)
    answers: dict[str, Callable[[Request], Response]] = {
        "api": lambda asked: answer_api(asked, service.services),
        "export-preview": lambda asked: answer_export(asked, opened.services),
        # its services are not asked for by what is tried here
        "validate-sql": lambda asked: answer_validate(asked, service.services),  # type: ignore[arg-type]
    }

    def asks(name: str, verb: str, path: str, body: Any = None, **headers: str) -> Response:
        sent = {key.replace("_", "-"): value for key, value in headers.items()}
        with Flask("test").test_request_context(path, method=verb, json=body, headers=sent):
            return answers[name](request)

    return asks


@pytest.mark.parametrize("name", INTERFACES)
def test_each_serves_its_document(ask: Ask, name: str) -> None:
    for path in ("/openapi.json", f"/{name}/openapi.json"):
        shown = ask(name, "GET", path).get_json()
        assert shown == json.loads(json.dumps(document(INTERFACES[name])))
        assert shown["openapi"] == "3.1.0"
        assert shown["servers"] == [{"url": f"/{name}"}]


@pytest.mark.parametrize("interface", INTERFACES.values(), ids=INTERFACES)
def test_every_operation_is_named_once_described_and_refers_to_what_is_there(
    interface: Interface,
) -> None:
    shown = document(interface)
    operations = [each for path in shown["paths"].values() for each in path.values()]
    names = [each["operationId"] for each in operations]
    assert len(set(names)) == len(names) == len(interface.all_routes)
    assert all(each["summary"] for each in operations)
    text = json.dumps(shown)
    for model in set(text.split("#/components/schemas/")[1:]):
        assert model.partition('"')[0] in shown["components"]["schemas"]


ACTS = [
    pytest.param(name, re.sub("<[^>]+>", "1", route.path), id=f"{name} {route.path}")
    for name, interface in INTERFACES.items()
    for route in interface.routes
    if route.path.rpartition(">")[2].startswith(":")
]


@pytest.mark.parametrize(("name", "path"), ACTS)
def test_an_act_is_never_taken_for_the_name_of_a_thing(ask: Ask, name: str, path: str) -> None:
    refused = ask(name, "GET", path)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/schemas", "/schemas/simple", "/conversions", "/tables"])
def test_what_is_known_is_not_sent_again(ask: Ask, path: str) -> None:
    first = ask("api", "GET", path)
    tag = first.headers["ETag"]
    for known in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        again = ask("api", "GET", path, If_None_Match=known)
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    for other in ('W/"other"', "", "nonsense"):
        assert ask("api", "GET", path, If_None_Match=other).data == first.data


@pytest.mark.parametrize("name", INTERFACES)
def test_a_wrong_verb_is_answered_with_the_right_ones(ask: Ask, name: str) -> None:
    refused = ask(name, "PATCH", FIRST[name])
    assert refused.status_code == 405
    assert refused.get_json()["code"] == "wrong_method"
    assert refused.headers["Allow"] == "GET, POST" if name != "export-preview" else "GET"


@pytest.mark.parametrize("name", INTERFACES)
def test_a_parameter_that_is_repeated_or_unknown_is_refused(ask: Ask, name: str) -> None:
    twice = ask(name, "GET", f"{FIRST[name]}?status=all&status=active")
    assert (twice.status_code, twice.get_json()["code"]) == (400, "repeated_parameter")
    unknown = ask(name, "GET", f"{FIRST[name]}?statu=all")
    assert (unknown.status_code, unknown.get_json()["field"]) == (422, "statu")


def config(**changes: Any) -> dict[str, Any]:
    return {**load(CASES / "meta" / "plain" / "target.json"), **changes}


@pytest.mark.parametrize("header", ["abc", "", '"x"', '"1", "2"', "²", "-1", 'W/"1'])
@pytest.mark.parametrize(
    ("name", "path", "body"),
    [
        (
            "api",
            "/conversions/purchase",
            {"id": "purchase", "name": "P", "kind": "simple", "event_type": "purchase"},
        ),
        ("export-preview", "/destinations/meta_main", config()),
    ],
)
def test_an_if_match_that_names_no_version_is_refused(
    ask: Ask, name: str, path: str, body: Any, header: str
) -> None:
    for verb, sent in (("PUT", body), ("DELETE", None)):
        refused = ask(name, verb, path, sent, If_Match=header)
        assert (refused.status_code, refused.get_json()["code"]) == (400, "bad_if_match")


def test_of_eight_edits_of_one_version_one_wins(opened: Shop, ask: Ask) -> None:
    made = ask("export-preview", "PUT", "/destinations/meta_main", config())
    assert (made.status_code, made.headers["ETag"]) == (200, '"1"')
    found: list[tuple[int, str]] = []

    def edit(number: int) -> None:
        sent = config(name=f"Edit {number}")
        shown = ask("export-preview", "PUT", "/destinations/meta_main", sent, If_Match='W/"1"')
        found.append((shown.status_code, shown.get_json().get("code", "")))

    threads = [threading.Thread(target=edit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(status for status, _ in found) == [200, *[409] * 7], found
    assert {code for status, code in found if status == 409} <= {"version_conflict", "busy"}
    shown = ask("export-preview", "GET", "/destinations/meta_main/versions").get_json()
    assert [each["version"] for each in shown["versions"]] == [1, 2]


def test_a_fault_of_our_own_is_found_by_its_log_line_and_tells_no_value(
    opened: Shop, ask: Ask, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        secret = "jane@canary.example"
        raise RuntimeError(secret)

    monkeypatch.setattr("common.catalog.definitions.Catalog.get", broken)
    shown = ask("export-preview", "GET", "/destinations/meta_main", X_Cloud_Trace_Context="abc1/1")
    assert (shown.status_code, shown.get_json()["code"]) == (500, "internal")
    printed = capsys.readouterr().out
    line = json.loads(printed.splitlines()[-1])
    assert line["route"] == "GET /destinations/<id>"
    assert line["request_id"] == "abc1"
    assert line["reason"] == "RuntimeError"
    assert any("export/frontend/destinations.py" in frame for frame in line["frames"])
    assert line["frames"][-1].endswith(" broken")
    assert "canary" not in printed + shown.get_data(as_text=True)


@pytest.mark.parametrize("name", sorted(INTERFACES))
def test_no_field_shows_a_person_a_regular_expression(name: str) -> None:
    asked: list[Any] = [
        schema
        for route in INTERFACES[name].routes
        for schema in (
            TypeAdapter(route.query).json_schema(),
            route.body.json_schema() if route.body else {},
        )
    ]
    patterns = set(_patterns([*asked, MESSAGE.json_schema()]))
    assert patterns
    assert [one for one in sorted(patterns) if form_of(one).endswith(one)] == []


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(found := schema.get("pattern"), str):
            yield found
        for part in schema.values():
            yield from _patterns(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _patterns(part)


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (RetryableError("It is busy."), "send it again in 30 seconds"),
        (RetryableError("It is busy.", fix="Wait."), "Wait."),
        (UserError("x: is missing", problems=[{"field": "x"}]), "Correct the fields"),
    ],
)
def test_an_error_says_what_to_do_next_where_its_kind_alone_tells_it(
    error: ProductError, fix: str
) -> None:
    with Flask("test").test_request_context("/"):
        assert fix in json.loads(problem(error, request, "r1").data)["fix"]


@pytest.mark.parametrize("sent", [{}, {"X-Cloud-Trace-Context": "a b/1"}])
def test_one_request_has_one_id_in_its_answer_and_in_each_log_line(sent: dict[str, str]) -> None:
    with Flask("test").test_request_context("/", headers=sent):
        assert request_id_of(request) == request_id_of(request) != ""
    with Flask("test").test_request_context("/", headers={"X-Cloud-Trace-Context": "abc1/7"}):
        assert request_id_of(request) == "abc1"


def test_a_number_without_end_is_null() -> None:
    assert json_response({"a": [1e308 * 10, 1.5]}).get_json() == {"a": [None, 1.5]}
