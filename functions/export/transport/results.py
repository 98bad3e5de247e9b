"""What a platform's answer means for the rows of its request, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Accepted:
    """The platform gave positive proof; `failures` names rows it refused in spite of that.

    `request_id` is empty where the platform gives none.
    """

    request_id: str
    failures: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing of the request was taken; `failures` names the rows at fault where known."""

    reason: str
    failures: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Retry:
    """Nothing was taken, and the same request may succeed later (`after` seconds, if told)."""

    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have been taken or not."""

    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Halted:
    """No request will succeed until a person acts."""

    reason: str
    fix: str


Result = Accepted | Refused | Retry | Unknown | Halted


@dataclass(frozen=True, slots=True)
class Status:
    """What became of an accepted request later; counts per reason, never per row."""

    state: Literal["processing", "success", "partial", "failed", "forgotten"]
    counts: Mapping[str, int] = field(default_factory=dict)
    resend: frozenset[str] = frozenset()
    """Reasons among `counts` that another attempt may cure."""
