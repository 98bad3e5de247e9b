"""The columns of every version of every table: what a customer has is never forgotten.

    python -m tests.operations.schema_versions

records the versions that are new. A version that was recorded is never changed.
"""

from __future__ import annotations

import json
from pathlib import Path

from common import schemas

RECORD = Path(__file__).with_suffix(".json")

Columns = dict[str, str]
"""Column → type and mode; fields of records as column.field."""


def recorded() -> dict[str, dict[str, Columns]]:
    """Table → version → columns."""
    known: dict[str, dict[str, Columns]] = json.loads(RECORD.read_text())
    return known


def shapes() -> list[str]:
    """Every schema file that is the shape of tables."""
    named = {schemas.shape_of(table) or "" for table in schemas.fixed_tables()}
    return [*sorted(named), "conversion"]


def columns(name: str) -> Columns:
    """The columns that the schema file has now."""
    return dict(_columns(schemas.load(name)["schema"]))


def _columns(fields: list[dict[str, object]], prefix: str = "") -> list[tuple[str, str]]:
    found = []
    for field in fields:
        found.append(
            (f"{prefix}{field['name']}", f"{field['type']} {field.get('mode', 'NULLABLE')}")
        )
        inner = field.get("fields", [])
        assert isinstance(inner, list)
        found += _columns(inner, f"{prefix}{field['name']}.")
    return found


def main() -> None:
    known = recorded() if RECORD.exists() else {}
    for name in shapes():
        version = str(schemas.load(name)["version"])
        known.setdefault(name, {}).setdefault(version, columns(name))
    RECORD.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
