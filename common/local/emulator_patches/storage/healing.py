"""After a kill: the engine's tables and the catalog's entries are brought together again.

Seen in 1.4.0: they are written one after the other, so that a table may be there that no answer
knows and that cannot be created, or an entry whose table is missing.
"""

from __future__ import annotations

from typing import Any

from bqemulator.catalog.etag import generate_etag
from bqemulator.catalog.models import DatasetMeta, TableMeta
from bqemulator.server import EmulatorServer

from common.local.emulator_patches.patch import private, replace
from common.local.emulator_patches.storage import tables
from common.untyped import JsonObject

_TABLES = """
SELECT table_schema, table_name FROM information_schema.tables
WHERE contains(table_schema, '__') AND table_schema NOT LIKE '\\_%' ESCAPE '\\'
"""

Path = tuple[str, str, str]
"""(project, dataset, table)."""


def install() -> None:
    """A server heals its catalog before it answers."""
    start = replace(EmulatorServer, "start", None)

    async def started(server: EmulatorServer) -> None:
        await start(server)
        heal(private(server, "_context"))

    replace(EmulatorServer, "start", started)


def heal(ctx: Any) -> None:
    """A table without an entry gets one; an entry without its table goes."""
    rows = ctx.engine.connection.execute(_TABLES).fetchall()
    present: set[Path] = {(*_dataset(schema), name) for schema, name in rows}
    for path in _listed(ctx.catalog) - present:
        ctx.catalog.delete_table(*path, not_found_ok=True)
    for path in present:
        if ctx.catalog.get_table(*path) is None:
            _register(path, ctx)


def _dataset(schema: str) -> tuple[str, str]:
    project, _, dataset = schema.partition("__")
    return project, dataset


def _listed(catalog: Any) -> set[Path]:
    datasets = [(it.project_id, it.dataset_id) for it in catalog.list_all_datasets()]
    return {(*it, table.table_id) for it in datasets for table in catalog.list_tables(*it)}


def _register(path: Path, ctx: Any) -> None:
    now = ctx.clock.now()
    etag = generate_etag(*path, str(now))
    born: JsonObject = {"creation_time": now, "last_modified_time": now, "etag": etag}
    project, dataset, table = path
    if ctx.catalog.get_dataset(project, dataset) is None:
        ctx.catalog.create_dataset(DatasetMeta(project_id=project, dataset_id=dataset, **born))
    ctx.catalog.create_table(
        TableMeta(
            project_id=project,
            dataset_id=dataset,
            table_id=table,
            schema=tables.schema(*path, ctx),
            **born,
        )
    )
