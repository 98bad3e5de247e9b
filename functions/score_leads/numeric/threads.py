"""One thread a model: threads of numerical libraries wait awake for each other at every step.

On a machine with other work that waiting took minutes where the work takes seconds, and the order
in which several threads add up changes the last digits of a model.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import Any

from threadpoolctl import threadpool_limits

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
}
"""What numerical libraries read once, when numpy is imported."""


def limit(environment: MutableMapping[str, str]) -> None:
    """Ask for one thread, asleep while it waits, unless somebody already chose."""
    for variable, value in ENVIRONMENT.items():
        environment.setdefault(variable, value)


def alone() -> AbstractContextManager[Any]:
    """While it is entered, numerical libraries use the caller's thread alone.

    Whoever imported numpy first may have asked for more.
    """
    limits: AbstractContextManager[Any] = threadpool_limits(1)
    return limits
