"""From a request to its handler and back: the table of routes, read off the handlers' own types."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any, get_args, get_type_hints

from flask import Request, Response
from pydantic import BaseModel, TypeAdapter, ValidationError
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule

from common.errors import MalformedError, MethodError, NotFoundError, ProductError
from common.http import wsgi
from functions.api.routing.request import Ask, Services

Handler = Callable[[Any, Services], Any]
HEADERS = {
    "If-Match": 'The version that was read, such as "3"; refused when there is a newer one.',
    "Idempotency-Key": "A key of the caller's: the same request with the same key is one request.",
}
MAXIMUM_KEY = 200
OURS = frozenset(["query_failed", "not_found", "access_denied"])
"""What the warehouse says of a statement; about a user's own SQL it is told under another code."""


class OwnStatementFailed(RuntimeError):
    """A statement of ours did not run; nothing that a caller could mend."""


@dataclass(frozen=True)
class Route:
    """A verb and a path; query, body and answer are the types that the handler names."""

    method: str
    path: str
    handler: Handler
    status: int = 200
    headers: tuple[str, ...] = ()
    """Those of HEADERS that it heeds."""

    @cached_property
    def query(self) -> type[BaseModel]:
        """The model of the query string."""
        model: type[BaseModel] = self._asked[0]
        return model

    @cached_property
    def body(self) -> TypeAdapter[Any] | None:
        """The type of the body, or None when the route takes none."""
        return None if self._asked[1] is type(None) else TypeAdapter(self._asked[1])

    @cached_property
    def answer(self) -> TypeAdapter[Any]:
        """The type of the answer."""
        return TypeAdapter(self._hints["return"])

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.handler, include_extras=True)

    @cached_property
    def _asked(self) -> tuple[Any, ...]:
        return get_args(self._hints["ask"])


class Router:
    """The routes as one function of a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._map = Map(
            [
                Rule(route.path, methods=[route.method], endpoint=route, merge_slashes=False)
                for route in routes
            ],
            redirect_defaults=False,
            strict_slashes=False,
        )

    def answer(self, request: Request, services: Services) -> Response:
        """What the handler of this verb and path answers; raises a ProductError otherwise."""
        route, path = self._match(request)
        ask = Ask(
            path=path,
            query=_query(request, route.query),
            body=wsgi.read_as(request, route.body) if route.body else None,
            author=wsgi.caller(request),
            key=_key(request),
            expected_version=_expected_version(request),
        )
        answer = _handled(route.handler, ask, services)
        if answer is None:
            return Response(status=204)
        response = wsgi.json_response(answer, route.status)
        if isinstance(version := getattr(answer, "version", None), int):
            response.set_etag(str(version))
        return response

    def _match(self, request: Request) -> tuple[Route, dict[str, str]]:
        # behind the gateway the function's name is cut off, behind a plain address it is not
        path = re.sub("^/api(?=/|$)", "", request.path) or "/"
        try:
            return self._map.bind("").match(path, request.method)  # type: ignore[return-value]
        except MethodNotAllowed as error:
            verbs = sorted(set(error.valid_methods or ()) - {"HEAD"})
            raise MethodError(
                f"{request.method} does not work on {path}.",
                fix=f"It takes {' and '.join(verbs)}.",
            ) from error
        except NotFound as error:
            raise NotFoundError(
                f"There is no address {path}.", code="unknown_route", fix=self._hint(path)
            ) from error

    def _hint(self, path: str) -> str:
        known = {rule.rule for rule in self._map.iter_rules()}
        near = get_close_matches(path, known, n=1)
        return f"Did you mean {near[0]}?" if near else "GET /openapi.json lists all addresses."


def _handled(handler: Handler, ask: Any, services: Services) -> Any:
    try:
        return handler(ask, services)
    except ProductError as error:
        if error.code in OURS:
            raise OwnStatementFailed(error.code) from error
        raise


def _query(request: Request, model: type[BaseModel]) -> BaseModel:
    asked = request.args.to_dict(flat=False)
    if repeated := sorted(name for name, values in asked.items() if len(values) > 1):
        raise MalformedError(
            f"The address names {repeated[0]} twice.", code="repeated_parameter", field=repeated[0]
        )
    sent = {name: values[0] for name, values in asked.items()}
    try:
        return model.model_validate(sent)
    except ValidationError as error:
        raise wsgi.invalid(error, sent, TypeAdapter(model)) from error


def _key(request: Request) -> str:
    key = request.headers.get("Idempotency-Key", "").strip('" ')
    if len(key) > MAXIMUM_KEY or not key.isprintable():
        raise MalformedError(
            f"The Idempotency-Key is longer than {MAXIMUM_KEY} characters or not plain text.",
            code="bad_idempotency_key",
            fix="Send a UUID.",
        )
    return key


def _expected_version(request: Request) -> int | None:
    text = request.headers.get("If-Match", "").removeprefix("W/").strip('" ')
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise MalformedError(
            "The header If-Match names no version.",
            code="bad_if_match",
            fix='Send the ETag of the answer that you read, such as If-Match: "3".',
        )
    return int(text)
