"""Columns of tables that the API creates: names that are words of DuckDB, REQUIRED, NUMERIC.

Seen in 1.4.0: a field of a RECORD called order or end cannot be created, REQUIRED is forgotten.
"""

from __future__ import annotations

from bqemulator.api.routes import tables
from bqemulator.storage import type_map

from common.local.emulator_patches.column_types import definitions
from common.local.emulator_patches.patch import replace


def install() -> None:
    """Every table that the API creates has our types."""
    for module in (type_map, tables):
        replace(module, "bq_schema_to_duckdb_columns", definitions)
