"""Faults of a network and of a busy service, drawn by seed: the same seed, the same faults.

Which there are: https://cloud.google.com/bigquery/docs/error-messages (backendError,
internalError); a connection may also break, before the call took effect or after it.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What happens to one call."""

    LATE = "late"
    """It is answered after a while."""
    INTERNAL = "internalError"
    """500, nothing was done."""
    BACKEND = "backendError"
    """503, nothing was done."""
    RESET_BEFORE = "reset_before"
    """The connection breaks, nothing was done."""
    RESET_AFTER = "reset_after"
    """The connection breaks although all was done."""


STATUS = {Fault.INTERNAL: 500, Fault.BACKEND: 503}


@dataclass(frozen=True)
class Odds:
    """How often each fault is drawn, 0 to 1."""

    share: float = 0.0
    """Of calls that meet a fault."""
    late_seconds: float = 0.05
    kinds: tuple[Fault, ...] = tuple(Fault)


class Faults:
    """The faults of one engine, in the order of its calls."""

    def __init__(self, seed: int, odds: Odds) -> None:
        self._lock = threading.Lock()
        self.begin(seed, odds)

    def begin(self, seed: int, odds: Odds) -> None:
        """From now on, the faults of this seed."""
        with self._lock:
            self.odds = odds
            self.drawn: list[Fault] = []
            self._dice = random.Random(seed)

    def draw(self) -> Fault | None:
        """What happens to the next call, None for nothing."""
        with self._lock:
            if self._dice.random() >= self.odds.share:
                return None
            fault = self._dice.choice(self.odds.kinds)
            self.drawn.append(fault)
            return fault
