"""What a loader left empty though no lead or deal can do without it: never read as none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from common.bigquery.sql import Sql, fill, join
from common.bigquery.warehouse import Warehouse
from common.crm.canonical import Loaded
from common.crm.connector import COLUMNS, Canonical
from common.crm.preferences import Preferences
from common.errors import NotFoundError

# Airbyte declares Dataverse's lookups under names that its API does not use: they stay NULL, and
# every deal would belong to nobody without an error
_TIES: tuple[tuple[Canonical, str], ...] = (
    ("deal", "lead_id"),
    ("deal", "person_id"),
    ("link", "person_id"),
    ("entry", "deal_id"),
)
"""Any of these ties a deal to a lead or a person."""


def check(
    warehouse: Warehouse, loaded: Mapping[Canonical, Loaded], preferences: Preferences
) -> None:
    """One scan; raises NotFoundError where what all depends on is empty in every row.

    A table of leads or deals without rows lacks nothing. Deals are looked at where they say what a
    lead reached, and stages where they alone say how deals ended.
    """
    counted = next(warehouse.rows(_counts(loaded)))
    for name in ("person", "entry", "deal"):
        if name in loaded and counted[f"{name}_rows"] and not counted[f"{name}_created"]:
            raise _empty(loaded[name], loaded[name].columns_of("created"), "when it was created")
    if not preferences.needs_deals or not counted["deal_rows"]:
        return
    if _are_decided_by_stages(loaded, preferences) and not counted["stage_rows"]:
        raise _empty(loaded["stage"], loaded["stage"].columns_of("id"), "which deals are won")
    ties = [(table, name) for table, name in _TIES if table in loaded]
    if not any(counted[f"{t}_{n}"] for t, n in ties):
        columns = [
            f"{loaded[table].path.rsplit('.', 1)[-1]}.{column}"
            for table, name in ties
            for column in loaded[table].columns_of(name)
        ]
        raise _empty(loaded["deal"], columns, "which lead or contact it came from")


def _are_decided_by_stages(loaded: Mapping[Canonical, Loaded], preferences: Preferences) -> bool:
    """Whether neither a deal's own columns nor a person say which deals are won."""
    own = ("won", "status", "said_won")
    return "stage" in loaded and not preferences.stages and not any(map(loaded["deal"].has, own))


def _empty(table: Loaded, columns: list[str], what: str) -> NotFoundError:
    listed = ", ".join(columns) or "no column that is read"
    return NotFoundError(
        f"No row of {table.path} says {what}: {listed} is empty throughout.",
        code="crm_column_empty",
        fix="Let the loader fill it, or name another dataset or column.",
    )


def _counts(loaded: Mapping[Canonical, Loaded]) -> Sql:
    """Rows of each table, how many have a creation, and how many ties there are."""
    wanted: tuple[Canonical, ...] = ("person", "entry", "deal", "link", "stage")
    tables = [name for name in wanted if name in loaded]
    return fill(
        "WITH {{ tables }}\nSELECT {{ counts }}",
        tables=join(
            ",\n",
            (
                fill("{{ name }} AS {{ rows }}", name=name, rows=loaded[name].subquery({}))
                for name in tables
            ),
        ),
        counts=join(",\n  ", _parts(tables)),
    )


def _parts(tables: list[Canonical]) -> Iterator[Sql]:
    for name in tables:
        there = "NOT it.deleted" if "deleted" in COLUMNS[name] else "TRUE"
        filled = [column for table, column in _TIES if table == name]
        if name in ("person", "entry", "deal"):
            filled.append("created")
        yield _count(name, there, "rows")
        for column in filled:
            yield _count(name, f"{there} AND it.{column} IS NOT NULL", column)


def _count(table: Canonical, condition: str, name: str) -> Sql:
    return Sql(f"(SELECT COUNTIF({condition}) FROM {table} AS it) AS {table}_{name}")
