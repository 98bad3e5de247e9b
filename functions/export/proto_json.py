"""Requests as Google's own client puts them on the wire, byte for byte, in a fraction of the time.

A message is a mapping with the fields of the client's own type in the order of their numbers,
without those that are empty, and times as aware datetimes. The client makes a message object of it
and writes that with json_format.MessageToJson; the tests hold both texts against each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from json.encoder import encode_basestring_ascii
from typing import Any

Message = dict[str, Any]

STEP = "  "
"""MessageToJson's indentation."""

ROWS = f"\n{STEP * 2}"
"""What every line begins with in the rows of a request."""


@dataclass(frozen=True, slots=True)
class Written:
    """A message, and its text as it stands among the rows of a request."""

    message: Message
    text: str


def text(value: Any, line: str = "\n") -> str:
    """What MessageToJson(..., use_integers_for_enums=True) returns; `line` begins each line."""
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    if isinstance(value, dict):
        return braced(members(value, line).values(), line)
    if isinstance(value, list):
        inner = line + STEP
        return f"[{inner}{f',{inner}'.join([text(each, inner) for each in value])}{line}]"
    if isinstance(value, datetime):
        return f'"{_timestamp(value)}"'
    if isinstance(value, Written):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def members(message: Message, line: str) -> dict[str, str]:
    """The members of the message's object by field, each as it is written."""
    inner = line + STEP
    return {
        # most are texts, which need no call of ours
        name: _key(name)
        + (encode_basestring_ascii(value) if type(value) is str else text(value, inner))
        for name, value in message.items()
    }


def braced(members: Iterable[str], line: str) -> str:
    """The object of these members."""
    inner = line + STEP
    return "{" + inner + f",{inner}".join(members) + line + "}"


def plain(value: Any) -> Any:
    """The value as the client's types take it."""
    if isinstance(value, Written):
        return value.message
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


@cache
def _key(name: str) -> str:
    first, *rest = name.split("_")
    return f'"{first}{"".join(word.capitalize() for word in rest)}": '


def _timestamp(moment: datetime) -> str:
    """RFC 3339 with as many digits as it takes, in threes."""
    written = moment.astimezone(UTC).isoformat().removesuffix("+00:00")
    micros = moment.microsecond
    return f"{written[:-3]}Z" if micros and micros % 1000 == 0 else f"{written}Z"
