"""Pydantic's complaints as a person reads them: which field was sent, and what it must be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, TypedDict

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

PATTERNS = {
    "^[a-z][a-z0-9_]{0,62}$": "lower case letters, digits and _, a letter first, 63 at most",
    "^[A-Z]{3}$": "three capital letters such as EUR",
    "^[0-9]{10}$": "ten digits",
    r"^[^`\s]+\.[A-Za-z0-9_]+$": "project.dataset, such as my-project.hubspot",
}

_WORDS = {
    "Input should ": "must ",
    "String should ": "must ",
    "List should ": "must ",
    "Tuple should ": "must ",
    "a valid string": "text",
    "a valid number": "a number",
    "a valid integer": "a whole number",
    "a valid boolean": "true or false",
    "a valid array": "a list",
    "a valid list": "a list",
    " after validation": "",
}


class FieldMessage(TypedDict):
    """One wrong field as a path such as filters.all.0.value, and what is wrong with it."""

    field: str
    message: str


def messages_of(
    error: ValidationError, sent: Any = None, adapter: TypeAdapter[Any] | None = None
) -> list[FieldMessage]:
    """One fault a field, in the order found; the alternatives of a union are joined by "or"."""
    names = _names(adapter) if adapter else frozenset()
    merged: dict[str, list[str]] = {}
    for detail in error.errors(include_url=False):
        field = ".".join(str(part) for part in _place(detail, sent))
        merged.setdefault(field, []).append(_message(detail, names))
    return [{"field": field, "message": _either(messages)} for field, messages in merged.items()]


def _place(detail: ErrorDetails, sent: Any) -> Iterator[int | str]:
    """The location without the tags of unions, which are no part of what was sent."""
    if sent is None:
        yield from detail["loc"]
        return
    may_be_tag = True
    for part in detail["loc"]:
        held = _held(sent)
        # a tag comes once before the fields of its form, one of which may be called like it: crm
        if may_be_tag and part in (held.get("kind"), held.get("type")):
            may_be_tag = False
        elif part in held:
            sent, may_be_tag = held[part], True
            yield part
    if detail["type"] == "missing":
        yield detail["loc"][-1]


def _held(value: Any) -> dict[int | str, Any]:
    if isinstance(value, dict):
        return value
    return dict(enumerate(value)) if isinstance(value, list) else {}


def _message(detail: ErrorDetails, names: frozenset[str]) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            # a name that only exists elsewhere in the form is no news to whoever wrote it here
            name = str(detail["loc"][-1])
            near = get_close_matches(name, names - {name}, n=1)
            return f"there is no such field; did you mean {near[0]}?" if near else _UNKNOWN
        case "missing":
            return "is missing and required"
        case "union_tag_not_found":
            return f"needs the field {context['discriminator']}, which tells its form"
        case "union_tag_invalid":
            expected = context["expected_tags"]
            meant = _meant(str(context["tag"]), expected)
            return f"{context['discriminator']} must be one of {expected}{meant}"
        case "literal_error":
            expected = context["expected"]
            return f"must be {expected}{_meant(str(detail.get('input', '')), expected)}"
        case "string_pattern_mismatch":
            pattern = context["pattern"]
            return f"must be {PATTERNS.get(pattern, f'text of the form {pattern}')}"
    text = detail["msg"].removeprefix("Value error, ").partition(", unable to")[0]
    for theirs, ours in _WORDS.items():
        text = text.replace(theirs, ours)
    return text


def _meant(sent: str, expected: str) -> str:
    """The word among the quoted ones that the sender meant, if it is near; never what was sent."""
    near = get_close_matches(sent.strip().lower(), re.findall(r"'([^']+)'", expected), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _either(messages: list[str]) -> str:
    first, *others = dict.fromkeys(messages)
    return " or ".join([first, *(other.removeprefix("must be ") for other in others)])


_UNKNOWN = "there is no such field; GET /api/schemas lists them"


# a JSON Schema of all conversions takes 40 ms, and a bad request must not cost more than a good one
@lru_cache(maxsize=128)
def _names(adapter: TypeAdapter[Any]) -> frozenset[str]:
    return frozenset(_property_names(adapter.json_schema()))


def _property_names(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for part in schema.values():
            yield from _property_names(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _property_names(part)
