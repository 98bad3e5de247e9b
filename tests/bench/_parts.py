"""Whose the processor's time of a daily run is: DuckDB's, the emulator's around it, or ours.

The engine runs in this process, so that each thread's own time tells: what DuckDB takes over the
statements as the emulator translates them is the same SQL run straight in DuckDB.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from common.bigquery.sql import Sql
from common.local.emulator_patches.statements import execution
from common.local.stack.bigquery import EmbeddedBigQuery
from functions.materialize.services import Services

EMPTY = 200
"""Statements without work, of which the mean is told."""


@dataclass(frozen=True)
class Parts:
    """Seconds of the processor."""

    duckdb: float
    """Over the statements, as they are translated."""
    emulator: float
    """Requests, translation, rows as JSON, and the loads of rows."""
    ours: float
    """The product and Google's client."""

    @property
    def all(self) -> float:
        """The whole."""
        return self.duckdb + self.emulator + self.ours


class Meter:
    """Tells the parts of what this thread asks of an engine in this process."""

    def __init__(self) -> None:
        self._duckdb = 0.0
        self._execute = execution._execute

    def executed(self, *given: Any, **named: Any) -> Any:
        """What stands for the engine's call of DuckDB."""
        started = time.thread_time()
        try:
            return self._execute(*given, **named)
        finally:
            self._duckdb += time.thread_time() - started

    def parts(self, work: Callable[[], object]) -> Parts:
        """Those of the work."""
        duckdb, every, here = self._duckdb, time.process_time(), time.thread_time()
        work()
        ours = time.thread_time() - here
        took = self._duckdb - duckdb
        return Parts(took, time.process_time() - every - ours - took, ours)


def show(
    prepare: Callable[[EmbeddedBigQuery, Path], Services],
    drain: Callable[[Services, str], None],
) -> None:
    """Print the parts of a first run, of a run again, and of a statement without work."""
    meter = Meter()
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(execution, "_execute", meter.executed),
        EmbeddedBigQuery(Path(folder) / "data") as engine,
    ):
        services = prepare(engine, Path(folder))
        with closing(services.warehouse.client):
            first = meter.parts(lambda: drain(services, "first"))
            again = meter.parts(lambda: drain(services, "again"))
            empty = meter.parts(lambda: _ask(services))
    print(f"\n{'whose the processor is':<46}{'first s':>9}{'share':>7}{'again s':>9}{'share':>7}")
    for name, part in (
        ("DuckDB, the same SQL run straight in it", "duckdb"),
        ("the emulator: requests, translation, JSON", "emulator"),
        ("ours: the product and Google's client", "ours"),
    ):
        shares = ((getattr(each, part), getattr(each, part) / each.all) for each in (first, again))
        print(f"{name:<46}" + "".join(f"{seconds:>9.2f}{share:>7.0%}" for seconds, share in shares))
    print(
        f"a statement without work: {1000 * empty.all / EMPTY:.1f} ms, "
        f"{1000 * empty.duckdb / EMPTY:.1f} of them DuckDB's"
    )


def _ask(services: Services) -> None:
    for number in range(EMPTY):
        list(services.warehouse.rows(Sql(f"SELECT {number} AS number")))
