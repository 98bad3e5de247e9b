"""How many threads numerical libraries may use; decided before numpy is imported."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from threadpoolctl import threadpool_limits

FEW = 20_000
"""Leads that one thread learns from as fast as several do."""

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def real_cpus(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Processors that this process may really use: its affinity, cut by the container's quota.

    More threads than that wait for each other spinning: measured, 0.3 s of work took up to 30 s.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        limit, period = quota.read_text().split()
        share = int(limit) / int(period)
    except (OSError, ValueError):
        return max(1, allowed or 1)
    return max(1, min(allowed or 1, int(share)))


def limit(environment: MutableMapping[str, str], cpus: int) -> None:
    """Tell numerical libraries to use this many threads, unless somebody already chose.

    Not to sleep while they wait (OMP_WAIT_POLICY=PASSIVE): trees ask for threads so often that
    waking them took 71 s where 1,000 leads train in 12 s, measured on two processors.
    """
    for variable in VARIABLES:
        environment.setdefault(variable, str(cpus))


def suited_to(leads: int) -> AbstractContextManager[object]:
    """While it is entered, numerical libraries use as many threads as this many leads are worth.

    Several threads wait awake for each other at every step. With few leads they hardly do anything
    else, and on a busy machine they do it for minutes.
    """
    return threadpool_limits(1) if leads < FEW else nullcontext()
