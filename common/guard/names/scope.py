"""Which tables a user's query may read: those of the allowed datasets, never our own output."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from common.model.findings import Finding, Position, found
from common.settings import Settings

MAXIMUM_TABLES = 49
"""BigQuery's list of referenced tables, our second look, is incomplete from 50 tables on."""

# neither $ nor @, which pick a partition or a moment by the name and pass by every filter
_TABLE = re.compile(r"[A-Za-z0-9_][\w -]*\*?")
# e* would match the tables of the export and whatever else lies in the dataset
_WILDCARD_PREFIX = 2


@dataclass(frozen=True)
class Scope:
    """The project of the query and the datasets (project.dataset) it may and may not read.

    `views` are the views (project.dataset.view) whose makers are trusted to open closed datasets.
    """

    project: str
    datasets: frozenset[str]
    own: frozenset[str] = frozenset()
    views: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: Settings) -> Scope:
        """What the deployment allows."""
        own = (settings.dataset, settings.staging_dataset)
        return cls(
            project=settings.project,
            datasets=frozenset((*settings.ga4_datasets, *settings.source_datasets)),
            own=frozenset(f"{settings.project}.{dataset}" for dataset in own),
            views=frozenset(settings.authorized_views),
        )


def path(parts: Sequence[str], scope: Scope) -> str:
    """The full path project.dataset.table, or "" when the name does not say the dataset."""
    if len(parts) == 2:
        return ".".join((scope.project, *parts))
    return ".".join(parts) if len(parts) == 3 else ""


def check(parts: Sequence[str], scope: Scope, at: Position | None) -> list[Finding]:
    """Why the table of this path may not be read; [] when it may."""
    written = ".".join(parts)
    full = path(parts, scope)
    if not full:
        return [_unqualified(written, len(parts), at)]
    dataset, _, table = full.rpartition(".")
    if not _TABLE.fullmatch(table) or (len(table) <= _WILDCARD_PREFIX and table.endswith("*")):
        return [_odd_name(full, table, at)]
    if dataset in scope.own:
        return [_own(full, at)]
    if dataset not in scope.datasets:
        return [_outside(full, dataset, scope, at)]
    return []


def _unqualified(written: str, count: int, at: Position | None) -> Finding:
    if count > 3:
        message = f"{written} has too many parts for a table."
    else:
        message = f"{written} does not say in which project and dataset the table is."
    table = written.rpartition(".")[2]
    return found("unqualified_table", message, f"`project.dataset.{table}`", at=at)


def _odd_name(full: str, table: str, at: Position | None) -> Finding:
    if "$" in table or "@" in table:
        message = f"{full} picks a partition or a moment by the table's name."
        fix = "Name the table alone and filter: WHERE date BETWEEN @start_date AND @end_date"
    elif table.endswith("*"):
        message = f"The wildcard {full} would match almost every table of its dataset."
        fix = "Write the common beginning: `project.dataset.events_*`"
    else:
        message, fix = f"{table} is no table name.", "`project.dataset.table`"
    return found("table_name", message, fix, at=at)


def _own(full: str, at: Position | None) -> Finding:
    return found(
        "own_table",
        f"{full} is made by this product. A conversion made from it would depend on the order in "
        "which conversions run.",
        "Read the source tables; to merge conversions, create a combined conversion.",
        at=at,
    )


def _outside(full: str, dataset: str, scope: Scope, at: Position | None) -> Finding:
    allowed = sorted(scope.datasets)
    if dataset.rpartition(".")[2].upper() == "_SESSION":
        message = f"{full} is a temporary table of a session; each run is a session of its own."
        fix = f"Make it a step: WITH {full.rpartition('.')[2]} AS (SELECT ...)"
        return found("table_not_allowed", message, fix, at=at)
    close = _close(dataset, allowed)
    # a finding has to be read, and a project may allow hundreds
    listed = ", ".join(allowed[:10]) + (", ..." if len(allowed) > 10 else "")
    fix = (
        f"Did you mean `{close}.{full.rpartition('.')[2]}`?"
        if close
        else f"Read one of: {listed or 'none yet'}. To allow {dataset}, add it to the source "
        "datasets of this deployment (CONVERSIONS_SOURCE_DATASETS)."
    )
    message = f"The dataset {dataset} of {full} is not one that conversions may read."
    return found("table_not_allowed", message, fix, at=at)


def _close(dataset: str, allowed: Sequence[str]) -> str:
    """The allowed dataset that was meant in all likelihood, "" when none is like it.

    Projects and names are compared apart: in one project all paths are alike in most letters.
    """
    project, _, name = dataset.rpartition(".")
    near = [
        one
        for one in allowed
        if _is_like(project, one.rpartition(".")[0]) and _is_like(name, one.rpartition(".")[2])
    ]
    return next(iter(get_close_matches(dataset, near, n=1, cutoff=0)), "")


def _is_like(one: str, other: str) -> bool:
    # BigQuery tells capitals from small letters, people do not
    return bool(get_close_matches(one.lower(), [other.lower()], cutoff=0.65))
