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
    "^[A-Za-z][A-Za-z0-9_]{0,39}$": "letters, digits and _, a letter first, 40 at most",
    "^[A-Z][A-Z0-9_]{1,60}$": "capital letters, digits and _, a letter first",
    "^[A-Z0-9_-]{1,20}$": "capital letters, digits, _ and -, 20 at most",
    "^[A-Z0-9]{3,20}$": "3 to 20 capital letters and digits",
    "^([A-Z0-9]{3,20})?$": "3 to 20 capital letters and digits, or nothing",
    "^[A-Za-z0-9]{5,40}$": "5 to 40 letters and digits",
    "^[A-Za-z0-9]{6,40}$": "6 to 40 letters and digits",
    "^[A-Z]{3}$": "three capital letters such as EUR",
    "^[A-Z]{2}$": "two capital letters such as DE",
    "^[a-z]{2}$": "two small letters such as de",
    "^[0-9]{10}$": "ten digits",
    "^[0-9A-Fa-f-]{36}$": "a UUID such as 3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "^20[0-9]{2}(0[1-9]|1[0-2])$": "a year and a month such as 202611",
    r"^v[0-9]{1,3}\.[0-9]$": "a version such as v24.0",
    r"^v[0-9]\.[0-9]$": "a version such as v1.3",
    "^v[0-9]{2}$": "a version such as v13",
    "^G-[A-Z0-9]{4,12}$": "G- and capital letters or digits, such as G-ABC1234567",
    "^(env:[A-Z][A-Z0-9_]{0,99}|secret:projects/[a-z0-9:.-]+/secrets/[A-Za-z0-9_-]+"
    "/versions/(latest|[0-9]+))$": "the name of a secret and never the secret itself: env:NAME or"
    " secret:projects/my-project/secrets/name/versions/latest",
    "^[a-z][a-z0-9:.-]{4,60}$": "the id of a project, such as my-project",
    r"^[^`\s]+\.[A-Za-z0-9_]+$": "project.dataset, such as my-project.hubspot",
    r"^[^`\s]+\.[A-Za-z0-9_]+\.[A-Za-z0-9_-]+$": "project.dataset.table, such as shop.crm.leads",
    r"^[^`\s]{1,300}$": "project.dataset.table without blanks and backticks",
    r"^https?://[^\s]+$": "an address that begins with https://",
    "^[^|]+$": "text without a |",
    r"^[^\x00-\x1f\x7f]*$": "text of one line",
    "^[A-Za-z0-9_-]*$": "next_page of the answer before, unchanged",
}
"""What each pattern of a field asks for, as a person writes it."""

_DIGITS = re.compile(r"\^\[0-9\]\{(\d+),(\d+)\}\$")

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
    # without what was sent nothing tells a tag from a field
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
        # YAML and JSON read a bare true or 7 as what it looks like
        case "string_type" if isinstance(detail.get("input"), bool | int | float):
            return "must be text in quotes"
        case "string_pattern_mismatch":
            return f"must be {form_of(context['pattern'])}"
    # what pydantic says after it is of the parser, such as which character it met
    text = detail["msg"].removeprefix("Value error, ").partition(", unable to")[0]
    for theirs, ours in _WORDS.items():
        text = text.replace(theirs, ours)
    return text


def form_of(pattern: str) -> str:
    """What the regular expression asks for, in words; the expression itself where nobody wrote any.

    `tests/http/test_interfaces.py` lets no field of a request have such a one.
    """
    if digits := _DIGITS.fullmatch(pattern):
        least, most = digits.groups()
        return f"digits alone, {most} at most" if least == "1" else f"{least} to {most} digits"
    return PATTERNS.get(pattern, f"text of the form {pattern}")


def _meant(sent: str, expected: str) -> str:
    """The word among the quoted ones that the sender meant, if it is near; never what was sent."""
    # pydantic gives what was expected as text only, each word in quotes
    near = get_close_matches(sent.strip().lower(), re.findall(r"'([^']+)'", expected), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _either(messages: list[str]) -> str:
    # each alternative of a union complains for itself, and several say the same
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
