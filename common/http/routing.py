"""From a request to its handler and back: the table of routes, read off the handlers' own types."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any, get_args, get_type_hints

from flask import Request, Response
from pydantic import BaseModel, RootModel, TypeAdapter
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule

from common.errors import MethodError, NotFoundError, ProductError
from common.http import answers, conditions, identity, reading
from common.http.identity import Identity, Role
from common.http.request import Ask, Nothing
from common.privacy import shown
from common.untyped import JsonObject

Handler = Callable[[Any, Any], Any]
OURS = frozenset(["query_failed", "not_found", "access_denied"])
"""What the warehouse says of a statement; about a user's own SQL it has another code."""
PLAIN = re.compile(r"[^\x00-\x1f\x7f]{1,300}")


class OwnStatementFailed(RuntimeError):
    """A statement of ours did not run; nothing that a caller could mend."""


class Document(RootModel[JsonObject]):
    """An OpenAPI document."""


@dataclass(frozen=True)
class Route:
    """A verb and a path; query, body and answer are the types that the handler names."""

    method: str
    path: str
    handler: Handler
    status: int = 200
    headers: tuple[str, ...] = ()
    """Those of conditions.HEADERS that it heeds."""
    role: Role | None = None
    """Who may use it; unless given, viewers may read and editors may do everything else."""

    shows_rows: bool = False
    """Whether the answer holds values of rows, in which people may be named."""

    @property
    def role_needed(self) -> Role:
        """The least role that may use it."""
        return self.role or ("viewer" if self.method == "GET" else "editor")

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

    @property
    def is_versioned(self) -> bool:
        """Whether the answer has a version, which is then its ETag."""
        return "version" in getattr(self._hints["return"], "model_fields", {})

    @cached_property
    def _hints(self) -> JsonObject:
        return get_type_hints(self.handler, include_extras=True)

    @cached_property
    def _asked(self) -> tuple[Any, ...]:
        return get_args(self._hints["ask"])


@dataclass(frozen=True)
class Interface:
    """What one function answers over HTTP; `openapi.document` describes it."""

    title: str
    mount: str
    """Name of the function: behind the gateway it stands before each path."""
    version: str
    routes: tuple[Route, ...]

    @property
    def all_routes(self) -> tuple[Route, ...]:
        """The routes with that of the document."""
        return (*self.routes, Route("GET", "/openapi.json", self._openapi_document))

    @cached_property
    def router(self) -> Router:
        """The routes as one function of a request; made once, at the first one."""
        return Router(self)

    def _openapi_document(self, ask: Ask[Nothing, None], services: Any) -> Document:
        """Read this interface's OpenAPI document."""
        from common.http import openapi  # it is asked for seldom

        return Document(openapi.document(self))


class Router:
    """The routes as one function of a request."""

    def __init__(self, interface: Interface) -> None:
        self._mount = re.compile(f"^/{re.escape(interface.mount)}(?=/|$)")
        self._map = Map(
            [
                # a redirect away from // would lack the function's name that was cut off
                Rule(route.path, methods=[route.method], endpoint=route, merge_slashes=False)
                for route in interface.all_routes
            ],
            redirect_defaults=False,
            # /runs/ is meant as /runs
            strict_slashes=False,
        )
        self._verbs: dict[str, list[str]] = {}
        for each in interface.all_routes:
            self._verbs.setdefault(each.path, []).append(each.method)

    def answer(self, request: Request, who: Identity, services: Any) -> Response:
        """What the handler of this verb and path answers; raises a ProductError otherwise."""
        route, path = self._match(request)
        request.environ["conversions.route"] = route.path
        # before the body is read: whoever may not use the route learns nothing about it
        identity.require(who, route.role_needed)
        ask = Ask(
            path=path,
            query=reading.read_query(request, route.query),
            body=reading.read_as(request, route.body) if route.body else None,
            who=who,
            key=conditions.idempotency_key(request) if "Idempotency-Key" in route.headers else "",
            expected_version=(
                conditions.expected_version(request) if "If-Match" in route.headers else None
            ),
            request_id=answers.request_id_of(request),
        )
        answer = _handled(route.handler, ask, services)
        if answer is None:
            return Response(status=204)
        response = answers.json_response(_seen_by(who, route, answer), route.status)
        if isinstance(version := getattr(answer, "version", None), int):
            response.headers["ETag"] = conditions.etag(version)
        if "If-None-Match" in route.headers:
            return conditions.unless_known(response, request)
        return response

    def _match(self, request: Request) -> tuple[Route, dict[str, str]]:
        # behind the gateway the function's name is cut off, behind a plain address it is not
        path = self._mount.sub("", request.path) or "/"
        try:
            route, parts = self._map.bind("").match(path, request.method)
        except MethodNotAllowed as error:
            raise _refused_verb(request, path, error.valid_methods or ()) from error
        except NotFound as error:
            raise self._unknown(path) from error
        # control characters in an id would break the line of a log
        if not all(PLAIN.fullmatch(part) for part in parts.values()):
            raise self._unknown(path)
        # GET /runs/r1:cancel would be the run called "r1:cancel"
        if acts := self._verbs.get(f"{route.path}:{path.rpartition(':')[2]}"):
            raise _refused_verb(request, path, acts)
        return route, dict(parts)

    def _unknown(self, path: str) -> NotFoundError:
        # most unknown addresses are slips of one letter, or lack an s
        known = {rule.rule for rule in self._map.iter_rules()}
        near = get_close_matches(path, known, n=1)
        return NotFoundError(
            f"There is no address {path[:300]}.",
            code="unknown_route",
            fix=f"Did you mean {near[0]}?" if near else "GET /openapi.json lists all addresses.",
        )


def _refused_verb(request: Request, path: str, valid: Iterable[str]) -> MethodError:
    # werkzeug answers HEAD wherever it answers GET, which helps nobody who was refused
    verbs = tuple(sorted(set(valid) - {"HEAD"}))
    return MethodError(
        f"{request.method} does not work on {path}.",
        fix=f"It takes {' and '.join(verbs)}.",
        allowed=verbs,
    )


def _seen_by(who: Identity, route: Route, answer: Any) -> Any:
    """The answer, its values masked unless the account may see personal data."""
    if not route.shows_rows or who.sees_personal_data:
        return answer
    return shown(route.answer.dump_python(answer, mode="json", by_alias=True))


def _handled(handler: Handler, ask: Any, services: Any) -> Any:
    try:
        return handler(ask, services)
    except ProductError as error:
        # a 404 of ours would blame the caller for a table that we lost
        if error.code in OURS:
            raise OwnStatementFailed(error.code) from error
        raise
