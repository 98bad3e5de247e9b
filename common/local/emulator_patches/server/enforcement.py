"""The limits of each running server, and the failure of a job that is beyond one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from bqemulator.domain.errors import InvalidQueryError

from common.local.limits.limits import Limits, Refused

enforced: ContextVar[Limits | None] = ContextVar("enforced", default=None)
"""The limits of the server that starts next; without them nothing is too much."""

_of: dict[int, Limits] = {}


class LimitError(InvalidQueryError):
    """A job's failure with BigQuery's own reason."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.message, location=refused.location or None)
        self.bq_reason = refused.reason  # type: ignore[misc]
        self.http_status = refused.status  # type: ignore[misc]


def enforce(ctx: Any) -> None:
    """The server of this context has the limits of `enforced` from now on."""
    limits = enforced.get()
    if limits is None:
        _of.pop(id(ctx), None)
    else:
        _of[id(ctx)] = limits


def limits_of(ctx: Any) -> Limits | None:
    """The limits of the server of this context, None where nothing is too much."""
    return _of.get(id(ctx))


@contextmanager
def as_failure() -> Iterator[None]:
    """What a limit refuses fails the job."""
    try:
        yield
    except Refused as error:
        raise LimitError(error) from error
