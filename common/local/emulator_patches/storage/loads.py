"""Load jobs: columns by name, all or nothing, with everything that the configuration asks for.

Seen in 1.4.0: the client's own multipart uploads are refused ('*/*'), Parquet columns are taken by
position, a failing WRITE_TRUNCATE leaves the table empty, partitioning and clustering are ignored,
Parquet cannot create its table, unknown fields of JSON vanish, the given job id is forgotten.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import duckdb
from bqemulator.api.routes import jobs as routes
from bqemulator.api.routes import tables, upload
from bqemulator.catalog.etag import generate_etag
from bqemulator.catalog.models import Clustering, JobMeta, TableMeta, TableSchema, TimePartitioning
from bqemulator.domain.errors import DomainError, InvalidQueryError, ResourceRef, resource_not_found
from bqemulator.jobs import executor
from bqemulator.storage.sql_identifiers import quoted_table_ref

from common.local.emulator_patches.column_types import Field, definitions, described
from common.local.emulator_patches.patch import private, replace
from common.local.emulator_patches.server import jobs, limits
from common.local.emulator_patches.statements import arrivals
from common.local.emulator_patches.storage import partitions
from common.local.emulator_patches.storage.sources import Source
from common.local.iam.tokens import sender_account
from common.untyped import JsonObject

_resolved = private(executor, "_resolve_uri")
_parsed = private(tables, "_parse_schema_fields")
_to_api = private(tables, "_field_to_rest")


def install() -> None:
    """Uploads are read, named and run here."""
    for module in (executor, routes, upload):
        replace(module, "execute_load_job", run)
    replace(upload, "_parse_multipart_related", parts)
    replace(upload, "_load_configuration_from_envelope", configuration)
    replace(upload, "_run_load", run_upload)


def parts(content_type: str, body: bytes) -> tuple[JsonObject, bytes]:
    """The job and the file of a multipart/related upload; raises InvalidQueryError."""
    boundary = content_type.partition("boundary=")[2].strip('" ').encode()
    pieces = body.split(b"--" + boundary) if boundary else []
    if len(pieces) < 4:
        raise InvalidQueryError("A multipart upload has two parts.")
    envelope, media = (piece.partition(b"\r\n\r\n")[2] for piece in pieces[1:3])
    return json.loads(envelope), media.removesuffix(b"\r\n")


def configuration(envelope: JsonObject) -> JsonObject:
    """The configuration, with the job id beside it for `run_upload`; raises InvalidQueryError."""
    given = envelope.get("configuration") or {}
    if not isinstance(given.get("load"), dict):
        raise InvalidQueryError("The upload says nothing about a load (configuration.load).")
    job_id = (envelope.get("jobReference") or {}).get("jobId")
    return {"jobType": "LOAD", **given, "_job_id": job_id or f"job_{uuid4().hex}"}


async def run_upload(
    *, project_id: str, configuration: JsonObject, media_path: str, ctx: Any
) -> tuple[str, JobMeta]:
    """(job id, job) of a load whose file has arrived; the job may carry an error."""
    job_id = configuration.pop("_job_id")
    load = {**configuration["load"], "sourceUris": [f"file://{media_path}"]}

    async def work() -> JobMeta:
        meta = await _attempt(project_id, job_id, {**configuration, "load": load}, ctx)
        # who lost the answer sends the same load again, and must find its id taken
        ctx.catalog.upsert_job(meta)
        return meta

    return job_id, await jobs.once(project_id, job_id, ctx, work)


async def run(project_id: str, job_id: str, config: JsonObject, ctx: Any) -> JobMeta:
    """The finished job; raises the emulator's errors, or DuckDB's for a file that does not fit."""
    load = _planned(project_id, config["load"], ctx)
    path = (load.table.project_id, load.table.dataset_id, load.table.table_id)
    limits.load(ctx, path, is_partitioned=load.table.time_partitioning is not None)
    async with ctx.engine.write_lock():
        written, total = await asyncio.to_thread(load.write, ctx)
    keep = ctx.catalog.update_table if load.exists else ctx.catalog.create_table
    loaded = {"num_rows": total, "last_modified_time": ctx.clock.now()}
    keep(load.table.model_copy(update=loaded))
    statistics = {"load": {"outputRows": str(written)}}
    return _job(project_id, job_id, config, ctx, statistics=statistics)


async def _attempt(project: str, job_id: str, config: JsonObject, ctx: Any) -> JobMeta:
    try:
        return await run(project, job_id, config, ctx)
    except DomainError as error:
        fault = {"reason": error.bq_reason, "message": error.message}
    except duckdb.Error as error:
        answered = f"Error while reading data, error message: {error}"
        fault = {"reason": "invalid", "message": answered}
    return _job(project, job_id, config, ctx, error_result=fault)


def _job(project: str, job_id: str, config: JsonObject, ctx: Any, **outcome: Any) -> JobMeta:
    now = ctx.clock.now()
    return JobMeta(
        project_id=project,
        job_id=job_id,
        job_type="LOAD",
        state="DONE",
        configuration=config,
        creation_time=now,
        start_time=now,
        end_time=now,
        etag=generate_etag(project, job_id, str(now)),
        user_email=sender_account.get() or None,
        **outcome,
    )


@dataclass(frozen=True)
class _Load:
    """One load: which files become which table, and whether that is there already."""

    paths: list[str]
    options: JsonObject
    table: TableMeta
    exists: bool
    partition: datetime | None = None
    """The beginning of the partition that the load names, of a table parted by arrival."""

    def write(self, ctx: Any) -> tuple[int, int]:
        """(rows written, rows in the table); nothing changes when any file fails."""
        fields = [_to_api(it) for it in self.table.schema_.fields]
        source = Source(self.options, fields)
        target = quoted_table_ref(self.table.project_id, self.table.dataset_id, self.table.table_id)
        with ctx.engine.connection.cursor() as connection:
            connection.execute("BEGIN")
            try:
                self._make_room(connection, target, fields)
                self._note_arrival(connection, target, ctx)
                written = sum(source.append(connection, target, path) for path in self.paths)
                partitions.loaded(ctx, self.table, self._newest(connection, target, written))
                total = connection.execute(f"SELECT COUNT(*) FROM {target}").fetchone()
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
        return written, total[0]

    def _newest(
        self, connection: duckdb.DuckDBPyConnection, target: str, written: int
    ) -> Callable[[str], int]:
        """How many values an expression has in the rows that were written last."""

        def count(expression: str) -> int:
            newest = f"SELECT {expression} AS it FROM {target} ORDER BY rowid DESC LIMIT {written}"
            row = connection.execute(f"SELECT COUNT(DISTINCT it) FROM ({newest})").fetchone()
            return int(row[0]) if row else 0

        return count

    def _note_arrival(self, connection: duckdb.DuckDBPyConnection, target: str, ctx: Any) -> None:
        if arrivals.has_times(self.table):
            path = (self.table.project_id, self.table.dataset_id, self.table.table_id)
            first = arrivals.first_row(connection, target)
            arrivals.keep(connection, path, first, self.partition or ctx.clock.now())

    def _make_room(
        self, connection: duckdb.DuckDBPyConnection, target: str, fields: list[Field]
    ) -> None:
        disposition = self.options.get("writeDisposition")
        if not self.exists or (disposition == "WRITE_TRUNCATE" and self.options.get("schema")):
            listed = ", ".join(f'"{name}" {kind}' for name, kind in definitions(fields))
            connection.execute(f"CREATE OR REPLACE TABLE {target} ({listed})")
        elif disposition == "WRITE_TRUNCATE":
            connection.execute(f"DELETE FROM {target}")
        elif disposition == "WRITE_EMPTY" and _has_rows(connection, target):
            raise InvalidQueryError(f"Already Exists: {self.table.table_id} has rows.")


def _has_rows(connection: duckdb.DuckDBPyConnection, target: str) -> bool:
    return connection.execute(f"SELECT 1 FROM {target} LIMIT 1").fetchone() is not None


def _planned(project: str, load: JsonObject, ctx: Any) -> _Load:
    target = load["destinationTable"]
    name, partition = arrivals.parted(target["tableId"])
    path = (target.get("projectId") or project, target["datasetId"], name)
    if ctx.catalog.get_dataset(*path[:2]) is None:
        raise resource_not_found(ResourceRef("dataset", *path[:2]))
    paths = [_resolved(uri, ctx) for uri in load.get("sourceUris") or ()]
    existing = ctx.catalog.get_table(*path)
    given = (load.get("schema") or {}).get("fields")
    if existing is not None and not (given and load.get("writeDisposition") == "WRITE_TRUNCATE"):
        return _Load(paths, load, existing, True, partition)
    fields = given or _found(paths, load, ctx, path)
    table = _table(path, fields, load, existing, ctx)
    return _Load(paths, load, table, existing is not None, partition)


def _found(paths: list[str], load: JsonObject, ctx: Any, path: tuple[str, str, str]) -> list[Field]:
    """The columns that the first file shows; raises NotFoundError when it may not say them."""
    query = Source(load, []).shown()
    if query is None or load.get("createDisposition") == "CREATE_NEVER":
        raise resource_not_found(ResourceRef("table", *path))
    with ctx.engine.connection.cursor() as connection:
        return described(connection, query, paths[:1])


def _table(
    path: tuple[str, str, str],
    fields: list[Field],
    load: JsonObject,
    existing: TableMeta | None,
    ctx: Any,
) -> TableMeta:
    now = ctx.clock.now()
    schema = TableSchema(fields=_parsed(fields))
    if existing is not None:
        return existing.model_copy(update={"schema_": schema, "last_modified_time": now})
    properties = load.get("destinationTableProperties") or {}
    parted, clustered = load.get("timePartitioning"), load.get("clustering")
    return TableMeta(
        project_id=path[0],
        dataset_id=path[1],
        table_id=path[2],
        schema=schema,
        description=properties.get("description"),
        labels=properties.get("labels") or {},
        time_partitioning=parted and TimePartitioning(**_spelled(parted)),
        clustering=clustered and Clustering(fields=tuple(clustered["fields"])),
        creation_time=now,
        last_modified_time=now,
        etag=generate_etag(*path, str(now)),
    )


def _spelled(partitioning: JsonObject) -> JsonObject:
    return {"type": partitioning.get("type", "DAY"), "field": partitioning.get("field")}
