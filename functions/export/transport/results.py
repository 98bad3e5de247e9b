"""What a platform's answer means for the rows of its request, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal


class Cause(Enum):
    """Whose fault a code is, and so what follows from it."""

    ROW = "the row is bad, for good"
    ACCOUNT = "an account or a setting must be mended"
    SLOW = "too many requests"
    AGAIN = "nothing was taken, and time helps"
    DOUBT = "taken or not is unknown"
    DONE = "the platform has it already, under our own key"
    OURS = "a request that this product should not have made"
    UNLISTED = "no document that was read names it"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The platform gave positive proof; `failures` names rows it refused in spite of that.

    `request_id` is empty where the platform gives none.
    """

    request_id: str
    failures: Mapping[int, str] = field(default_factory=dict)
    doubt: str = ""
    """Why an earlier copy of the request may have been taken too, if one may."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing of the request was taken; `failures` names the rows at fault where known. Whether a
    row or the account is at fault, `Destination.cause` and other rows say."""

    reason: str
    failures: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Retry:
    """Nothing was taken, and the same request may succeed later (`after` seconds, if it says)."""

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
Word = Literal["accepted", "refused", "retry", "unknown", "halted"]
WORDS: Mapping[type, Word] = {
    Accepted: "accepted",
    Refused: "refused",
    Retry: "retry",
    Unknown: "unknown",
    Halted: "halted",
}


@dataclass(frozen=True, slots=True)
class Status:
    """What became of an accepted request later; counts per reason, never per row."""

    state: Literal["processing", "success", "partial", "failed", "forgotten"]
    counts: Mapping[str, int] = field(default_factory=dict)
    resend: frozenset[str] = frozenset()
    """Reasons among `counts` that another attempt may cure."""
    account: frozenset[str] = frozenset()
    """Reasons among `counts` that an account or setting is at fault for, or that nobody listed."""
