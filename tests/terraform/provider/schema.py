"""The recorded argument schemas, and how they look on Terraform's wire."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NESTING = {"single": 1, "list": 2, "set": 3}
"""Numbers of tfplugin5's NestingMode."""


def google() -> dict[str, Any]:
    """The recording of 6.50.0 with the changes of 7.x and 8.x laid over it."""
    recording = _read("google.json")
    for resource, changes in _read("overlay.json").items():
        if resource in recording["resources"]:
            for path, attribute in changes.items():
                _change(recording["resources"][resource], path, attribute)
    return recording


def archive() -> dict[str, Any]:
    """hashicorp/archive 2.x, as its documentation describes it."""
    return _read("archive.json")


def block(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema as the fields of tfplugin5's Schema.Block."""
    return {
        "attributes": [_attribute(name, *kind) for name, kind in schema["attributes"].items()],
        "block_types": [
            {
                "type_name": name,
                "block": block(nested),
                "nesting": NESTING[nested["nesting"]],
                "min_items": nested.get("min", 0),
                "max_items": nested.get("max", 0),
            }
            for name, nested in schema["blocks"].items()
        ],
    }


def _attribute(name: str, kind: object, presence: str) -> dict[str, Any]:
    # the provider fills in an id that the configuration leaves out
    computed = presence == "computed" or (name == "id" and presence == "optional")
    return {
        "name": name,
        "type": json.dumps(kind).encode(),
        "required": presence == "required",
        "optional": presence == "optional",
        "computed": computed,
    }


def _change(schema: dict[str, Any], path: str, attribute: object) -> None:
    *blocks, name = path.split(".")
    for step in blocks:
        schema = schema["blocks"][step]
    schema["attributes"][name] = attribute


def _read(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((HERE / name).read_text())
    return read
