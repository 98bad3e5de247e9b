"""Jobs: an id is taken once, labels come back, time limits hold, results do not pile up.

Seen in 1.4.0: a job id that was used before runs again, labels and job type are lost,
job_timeout_ms is ignored, results are kept for ever, a query's destination table stays as it is.
Each SELECT's job is written to the disk while every other request waits.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from bqemulator.api.routes import jobs
from bqemulator.catalog.duckdb_repository import DuckDBCatalogRepository
from bqemulator.catalog.models import JobMeta
from bqemulator.domain.errors import InvalidQueryError, ResourceRef, resource_already_exists
from bqemulator.jobs import executor

from common.local.emulator_patches.patch import replace
from common.local.emulator_patches.server import limits
from common.local.emulator_patches.statements import execution
from common.local.iam.tokens import sender_account
from common.untyped import JsonObject

_KEPT = 256
_NO_DESTINATION = (
    "The local BigQuery writes no destination table of a query; write CREATE TABLE AS or INSERT."
)
_RANDOM = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_running: dict[tuple[int, str, str], asyncio.Event] = {}


class Latest(OrderedDict[str, Any]):
    """The newest results; the oldest leave."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        while len(self) > _KEPT:
            self.popitem(last=False)


def install() -> None:
    """Query jobs pass through here; results live in a bounded store."""
    for name in ("JOB_RESULTS", "JOB_SCHEMAS"):
        store = Latest()
        for module in (executor, jobs):
            replace(module, name, store)
    write = replace(DuckDBCatalogRepository, "_write_job", None)

    def written(catalog: DuckDBCatalogRepository, job: JobMeta) -> None:
        if not _passes(job):
            write(catalog, job)

    replace(DuckDBCatalogRepository, "_write_job", written)
    handle = replace(jobs, "_handle_query_job", None)

    async def handled(project_id: str, job_id: str, config: Any, **rest: Any) -> Any:
        if config["query"].get("destinationTable"):
            raise InvalidQueryError(_NO_DESTINATION)
        if rest["dry_run"]:
            return await handle(project_id, job_id, config, **rest)
        execution.deadline.set(float(config.get("jobTimeoutMs") or 600_000) / 1000)
        limits.cap.set(int(config["query"].get("maximumBytesBilled") or 0))

        async def work() -> Any:
            return await handle(project_id, job_id, config, **rest)

        meta = await once(project_id, job_id, rest["ctx"], work)
        echoed = {"configuration": _echo(config, meta.configuration)}
        return meta.model_copy(update={**echoed, "user_email": sender_account.get() or None})

    replace(jobs, "_handle_query_job", handled)


async def once(project: str, job_id: str, ctx: Any, work: Callable[[], Awaitable[Any]]) -> Any:
    """What the work returns; raises AlreadyExistsError when the id is taken.

    An id whose job is still running is taken as well: the answer waits until there is a result.
    The emulator writes the job down as soon as it has it from here.
    """
    key = (id(ctx), project, job_id)
    if key in _running:
        await _running[key].wait()
        raise resource_already_exists(ResourceRef("job", project, resource_id=job_id))
    if ctx.catalog.get_job(project, job_id) is not None:
        raise resource_already_exists(ResourceRef("job", project, resource_id=job_id))
    _running[key] = asyncio.Event()
    try:
        return await work()
    finally:
        _running.pop(key).set()


def _passes(job: JobMeta) -> bool:
    """Whether the job is one that nobody asks for after a restart, or may ask for again.

    Its id is then a random one of the client's, and its result was in memory only, or a table that
    a second try replaces.
    """
    statement = job.statistics.get("query", {}).get("statementType")
    return (
        statement in ("SELECT", "CREATE_TABLE_AS_SELECT")
        and _RANDOM.fullmatch(job.job_id) is not None
    )


def _echo(asked: JsonObject, done: JsonObject) -> JsonObject:
    """The configuration as it was sent, with what the engine added to it."""
    query = {**(done.get("query") or {}), **(asked.get("query") or {})}
    return {"jobType": "QUERY", **asked, "query": query}
