"""Foreign JSON, read without trust: whatever was sent, each of these returns its own type.

A platform answers as it likes, proxies answer for it, and no answer may stop a run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from common.untyped import Row

LONGEST_WORD = 100
"""Letters of a code that are kept: a code is a word, not a story that repeats what was sent."""


def mapping(value: Any) -> Row:
    """The object, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def inside(value: Any, *names: str) -> Any:
    """The member at the end of this way, or None."""
    for name in names:
        value = mapping(value).get(name)
    return value


def objects(value: Any) -> Iterator[Row]:
    """The objects of a list; none of anything else."""
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, Mapping))


def whole(value: Any) -> int | None:
    """An integer, also written as text as Google writes int64; None of anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    digits = value.removeprefix("-") if isinstance(value, str) else ""
    # an int64 has 19 digits; int() refuses texts of some thousands with an error
    short = digits.isascii() and digits.isdigit() and len(digits) < 20
    return int(value) if short else None


def number(value: Any) -> float | None:
    """A finite number, also written as text; None of anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    # float() reads "nan" and "inf" too
    return read if math.isfinite(read) else None


def word(value: Any) -> str:
    """A code of letters, digits and a few signs; empty for anything else, so that no text that a
    person sent can pass for a code."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    plain = isinstance(text, str) and text.isascii() and len(text) <= LONGEST_WORD
    return text if plain and text.replace("_", "").replace("-", "").isalnum() else ""


def text(value: Any) -> str:
    """A text, or an empty one."""
    return value if isinstance(value, str) else ""
