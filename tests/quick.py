"""A warehouse without HTTP: the embedded engine's own translation, straight on DuckDB in memory.

For tests that need thousands of runs.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import duckdb
from bqemulator.sql.builtin_udfs import register_builtin_udfs
from bqemulator.storage.sql_identifiers import quoted_schema, quoted_table_ref

from common import schemas
from common.bigquery.sql import Sql
from common.bigquery.warehouse import CLAIM, DryRun, Executed, TableInfo, TableVersion, Warehouse
from common.errors import NotFoundError, RetryableError, UserError
from common.local.emulator_patches import column_types
from common.local.emulator_patches.expressions import functions
from common.local.emulator_patches.server import launch
from common.local.emulator_patches.statements import execution, parsing, translation
from common.settings import Settings

_MACROS = functions.__file__.removesuffix(".py") + ".sql"


launch.say_at_once_that_there_is_no_pandas()
parsing.install()


class QuickWarehouse(Warehouse):
    """The verbs of a warehouse on a database of its own; a job id runs once, as in BigQuery."""

    def __init__(self, settings: Settings, connection: Any = None) -> None:
        client = SimpleNamespace(get_table=lambda path: SimpleNamespace(created=_CREATED))
        super().__init__(cast("Any", client), settings)
        self.connection: Any = connection or database()
        self.thread = threading.get_ident()
        self.jobs: dict[str, Executed] = {}
        self.statements = 0
        self.refused = ""
        """Words of a statement that nobody may run for now."""
        self.changed: dict[str, datetime] = {}
        """When a table's rows changed last, where a test says so."""
        # what execution.completed asks for shards: an engine and its catalog
        self.engine = self.catalog = self

    def rows(
        self, sql: Sql, *, labels: Mapping[str, str] | None = None, page_size: int = 10_000
    ) -> Iterator[dict[str, Any]]:
        if ".INFORMATION_SCHEMA.PARTITIONS" in sql.text:
            return iter(())  # sizes are the wire's to know: here no table has one
        result = self._execute(sql)
        names = [column[0] for column in result.description]
        return iter([dict(zip(names, map(_utc, row), strict=True)) for row in result.fetchall()])

    def execute(
        self, sql: Sql, *, job_id: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Executed:
        if job_id in self.jobs:
            return self._done_before(job_id)
        result = self._execute(sql)
        counts = result.description and result.description[0][0] == "Count"
        # the making of a view promises a count and has none
        counted = result.fetchone() if counts else None
        done = Executed(job_id or "", counted[0] if counted else None, None)
        if job_id is not None:
            self.jobs[job_id] = done
        return done

    def execute_together(self, statements: Sequence[Sql], *, job_id: str) -> None:
        self.together([partial(self.execute, each) for each in statements], job_id)

    def together(self, work: Iterable[Callable[[], object]], job_id: str) -> None:
        """Do all of it or nothing, once under this id."""
        if job_id in self.jobs:
            self._done_before(job_id)
            return
        self.connection.execute("BEGIN TRANSACTION")
        try:
            for each in work:
                each()
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        self.jobs[job_id] = Executed(job_id, None, None)

    def _done_before(self, job_id: str) -> Executed:
        if self.jobs[job_id].job_id == CLAIM:
            raise RetryableError(f"The job {job_id} was taken over.", code="forestalled")
        return self.jobs[job_id]

    def forestall(self, job_id: str) -> bool:
        return self.claim(job_id)

    def dry_run(self, sql: Sql, *, timeout: float = 20) -> DryRun:
        """No estimate, as of a view whose size BigQuery does not know."""
        return DryRun([], None, (), "SELECT")

    def claim(self, id: str) -> bool:
        return self.jobs.setdefault(id, claimed := Executed(CLAIM, None, None)) is claimed

    def append(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        self.load(self.path(table), schemas.load(table)["schema"], rows)

    def load(
        self, path: str, schema: list[dict[str, Any]], rows: Iterable[Mapping[str, Any]]
    ) -> None:
        """Append rows to the table `path`, which has this schema."""
        listed = [{column["name"]: row.get(column["name"]) for column in schema} for row in rows]
        if not listed:
            return
        text = json.dumps(listed, default=lambda value: value.isoformat())
        shape = json.dumps([{column["name"]: _shape(column) for column in schema}])
        encoded = [column["name"] for column in schema if column["type"] == "BYTES"]
        mended = ", ".join(f'from_base64("{name}") AS "{name}"' for name in encoded)
        self.connection.execute(
            f"INSERT INTO {_ref(path)} BY NAME SELECT * {mended and f'REPLACE ({mended})'} FROM "
            f"(SELECT unnest(json_transform($1, '{shape}'), max_depth := 2))",
            [text],
        )

    def ensure_dataset(self, path: str) -> None:
        self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted_schema(*path.split('.'))}")

    def empty_dataset(self, path: str) -> None:
        """The dataset without any table, whether it was there or not."""
        self.connection.execute(f"DROP SCHEMA IF EXISTS {quoted_schema(*path.split('.'))} CASCADE")
        self.ensure_dataset(path)

    def ensure_table(self, path: str, schema: str) -> list[str]:
        self.create(path, schemas.load(schema)["schema"])
        return []

    def ensure_table_of_run(self, run_id: str, table: str, schema: str) -> None:
        self.ensure_table(self.path(table), schema)

    def create(self, path: str, schema: list[dict[str, Any]]) -> None:
        """Create the table unless it exists."""
        fields = ", ".join(f'"{name}" {type_}' for name, type_ in column_types.definitions(schema))
        self.connection.execute(f"CREATE TABLE IF NOT EXISTS {_ref(path)} ({fields})")

    def schema_of(self, path: str) -> list[dict[str, Any]] | None:
        try:
            return column_types.described(self.connection, f"SELECT * FROM {_ref(path)}")
        except duckdb.CatalogException:
            return None

    def table_info(self, path: str) -> TableInfo | None:
        found = self.schema_of(path)
        if found is None:
            return None
        return TableInfo("TABLE", tuple(found), changed_at=self.changed.get(path))

    def tables_in(self, dataset: str) -> list[str]:
        return self.list_storage_tables(*dataset.split("."))

    def table_versions(self, dataset: str, first: str, last: str) -> dict[str, TableVersion]:
        """A table that is made anew counts as changed, in the order of making."""
        found = self.connection.execute(
            "SELECT table_name, table_oid FROM duckdb_tables() WHERE schema_name = $1"
            " AND table_name BETWEEN $2 AND $3",
            [quoted_schema(*dataset.split(".")).strip('"'), first, last],
        )
        return {
            name: TableVersion(self._count(f"{dataset}.{name}"), _MADE + timedelta(seconds=oid))
            for name, oid in found.fetchall()
        }

    def _count(self, path: str) -> int:
        return int(self.connection.execute(f"SELECT COUNT(*) FROM {_ref(path)}").fetchone()[0])

    def list_storage_tables(self, project: str, dataset: str) -> list[str]:
        """Names of the tables in DuckDB's schema of the dataset."""
        listed: list[str] = self.connection.tables_in(quoted_schema(project, dataset).strip('"'))
        return listed

    def list_tables(self, project: str, dataset: str) -> list[Any]:
        """Nothing: here all shards have the same columns, and there is no view."""
        return []

    def drop(self, path: str) -> None:
        self.connection.execute(f"DROP TABLE IF EXISTS {_ref(path)}")

    def _execute(self, sql: Sql) -> Any:
        self.statements += 1
        types = tuple((name, bound.type) for name, bound in sql.parameters.items())
        translated = translation.translate(sql.text, self.settings.project, types)
        values = {name: sql.parameters[name].value for name in translated.parameters}
        text, values = execution.completed(translated, values, self)
        try:
            with _no_look_for_pandas():
                return self._of_thread().execute(text, values or None)
        except duckdb.CatalogException as error:
            raise NotFoundError(str(error)) from error
        except duckdb.Error as error:
            raise UserError(str(error), code="query_failed") from error

    def _of_thread(self) -> Any:
        """A connection keeps one answer at a time, so the renewal of a lease has one of its own."""
        own = threading.get_ident() == self.thread
        return self.connection if own else self.connection.cursor()


@contextmanager
def _no_look_for_pandas() -> Iterator[None]:
    """DuckDB asks for it at each value of a parameter, and nothing answers sooner than a None."""
    is_absent = sys.modules.setdefault("pandas", cast("Any", None)) is None
    try:
        yield
    finally:
        if is_absent:
            sys.modules.pop("pandas", None)


_CREATED = datetime(2026, 1, 1, tzinfo=UTC)
_MADE = datetime(2100, 1, 1, tzinfo=UTC)
"""After every moment of a test: a table that no run has seen is newer than all runs."""


class Database:
    """A connection that lists a schema once, until a statement may have changed its tables.

    To name those of one schema DuckDB writes down how each table is made, and runs ask often.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._listed: dict[str, list[str]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def execute(self, text: str, values: Any = None) -> Any:
        """The connection itself, with the answer."""
        if not text.startswith(_KEEPS_TABLES):
            self._listed.clear()
        return self.connection.execute(text, values)

    def tables_in(self, schema: str) -> list[str]:
        """Names of the schema's tables in the order of creation."""
        if schema not in self._listed:
            found = self.connection.execute(
                "SELECT table_name FROM duckdb_tables() WHERE schema_name = $1 ORDER BY table_oid",
                [schema],
            )
            self._listed[schema] = [name for (name,) in found.fetchall()]
        return list(self._listed[schema])


_KEEPS_TABLES = ("SELECT", "WITH", "INSERT", "MERGE", "UPDATE", "DELETE", "BEGIN", "COMMIT")
"""How statements begin that make, drop and rename no table."""


def database() -> Database:
    """An empty DuckDB in memory that knows what GoogleSQL needs."""
    # each column of a table takes at least a block, and the product's tables have sixty
    connection = duckdb.connect(config={"default_block_size": "16384"})
    connection.execute("SET TimeZone = 'UTC'; SET threads = 1")
    register_builtin_udfs(connection)
    with open(_MACROS, encoding="utf-8") as file:
        connection.execute(file.read())
    return Database(connection)


def _shape(column: dict[str, Any]) -> Any:
    """What json_transform shall make of the column; a missing key is NULL."""
    type_ = "STRING" if column["type"] == "BYTES" else column["type"]
    shape: Any = column_types.duckdb_type({**column, "type": type_, "mode": "NULLABLE"})
    if column["type"] == "RECORD":
        shape = {field["name"]: _shape(field) for field in column["fields"]}
    return [shape] if column.get("mode") == "REPEATED" else shape


def _ref(path: str) -> str:
    return quoted_table_ref(*path.rsplit(".", 2))


def _utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value
