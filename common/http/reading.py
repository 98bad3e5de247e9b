"""What comes in: strict JSON and query strings as typed values, each fault with its place."""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import Any, TypeVar

from flask import Request
from pydantic import BaseModel, TypeAdapter, ValidationError

from common.errors import MalformedError, MediaTypeError, TooLargeError, UserError
from common.model.validation_messages import messages_of
from common.untyped import JsonObject

MAXIMUM_BODY = 2 * 1024**2
"""Bytes of a body: room for a query of 1 MB as JSON."""
# a group of a filter takes two levels: nobody reads fifteen inside one another
MAXIMUM_DEPTH = 32
# as much as common proxies pass on of an address
MAXIMUM_QUERY = 8 * 1024
PLAIN_JSON = re.compile(r"true|false|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
"""How booleans and numbers are written in a query string: as in JSON (RFC 8259 section 6)."""

Model = TypeVar("Model", bound=BaseModel)
Read = TypeVar("Read")


def read(request: Request, model: type[Model]) -> Model:
    """The body as this model; raises as `read_as` does."""
    adapter: TypeAdapter[Model] = _adapter(model)
    return read_as(request, adapter)


def read_as(request: Request, adapter: TypeAdapter[Read]) -> Read:
    """The body as this type, without guessing: "yes" is no boolean and "7" is no number.

    Raises UserError that names each wrong field, MediaTypeError, MalformedError, TooLargeError.
    """
    # a form of another site can send text/plain without a preflight, JSON it cannot
    if not request.is_json:
        raise MediaTypeError(
            "The request body is not sent as JSON.",
            code="not_json",
            fix="Send it with the header Content-Type: application/json.",
        )
    return _validated(read_json(request), adapter)


def read_json(request: Request, maximum: int = MAXIMUM_BODY) -> Any:
    """The JSON body; raises TooLargeError or MalformedError."""
    try:
        return strict_json(read_bytes(request, maximum).decode())
    except UnicodeDecodeError as error:
        raise MalformedError(
            "The request body is not UTF-8 text.", fix="Encode the JSON as UTF-8 (RFC 8259)."
        ) from error


def read_bytes(request: Request, maximum: int = MAXIMUM_BODY) -> bytes:
    """The body as it was sent; raises TooLargeError without reading more than the maximum."""
    body = b""
    if (request.content_length or 0) <= maximum:
        # one more than allowed: a body sent in chunks has no length to be asked beforehand
        body = request.stream.read(maximum + 1)
    if (request.content_length or len(body)) > maximum or len(body) > maximum:
        raise TooLargeError(
            f"The request body is larger than {maximum:,} bytes.", fix="Send less at a time."
        )
    return bytes(body)


def read_query(request: Request, model: type[Model]) -> Model:
    """The query string as this model, as strict as a body; a name may stand in it once.

    Raises TooLargeError, MalformedError for a repeated name, UserError that names each wrong
    parameter.
    """
    if len(request.query_string) > MAXIMUM_QUERY:
        raise TooLargeError(
            f"The query string is longer than {MAXIMUM_QUERY:,} bytes.",
            fix="Ask with shorter values.",
        )
    asked = request.args.to_dict(flat=False)
    if repeated := sorted(name for name, values in asked.items() if len(values) > 1):
        raise MalformedError(
            f"The address names {repeated[0]} twice.",
            code="repeated_parameter",
            fix="Send each parameter once.",
            field=repeated[0],
        )
    # texts become numbers only where the model wants one: the id 007 stays a text
    adapter: TypeAdapter[Model] = _adapter(model)
    forms = adapter.json_schema().get("properties", {})
    sent = {name: _typed(values[0], forms.get(name, {})) for name, values in asked.items()}
    return _validated(sent, adapter)


def strict_json(text: str) -> Any:
    """The value of JSON text.

    Raises MalformedError for NaN, duplicate keys, deep nesting, halves of surrogate pairs.
    """
    # before json.loads, which ends deep nesting with a RecursionError
    if _depth(text) > MAXIMUM_DEPTH:
        raise MalformedError(
            f"The JSON is nested deeper than {MAXIMUM_DEPTH} levels.",
            fix="Write the filter with fewer groups inside one another.",
        )
    try:
        # Python's own reader takes NaN and Infinity, and of a key that stands twice the last one
        value = json.loads(
            text,
            parse_constant=_no_constant,
            parse_float=_finite,
            object_pairs_hook=_distinct,
        )
    except json.JSONDecodeError as error:
        raise MalformedError(
            f"The request body is no valid JSON: {error.msg} at line {error.lineno}, "
            f"column {error.colno}.",
            fix="Mend the text there: a comma, a quote or a bracket is missing or too many.",
        ) from error
    except ValueError as error:
        raise MalformedError(
            "The JSON holds a number with too many digits.",
            fix="Send an id as text, in quotes.",
        ) from error
    # it cannot be encoded again: BigQuery's client would fail on it much later
    if "\\u" in text and _has_surrogate(value):
        raise MalformedError(
            "The JSON holds half of a surrogate pair, which is no character.",
            fix=r"Write the character itself, or both halves of it: \ud83d\ude00.",
        )
    return value


def invalid(
    error: ValidationError, sent: Any = None, adapter: TypeAdapter[Any] | None = None
) -> UserError:
    """All faults of a value in one error, each with its place and reason, without the input.

    Given what was sent, places are named by its own keys; given its type, misspelt fields are too.
    """
    faults = messages_of(error, sent, adapter)
    # a person reads ten; `errors` has them all
    lines = [
        f"{fault['field']}: {fault['message']}" if fault["field"] else fault["message"]
        for fault in faults[:10]
    ]
    return UserError(
        "; ".join(lines),
        code="invalid_request",
        field=faults[0]["field"] or None,
        problems=[{**fault} for fault in faults],
    )


# one adapter a model, so that its schema for messages is built once as well
@lru_cache(maxsize=128)
def _adapter(model: type[Model]) -> TypeAdapter[Model]:
    return TypeAdapter(model)


def _validated(value: Any, adapter: TypeAdapter[Read]) -> Read:
    try:
        # strict Python input would refuse the dates and enums that JSON can only write as text
        return adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise invalid(error, value, adapter) from error


def _typed(text: str, form: JsonObject) -> Any:
    """The text as the JSON value that its parameter's type calls for; else the text itself."""
    types = {part.get("type") for part in form.get("anyOf", [form])}
    # 40 letters hold any number that is meant; Python refuses to read more than 4,300 digits
    if types & {"integer", "number", "boolean"} and PLAIN_JSON.fullmatch(text) and len(text) < 40:
        return strict_json(text)
    return text


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


def _has_surrogate(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _no_constant(name: str) -> Any:
    raise MalformedError(
        f"{name} is no JSON number.", fix="Send a number, or null where none is known."
    )


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise MalformedError(
            f"{digits[:40]} is too large for a number.", fix="Send one below 1.8e308."
        )
    return number


def _distinct(pairs: list[tuple[str, Any]]) -> JsonObject:
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        repeated = sorted({key for key in keys if keys.count(key) > 1})
        raise MalformedError(
            f"The JSON object has a key twice: {', '.join(repeated)}.", fix="Send each key once."
        )
    return dict(pairs)
