"""The product's tables, one JSON file each, read by Python and by Terraform alike."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TypedDict

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


@cache
def load(name: str) -> TableSchema:
    """The table's description, partition column, clustering and BigQuery schema."""
    text = (Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8")
    loaded: TableSchema = json.loads(text)
    return loaded


def shape_of(table: str) -> str | None:
    """The schema that a table of the product has by its name, or None for a stranger's table."""
    if table in fixed_tables():
        return table
    return "conversion" if table.startswith("conversion_") else None


def columns(name: str) -> list[str]:
    """The table's column names in order."""
    return [column["name"] for column in load(name)["schema"]]


@cache
def fixed_tables() -> tuple[str, ...]:
    """Names of the tables that exist once; `conversion` is the shape of many."""
    shapes = {"conversion", "contract"}
    return tuple(sorted({path.stem for path in Path(__file__).parent.glob("*.json")} - shapes))
