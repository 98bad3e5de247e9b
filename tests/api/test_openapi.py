"""The API describes itself: every address, every form, every answer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from common.http.openapi import document
from common.kinds import BY_NAME
from functions.api.routes import INTERFACE
from tests.api.conftest import Harness
from tests.expected import Expected

LISTED = Path(__file__).parents[2] / "functions" / "api" / "ROUTES.md"
DOCUMENT = json.loads(json.dumps(document(INTERFACE)))


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [name for value in part.values() for name in references(value)]
    if isinstance(part, list):
        return [name for value in part for name in references(value)]
    return []


def test_it_is_served(shared: Harness) -> None:
    assert shared.get("/openapi.json") == DOCUMENT
    assert DOCUMENT["openapi"] == "3.1.0"


def test_every_route_is_in_it_with_a_summary() -> None:
    for route in INTERFACE.all_routes:
        path = route.path.replace("<path:", "<").replace("<", "{").replace(">", "}")
        operation = DOCUMENT["paths"][path][route.method.lower()]
        assert operation["summary"]
        assert str(route.status) in operation["responses"]


def test_operations_have_names_of_their_own() -> None:
    names = [op["operationId"] for path in DOCUMENT["paths"].values() for op in path.values()]
    assert len(set(names)) == len(names)


def test_every_reference_leads_somewhere() -> None:
    models = DOCUMENT["components"]["schemas"]
    assert {name.rpartition("/")[2] for name in references(DOCUMENT)} <= set(models)


def test_a_body_names_the_forms_of_all_kinds() -> None:
    body = DOCUMENT["paths"]["/conversions"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert set(schema["discriminator"]["mapping"]) == set(BY_NAME)


def test_headers_that_matter_are_reported() -> None:
    put = DOCUMENT["paths"]["/conversions/{id}"]["put"]["parameters"]
    assert "If-Match" in {parameter["name"] for parameter in put}
    post = DOCUMENT["paths"]["/runs"]["post"]["parameters"]
    assert "Idempotency-Key" in {parameter["name"] for parameter in post}


@pytest.mark.parametrize("kind", BY_NAME)
def test_every_field_of_a_form_has_a_title_a_description_and_an_example(
    shared: Harness, kind: str
) -> None:
    schema = shared.get(f"/schemas/{kind}")
    forms = [schema, *schema.get("$defs", {}).values()]
    for form in forms:
        for name, field in form.get("properties", {}).items():
            assert field.get("title"), f"{kind}.{name} has no title"
            assert field.get("description"), f"{kind}.{name} has no description"
            assert field.get("examples"), f"{kind}.{name} has no example"


def test_all_forms_come_at_once(shared: Harness) -> None:
    shown = shared.get("/schemas")
    assert set(shown["kinds"]) == set(BY_NAME)
    assert shown["conversion"]["discriminator"]["propertyName"] == "kind"


def test_an_unknown_kind_is_answered_with_the_known_ones(shared: Harness) -> None:
    answered = shared.ask("GET", "/schemas/simpel")
    assert (answered.status, answered.body["code"]) == (404, "unknown_kind")
    assert "simple, combined" in answered.body["fix"]


def test_the_document_beside_the_code_lists_every_route(expecting: Expected) -> None:
    rows = (
        f"| {verb.upper()} | `{path}` | {operation['summary']} |\n"
        for path, verb, operation in in_order()
    )
    head, _, rest = re.split(r"((?:^\| [A-Z]+ \|.*\n)+)", LISTED.read_text("utf-8"), flags=re.M)
    expecting.text(LISTED, head + "".join(rows) + rest)


def in_order() -> list[tuple[str, str, Any]]:
    """Address, verb and operation of each route, as the table of routes lists them."""
    found = []
    for route in INTERFACE.all_routes:
        path = route.path.replace("<path:", "<").replace("<", "{").replace(">", "}")
        verb = route.method.lower()
        found.append((path, verb, DOCUMENT["paths"][path][verb]))
    return found
