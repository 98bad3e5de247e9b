"""jobs.query: a statement and the first page of its answer in one request, a job like any other.

Seen in 1.4.0: a statement that fails answers 200 and no rows, labels, time limit and cap of bytes
are lost, a request that is sent again runs again, and every answer is validated once more.
"""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_OID, uuid4, uuid5

from bqemulator.api.routes import jobs
from bqemulator.domain.errors import AlreadyExistsError
from fastapi import Request
from starlette.responses import JSONResponse

from common.local.emulator_patches.patch import private, replace
from common.local.iam import refusals
from common.untyped import JsonObject

_STATUS = {
    "accessDenied": (403, "PERMISSION_DENIED"),
    "backendError": (503, "UNAVAILABLE"),
    "duplicate": (409, "ALREADY_EXISTS"),
    "internalError": (500, "INTERNAL"),
    "notFound": (404, "NOT_FOUND"),
    "quotaExceeded": (403, "PERMISSION_DENIED"),
    "rateLimitExceeded": (403, "PERMISSION_DENIED"),
    "responseTooLarge": (403, "PERMISSION_DENIED"),
}
"""Of a reason: cloud.google.com/bigquery/docs/error-messages. What is not here is a bad request."""
_OF_JOB = ("labels", "jobTimeoutMs")
"""What a job's configuration holds beside its query."""
_PAGE = 10_000


def install() -> None:
    """The route answers from here."""
    before = replace(jobs, "query", query)
    for route in private(jobs.router, "routes"):
        if route.endpoint is before:
            route.endpoint = query


async def query(
    project_id: str, request: Request, ctx: jobs._Ctx, caller: jobs._Caller
) -> JSONResponse:
    """The first page, or the error with its status, of the statement in the request's body."""
    body = await request.json()
    # the same of a request that is sent again, and of the form of an id by the client
    job_id = str(uuid5(NAMESPACE_OID, f"{project_id}|{body.get('requestId') or uuid4()}"))
    if body.get("dryRun"):
        return JSONResponse(await _planned(project_id, job_id, body, ctx, caller))
    meta = await _done(project_id, job_id, body, ctx, caller)
    if meta.error_result:
        return _refused(meta.error_result)
    size = int(body.get("maxResults") or _PAGE)
    answer: JsonObject = jobs.get_query_results(project_id, job_id, ctx, size, 0, None)
    answer["kind"] = "bigquery#queryResponse"
    jobs._attach_query_metadata(answer, meta)
    return JSONResponse(answer)


async def _planned(project: str, job_id: str, body: JsonObject, ctx: Any, caller: Any) -> Any:
    return await jobs._dry_run_response(
        project_id=project,
        job_id=job_id,
        bq_sql=body.get("query", ""),
        query_params=body.get("queryParameters"),
        ctx=ctx,
        caller=caller,
        wire_shape="query",
    )


async def _done(project: str, job_id: str, body: JsonObject, ctx: Any, caller: Any) -> Any:
    """The job of this id, run now unless the same request has begun it before."""
    of_job = {name: body[name] for name in _OF_JOB if name in body}
    config = {**of_job, "query": {name: body[name] for name in body if name not in _OF_JOB}}
    given = {"dry_run": False, "ctx": ctx, "caller": caller, "now": ctx.clock.now()}
    try:
        meta = await jobs._handle_query_job(project, job_id, config, **given)
    except AlreadyExistsError:
        return ctx.catalog.get_job(project, job_id)
    ctx.catalog.upsert_job(meta)
    return meta


def _refused(error: JsonObject) -> JSONResponse:
    code, status = _STATUS.get(error["reason"], (400, "INVALID_ARGUMENT"))
    answer = refusals.error(code, error["reason"], status, error["message"])
    if place := error.get("location"):
        answer["error"]["errors"][0]["location"] = place
    return JSONResponse(answer, code)
