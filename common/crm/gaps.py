"""What a loader left empty though no lead or deal can do without it: never read as none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from common.bigquery.sql import Sql, fill, join
from common.bigquery.warehouse import Warehouse
from common.crm.canonical import Loaded
from common.crm.connector import Canonical
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
    warehouse: Warehouse, loaded: Mapping[Canonical, Loaded], needs_deals: bool = True
) -> None:
    """One scan; raises NotFoundError where a column that all depends on is empty in every row.

    A table without rows lacks nothing. Deals are looked at where they say what a lead reached.
    """
    counted = next(warehouse.rows(_counts(loaded)))
    for name in ("person", "entry", "deal"):
        if name in loaded and counted[f"{name}_rows"] and not counted[f"{name}_created"]:
            raise _empty(loaded[name], loaded[name].columns_of("created"), "when it was created")
    ties = [(table, name) for table, name in _TIES if table in loaded]
    if needs_deals and counted["deal_rows"] and not any(counted[f"{t}_{n}"] for t, n in ties):
        columns = [
            f"{loaded[table].path.rsplit('.', 1)[-1]}.{column}"
            for table, name in ties
            for column in loaded[table].columns_of(name)
        ]
        raise _empty(loaded["deal"], columns, "which lead or contact it came from")


def _empty(table: Loaded, columns: list[str], what: str) -> NotFoundError:
    listed = ", ".join(columns) or "no column that is read"
    return NotFoundError(
        f"No row of {table.path} says {what}: {listed} is empty throughout.",
        code="crm_column_empty",
        fix="Let the loader fill it, or name another dataset or column.",
    )


def _counts(loaded: Mapping[Canonical, Loaded]) -> Sql:
    """Rows of people, entries and deals, how many have a creation, and how many ties there are."""
    wanted: tuple[Canonical, ...] = ("person", "entry", "deal", "link")
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
        filled = [column for table, column in _TIES if table == name]
        if name != "link":
            yield _count(name, "TRUE", "rows")
            filled.append("created")
        yield from (_count(name, f"it.{column} IS NOT NULL", column) for column in filled)


def _count(table: Canonical, condition: str, name: str) -> Sql:
    return Sql(
        f"(SELECT COUNTIF(NOT it.deleted AND {condition}) FROM {table} AS it) AS {table}_{name}"
    )
