"""bqemulator takes the process's logging over and will not start without a spatial extension."""

from __future__ import annotations

import logging

from bqemulator import server
from bqemulator.storage.engine import DuckDBEngine

from common.local.cures.patch import replace


def install() -> None:
    """Nobody else's log handlers are touched; nothing is downloaded (ST_* functions are lost)."""
    replace(server, "configure_logging", _do_nothing)
    # what sqlglot cannot carry over, such as PARTITION BY, the cures have seen
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    replace(DuckDBEngine, "_load_spatial", _do_nothing)


def _do_nothing(*_: object, **__: object) -> None:
    """What the launcher has decided otherwise."""
