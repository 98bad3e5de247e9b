"""The jobs and their next attempts, kept through a kill of the process."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from google.cloud.scheduler_v1.types import Job

from common.local.rpc.database import Database
from common.local.rpc.wire import not_found
from common.local.scheduler.rules import Execution


class Jobs:
    """Executions by job name in one SQLite file, or in memory without a path."""

    def __init__(self, path: Path | None = None) -> None:
        self.database = Database(__file__, path)

    def put(self, execution: Execution) -> None:
        """Writes a job, new or not."""
        job = execution.job
        self.database.change(
            "put",
            name=job.name,
            enabled=job.state == Job.State.ENABLED,
            scheduled=execution.scheduled,
            due=execution.due,
            failures=execution.failures,
            began=execution.began,
            resource=Job.serialize(job),
        )

    def drop(self, name: str) -> None:
        """Raises RpcError NOT_FOUND."""
        if not self.database.change("drop", name=name):
            raise _missing(name)

    def get(self, name: str) -> Execution:
        """Raises RpcError NOT_FOUND."""
        found = self.find(name)
        if found is None:
            raise _missing(name)
        return found

    def find(self, name: str) -> Execution | None:
        """The job of that name, or None."""
        return next(map(_execution, self.database.rows("one", name=name)), None)

    def all(self) -> list[Execution]:
        """Every job."""
        return [_execution(row) for row in self.database.rows("all")]

    def due(self, now: float) -> list[Execution]:
        """Enabled jobs whose next attempt is due, the longest due first."""
        return [_execution(row) for row in self.database.rows("due", now=now)]

    def next_due(self, now: float) -> float | None:
        """When the next attempt of an enabled job is due after now."""
        due: float | None = self.database.rows("next_due", now=now)[0]["due"]
        return due


def _execution(row: sqlite3.Row) -> Execution:
    job = Job.deserialize(row["resource"])
    return Execution(job, row["scheduled"], row["due"], row["failures"], row["began"])


def _missing(name: str) -> Exception:
    return not_found(f"Job {name} does not exist.")
