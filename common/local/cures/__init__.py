"""What bqemulator 1.4.0 gets wrong and how each fault is put right, in the order applied."""

from __future__ import annotations

from functools import cache

from common.local.cures import (
    columns,
    dry_run,
    engine_limit,
    execution,
    functions,
    hardening,
    healing,
    jobs,
    launch,
    loads,
    snapshots,
    statements,
    tables,
)

SERVER = (
    launch.install,
    functions.install,
    hardening.install,
    columns.install,
    statements.install,
    tables.install,
    healing.install,
    execution.install,
    snapshots.install,
    jobs.install,
    dry_run.install,
    engine_limit.install,
    loads.install,
)


@cache
def install() -> None:
    """Puts every cure in place, once a process and before the first engine starts."""
    for cure in SERVER:
        cure()
