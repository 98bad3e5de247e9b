"""What goes out: JSON, problem details (RFC 9457), request ids and CORS headers."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping
from typing import Any, Literal

from flask import Request, Response
from pydantic import BaseModel, Field

from common.errors import MethodError, ProductError, UnauthenticatedError
from common.settings import Settings

RETRY_SECONDS = 30
"""When a request may be sent again that nothing was wrong with."""


class ProblemDetail(BaseModel):
    """One of several things that are wrong; those of a query have a place in its text."""

    field: str | None = Field(None, description="Path of the field at fault.")
    message: str
    code: str | None = Field(None, description="Stable, for programs.")
    severity: Literal["error", "warning", "info"] | None = None
    fix: str | None = Field(None, description="What to do next.")
    line: int | None = Field(None, description="First line, counted from 1.")
    column: int | None = Field(None, description="First column, counted from 1.")
    end_line: int | None = Field(None, description="Last line.")
    end_column: int | None = Field(None, description="Column after the last character.")
    replacement: str | None = Field(None, description="Text to put in its place.")
    output: str | None = Field(None, description="Column of the query that it is about.")
    documentation: str | None = None


class Problem(BaseModel):
    """What went wrong and what to do next (RFC 9457)."""

    type: str = Field(description="urn:conversions:<code>.")
    title: str
    status: int
    code: str = Field(description="Stable, for programs.")
    detail: str = Field(description="What happened, for a person.")
    fix: str | None = Field(None, description="What to do next.")
    field: str | None = Field(None, description="Path of the field at fault.")
    errors: list[ProblemDetail] | None = Field(None, description="Everything that is wrong.")
    instance: str = Field(description="The address that was asked for.")
    request_id: str = Field(description="Finds the request in the log.")


def json_response(value: Any, status: int = 200) -> Response:
    """The value as JSON; models, dates and timestamps included. A number without end is null."""
    try:
        # NaN and Infinity are no JSON (RFC 8259 section 6): a browser would refuse the whole answer
        text = json.dumps(value, default=_plain, allow_nan=False)
    except ValueError:
        # only where it failed: NaN is rare, and a look at each value is not free
        text = json.dumps(_finite(json.loads(json.dumps(value, default=_plain))))
    return Response(text, status=status, content_type="application/json")


def problem(error: ProductError, request: Request, request_id: str) -> Response:
    """Problem details of the error, as RFC 9457 describes them."""
    body = {
        "type": f"urn:conversions:{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        "fix": _fix(error) or None,
        "field": error.field,
        "errors": list(error.problems) or None,
        "instance": request.path,
        "request_id": request_id,
    }
    response = json_response({key: value for key, value in body.items() if value is not None})
    # RFC 9457 section 3: by it a program tells a problem from an answer
    response.status_code = error.status
    response.content_type = "application/problem+json"
    response.headers.update(_headers(error))
    return response


def _fix(error: ProductError) -> str:
    """What to do next, also where only the kind of error tells it."""
    if error.fix:
        return error.fix
    if error.status == 503:
        return f"Nothing is wrong with the request: send it again in {RETRY_SECONDS} seconds."
    return "Correct the fields that are named, then send it again." if error.problems else ""


def _headers(error: ProductError) -> Mapping[str, str]:
    match error:
        # a 405 has to list the verbs that work (RFC 9110 section 15.5.6)
        case MethodError():
            return {"Allow": ", ".join(error.allowed)}
        # a 401 has to say how to sign in (RFC 9110 section 15.5.2)
        case UnauthenticatedError():
            return {"WWW-Authenticate": error.challenge}
    return {"Retry-After": str(RETRY_SECONDS)} if error.status == 503 else {}


def unexpected() -> ProductError:
    """The answer to an error of our own: it shows nothing of it."""
    return ProductError(
        "Something failed on our side; nothing was changed by this request.",
        fix="Try again; if it stays, give the request id to whoever runs the service.",
    )


def request_id_of(request: Request) -> str:
    """The trace id that the platform gave the request, or a new one: the same each time."""
    # kept with the request: a log line must carry the id that the answer tells
    if known := request.environ.get(_REQUEST_ID):
        return str(known)
    # whoever calls may write what it likes there, and the id ends up in logs and headers
    trace = request.headers.get("X-Cloud-Trace-Context", "").partition("/")[0]
    id = trace[:64] if trace.isascii() and trace.isalnum() else uuid.uuid4().hex
    request.environ[_REQUEST_ID] = id
    return id


_REQUEST_ID = "conversions.request_id"


def with_cors(response: Response, request: Request, settings: Settings) -> Response:
    """The response with CORS headers when the request's origin is on the allow-list."""
    origin = request.headers.get("Origin", "")
    # never *: the answers are of whoever is signed in
    if origin in settings.cors_origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, DELETE, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = (
            "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match"
        )
        # without it a page of another origin reads neither the version nor the id of its request
        response.headers["Access-Control-Expose-Headers"] = (
            "ETag, X-Request-Id, Retry-After, WWW-Authenticate"
        )
        response.headers["Access-Control-Max-Age"] = "3600"
        # or a cache would hand one origin's permission to another
        response.headers["Vary"] = "Origin"
    return response


def _finite(value: Any) -> Any:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {name: _finite(part) for name, part in value.items()}
        case list():
            return [_finite(part) for part in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        # aliases are the names of the document: a field may be called as no Python name can be
        return value.model_dump(mode="json", by_alias=True)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
