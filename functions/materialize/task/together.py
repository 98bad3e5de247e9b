"""Candidates of definitions that differ in nothing but their filters: read in one pass a run.

The first task that asks makes a table of the rows that any of its kin counts, valued and with their
fingerprints; each task then takes its own of them, removes duplicates and writes under its own
lease. It reads them by itself wherever they are not what it would read now.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from common.bigquery.sql import Sql, create_table_as, fill, join, template, with_parameters
from common.catalog.definitions import DefinitionVersion
from common.errors import UserError
from common.kinds.candidate.reason import reason_by_itself
from common.logs import log
from functions.materialize.services import Services
from functions.materialize.task import difference, normalize
from functions.materialize.task.job import Job

CARRIED = ("event_key", "counted_by", "removed", "reason")
"""What the table holds besides the columns of a conversion, and how many were erased then."""

Each = TypeVar("Each")

LARGEST = 50
"""Definitions in one pass. Each row names those that count it, and each of their tasks reads those
names: of hundreds in one pass the names alone would cost more than the rows."""


@dataclass(frozen=True)
class Rows:
    """The candidates of a task and of its kin, valued and judged."""

    table: Sql
    bytes_processed: int | None
    """What making it read, where this task has made it."""


def made(
    services: Services, job: Job, definitions: Mapping[str, DefinitionVersion], staged: str
) -> Rows | None:
    """The table of the candidates of the task and of its kin.

    None where it has no kin or the pass over all of them fails, as one definition's filter may.
    `staged` changes with each change of the stage.
    """
    kin = _kin(job, definitions)
    if len(kin) < 2:
        return None
    name = f"rows_{_name(job, kin, staged)}"
    table = services.warehouse.staging(name)
    try:
        read = services.warehouse.once(
            f"{services.warehouse.settings.dataset}_{name}",
            lambda: create_table_as(table, rows(job, kin)),
        )
    except UserError as error:
        log("kin_not_read", "WARNING", conversion=job.stored.id, reason=error.code)
        return None
    return Rows(table, read)


def rows(job: Job, kin: Sequence[DefinitionVersion]) -> Sql:
    """A query of the rows that any of the kin counts in the job's window, each with CARRIED."""
    steps = job.stored.conversion.together([each.conversion for each in kin], job.context)
    named = (fill("{{ name }} AS (\n{{ step }}\n)", name=name, step=step) for name, step in steps)
    worth = difference.worth(job, normalize.NONE, key="event_key", carried=CARRIED)
    judged = template(
        __file__, reason=reason_by_itself(), spared=difference.spared(job), worth=worth
    )
    statement = fill(
        "WITH\n{{ steps }},\n{{ judged }}\n"
        "SELECT fresh.*, (SELECT COUNT(*) FROM {{ erasures }} AS erased) AS erasures FROM fresh",
        steps=join(",\n", named),
        judged=judged,
        erasures=job.context.of_product("erasures"),
    )
    return with_parameters(statement, **job.days, **job.zone, earliest_date=job.written.start)


def _kin(job: Job, definitions: Mapping[str, DefinitionVersion]) -> Sequence[DefinitionVersion]:
    """The job's definition and those that one pass reads with it, by their ids: the same days of
    the same events."""
    kin = job.stored.conversion.kin()
    # a backfill is of one definition, and reads its events alone
    if not kin or job.task.trigger == "backfill":
        return []
    alike = [each for _, each in sorted(definitions.items()) if each.conversion.kin() == kin]
    return next(group for group in groups(alike) if job.stored in group)


def groups(alike: Sequence[Each]) -> Iterator[Sequence[Each]]:
    """All of them in order, in groups of at most LARGEST and of nearly the same size."""
    size = math.ceil(len(alike) / math.ceil(len(alike) / LARGEST))
    for start in range(0, len(alike), size):
        yield alike[start : start + size]


def _name(job: Job, kin: Sequence[DefinitionVersion], staged: str) -> str:
    return hashlib.sha256("|".join(_facts(job, kin, staged)).encode()).hexdigest()[:20]


def _facts(job: Job, kin: Sequence[DefinitionVersion], staged: str) -> Iterator[str]:
    yield from (job.task.run_id, staged, str(job.window.start), str(job.window.end))
    yield from (f"{each.id} {each.version}" for each in kin)
