"""How large tables are: rows and logical bytes by day, as INFORMATION_SCHEMA tells them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from common import schemas
from common.bigquery.sql import dataset, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.cost.estimate import TableSize
from common.cost.widths import ga4, widths
from common.untyped import JsonObject, Row

SHARDS = "events_"
SUFFIX = "_TABLE_SUFFIX"


def export_size(warehouse: Warehouse, path: str, schema: Iterable[Row]) -> TableSize:
    """The daily tables of the GA4 export in project.dataset, whose columns are `schema`."""
    days: dict[date | None, int] = {}
    total = 0
    listed = (_day(name.removeprefix(SHARDS)) for name in warehouse.tables_in(path))
    # by year: BigQuery reads the metadata of at most 1,000 tables in one statement
    years = sorted({day.year for day in listed if day})
    rows = (
        row
        for year in years
        for row in _partitions(warehouse, path, f"{SHARDS}{year}0101", f"{SHARDS}{year}1231")
    )
    for row in rows:
        if (day := _day(row["table_name"].removeprefix(SHARDS))) is not None:
            days[day] = days.get(day, 0) + row["total_rows"]
            total += row["total_logical_bytes"] or 0
    return TableSize(_scaled(widths(schema, ga4()), total, sum(days.values())), days, SUFFIX)


def of_shard(path: str, whole: TableSize) -> TableSize:
    """One daily table of the export alone, by its own path."""
    day = _day(path.rpartition("_")[2])
    return TableSize(whole.widths, {None: whole.rows.get(day, 0)})


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
