"""What of a row may be shown: e-mail addresses and telephone numbers are masked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

_EMAIL = re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
# Without + or a separator, digits are more often an order's number than a telephone's.
_PHONE = re.compile(r"(?<![\w.])(?:\+\d[\d ()./-]{6,}\d|\(?0\d+\)?[ /-][\d ()/-]{5,}\d)(?![\w.])")
_PRIVATE_NAMES = re.compile(
    r"e?_?mail|phone|mobile|telephone|\btel\b|first_?name|last_?name|surname|full_?name|ip_address",
    re.IGNORECASE,
)
HIDDEN = "•••"


def masked(text: str) -> str:
    """The text with every e-mail address and telephone number in it hidden."""
    return _PHONE.sub(HIDDEN, _EMAIL.sub(_masked_email, text))


def shown(value: Any, name: str = "") -> Any:
    """A value of a row as JSON, masked; `name` is its column or the key of its parameter."""
    if isinstance(value, Mapping):
        key = str(value["key"]) if {"key", "value"} <= set(value) else ""
        return {
            field: shown(part, key if key and field == "value" else field)
            for field, part in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [shown(part, name) for part in value]
    if value is None or isinstance(value, (bool, int, float)):
        return _shown_number(value, name)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return HIDDEN if _PRIVATE_NAMES.search(name) and str(value) else masked(str(value))


def without_values(message: str) -> str:
    """An error of the warehouse up to where it begins to quote a row's value."""
    told = re.sub(r"^(Query execution failed|Query error):\s*", "", message)
    return re.split(r"[:'\"`;]|\bvalue\b", told, maxsplit=1)[0].strip() or "An error"


def _shown_number(value: float | None, name: str) -> float | str | None:
    return HIDDEN if value is not None and _PRIVATE_NAMES.search(name) else value


def _masked_email(match: re.Match[str]) -> str:
    local, _, domain = match[0].partition("@")
    return f"{local[0]}{HIDDEN}@{domain[0]}{HIDDEN}.{domain.rpartition('.')[2]}"
