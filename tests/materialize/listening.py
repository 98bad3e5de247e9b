"""A worker that keeps each statement of a run, for the judge to make the same rows of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.bigquery.sql import Sql
from common.bigquery.warehouse import Executed
from tests.judge import Rows, Schema, evaluate
from tests.materialize.histories import Worker
from tests.materialize.world import QuickWorld, ga4_schema

PATH = re.compile(r"`([\w-]+\.\w+\.[\w-]+)`")
WILDCARD = re.compile(r"`([\w-]+\.\w+)\.(events_\d*)\*`")
MADE = re.compile(r"CREATE OR REPLACE TABLE `([^`]+)` (?:CLUSTER BY \S+ )?AS\n(.*)", re.DOTALL)
CLOCKED = {"first_seen_at", "updated_at"}
"""Columns that hold the moment of the statement itself."""
LISTS = "TO_JSON_STRING(made."
"""Whole numbers inside a list are spelled 6 by BigQuery and 6.0 by the embedded engine, so that a
fingerprint over lists is each engine's own; no row ever goes from one to the other. The rows of a
table get the judge's own fingerprints before it judges a difference."""
TARGET = re.compile(r"FROM `([^`]+)` AS target")
KEY = re.compile(r"COALESCE\(fresh\.(\w+), present")


@dataclass(frozen=True)
class Made:
    """A table that a run made: its path, the query, the tables that it read, its rows."""

    path: str
    query: Sql
    tables: dict[str, Rows]
    rows: list[dict[str, Any]]

    @property
    def is_scan(self) -> bool:
        """Whether it reads the raw export."""
        return WILDCARD.search(self.query.text) is not None

    @property
    def target(self) -> str:
        """The table with whose rows it compares lists; "" where it compares none."""
        found = LISTS in self.query.text and TARGET.search(self.query.text)
        return found[1] if found and self.tables[found[1]].rows else ""


class Listening(Worker):
    """Keeps each statement, the schemas of its tables, and of a new table what it was made from."""

    def __init__(self, world: QuickWorld) -> None:
        super().__init__(world.quick)
        self.heard: dict[str, tuple[Sql, dict[str, Schema]]] = {}
        self.made: list[Made] = []

    def rows(self, sql: Sql, **options: Any) -> Iterator[dict[str, Any]]:
        self._hear(sql)
        return super().rows(sql, **options)

    def submit(self, sql: Sql, job_id: str | None) -> Executed:
        self._hear(sql)
        if not (made := MADE.fullmatch(sql.text)):
            return super().submit(sql, job_id)
        tables = {path: Rows(shape, self._all(path)) for path, shape in self._named(made[2])}
        tables |= {f"{dataset}.{prefix}*": self._export(dataset, prefix)
                   for dataset, prefix in WILDCARD.findall(sql.text)}  # fmt: skip
        done = super().submit(sql, job_id)
        query = Sql(made[2], sql.parameters)
        self.made.append(Made(made[1], query, tables, self._all(made[1])))
        return done

    def _all(self, path: str) -> list[dict[str, Any]]:
        return list(self._rows_of(Sql(f"SELECT * FROM `{path}`")))

    def _export(self, dataset: str, prefix: str) -> Rows:
        """All shards of the prefix as the one table that a wildcard makes of them."""
        suffix = {"name": "_TABLE_SUFFIX", "type": "STRING", "mode": "NULLABLE"}
        rows = [
            {**row, "_TABLE_SUFFIX": name.removeprefix(prefix)}
            for name in self.tables_in(dataset)
            if name.startswith(prefix)
            for row in self._all(f"{dataset}.{name}")
        ]
        return Rows([*ga4_schema(), suffix], rows)

    def _rows_of(self, sql: Sql) -> Iterator[dict[str, Any]]:
        return super().rows(sql)

    def _named(self, text: str) -> list[tuple[str, Schema]]:
        found = ((path, self.schema_of(path)) for path in sorted(set(PATH.findall(text))))
        return [(path, schema) for path, schema in found if schema is not None]

    def _hear(self, sql: Sql) -> None:
        shape = re.sub(r"\d{9,}", "n", sql.text)
        if shape not in self.heard:
            self.heard[shape] = (sql, dict(self._named(sql.text)))


def assert_judge_agrees(made: Made) -> None:
    """GoogleSQL's own evaluator makes the same rows of the statement."""
    sql = made.query
    parameters = {name: (bound.type, bound.value) for name, bound in sql.parameters.items()}
    own, tables = {"row_hash"} if LISTS in sql.text else set(), made.tables
    if made.target:
        tables = {**tables, made.target: _refingered(made, parameters)}
    found = evaluate(sql.text, tables, parameters)
    assert _plain_rows(found, own) == _plain_rows(made.rows, own), sql.text


def _refingered(made: Made, parameters: dict[str, Any]) -> Rows:
    """The target with the judge's own fingerprints of the rows that the engine found unchanged."""
    target, key = made.tables[made.target], KEY.findall(made.query.text)[0]
    of_empty = {**made.tables, made.target: Rows(target.schema)}
    rows = evaluate(made.query.text, of_empty, parameters)
    changed = {row[key] for row in made.rows}
    hashes = {row[key]: row["row_hash"] for row in rows if row[key] not in changed}
    kept = [{**row, "row_hash": hashes.get(row[key], row["row_hash"])} for row in target.rows]
    return Rows(target.schema, kept)


def _plain_rows(rows: list[dict[str, Any]], own: set[str]) -> list[str]:
    """Rows in an order of their own, floats to nine digits, without what is the engine's own."""
    left_out = CLOCKED | own
    return sorted(
        repr([(name, _plain(value)) for name, value in sorted(row.items()) if name not in left_out])
        for row in rows
    )


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    return round(value, 9) if isinstance(value, float) else value
