"""Definitions in YAML files, read as they were meant: NO is a text, and so is 2026-11-01.

YAML 1.1 reads no, yes, on and off as truth values, days as dates, 0123 as the octal 83, 1_000 as a
thousand and 12:30 as 750. In a definition such words are values of filters, names and days, all of
them texts; true, false and plain numbers stay what they are, and where a filter compares texts a
number is the text that was written.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from common.local.stack.attach import CommandError
from common.model import dimensions
from common.untyped import JsonObject


class _Loader(yaml.SafeLoader):
    """YAML without the readings that nobody means."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        # YAML's own rule, which the library does not keep: the first of two values would be lost
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value!r} stands here a second time", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


class _Float(float):
    """A number that knows how it was written: 1.50 is a version, and 1e3 may be a coupon."""

    written: str


def _float(loader: _Loader, node: yaml.ScalarNode) -> _Float:
    number = _Float(node.value)
    number.written = node.value
    return number


_Loader.add_constructor("tag:yaml.org,2002:float", _float)
_Loader.yaml_implicit_resolvers = {
    letter: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag.rpartition(":")[2] not in ("bool", "timestamp", "int", "float", "value")
    ]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
# an id such as 0123 would else be looked for as 83
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


def definitions(path: Path) -> list[JsonObject]:
    """The definitions of a YAML file: one, a list, or documents; raises CommandError naming it."""
    try:
        documents = list(yaml.load_all(path.read_text(encoding="utf-8"), Loader=_Loader)) or [None]
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is no text in UTF-8: {error.reason}.") from error
    except yaml.YAMLError as error:
        raise CommandError(f"{path} is no YAML: {error}") from error
    listed = [
        _meant(one) for each in documents for one in (each if isinstance(each, list) else [each])
    ]
    for number, one in enumerate(listed, start=1):
        if not isinstance(one, dict) or not isinstance(one.get("id"), str):
            raise CommandError(
                f"{path}: entry {number} is no definition with an id that is a text. A file holds"
                " one definition, a list of them, or documents divided by ---."
            )
    return listed


def _meant(part: Any) -> Any:
    """The part of a definition, with texts for numbers where a filter compares a text."""
    if isinstance(part, list):
        return [_meant(each) for each in part]
    if isinstance(part, dict):
        if "value" in part and _is_text(part.get("dimension")):
            part = {**part, "value": _as_written(part["value"])}
        return {name: _meant(value) for name, value in part.items()}
    return float(part) if isinstance(part, _Float) else part


def _is_text(dimension: Any) -> bool:
    try:
        return isinstance(dimension, str) and dimensions.type_of(dimension) == "text"
    except ValueError:
        # the API says that there is no such one
        return False


def _as_written(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_written(each) for each in value]
    if isinstance(value, _Float):
        return value.written
    return str(value) if type(value) is int else value
