"""What BigQuery's refusals mean, and the exact grant that ends them.

Roles: cloud.google.com/bigquery/docs/access-control (Data Viewer reads tables, Job User runs jobs).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from common.model.findings import Finding, found

_TABLE = re.compile(r"(?:Table|Dataset|View|Routine)\s+`?([a-z][\w.-]*)[:.]([\w]+)", re.IGNORECASE)
_WRITES = re.compile(r"bigquery\.tables\.(create|update|delete)")
_PROJECT = re.compile(r"Project\s+`?([a-z][\w-]*(?:[.]\w+:[\w-]+)?)", re.IGNORECASE)


def denied(message: str, tables: Sequence[str], account: str, project: str) -> Finding:
    """The finding for a refused access; names the account, the roles, the dataset or project."""
    who = account or "the service account that runs users' SQL"
    # BigQuery names neither the table nor the file
    if "Drive credentials" in message:
        return found(
            "access_denied",
            f"A table lies in Google Drive, and {who} may not open its file.",
            f"Share the spreadsheet with {who} as Viewer, or copy it into a BigQuery table.",
        )
    dataset = _dataset(message, tables)
    named = _PROJECT.search(message)
    # before the dataset: a job is refused in a project, whichever tables it reads
    if "jobs.create" in message:
        owner = named[1] if named else project
        return found(
            "access_denied",
            f"{who} may not run queries in the project {owner}.",
            _grant(owner, "roles/bigquery.jobUser", account),
        )
    if _WRITES.search(message):
        return found(
            "access_denied",
            f"{who} may not write short-lived tables in the dataset {dataset}.",
            _view(dataset, account, "roles/bigquery.dataEditor"),
        )
    place = f"the dataset {dataset}" if dataset else "a table of the query"
    return found(
        "access_denied",
        f"{who} may not read {place}, or there is no such table. To read it, it needs BigQuery "
        "Data Viewer on the dataset; its jobs run in this product's own project.",
        _view(dataset, account),
    )


def _dataset(message: str, tables: Sequence[str]) -> str:
    named = _TABLE.search(message)
    if named:
        return f"{named[1]}.{named[2]}"
    datasets = {table.rpartition(".")[0] for table in tables}
    # with tables of several datasets a guess would have the wrong one opened
    return datasets.pop() if len(datasets) == 1 else ""


def _view(dataset: str, account: str, role: str = "roles/bigquery.dataViewer") -> str:
    member = f"serviceAccount:{account or 'ACCOUNT'}"
    return f"GRANT `{role}` ON SCHEMA `{dataset or 'project.dataset'}` TO '{member}';"


def _grant(project: str, role: str, account: str) -> str:
    member = f"serviceAccount:{account or 'ACCOUNT'}"
    return f"gcloud projects add-iam-policy-binding {project} --member='{member}' --role='{role}'"
