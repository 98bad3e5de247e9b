"""How large tables are: rows and logical bytes by day, as INFORMATION_SCHEMA tells them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from common import schemas
from common.bigquery.sql import dataset, template, with_parameters
from common.bigquery.warehouse import TableInfo, Warehouse
from common.cost.estimate import TableSize
from common.cost.widths import ga4, widths
from common.untyped import JsonObject, Row

SUFFIX = "_TABLE_SUFFIX"


@dataclass(frozen=True)
class Counted:
    """What a table holds."""

    rows: int
    bytes: int
    """Logical ones; 0 where nobody tells them."""


def daily_tables(warehouse: Warehouse, dataset: str, names: Iterable[str]) -> dict[str, Counted]:
    """Name → what it holds, of tables of project.dataset whose names end in YYYYMMDD."""
    listed: dict[str, list[str]] = {}
    for name in sorted(names):
        # by year: BigQuery reads the metadata of at most 1,000 tables in one statement
        listed.setdefault(name[:-4], []).append(name)
    found: dict[str, Counted] = {}
    for of_year in listed.values():
        for row in _partitions(warehouse, dataset, of_year[0], of_year[-1]):
            if row["table_name"] in of_year:
                before = found.get(row["table_name"], Counted(0, 0))
                found[row["table_name"]] = Counted(
                    before.rows + row["total_rows"],
                    before.bytes + (row["total_logical_bytes"] or 0),
                )
    return found


def together(tables: Mapping[str, Counted], schema: Iterable[Row]) -> TableSize:
    """Daily tables of the GA4 export, by name, as a wildcard over them sees them."""
    days: dict[date | None, int] = {}
    for name, it in tables.items():
        # a day may have a table of its own and one of its stream
        days[_day(name[-8:])] = days.get(_day(name[-8:]), 0) + it.rows
    total = sum(it.bytes for it in tables.values())
    return TableSize(_scaled(widths(schema, ga4()), total, sum(days.values())), days, SUFFIX)


def alone(table: Counted, schema: Iterable[Row]) -> TableSize:
    """One daily table of the GA4 export, by its own name."""
    return TableSize(_scaled(widths(schema, ga4()), table.bytes, table.rows), {None: table.rows})


def of_table(warehouse: Warehouse, path: str, facts: TableInfo) -> TableSize:
    """Any table at project.dataset.table."""
    dataset, _, name = path.rpartition(".")
    days: dict[date | None, int] = {}
    total = 0
    for row in _partitions(warehouse, dataset, name, name):
        day = _day(row["partition_id"] or "")
        days[day] = days.get(day, 0) + row["total_rows"]
        total += row["total_logical_bytes"] or 0
    sized = _scaled(widths(facts.columns), total, sum(days.values()))
    return TableSize(sized, days, facts.partition_column or None)


def product_sizes(warehouse: Warehouse) -> dict[str, TableSize]:
    """project.dataset.table → the size of each table of the product that has rows."""
    settings = warehouse.settings
    days: dict[str, dict[date | None, int]] = {}
    bytes: dict[str, int] = {}
    for row in _partitions(warehouse, f"{settings.project}.{settings.dataset}", "", "~"):
        name = row["table_name"]
        by_day = days.setdefault(name, {})
        day = _day(row["partition_id"] or "")
        by_day[day] = by_day.get(day, 0) + row["total_rows"]
        bytes[name] = bytes.get(name, 0) + (row["total_logical_bytes"] or 0)
    found = {}
    for name, by_day in days.items():
        # the dataset may hold tables of others, of whose columns nothing is known
        if shape := schemas.shape_of(name):
            known = schemas.load(shape)
            sized = _scaled(widths(known["schema"]), bytes[name], sum(by_day.values()))
            found[warehouse.path(name)] = TableSize(sized, by_day, known["partition"])
    return found


def _partitions(warehouse: Warehouse, path: str, first: str, last: str) -> Iterable[JsonObject]:
    """The partitions of the tables from the name `first` to `last`."""
    sql = template(__file__, dataset=dataset(path))
    return warehouse.rows(with_parameters(sql, first=first, last=last))


def _scaled(assumed: dict[str, float], total: int, rows: int) -> dict[str, float]:
    """The widths so that a row has the mean size that was measured, where one was."""
    if not rows or not total:
        return assumed
    # the sample tells how columns compare, the property itself how wide a row is
    factor = total / rows / sum(assumed.values())
    return {name: size * factor for name, size in assumed.items()}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 8 else None
    except ValueError:
        return None
