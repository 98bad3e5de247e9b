"""Tables: what DDL and the API say of one is kept, counted, and true after a crash.

Seen in 1.4.0: clustering, labels, expiration and a required partition filter are dropped, a column
that ALTER added is not in the schema, SUM in CREATE TABLE AS makes NUMERIC of INT64, numRows is
that of the last load, lastModifiedTime that of its creation, a list has no labels, a kill between
the engine's write and the catalog's leaves them apart.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bqemulator.api.routes import tabledata
from bqemulator.api.routes import tables as routes
from bqemulator.catalog import ddl_sync
from bqemulator.catalog.models import Clustering, TableMeta, TableSchema, TimePartitioning
from bqemulator.jobs import executor
from bqemulator.storage.sql_identifiers import quoted_table_ref
from fastapi import Request
from sqlglot import exp

from common.local.emulator_patches.column_types import described
from common.local.emulator_patches.patch import private, replace
from common.local.emulator_patches.statements import arrivals, statements
from common.local.emulator_patches.storage import partitions
from common.untyped import JsonObject

_parsed = private(routes, "_parse_schema_fields")
_started = datetime.now(UTC)
"""What changed before, this process does not know, so it may all have changed until then."""
_changed: dict[tuple[int, statements.Path], datetime] = {}
"""When each table's rows were changed by a statement last."""


def install() -> None:
    """Definitions and answers pass through here."""
    to_meta = replace(routes, "_rest_to_table_meta", None)
    replace(routes, "_rest_to_table_meta", lambda *asked: _defined(to_meta(*asked), asked[2]))
    to_rest = replace(routes, "_table_to_rest", None)
    replace(routes, "_table_to_rest", lambda table: {**to_rest(table), **_as_api_resource(table)})
    to_item = replace(routes, "_table_to_list_item", None)
    # a list without labels makes every table look as old as one that has none
    replace(
        routes,
        "_table_to_list_item",
        lambda table: {**to_item(table), **({"labels": table.labels} if table.labels else {})},
    )
    for route in private(routes.router, "routes"):
        if route.endpoint is routes.get_table:
            route.endpoint = get_table
    for route in private(tabledata.router, "routes"):
        if route.endpoint is tabledata.insert_all:
            route.endpoint = insert_all
    sync = replace(executor, "sync_created_table", None)

    def synced(sql: str, project: str, ctx: Any) -> None:
        sync(sql, project, ctx)
        created(statements.read(sql).tree, project, ctx)

    replace(executor, "sync_created_table", synced)
    replace(ddl_sync, "_introspect_schema", schema)


def get_table(project_id: str, dataset_id: str, table_id: str, ctx: routes._Ctx) -> JsonObject:
    """The table as the API tells it, with the rows that it has now."""
    answer: JsonObject = routes.get_table(project_id, dataset_id, table_id, ctx)
    if answer.get("type") == "TABLE" and dataset_id != "_bqemu_anonymous":
        answer["numRows"] = str(_rows(quoted_table_ref(project_id, dataset_id, table_id), ctx))
        changed = _changed.get((id(ctx), (project_id, dataset_id, table_id)), _started)
        last = max(int(answer["lastModifiedTime"]), int(changed.timestamp() * 1000))
        answer["lastModifiedTime"] = str(last)
    return answer


async def insert_all(
    project_id: str, dataset_id: str, table_id: str, request: Request, ctx: tabledata._Ctx
) -> JsonObject:
    """Rows that are streamed in; the table knows when."""
    rows = arrivals.next_row((project_id, dataset_id, table_id), ctx)
    answer: JsonObject = await tabledata.insert_all(project_id, dataset_id, table_id, request, ctx)
    arrivals.came(rows, ctx)
    _changed[id(ctx), (project_id, dataset_id, table_id)] = ctx.clock.now()
    return answer


def changed(tree: exp.Expr, project: str, ctx: Any) -> None:
    """After a statement that changed rows: the table knows when."""
    if isinstance(tree, exp.Insert | exp.Update | exp.Delete | exp.Merge):
        _changed[id(ctx), statements.path(tree.this, project)] = ctx.clock.now()


def created(tree: exp.Expr, project: str, ctx: Any) -> None:
    """After CREATE TABLE: the catalog has what its clauses said."""
    if isinstance(tree, exp.Create) and tree.kind == "TABLE":
        path = statements.path(tree.this, project)
        table = ctx.catalog.get_table(*path)
        clauses = (tree.args.get("properties") or exp.Properties()).expressions
        if table is not None and clauses:
            for clause in clauses:
                table = table.model_copy(update=_clause(clause, table, ctx))
            ctx.catalog.update_table(table)


def altered(tree: exp.Expr, project: str, ctx: Any) -> None:
    """After ALTER TABLE: the catalog knows the columns that there are now."""
    path = statements.path(tree.this, project)
    table = ctx.catalog.get_table(*path)
    if table is not None:
        resource = {it.name: it for it in table.schema_.fields}
        fields = tuple(resource.get(it.name, it) for it in schema(*path, ctx).fields)
        ctx.catalog.update_table(table.model_copy(update={"schema_": TableSchema(fields=fields)}))


def schema(project: str, dataset: str, table: str, ctx: Any) -> TableSchema:
    """The schema as it is in the engine."""
    target = quoted_table_ref(project, dataset, table)
    with ctx.engine.connection.cursor() as connection:
        fields = described(connection, f"SELECT * FROM {target}")
        facts = connection.execute(f"PRAGMA table_info({target})").fetchall()
    required = {name for _, name, _, is_required, *_ in facts if is_required}
    listed = [{**it, "mode": "REQUIRED"} if it["name"] in required else it for it in fields]
    return TableSchema(fields=_parsed(listed))


def _defined(meta: TableMeta, body: JsonObject) -> TableMeta:
    changes: JsonObject = {}
    if "requirePartitionFilter" in body and meta.time_partitioning is not None:
        demand = {"require_partition_filter": bool(body["requirePartitionFilter"])}
        changes["time_partitioning"] = meta.time_partitioning.model_copy(update=demand)
    if body.get("expirationTime"):
        moment = datetime.fromtimestamp(int(body["expirationTime"]) / 1000, UTC)
        changes["expiration_time"] = moment
    return meta.model_copy(update=changes)


def _as_api_resource(table: TableMeta) -> JsonObject:
    resource: JsonObject = {}
    if table.time_partitioning and table.time_partitioning.require_partition_filter:
        resource["requirePartitionFilter"] = True
    if table.expiration_time:
        resource["expirationTime"] = str(int(table.expiration_time.timestamp() * 1000))
    if table.view_query:
        resource["view"] = {"query": table.view_query, "useLegacySql": False}
    return resource


def _rows(target: str, ctx: Any) -> int:
    with ctx.engine.connection.cursor() as connection:
        row = connection.execute(f"SELECT COUNT(*) FROM {target}").fetchone()
    return int(row[0]) if row else 0


def _clause(clause: exp.Expr, table: TableMeta, ctx: Any) -> JsonObject:
    """What one clause or option of CREATE TABLE says, as fields of the catalog's entry."""
    if isinstance(clause, exp.ClusterProperty):
        return {"clustering": Clustering(fields=tuple(it.name for it in clause.expressions))}
    if isinstance(clause, exp.PartitionedByProperty):
        before = table.time_partitioning or TimePartitioning()
        shape = {"field": partitions.column_of(clause), "type": partitions.unit_of(clause)}
        parted = before.model_copy(update=shape)
        return {"time_partitioning": parted}
    if isinstance(clause, exp.Property) and clause.name == "labels":
        pairs = (it.expressions for it in clause.args["value"].expressions)
        return {"labels": {key.name: value.name for key, value in pairs}}
    if isinstance(clause, exp.Property) and clause.name == "expiration_timestamp":
        return {"expiration_time": _moment(clause.args["value"], ctx)}
    return {}


def _moment(expression: exp.Expr, ctx: Any) -> datetime | None:
    from common.local.emulator_patches.statements import translation

    text = translation.translate(f"SELECT {expression.sql('bigquery')} AS it", "p", ()).text
    with ctx.engine.connection.cursor() as connection:
        row = connection.execute(text).fetchone()
    return row[0] if row else None
