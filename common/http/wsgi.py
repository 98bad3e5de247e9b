"""HTTP in and out: strict JSON, problem details (RFC 9457), CORS, ID tokens, push bodies."""

from __future__ import annotations

import base64
import binascii
import json
import math
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Request, Response
from pydantic import BaseModel, TypeAdapter, ValidationError

from common.errors import (
    AccessError,
    MalformedError,
    MediaTypeError,
    ProductError,
    TooLargeError,
    UserError,
)
from common.logs import log
from common.messaging.messages import MESSAGE, Message, RunRequested
from common.model.validation_messages import messages_of
from common.settings import Settings

MAXIMUM_BODY = 256 * 1024
MAXIMUM_DEPTH = 32

Model = TypeVar("Model", bound=BaseModel)
Read = TypeVar("Read")


def respond(request: Request, settings: Settings, handler: Callable[[Request], Any]) -> Response:
    """The handler's answer as JSON, or its error as problem details; handles preflights."""
    request_id = request_id_of(request)
    if request.method == "OPTIONS":
        return with_cors(Response(status=204), request, settings)
    try:
        authorize(request, settings)
        answer = handler(request)
        response = answer if isinstance(answer, Response) else json_response(answer)
    except ProductError as error:
        response = problem(error, request, request_id)
    except Exception as error:
        log("unexpected_error", "ERROR", reason=type(error).__name__, request_id=request_id)
        response = problem(_unexpected(), request, request_id)
    response.headers["X-Request-Id"] = request_id
    return with_cors(response, request, settings)


def receive(request: Request, handler: Callable[[Message], None]) -> Response:
    """204 when the pushed message was handled; any other status makes Pub/Sub deliver it again.

    A message that cannot be read is refused each time, so that it ends in the dead-letter topic,
    where a person finds it whole.
    """
    request_id = request_id_of(request)
    try:
        handler(pushed_message(request))
    except ProductError as error:
        log(
            "message_refused",
            "ERROR" if error.status < 500 else "WARNING",
            code=error.code,
            detail=error.detail,
            request_id=request_id,
        )
        return problem(error, request, request_id)
    except Exception as error:
        log("unexpected_error", "ERROR", reason=type(error).__name__, request_id=request_id)
        return problem(_unexpected(), request, request_id)
    return Response(status=204)


def pushed_message(request: Request) -> Message:
    """The message inside a Pub/Sub push body; raises MalformedError for anything else."""
    envelope = read_json(request, maximum=10 * 1024 * 1024)
    try:
        text = base64.b64decode(envelope["message"]["data"], validate=True).decode()
        message = MESSAGE.validate_python(strict_json(text))
        return _named(message, str(envelope["message"].get("messageId", "")))
    except (KeyError, TypeError, ValueError, binascii.Error, RecursionError) as error:
        if isinstance(error, ValidationError):
            raise invalid(error) from error
        raise MalformedError(
            "The request is no Pub/Sub push of a JSON message.",
            fix="Publish a JSON object as the message's data.",
        ) from error


def _named(message: Message, message_id: str) -> Message:
    """A run without a key of its own gets the message's: redelivered, it is the same run."""
    if isinstance(message, RunRequested) and not message.request_id:
        return message.model_copy(update={"request_id": message_id})
    return message


def read(request: Request, model: type[Model]) -> Model:
    """The body as this model; raises UserError that names each wrong field."""
    return read_as(request, TypeAdapter(model))


def read_as(request: Request, adapter: TypeAdapter[Read]) -> Read:
    """The body as this type, without guessing: "yes" is no boolean and "7" is no number.

    Raises UserError that names each wrong field, MediaTypeError, MalformedError, TooLargeError.
    """
    if not request.is_json:
        raise MediaTypeError(
            "The request body is not sent as JSON.",
            code="not_json",
            fix="Send it with the header Content-Type: application/json.",
        )
    value = read_json(request)
    try:
        return adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise invalid(error, value, adapter) from error


def read_json(request: Request, maximum: int = MAXIMUM_BODY) -> Any:
    """The JSON body; raises TooLargeError or MalformedError."""
    if (request.content_length or 0) > maximum:
        raise TooLargeError(f"The request body is larger than {maximum:,} bytes.")
    body = request.stream.read(maximum + 1)
    if len(body) > maximum:
        raise TooLargeError(f"The request body is larger than {maximum:,} bytes.")
    try:
        return strict_json(body.decode())
    except UnicodeDecodeError as error:
        raise MalformedError("The request body is not UTF-8 text.") from error


def strict_json(text: str) -> Any:
    """The value of JSON text; refuses NaN, duplicate keys and deep nesting with MalformedError."""
    if _depth(text) > MAXIMUM_DEPTH:
        raise MalformedError(f"The JSON is nested deeper than {MAXIMUM_DEPTH} levels.")
    try:
        return json.loads(
            text,
            parse_constant=_no_constant,
            parse_float=_finite,
            object_pairs_hook=_distinct,
        )
    except json.JSONDecodeError as error:
        raise MalformedError(
            f"The request body is no valid JSON: {error.msg} at line {error.lineno}, "
            f"column {error.colno}."
        ) from error
    except ValueError as error:
        raise MalformedError("The JSON holds a number with too many digits.") from error


def invalid(
    error: ValidationError, sent: Any = None, adapter: TypeAdapter[Any] | None = None
) -> UserError:
    """All faults of a value in one error, each with its place and reason, without the input.

    Given what was sent, places are named by its own keys; given its type, misspelt fields are too.
    """
    faults = messages_of(error, sent, adapter)
    lines = [
        f"{fault['field']}: {fault['message']}" if fault["field"] else fault["message"]
        for fault in faults[:10]
    ]
    summary = "; ".join(lines)
    mended = UserError(summary, code="invalid_request", field=faults[0]["field"] or None)
    mended.faults = faults  # type: ignore[attr-defined]
    return mended


def problem(error: ProductError, request: Request, request_id: str) -> Response:
    """Problem details of the error, as RFC 9457 describes them."""
    body = {
        "type": f"urn:conversions:{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        "fix": error.fix or None,
        "field": error.field,
        "errors": getattr(error, "faults", None),
        "instance": request.path,
        "request_id": request_id,
    }
    response = json_response({key: value for key, value in body.items() if value is not None})
    response.status_code = error.status
    response.content_type = "application/problem+json"
    if error.status == 503:
        response.headers["Retry-After"] = "30"
    return response


def json_response(value: Any, status: int = 200) -> Response:
    """The value as JSON; models, dates and timestamps included."""
    text = json.dumps(value, default=_plain, allow_nan=False)
    return Response(text, status=status, content_type="application/json")


def request_id_of(request: Request) -> str:
    """The trace id that the platform gave the request, or a new one."""
    trace = request.headers.get("X-Cloud-Trace-Context", "").partition("/")[0]
    return trace[:64] if trace.isalnum() else uuid.uuid4().hex


def with_cors(response: Response, request: Request, settings: Settings) -> Response:
    """The response with CORS headers when the request's origin is on the allow-list."""
    origin = request.headers.get("Origin", "")
    if origin in settings.cors_origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, DELETE, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = (
            "Authorization, Content-Type, Idempotency-Key, If-Match"
        )
        response.headers["Access-Control-Expose-Headers"] = "ETag, X-Request-Id"
        response.headers["Access-Control-Max-Age"] = "3600"
        response.headers["Vary"] = "Origin"
    return response


def authorize(request: Request, settings: Settings) -> None:
    """Check an end user's ID token where the function is public; raises AccessError.

    Without an audience the platform has judged the caller already (roles/run.invoker).
    """
    if not settings.token_audience:
        return
    from google.auth.transport.requests import Request as Transport
    from google.oauth2 import id_token

    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        claims = id_token.verify_oauth2_token(  # type: ignore[no-untyped-call]
            token if scheme == "Bearer" else "", Transport(), settings.token_audience
        )
    except Exception as error:
        raise AccessError(
            "The ID token is missing, expired or not for this service.",
            code="bad_token",
            fix="Sign in again and send the ID token as Authorization: Bearer.",
        ) from error
    if claims.get("iss", "").removeprefix("https://") != settings.token_issuer.removeprefix(
        "https://"
    ) or (settings.token_domain and claims.get("hd") != settings.token_domain):
        raise AccessError("The account may not use this service.", code="wrong_account")


def caller(request: Request) -> str:
    """E-mail address in the caller's token, or "unknown"; for the record, never for a decision.

    Its signature is not looked at: `authorize`, or the platform before us, has checked the token.
    """
    payload = request.headers.get("Authorization", "").partition(".")[2].partition(".")[0]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["email"])[:320]
    except (KeyError, TypeError, ValueError, RecursionError):
        return "unknown"


def _unexpected() -> ProductError:
    return ProductError(
        "Something failed on our side; nothing was changed by this request.",
        fix="Try again; if it stays, give the request id to whoever runs the service.",
    )


def _depth(text: str) -> int:
    deepest = depth = 0
    inside = escaped = False
    for character in text:
        if inside:
            escaped, inside = (character == "\\" and not escaped), character != '"' or escaped
        elif character == '"':
            inside = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _no_constant(name: str) -> Any:
    raise MalformedError(f"{name} is no JSON number.")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise MalformedError(f"{digits[:40]} is too large for a number.")
    return number


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        repeated = sorted({key for key in keys if keys.count(key) > 1})
        raise MalformedError(f"The JSON object has a key twice: {', '.join(repeated)}.")
    return dict(pairs)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
