"""Load jobs: columns by name, all or nothing, with everything the configuration asks for.

Seen in 1.4.0: the client's own multipart uploads are refused ('*/*'), Parquet columns are taken by
position, a failing WRITE_TRUNCATE leaves the table empty, partitioning and clustering are ignored,
Parquet cannot create its table, unknown fields of JSON vanish, the given job id is forgotten.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import duckdb
from bqemulator.api.routes import tables, upload
from bqemulator.catalog.etag import generate_etag
from bqemulator.catalog.models import Clustering, JobMeta, TableMeta, TableSchema, TimePartitioning
from bqemulator.domain.errors import (
    DomainError,
    InvalidQueryError,
    ResourceRef,
    resource_not_found,
)
from bqemulator.jobs import executor
from bqemulator.storage.sql_identifiers import quoted_table_ref

from common.local import columns
from common.local.cures import jobs
from common.local.cures.patch import replace


def install() -> None:
    """Uploads are read, named and run here."""
    from bqemulator.api.routes import jobs as routes

    for module in (executor, routes, upload):
        replace(module, "execute_load_job", run)
    replace(upload, "_parse_multipart_related", parts)
    replace(upload, "_load_configuration_from_envelope", configuration)
    replace(upload, "_run_load", run_upload)


def parts(content_type: str, body: bytes) -> tuple[dict[str, Any], bytes]:
    """The job and the file of a multipart/related upload; raises InvalidQueryError."""
    boundary = content_type.partition("boundary=")[2].strip('" ').encode()
    pieces = body.split(b"--" + boundary) if boundary else []
    if len(pieces) < 4:
        raise InvalidQueryError("A multipart upload has two parts.")
    envelope, media = (piece.partition(b"\r\n\r\n")[2] for piece in pieces[1:3])
    return json.loads(envelope), media.removesuffix(b"\r\n")


def configuration(envelope: dict[str, Any]) -> dict[str, Any]:
    """The configuration, with the job id beside it for `run_upload`; raises InvalidQueryError."""
    given = envelope.get("configuration") or {}
    if not isinstance(given.get("load"), dict):
        raise InvalidQueryError("The upload says nothing about a load (configuration.load).")
    job_id = (envelope.get("jobReference") or {}).get("jobId")
    return {"jobType": "LOAD", **given, "_job_id": job_id or f"job_{uuid4().hex}"}


async def run_upload(
    *, project_id: str, configuration: dict[str, Any], media_path: str, ctx: Any
) -> tuple[str, JobMeta]:
    """(job id, job) of a load whose file has arrived; the job may carry an error."""
    job_id = configuration.pop("_job_id")
    load = {**configuration["load"], "sourceUris": [f"file://{media_path}"]}
    work = lambda: _attempt(project_id, job_id, {**configuration, "load": load}, ctx)  # noqa: E731
    return job_id, await jobs.once(project_id, job_id, ctx, work)


async def _attempt(project: str, job_id: str, config: dict[str, Any], ctx: Any) -> JobMeta:
    try:
        return await run(project, job_id, config, ctx)
    except DomainError as error:
        return _job(
            project, job_id, config, ctx, {}, {"reason": error.bq_reason, "message": error.message}
        )
    except duckdb.Error as error:
        message = f"Error while reading data, error message: {error}"
        return _job(project, job_id, config, ctx, {}, {"reason": "invalid", "message": message})


async def run(project_id: str, job_id: str, config: dict[str, Any], ctx: Any) -> JobMeta:
    """The finished job; raises the emulator's errors, or DuckDB's for a file that does not fit."""
    load = _Load.of(project_id, config["load"], ctx)
    async with ctx.engine.write_lock():
        count = await asyncio.to_thread(load.write, ctx)
    ctx.catalog.update_table(
        load.table.model_copy(update={"num_rows": count[1]})
    ) if load.exists else (
        ctx.catalog.create_table(load.table.model_copy(update={"num_rows": count[1]}))
    )
    return _job(project_id, job_id, config, ctx, {"load": {"outputRows": str(count[0])}}, None)


def _job(
    project: str,
    job_id: str,
    config: dict[str, Any],
    ctx: Any,
    statistics: dict[str, Any],
    error: dict[str, Any] | None,
) -> JobMeta:
    now = ctx.clock.now()
    return JobMeta(
        project_id=project,
        job_id=job_id,
        job_type="LOAD",
        state="DONE",
        configuration=config,
        statistics=statistics,
        error_result=error,
        creation_time=now,
        start_time=now,
        end_time=now,
        etag=generate_etag(project, job_id, str(now)),
    )


@dataclass(frozen=True)
class _Load:
    """One load: which files become which table."""

    paths: list[str]
    format: str
    options: dict[str, Any]
    table: TableMeta
    exists: bool

    @classmethod
    def of(cls, project: str, load: dict[str, Any], ctx: Any) -> _Load:
        target = load["destinationTable"]
        path = (target.get("projectId") or project, target["datasetId"], target["tableId"])
        if ctx.catalog.get_dataset(*path[:2]) is None:
            raise resource_not_found(ResourceRef("dataset", *path[:2]))
        existing = ctx.catalog.get_table(*path)
        paths = [executor._resolve_uri(uri, ctx) for uri in load.get("sourceUris") or ()]
        form = (load.get("sourceFormat") or "CSV").upper()
        replaces = load.get("writeDisposition") == "WRITE_TRUNCATE" and load.get("schema")
        if existing is not None and not replaces:
            return cls(paths, form, load, existing, True)
        fields = (load.get("schema") or {}).get("fields") or _found(paths, form, load, ctx, path)
        return cls(
            paths, form, load, _table(path, fields, load, existing, ctx), existing is not None
        )

    def write(self, ctx: Any) -> tuple[int, int]:
        """(rows written, rows in the table); nothing changes when any file fails."""
        fields = [tables._field_to_rest(it) for it in self.table.schema_.fields]
        target = quoted_table_ref(self.table.project_id, self.table.dataset_id, self.table.table_id)
        with ctx.engine.connection.cursor() as connection:
            connection.execute("BEGIN")
            try:
                self._make_room(connection, target, fields)
                written = sum(self._append(connection, target, path, fields) for path in self.paths)
                (total,) = connection.execute(f"SELECT COUNT(*) FROM {target}").fetchone() or (0,)
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
        return written, total

    def _make_room(self, connection: Any, target: str, fields: list[columns.Field]) -> None:
        disposition = self.options.get("writeDisposition")
        if not self.exists or (disposition == "WRITE_TRUNCATE" and self.options.get("schema")):
            listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.definitions(fields))
            connection.execute(f"CREATE OR REPLACE TABLE {target} ({listed})")
        elif disposition == "WRITE_TRUNCATE":
            connection.execute(f"DELETE FROM {target}")
        elif disposition == "WRITE_EMPTY":
            if connection.execute(f"SELECT 1 FROM {target} LIMIT 1").fetchone():
                raise InvalidQueryError(f"Already Exists: {self.table.table_id} has rows.")

    def _append(self, connection: Any, target: str, path: str, fields: list[columns.Field]) -> int:
        source = _reader(self.format, self.options, fields)
        if self.format in _JSON and not self.options.get("ignoreUnknownValues"):
            _refuse_unknown(connection, path, fields)
        chosen = (
            ", ".join(_column(it, self.format) for it in fields) if self.format in _JSON else "*"
        )
        by_name = "" if self.format == "CSV" else "BY NAME"
        statement = f"INSERT INTO {target} {by_name} SELECT {chosen} FROM {source}"
        (count,) = connection.execute(statement, [path]).fetchone()
        return int(count)


_JSON = ("NEWLINE_DELIMITED_JSON", "JSON")


def _reader(form: str, options: dict[str, Any], fields: list[columns.Field]) -> str:
    if form == "PARQUET":
        return "read_parquet(?)"
    if form in _JSON:
        kinds = ", ".join(f"'{it['name']}': '{_as_read(it)}'" for it in fields)
        return f"read_json(?, format = 'newline_delimited', maximum_object_size = 104857600, columns = {{{kinds}}})"
    if form == "CSV":
        names = ", ".join(f"'{it['name']}': '{columns.duckdb_type(it)}'" for it in fields)
        delimiter = (options.get("fieldDelimiter") or ",").replace("'", "''")
        skipped = int(options.get("skipLeadingRows") or 0)
        return (
            f"read_csv(?, header = false, skip = {skipped}, columns = {{{names}}},"
            f" delim = '{delimiter}',"
            """ quote = '"', escape = '"', nullstr = '', auto_detect = false)"""
        )
    raise InvalidQueryError(f"Files of format {form} are not read here.")


def _as_read(field: columns.Field) -> str:
    kind = columns.duckdb_type({**field, "type": "STRING"} if _is_bytes(field) else field)
    return kind.replace("'", "''")


def _is_bytes(field: columns.Field) -> bool:
    return bool(field["type"].upper() == "BYTES")


def _column(field: columns.Field, form: str) -> str:
    name = f'"{field["name"]}"'
    if _is_bytes(field):
        return f"from_base64({name}) AS {name}"
    if field.get("mode") == "REPEATED":
        return f"COALESCE({name}, []) AS {name}"
    return name


def _refuse_unknown(connection: Any, path: str, fields: list[columns.Field]) -> None:
    keys = "SELECT DISTINCT UNNEST(json_keys(json)) FROM read_json_objects(?, format = 'newline_delimited', maximum_object_size = 104857600)"
    known = {it["name"].lower() for it in fields}
    unknown = sorted(
        key for (key,) in connection.execute(keys, [path]).fetchall() if key.lower() not in known
    )
    if unknown:
        raise InvalidQueryError(
            f"Error while reading data, error message: No such field: {unknown[0]}."
        )


def _found(
    paths: list[str], form: str, load: dict[str, Any], ctx: Any, path: tuple[str, ...]
) -> list[columns.Field]:
    """The columns that the first file shows; raises NotFoundError when it may not say them."""
    reader = {"PARQUET": "read_parquet(?)"}
    if load.get("autodetect"):
        reader |= {
            "CSV": "read_csv(?)",
            **{it: "read_json(?, format = 'newline_delimited')" for it in _JSON},
        }
    if form not in reader or load.get("createDisposition") == "CREATE_NEVER":
        raise resource_not_found(ResourceRef("table", *path))
    with ctx.engine.connection.cursor() as connection:
        return columns.described(connection, f"SELECT * FROM {reader[form]}", paths[:1])


def _table(
    path: tuple[str, ...],
    fields: list[columns.Field],
    load: dict[str, Any],
    existing: Any,
    ctx: Any,
) -> TableMeta:
    now = ctx.clock.now()
    properties = load.get("destinationTableProperties") or {}
    parted = load.get("timePartitioning")
    clustered = load.get("clustering")
    meta = TableMeta(
        project_id=path[0],
        dataset_id=path[1],
        table_id=path[2],
        schema=TableSchema(fields=tables._parse_schema_fields(fields)),
        description=properties.get("description"),
        labels=properties.get("labels") or {},
        time_partitioning=parted
        and TimePartitioning(type=parted.get("type", "DAY"), field=parted.get("field")),
        clustering=clustered and Clustering(fields=tuple(clustered["fields"])),
        creation_time=now,
        last_modified_time=now,
        etag=generate_etag(*path, str(now)),
    )
    return (
        meta
        if existing is None
        else existing.model_copy(update={"schema_": meta.schema_, "last_modified_time": now})
    )
