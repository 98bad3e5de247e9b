"""Time as a port: what it is, how much has passed, and waiting."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The present, seconds that pass, and waiting; a test passes its own."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""

    def elapsed(self) -> float:
        """Seconds since some fixed moment; never goes back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """This machine's clock."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> float:
        """Seconds of a clock that is never set."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits so many seconds."""
        time.sleep(seconds)


class Deadline:
    """The moment at which a run must stop, so that it can still write down what it did."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._end = clock.elapsed() + seconds

    @property
    def left(self) -> float:
        """Seconds left; negative when over."""
        return self._end - self._clock.elapsed()


class Pace:
    """A token bucket: at most `rate` requests a second, one second's worth at once."""

    def __init__(self, clock: Clock, rate: float) -> None:
        self._clock = clock
        self._rate = rate
        # under one a second the bucket still holds one request, or none would ever leave
        self._tokens = max(1.0, rate)
        self._seen = clock.elapsed()

    def wait(self) -> None:
        """Wait until the next request may leave, and count it."""
        self._refill()
        if self._tokens < 1:
            self._clock.sleep((1 - self._tokens) / self._rate)
            self._refill()
        self._tokens -= 1

    def _refill(self) -> None:
        now = self._clock.elapsed()
        self._tokens = min(max(1.0, self._rate), self._tokens + (now - self._seen) * self._rate)
        self._seen = now
