"""bqemulator takes the process's logging over and will not start without a spatial extension.

DuckDB looks for pandas at every statement, and Python searches every folder each time.
"""

from __future__ import annotations

import logging
import sys
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.util import find_spec

from bqemulator import server
from bqemulator.storage.engine import DuckDBEngine

from common.local.emulator_patches.patch import replace


def install() -> None:
    """Nobody else's log handlers are touched; nothing is downloaded (ST_* functions are lost)."""
    replace(server, "configure_logging", _do_nothing)
    # what sqlglot cannot carry over, such as PARTITION BY, the patches have seen
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    replace(DuckDBEngine, "_load_spatial", _do_nothing)
    say_at_once_that_there_is_no_pandas()


@cache
def say_at_once_that_there_is_no_pandas() -> None:
    """Where pandas is not installed, nobody searches for it from now on."""
    if find_spec("pandas") is None:
        sys.meta_path.insert(0, _NoPandas())


class _NoPandas(MetaPathFinder):
    def find_spec(self, name: str, *_: object) -> None:
        """Nothing of any other module; raises ModuleNotFoundError for pandas."""
        if name == "pandas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _do_nothing(*_: object, **__: object) -> None:
    """What the launcher has decided otherwise."""
