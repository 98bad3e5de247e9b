"""The OpenAPI document, generated from the routes' own types."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, Field, TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from functions.api.routing.model import Model
from functions.api.routing.routing import HEADERS, Route

REFERENCE = "#/components/schemas/{model}"
PROBLEM = "Problem"


class ProblemDetails(Model):
    """One of several things that are wrong."""

    field: str | None = None
    message: str


class Problem(BaseModel):
    """What went wrong and what to do next (RFC 9457)."""

    type: str = Field(description="urn:conversions:<code>.")
    title: str
    status: int
    code: str = Field(description="Stable, for programs.")
    detail: str = Field(description="What happened, for a person.")
    fix: str | None = Field(None, description="What to do next.")
    field: str | None = Field(None, description="Path of the field at fault.")
    errors: list[ProblemDetails] | None = Field(None, description="Everything that is wrong.")
    instance: str
    request_id: str


def document(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """OpenAPI 3.1 of the routes."""
    listed = list(routes)
    schemas, components = _schemas(listed)
    paths: dict[str, dict[str, Any]] = {}
    for route in listed:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Conversions", "version": version},
        "servers": [{"url": "/api"}],
        "paths": paths,
        "components": {"schemas": components},
    }


def _schemas(routes: list[Route]) -> tuple[dict[tuple[Any, JsonSchemaMode], Any], dict[str, Any]]:
    """(route and direction) → schema, and the models that those refer to."""
    wanted: list[tuple[Any, JsonSchemaMode, TypeAdapter[Any]]] = [
        (PROBLEM, "serialization", TypeAdapter(Problem))
    ]
    for route in routes:
        wanted.append((route, "serialization", route.answer))
        if route.body:
            wanted.append((route, "validation", route.body))
    found, definitions = TypeAdapter.json_schemas(wanted, ref_template=REFERENCE)
    return dict(found), definitions["$defs"]


def _operation(route: Route, schemas: dict[tuple[Any, JsonSchemaMode], Any]) -> dict[str, Any]:
    summary, _, rest = inspect.getdoc(route.handler).partition("\n")  # type: ignore[union-attr]
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": summary.rstrip("."),
        "description": " ".join(rest.split()),
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_headers(route)],
        "responses": {
            str(route.status): _success(route, schemas),
            "default": {
                "description": "It did not work; the problem says why and what to do next.",
                "content": {
                    "application/problem+json": {"schema": schemas[PROBLEM, "serialization"]}
                },
            },
        },
    }
    if route.body:
        content = {"application/json": {"schema": schemas[route, "validation"]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _success(route: Route, schemas: dict[tuple[Any, JsonSchemaMode], Any]) -> dict[str, Any]:
    if route.status == 204:
        return {"description": "Done."}
    content = {"application/json": {"schema": schemas[route, "serialization"]}}
    return {"description": "Done.", "content": content}


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    names = re.findall(r"<(?:\w+:)?(\w+)>", route.path)
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    schema = TypeAdapter(route.query).json_schema()
    required = set(schema.get("required", ()))
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": form.get("description", ""),
            "schema": {key: value for key, value in form.items() if key != "description"},
        }
        for name, form in schema.get("properties", {}).items()
    ]


def _headers(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "header",
            "required": False,
            "description": HEADERS[name],
            "schema": {"type": "string"},
        }
        for name in route.headers
    ]
