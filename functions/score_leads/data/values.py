"""Single values as CRMs and files write them: missing ones, numbers and points in time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Raw = Sequence[object]
"""One attribute's values, one a lead: None, bool, number, text, date or datetime."""

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "nil", "(not set)", "undefined", "-"})
"""Texts that stand for no value; compared in lower case."""

_MONEY = re.compile(r"[$€£¥]?\s?(-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?)\s?[$€£%]?")
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
# 1,234 is a thousand and more, 3,5 three and a half
_THOUSANDS = re.compile(r"-?\d{1,3},\d{3}")
_SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4}|\d{2})(?:[ T](\d{1,2}):(\d{2}).*)?")
_EPOCH = re.compile(r"\d{9,16}(\.\d+)?")


def clean(value: object) -> object | None:
    """The value, its text stripped; None for whatever stands for no value."""
    if isinstance(value, str):
        value = value.strip()
        return None if value.lower() in MISSING else value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def present(values: Raw) -> list[object]:
    """The values that are there, texts stripped."""
    if set(map(type, values)) <= {str, type(None)}:
        # texts repeat, so that each is looked at once
        known = {value: clean(value) for value in set(values)}
        return [read for value in values if (read := known[value]) is not None]
    return [read for value in values if (read := clean(value)) is not None]


def number(value: object) -> float:
    """The value as a float; NaN when it is none. Reads $1,234.50, 12 % and 3,5 as well."""
    try:
        read = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        read = _written_number(value.strip()) if isinstance(value, str) else math.nan
    return read if math.isfinite(read) else math.nan


def numbers(values: Raw) -> Floats:
    """The values as floats, NaN where there is none."""
    try:
        read = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        read = np.fromiter((number(clean(value)) for value in values), np.float64, len(values))
    read[~np.isfinite(read)] = np.nan
    return read


def seconds(value: object, day_first: bool = True) -> float:
    """Seconds since 1970 in UTC; NaN when the value is no date.

    Reads dates and datetimes, ISO 8601 text, 31/12/2024 and 31.12.2024, and epochs in seconds,
    milliseconds or microseconds as connectors write them. Text without a zone is UTC.
    """
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
    if isinstance(value, str):
        return _written_seconds(value.strip(), day_first)
    epoch = number(value)
    # from 1973 to 2128 in either unit, three ranges that do not overlap
    units = (1, 1e3, 1e6)
    return next((epoch / unit for unit in units if 1e8 <= abs(epoch) / unit < 5e9), math.nan)


def moments(values: Raw, day_first: bool = True) -> Floats:
    """The values as seconds since 1970, NaN where there is none."""
    read = (seconds(clean(value), day_first) for value in values)
    return np.fromiter(read, np.float64, len(values))


def day_comes_first(values: Iterable[object]) -> bool:
    """Whether dates written with slashes start with the day; the dates themselves decide."""
    # one date after the twelfth of its second part says how all of the column are written
    parts = [match for value in values if (match := _SLASHED.fullmatch(str(value).strip()))]
    return not any(int(match[2]) > 12 for match in parts)


def _written_number(text: str) -> float:
    if _DECIMAL_COMMA.fullmatch(text) and not _THOUSANDS.fullmatch(text):
        return float(text.replace(",", "."))
    match = _MONEY.fullmatch(text)
    return float(match[1].replace(",", "")) if match else math.nan


def _written_seconds(text: str, day_first: bool) -> float:
    if slashed := _SLASHED.fullmatch(text):
        return _slashed_seconds(slashed, day_first)
    if _EPOCH.fullmatch(text):
        return seconds(float(text))
    try:
        # BigQuery writes 2024-05-01 10:00:00 UTC, and ISO 8601 knows no such suffix
        return seconds(datetime.fromisoformat(text.removesuffix(" UTC")))
    except ValueError:
        return math.nan


def _slashed_seconds(match: re.Match[str], day_first: bool) -> float:
    first, second, year = int(match[1]), int(match[2]), int(match[3])
    day, month = (first, second) if day_first else (second, first)
    year += 2000 if year < 100 else 0
    try:
        read = datetime(year, month, day, int(match[4] or 0), int(match[5] or 0), tzinfo=UTC)
    except ValueError:
        return math.nan
    return read.timestamp()
