"""Limits that the provider and the APIs put on values, beyond an argument's type."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from msgpack import ExtType

RULES: dict[str, dict[str, dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "rules.json").read_text()
)["resources"]


def violations(resource: str, config: dict[str, Any]) -> Iterator[str]:
    """One sentence for each known value of the resource that the real provider or API refuses."""
    for path, rule in RULES.get(resource, {}).items():
        for value in _values(config, path.split(".")):
            if (wrong := _wrong(rule, value)) is not None:
                yield f"{resource}.{path} = {value!r}: {wrong}"


def _values(value: Any, steps: list[str]) -> Iterator[Any]:
    """Every known value at the path, through all elements of repeated blocks."""
    if isinstance(value, list):
        for element in value:
            yield from _values(element, steps)
    elif not steps:
        if isinstance(value, (str, int, float, dict)):
            yield value
    elif isinstance(value, dict):
        yield from _values(value.get(steps[0]), steps[1:])


def _wrong(rule: dict[str, Any], value: Any) -> str | None:
    if "pattern" in rule and not re.fullmatch(rule["pattern"], str(value)):
        return f"must match {rule['pattern']}"
    if "one_of" in rule and value not in rule["one_of"]:
        return f"must be one of {', '.join(rule['one_of'])}"
    if "range" in rule and not rule["range"][0] <= float(value) <= rule["range"][1]:
        return f"must lie between {rule['range'][0]} and {rule['range'][1]}"
    if "seconds" in rule and not _lasts(value, *rule["seconds"]):
        return f"must be a duration from {rule['seconds'][0]}s to {rule['seconds'][1]}s"
    if "bytes" in rule and len(str(value).encode()) > rule["bytes"]:
        return f"must not be longer than {rule['bytes']} bytes"
    if "exactly_one_of" in rule and not _one(map(value.get, rule["exactly_one_of"])):
        return f"needs exactly one of {', '.join(rule['exactly_one_of'])}"
    return None


def _one(values: Iterable[Any]) -> bool:
    """Whether exactly one is given, or may be: a block over an unknown list is not known yet."""
    listed = list(values)
    unknown = any(isinstance(value, ExtType) for value in listed)
    return unknown or sum(bool(value) for value in listed) == 1


def _lasts(duration: str, shortest: int, longest: int) -> bool:
    seconds = re.fullmatch(r"(\d+(?:\.\d+)?)s", duration)
    return seconds is not None and shortest <= float(seconds[1]) <= longest
