"""What bqemulator 1.4.0 gets wrong and how each fault is put right, one module a fault.

The modules here change the server; those that change a statement on its way to DuckDB are listed in
`translation`. Each says what was seen; tests/local/test_emulator_patches.py shows it still needed.
"""

from __future__ import annotations

import logging
from functools import cache

import structlog

# The emulator prints debug lines while it is imported, unless silenced before.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

from common.local.emulator_patches.expressions import functions  # noqa: E402
from common.local.emulator_patches.server import (  # noqa: E402
    hardening,
    jobs,
    launch,
    limits,
    permissions,
    queries,
    requests,
)
from common.local.emulator_patches.statements import (  # noqa: E402
    dry_run,
    execution,
    parsing,
    statements,
)
from common.local.emulator_patches.storage import (  # noqa: E402
    columns,
    healing,
    loads,
    partitions,
    snapshots,
    tables,
)

PATCHES = (
    launch,
    functions,
    hardening,
    columns,
    parsing,
    statements,
    tables,
    healing,
    execution,
    snapshots,
    jobs,
    queries,
    dry_run,
    loads,
    partitions,
    limits,
    permissions,
    requests,
)


@cache
def install() -> None:
    """Puts every patch in place, once a process and before the first engine starts."""
    for patch in PATCHES:
        patch.install()
