"""What became of rows and of requests in one run, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from functions.export.reconcile.delivery_state import State


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row."""

    state: State
    reason: str = ""
    request_id: str = ""
    doubt: str = ""
    """Why an earlier copy of what was accepted may have been taken too, if one may."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What became of one request."""

    request_id: str
    rows: int
    sha256: str
    sent_at: datetime
    state: Literal["accepted", "refused", "retry", "unknown", "halted"]
    reason: str = ""
