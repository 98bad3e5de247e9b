"""A thread that does what is due, then sleeps until the next thing is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_LONGEST_SLEEP = 3600.0
_AFTER_A_FAULT = 1.0


class Ticker:
    """Calls `step` when woken and when its last answer, in seconds, is over; None is "not before
    somebody wakes me"."""

    def __init__(self, name: str, step: Callable[[], float | None]) -> None:
        self._step = step
        self._woken = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """From now on the step is done again and again."""
        self._thread.start()

    def wake(self) -> None:
        """The next step is done now."""
        self._woken.set()

    def stop(self) -> None:
        """Returns when the step under way has ended."""
        self._stopped = True
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped:
            self._woken.clear()
            self._woken.wait(min(self._seconds_to_next(), _LONGEST_SLEEP))

    def _seconds_to_next(self) -> float:
        try:
            seconds = self._step()
        except Exception:
            # one fault must not silence a server that others rely on
            logging.exception("%s failed and goes on", self._thread.name)
            return _AFTER_A_FAULT
        return _LONGEST_SLEEP if seconds is None else max(seconds, 0.0)
