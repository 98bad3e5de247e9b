"""Tables: what DDL and the API say of one is kept, counted and true after a crash.

Seen in 1.4.0: clustering, labels, expiration and the required partition filter are dropped, a column
that ALTER added is not in the table's schema, SUM in CREATE TABLE AS makes NUMERIC of INT64, numRows
is that of the last load, a kill between the engine's write and the catalog's leaves them apart.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bqemulator.api.routes import tables as routes
from bqemulator.catalog import ddl_sync
from bqemulator.catalog.etag import generate_etag
from bqemulator.catalog.models import Clustering, DatasetMeta, TableMeta, TimePartitioning
from bqemulator.jobs import executor
from bqemulator.server import EmulatorServer
from bqemulator.storage.sql_identifiers import quoted_table_ref
from sqlglot import exp

from common.local import columns
from common.local.cures import statements
from common.local.cures.patch import replace


def install() -> None:
    """Definitions, answers and the start of an engine pass through here."""
    to_meta = replace(routes, "_rest_to_table_meta", None)
    replace(routes, "_rest_to_table_meta", lambda *rest, **named: _asked(to_meta, *rest, **named))
    to_rest = replace(routes, "_table_to_rest", None)
    replace(routes, "_table_to_rest", lambda table: {**to_rest(table), **_told(table)})
    for route in routes.router.routes:
        if route.endpoint is routes.get_table:
            route.endpoint = _counted(routes.get_table)
    sync = replace(executor, "sync_created_table", None)
    replace(
        executor, "sync_created_table", lambda sql, project, ctx: _created(sync, sql, project, ctx)
    )
    replace(ddl_sync, "_introspect_schema", _schema)
    start = replace(EmulatorServer, "start", None)

    async def started(server: EmulatorServer) -> None:
        await start(server)
        _reconcile(server._context)

    replace(EmulatorServer, "start", started)


def altered(tree: exp.Expr, project: str, ctx: Any) -> None:
    """After ALTER TABLE: the catalog knows the columns that there are now."""
    path = _path(tree.this, project)
    table = ctx.catalog.get_table(*path)
    if table is not None:
        told = {it.name: it for it in table.schema_.fields}
        found = _schema(*path, ctx)
        fields = tuple(told.get(it.name, it) for it in found.fields)
        ctx.catalog.update_table(
            table.model_copy(update={"schema_": found.model_copy(update={"fields": fields})})
        )


def _asked(
    to_meta: Any, project: str, dataset: str, body: dict[str, Any], *rest: Any, **named: Any
) -> TableMeta:
    meta: TableMeta = to_meta(project, dataset, body, *rest, **named)
    changes: dict[str, Any] = {}
    if "requirePartitionFilter" in body and meta.time_partitioning is not None:
        demand = {"require_partition_filter": bool(body["requirePartitionFilter"])}
        changes["time_partitioning"] = meta.time_partitioning.model_copy(update=demand)
    if body.get("expirationTime"):
        at = datetime.fromtimestamp(int(body["expirationTime"]) / 1000, UTC)
        changes["expiration_time"] = at
    return meta.model_copy(update=changes)


def _told(table: TableMeta) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if table.time_partitioning and table.time_partitioning.require_partition_filter:
        told["requirePartitionFilter"] = True
    if table.expiration_time:
        told["expirationTime"] = str(int(table.expiration_time.timestamp() * 1000))
    if table.view_query:
        told["view"] = {"query": table.view_query, "useLegacySql": False}
    return told


def _counted(get_table: Any) -> Any:
    def counted(
        project_id: str, dataset_id: str, table_id: str, ctx: routes._Ctx
    ) -> dict[str, Any]:
        answer = get_table(project_id, dataset_id, table_id, ctx)
        if answer.get("type") == "TABLE" and dataset_id != "_bqemu_anonymous":
            answer["numRows"] = str(_rows(project_id, dataset_id, table_id, ctx))
        return answer

    return counted


def _rows(project: str, dataset: str, table: str, ctx: Any) -> int:
    with ctx.engine.connection.cursor() as connection:
        target = quoted_table_ref(project, dataset, table)
        (count,) = connection.execute(f"SELECT COUNT(*) FROM {target}").fetchone() or (0,)
        return int(count)


def _created(sync: Any, sql: str, project: str, ctx: Any) -> None:
    sync(sql, project, ctx)
    tree = statements.read(sql).tree
    if not isinstance(tree, exp.Create) or tree.kind != "TABLE":
        return
    path = _path(tree.this, project)
    table = ctx.catalog.get_table(*path)
    if table is not None:
        ctx.catalog.update_table(table.model_copy(update=_properties(tree, table, ctx)))


def _properties(tree: exp.Create, table: TableMeta, ctx: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in (tree.args.get("properties") or exp.Properties()).expressions:
        if isinstance(item, exp.ClusterProperty):
            found["clustering"] = Clustering(fields=tuple(it.name for it in item.expressions))
        elif isinstance(item, exp.PartitionedByProperty):
            column = item.this if isinstance(item.this, exp.Column) else item.this.find(exp.Column)
            before = table.time_partitioning or TimePartitioning()
            found["time_partitioning"] = before.model_copy(update={"field": column and column.name})
        elif isinstance(item, exp.Property) and item.name == "labels":
            pairs = item.args["value"].expressions
            found["labels"] = {pair.expressions[0].name: pair.expressions[1].name for pair in pairs}
        elif isinstance(item, exp.Property) and item.name == "expiration_timestamp":
            found["expiration_time"] = _moment(item.args["value"], ctx)
    return found


def _moment(expression: exp.Expr, ctx: Any) -> datetime | None:
    from common.local.cures import translation

    text = translation.translate(f"SELECT {expression.sql('bigquery')} AS it", "p", ()).text
    with ctx.engine.connection.cursor() as connection:
        (moment,) = connection.execute(text).fetchone() or (None,)
        return moment if isinstance(moment, datetime) else None


def _schema(project: str, dataset: str, table: str, ctx: Any) -> Any:
    """The schema as it is in the engine, with INT64 for every integer."""
    target = quoted_table_ref(project, dataset, table)
    with ctx.engine.connection.cursor() as connection:
        fields = columns.described(connection, f"SELECT * FROM {target}")
        required = {
            name: bool(nonnull)
            for _, name, _, nonnull, *_ in connection.execute(
                f"PRAGMA table_info({target})"
            ).fetchall()
        }
    listed = [{**it, "mode": "REQUIRED"} if required.get(it["name"]) else it for it in fields]
    return routes.TableSchema(fields=routes._parse_schema_fields(listed))


def _path(target: exp.Expr, project: str) -> tuple[str, str, str]:
    table = target.this if isinstance(target, exp.Schema) else target
    return (table.catalog or project, table.db, table.name)


def _reconcile(ctx: Any) -> None:
    """A table without an entry gets one; an entry without its table goes."""
    catalog = ctx.catalog
    found = ctx.engine.connection.execute(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_schema LIKE '%\\_\\_%' ESCAPE '\\' AND table_type = 'BASE TABLE'"
    ).fetchall()
    present = {(*schema.split("__", 1), table) for schema, table in found if schema[0] != "_"}
    for dataset in catalog.list_all_datasets():
        for table in catalog.list_tables(dataset.project_id, dataset.dataset_id):
            path = (table.project_id, table.dataset_id, table.table_id)
            if table.table_type == "TABLE" and path not in present:
                catalog.delete_table(*path, not_found_ok=True)
    for path in present:
        if catalog.get_table(*path) is None:
            _register(path, ctx)


def _register(path: tuple[str, ...], ctx: Any) -> None:
    now = ctx.clock.now()
    stamp = {
        "creation_time": now,
        "last_modified_time": now,
        "etag": generate_etag(*path, str(now)),
    }
    if ctx.catalog.get_dataset(*path[:2]) is None:
        ctx.catalog.create_dataset(DatasetMeta(project_id=path[0], dataset_id=path[1], **stamp))
    names = dict(zip(("project_id", "dataset_id", "table_id"), path, strict=True))
    ctx.catalog.create_table(TableMeta(**names, schema=_schema(*path, ctx), **stamp))
