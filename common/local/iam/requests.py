"""Rights that a request to BigQuery's REST API takes, with its options.

Sources: [map] the method map of iann0036/iam-dataset; [load]
https://cloud.google.com/bigquery/docs/loading-data; [write]
https://cloud.google.com/bigquery/docs/writing-results; [jobs]
https://cloud.google.com/bigquery/docs/managing-jobs; [report] python-bigquery-pandas#538,
terraform-provider-google#9577: `tables.create` is asked for even where the table exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from common.local.iam.policy import Need, Resource
from common.local.iam.statements import Path, ViewSql, dataset, statement_needs, table
from common.untyped import JsonObject


@dataclass(frozen=True)
class Request:
    """One HTTP request: its parsed JSON body, {} where it has none."""

    method: str
    path: str
    body: JsonObject
    caller: str
    job_owner: str = ""
    """Who made the job that the path names; "" when it names none."""


_PREFIX = r"(?:/upload|/resumable/upload)?/bigquery/v2"
_TABLE = r"/projects/([^/]+)/datasets/([^/]+)/tables/([^/]+)"
_ROWS: tuple[tuple[str, str, str], ...] = (
    ("GET", r"/projects/([^/]+)/datasets", "bigquery.datasets.get"),  # [map]
    ("POST", r"/projects/([^/]+)/datasets", "bigquery.datasets.create"),  # [map]
    ("GET", r"/projects/([^/]+)/datasets/([^/]+)", "bigquery.datasets.get"),  # [map]
    ("PATCH|PUT", r"/projects/([^/]+)/datasets/([^/]+)", "bigquery.datasets.update"),  # [map]
    ("DELETE", r"/projects/([^/]+)/datasets/([^/]+)", "bigquery.datasets.delete"),  # [map]
    ("GET", r"/projects/([^/]+)/datasets/([^/]+)/tables", "bigquery.tables.list"),  # [map]
    ("POST", r"/projects/([^/]+)/datasets/([^/]+)/tables", "bigquery.tables.create"),  # [map]
    ("GET", _TABLE, "bigquery.tables.get"),  # [map]
    ("PATCH|PUT", _TABLE, "bigquery.tables.get bigquery.tables.update"),  # [map]
    ("DELETE", _TABLE, "bigquery.tables.delete"),  # [map]
    ("POST", f"{_TABLE}/insertAll", "bigquery.tables.updateData"),  # [map]
    ("GET", f"{_TABLE}/data", "bigquery.tables.getData"),  # [map]
    ("GET", r"/projects/([^/]+)/jobs", "bigquery.jobs.list"),  # [map]
)
_KINDS = ("project", "dataset", "table")


def request_needs(request: Request, view_sql: ViewSql) -> Iterator[Need]:
    """The rights in the order in which BigQuery asks for them.

    Raises ValueError for a request that has no row here.
    """
    path = re.sub(f"^{_PREFIX}", "", request.path)
    job = re.fullmatch(r"/projects/([^/]+)/(?:jobs|queries)(?:/([^/]+).*)?", path)
    if job and request.method == "PUT":  # the bytes of an upload that was let in before
        return
    if job and job[2]:
        yield from _job_needs(request, job[1])
    elif job and request.method == "POST":
        yield Need("bigquery.jobs.create", Resource("project", job[1]))
        yield from _insert_needs(request.body, job[1], view_sql)
    else:
        yield from _row_needs(request.method, path)


def _job_needs(request: Request, project: str) -> Iterator[Need]:
    """[jobs] whoever made a job may read and cancel it."""
    if request.job_owner not in ("", request.caller):
        verb = "get" if request.method == "GET" else "update"
        yield Need(f"bigquery.jobs.{verb}", Resource("project", project))


def _insert_needs(body: JsonObject, project: str, view_sql: ViewSql) -> Iterator[Need]:
    configuration = body.get("configuration") or {"query": body}
    if "load" in configuration:
        yield from _written(configuration["load"], project)  # [load]
    elif "query" in configuration:
        query = configuration["query"]
        yield from statement_needs(query["query"], project, view_sql)
        if query.get("destinationTable"):
            yield from _written(query, project)  # [write]
    else:
        raise ValueError(f"No row of the permission table knows {sorted(configuration)} jobs.")


def _written(options: JsonObject, project: str) -> Iterator[Need]:
    target = options["destinationTable"]
    path: Path = (target.get("projectId") or project, target["datasetId"], target["tableId"])
    if options.get("createDisposition", "CREATE_IF_NEEDED") != "CREATE_NEVER":
        yield Need("bigquery.tables.create", dataset(path))  # [report]
    yield Need("bigquery.tables.updateData", table(path))


def _row_needs(method: str, path: str) -> Iterator[Need]:
    for methods, pattern, rights in _ROWS:
        found = re.fullmatch(pattern, path)
        if found and re.fullmatch(methods, method):
            on = Resource(_KINDS[len(found.groups()) - 1], ".".join(found.groups()))
            yield from (Need(right, on) for right in rights.split())
            return
    raise ValueError(f"No row of the permission table knows {method} {path}.")
