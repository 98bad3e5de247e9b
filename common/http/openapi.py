"""The OpenAPI document, generated from the routes' own types."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from common.http.answers import Problem
from common.http.conditions import HEADERS, PATTERNS
from common.http.routing import Interface, Route
from common.untyped import JsonObject, Row

REFERENCE = "#/components/schemas/{model}"
PROBLEM = "Problem"
ID = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$"}
TEXT = {"type": "string", "minLength": 1, "maxLength": 300}
PATH_PARTS: Mapping[str, Row] = {
    "id": ID,
    "conversion": ID,
    "version": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
}
"""Schemas of what stands in a path, by name; any other is a text."""
REQUEST_ID = {"X-Request-Id": {"description": "Finds the request in the log.", "schema": TEXT}}
ETAG = {
    "ETag": {
        "description": "The version; send it back as If-Match.",
        "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
    }
}
CONTENT_TAG = {
    "ETag": {
        "description": "Of this content; send it back as If-None-Match.",
        "schema": {"type": "string"},
    }
}
UNCHANGED = {
    "description": "The answer is still the one that If-None-Match names.",
    "headers": {**REQUEST_ID, **CONTENT_TAG},
}
REFUSALS = {
    "Allow": {"description": "With 405: the verbs that work.", "schema": {"type": "string"}},
    "WWW-Authenticate": {
        "description": "With 401: how to sign in.",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "With 503: seconds to wait.",
        "schema": {"type": "integer", "minimum": 0},
    },
}
SECURITY = {
    "idToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A Google ID token; on one machine none is asked for.",
    }
}

Schemas = dict[tuple[Any, JsonSchemaMode], Any]


def document(interface: Interface) -> JsonObject:
    """OpenAPI 3.1 of the interface."""
    routes = list(interface.all_routes)
    schemas, components = _schemas(routes)
    paths: dict[str, JsonObject] = {}
    for route in routes:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": interface.title, "version": interface.version},
        "servers": [{"url": f"/{interface.mount}"}],
        # {}: on a machine of one's own nobody signs in
        "security": [{"idToken": []}, {}],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {PROBLEM: _problem(schemas)},
            "securitySchemes": SECURITY,
        },
    }


def _schemas(routes: list[Route]) -> tuple[Schemas, JsonObject]:
    """(route and direction) → schema, and the models that those refer to."""
    wanted: list[tuple[Any, JsonSchemaMode, TypeAdapter[Any]]] = [
        (PROBLEM, "serialization", TypeAdapter(Problem))
    ]
    for route in routes:
        wanted.append((route, "serialization", route.answer))
        if route.body:
            wanted.append((route, "validation", route.body))
    found, definitions = TypeAdapter.json_schemas(wanted, ref_template=REFERENCE)
    # one call for all routes, or two models of one name would get the same component
    return dict(found), definitions["$defs"]


def _operation(route: Route, schemas: Schemas) -> JsonObject:
    summary, _, rest = (inspect.getdoc(route.handler) or "").partition("\n")
    operation: JsonObject = {
        "operationId": route.handler.__name__.lstrip("_"),
        "summary": summary.rstrip("."),
        # line ends of a docstring are no paragraphs of the page
        "description": " ".join(rest.split()),
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_headers(route)],
        "responses": {
            str(route.status): _success(route, schemas),
            **({"304": UNCHANGED} if "If-None-Match" in route.headers else {}),
            "default": {"$ref": f"#/components/responses/{PROBLEM}"},
        },
    }
    if route.body:
        content = {"application/json": {"schema": schemas[route, "validation"]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _success(route: Route, schemas: Schemas) -> JsonObject:
    known = CONTENT_TAG if "If-None-Match" in route.headers else {}
    headers = {**REQUEST_ID, **(ETAG if route.is_versioned else known)}
    if route.status == 204:
        return {"description": "Done.", "headers": headers}
    content = {"application/json": {"schema": schemas[route, "serialization"]}}
    return {"description": "Done.", "headers": headers, "content": content}


def _problem(schemas: Schemas) -> JsonObject:
    return {
        "description": "It did not work; the problem says why and what to do next.",
        "headers": {**REQUEST_ID, **REFUSALS},
        "content": {"application/problem+json": {"schema": schemas[PROBLEM, "serialization"]}},
    }


def _path_parameters(route: Route) -> list[JsonObject]:
    names = re.findall(r"<(?:\w+:)?(\w+)>", route.path)
    return [
        {"name": name, "in": "path", "required": True, "schema": dict(PATH_PARTS.get(name, TEXT))}
        for name in names
    ]


def _query_parameters(route: Route) -> list[JsonObject]:
    schema = TypeAdapter(route.query).json_schema()
    required = set(schema.get("required", ()))
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": form.get("description", ""),
            "schema": _without_null(_inlined(form, schema.get("$defs", {}))),
        }
        for name, form in schema.get("properties", {}).items()
    ]


def _inlined(form: Any, definitions: Row) -> Any:
    """The schema with what it refers to in its place: a parameter has no definitions of its own."""
    if isinstance(form, list):
        return [_inlined(part, definitions) for part in form]
    if not isinstance(form, dict):
        return form
    if "$ref" in form:
        return _inlined(definitions[form["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(part, definitions) for name, part in form.items()}


def _without_null(form: Row) -> JsonObject:
    """The schema of what may be written; a parameter that is null is not written at all."""
    plain = {name: value for name, value in form.items() if name not in ("description", "anyOf")}
    # a default of null would document a value that cannot be sent
    if plain.get("default", "") is None:
        del plain["default"]
    kinds = [part for part in form.get("anyOf", ()) if part.get("type") != "null"]
    if not kinds:
        return plain
    return {**plain, **kinds[0]} if len(kinds) == 1 else {**plain, "anyOf": kinds}


def _headers(route: Route) -> Iterable[JsonObject]:
    return [
        {
            "name": name,
            "in": "header",
            "required": False,
            "description": HEADERS[name],
            "schema": {"type": "string", **PATTERNS.get(name, {})},
        }
        for name in route.headers
    ]
