"""Requests as Google's own client puts them on the wire, byte for byte, in a fraction of the time.

A message is the JSON of the API reference as a mapping: members in the order of the fields'
numbers, none of them empty, enumerations as numbers. The client makes a message object of it and
writes that with json_format.MessageToJson; the tests hold both texts against each other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from pydantic_core import to_json

from common.untyped import JsonObject

Message = JsonObject

LONG = frozenset({"quantity"})
"""Integers of 64 bits, which JSON has as text."""

_ROWS = "\n" + " " * 4
"""What every line of a row begins with: a row stands in a list in an object."""


@dataclass(frozen=True, slots=True)
class Written:
    """A message, and its text as it stands among the rows of a request."""

    message: Message
    text: str


def text(message: Message) -> str:
    """What MessageToJson(..., use_integers_for_enums=True) returns of the same message.

    Floats are written alike from 0.0001 to 1e16, and money is never outside of that.
    """
    # the one letter of ASCII that Python's writer escapes and this one does not
    return to_json(message, indent=2, ensure_ascii=True).replace(b"\x7f", rb"\u007f").decode()


def row(message: Message) -> Written:
    """The message as a row of a request."""
    return Written(message, text(message).replace("\n", _ROWS))


def with_rows(message: Message, name: str, rows: Sequence[Written]) -> str:
    """The text of a message whose member `name` is an empty list, with these rows in the list."""
    before, member, after = text(message).partition(f'"{name}": []')
    listed = f",{_ROWS}".join([each.text for each in rows])
    return f"{before}{member[:-1]}{_ROWS}{listed}\n  ]{after}"


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with as many digits as it takes, in threes."""
    written = moment.astimezone(UTC).isoformat().removesuffix("+00:00")
    micros = moment.microsecond
    return f"{written[:-3]}Z" if micros and micros % 1000 == 0 else f"{written}Z"


def fields(message: Message) -> JsonObject:
    """The message by the names of its fields, as the client's types take it."""
    return {_snake(name): _field(name, value) for name, value in message.items()}


def _field(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return fields(value)
    if isinstance(value, list):
        return [_field(name, each) for each in value]
    if name in LONG:
        return int(value)
    return datetime.fromisoformat(value) if name.endswith("Timestamp") else value


@cache
def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
