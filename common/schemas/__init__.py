"""The product's tables, one JSON file each, read by Python and by Terraform alike."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NotRequired, TypedDict

from common.untyped import JsonObject


class TableSchema(TypedDict):
    """A table of the product: what its JSON file says."""

    description: str
    version: int
    """Counted up whenever a column is added, which is all that may ever change."""
    partition: str | None
    cluster: list[str]
    require_partition_filter: bool
    schema: list[JsonObject]
    buckets: NotRequired[int]
    """How many tables share its rows, because BigQuery's limits of changes count for each table."""


@cache
def load(name: str) -> TableSchema:
    """The table's description, partition column, clustering and BigQuery schema."""
    text = (Path(__file__).parent / f"{shape_of(name) or name}.json").read_text(encoding="utf-8")
    loaded: TableSchema = json.loads(text)
    return loaded


def shape_of(table: str) -> str | None:
    """The schema that a table of the product has by its name, or None for a stranger's table."""
    if table in _shapes():
        return _shapes()[table]
    return "conversion" if table.startswith("conversion_") else None


def columns(name: str) -> list[str]:
    """The table's column names in order."""
    return [column["name"] for column in load(name)["schema"]]


@cache
def fixed_tables() -> tuple[str, ...]:
    """Names of the tables that exist once; `conversion` is the shape of many."""
    return tuple(sorted(_shapes()))


@cache
def buckets(shape: str) -> tuple[str, ...]:
    """Names of the tables that share the rows of this shape; most have one."""
    return tuple(table for table, of in _shapes().items() if of == shape)


@cache
def _shapes() -> dict[str, str]:
    """Fixed table → the schema file that it is made by."""
    found: dict[str, str] = {}
    for path in sorted(Path(__file__).parent.glob("*.json")):
        if path.stem not in ("conversion", "contract"):
            number = json.loads(path.read_text(encoding="utf-8")).get("buckets", 1)
            found |= {f"{path.stem}_{n}" if n else path.stem: path.stem for n in range(number)}
    return found
