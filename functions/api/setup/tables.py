"""Tables and columns that users' SQL may read, for completion."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pydantic import Field

from common.bigquery.warehouse import Warehouse
from common.errors import AccessError, NotFoundError
from common.http.model import Model
from common.http.pages import PageQuery, part_of
from common.http.request import Ask, Text
from functions.api.services import Services

SHARD = re.compile(r"(.*_)\d{8}")


class TablesQuery(PageQuery):
    """Which tables."""

    search: Text = Field("", description="Only those whose path contains this text.")
    limit: int = Field(50, ge=1, le=200, description="At most so many on one page.")


class Column(Model):
    """A column of a table."""

    name: str
    type: str = Field(description="Type as BigQuery's API names it; a list ends with [].")
    description: str


class Table(Model):
    """A table that SQL may read."""

    path: str = Field(description="project.dataset.table; daily tables are one, ending with *.")
    kind: str = Field(description="TABLE, VIEW, MATERIALIZED_VIEW, EXTERNAL or SNAPSHOT.")
    partition_column: str = Field(description="Filter by it; empty where there is none.")
    columns: list[Column]


class Tables(Model):
    """Tables by path, with their columns."""

    tables: list[Table]
    next_page: str = Field(description="Empty on the last page.")


def list_tables(ask: Ask[TablesQuery, None], services: Services) -> Tables:
    """List the tables and columns that SQL may read."""
    settings = services.settings
    paths = readable(services.runner, [*settings.source_datasets, *settings.ga4_datasets])
    # columns are asked for the page alone: a dataset may have thousands of tables
    fitting = sorted(path for path in paths if ask.query.search.casefold() in path.casefold())
    page, next_page = part_of(fitting, ask.query, lambda path: path)
    tables = [_table(path, paths[path], services.runner) for path in page]
    return Tables(tables=[table for table in tables if table], next_page=next_page)


def readable(runner: Warehouse, datasets: Iterable[str]) -> dict[str, str]:
    """Path as SQL writes it → a table that has its columns; of daily ones that created last."""
    found: dict[str, str] = {}
    for dataset in datasets:
        # in the order of creation, so that the table stays whose columns a wildcard has
        for name in _names(runner, dataset):
            shard = SHARD.fullmatch(name)
            found[f"{dataset}.{shard[1]}*" if shard else f"{dataset}.{name}"] = f"{dataset}.{name}"
    return found


def _names(runner: Warehouse, dataset: str) -> list[str]:
    try:
        return runner.tables_in(dataset)
    except (AccessError, NotFoundError):
        # a dataset that is not there, or not open to us, takes no other's place
        return []


def _table(path: str, sample: str, runner: Warehouse) -> Table | None:
    try:
        info = runner.table_info(sample)
    except AccessError:
        return None
    if info is None:
        return None
    return Table(
        path=path,
        kind=info.kind,
        partition_column=info.partition_column,
        columns=[
            Column(
                name=column["name"],
                type=f"{column['type']}{'[]' if column.get('mode') == 'REPEATED' else ''}",
                description=column.get("description") or "",
            )
            for column in info.columns
        ],
    )
