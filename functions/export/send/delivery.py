"""Delivering batches: one bad row costs no other row, and only positive proof is success."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any, Literal

from common.errors import ProductError
from functions.export.contract.base import Built, Destination
from functions.export.ledger.outcomes import Exchange, Outcome
from functions.export.transport.calls import Answer, Reply, Request
from functions.export.transport.clock import Clock, Deadline, Pace
from functions.export.transport.results import Accepted, Halted, Refused, Result, Retry, Unknown
from functions.export.transport.retries import LONGEST_WAIT, TRIES, unhappy, wait_before

EXTRA_REQUESTS = 64
"""Requests that one run may spend on finding bad rows; the next run goes on with the rest."""

FAILURES_IN_A_ROW = 3
"""After this many batches without an answer the platform is left alone until the next run."""


class Delivery:
    """One run's requests to one destination: their rate, their time, and what they taught."""

    def __init__(
        self,
        destination: Destination[Any],
        conversion: str,
        run_id: str,
        send: Callable[[Request], Reply],
        clock: Clock,
        deadline: Deadline,
        chance: random.Random,
    ) -> None:
        self._destination = destination
        self._conversion = conversion
        self._run_id = run_id
        self._send = send
        self._clock = clock
        self._deadline = deadline
        self._chance = chance
        self._pace = Pace(clock, destination.requests_per_second)
        self._extra = EXTRA_REQUESTS
        self._not_before = -math.inf
        self._silent = 0
        self.exchanges: list[Exchange] = []
        self.halted: Halted | None = None

    @property
    def stopped(self) -> str:
        """Why no further request leaves in this run, or nothing."""
        if self.halted:
            return f"halted:{self.halted.reason}"
        if self._silent >= FAILURES_IN_A_ROW:
            return "platform_unavailable"
        return "out_of_time" if self._deadline.left <= 0 else ""

    def deliver(self, batch: Sequence[Built]) -> list[Outcome]:
        """What became of each row, in order."""
        if not batch:
            return []
        if stopped := self.stopped:
            return [Outcome("retry", stopped)] * len(batch)
        result, request_id = self._persist(batch)
        match result:
            case Accepted(failures=failures):
                return [
                    Outcome("rejected", failures[row], request_id)
                    if row in failures
                    else Outcome("accepted", "", request_id)
                    for row in range(len(batch))
                ]
            case Refused():
                return self._without_bad_rows(batch, result)
            case Halted(reason=reason):
                return [Outcome("retry", f"halted:{reason}", request_id)] * len(batch)
            case Retry(reason=reason):
                return [Outcome("retry", reason, request_id)] * len(batch)
            case Unknown(reason=reason):
                return [Outcome("unknown", reason, request_id)] * len(batch)

    def _without_bad_rows(self, batch: Sequence[Built], refused: Refused) -> list[Outcome]:
        """The whole request was refused: send again what was not at fault."""
        named = {row: why for row, why in refused.failures.items() if row < len(batch)}
        if named:
            rest = iter(self._again([row for i, row in enumerate(batch) if i not in named]))
            return [
                Outcome("rejected", named[i]) if i in named else next(rest)
                for i in range(len(batch))
            ]
        if len(batch) == 1:
            return [Outcome("rejected", refused.reason)]
        middle = len(batch) // 2
        return self._again(batch[:middle]) + self._again(batch[middle:])

    def _again(self, part: Sequence[Built]) -> list[Outcome]:
        if not part:
            return []
        if self._extra <= 0:
            return [Outcome("retry", "unattributed")] * len(part)
        self._extra -= 1
        return self.deliver(part)

    def _persist(self, batch: Sequence[Built]) -> tuple[Result, str]:
        """The result of one request after a few tries, and its id in the ledger."""
        request = self._destination.request(self._conversion, batch)
        sent_at = self._clock.now()
        result = self._try(request, batch)
        self._silent = self._silent + 1 if isinstance(result, Retry | Unknown) else 0
        if isinstance(result, Halted):
            self.halted = result
        own = f"{self._run_id}-{len(self.exchanges) + 1}"
        request_id = (result.request_id if isinstance(result, Accepted) else "") or own
        reason = "" if isinstance(result, Accepted) else result.reason
        self.exchanges.append(
            Exchange(request_id, len(batch), request.sha256, sent_at, _STATES[type(result)], reason)
        )
        return result, request_id

    def _try(self, request: Request, batch: Sequence[Built]) -> Result:
        doubt: Unknown | None = None
        result: Result = Retry("not_sent")
        for attempt in range(TRIES):
            if not self._heed():
                break
            self._pace.wait()
            result = self._once(request, batch)
            if isinstance(result, Retry | Unknown) and result.after:
                self._not_before = self._clock.elapsed() + result.after
            if isinstance(result, Accepted | Refused | Halted):
                break
            if isinstance(result, Unknown):
                doubt = doubt or result
                if not self._may_repeat:
                    break
            if attempt + 1 == TRIES or not self._wait(attempt):
                break
        # a try that may have been taken is not undone by a later one that was not
        return doubt if doubt and isinstance(result, Retry | Halted) else result

    def _once(self, request: Request, batch: Sequence[Built]) -> Result:
        try:
            reply = self._send(request)
        except ProductError as error:
            return Halted(error.code, error.fix)
        early = unhappy(reply, self._clock.now())
        if early is not None or not isinstance(reply, Answer):
            return early or Unknown("no_answer")
        return self._destination.read(reply, batch)

    @property
    def _may_repeat(self) -> bool:
        """Whether the platform would notice a second copy of what it may have taken."""
        window = self._destination.capabilities.dedup_window
        return window is None or bool(window)

    def _heed(self) -> bool:
        """Wait as long as the platform asked for before, if there is time for it."""
        seconds = self._not_before - self._clock.elapsed()
        return seconds <= 0 or self._sleep(seconds)

    def _wait(self, attempt: int) -> bool:
        """Wait before the next try; False when there is no time for it."""
        return self._sleep(wait_before(attempt, self._chance))

    def _sleep(self, seconds: float) -> bool:
        if seconds > min(LONGEST_WAIT, self._deadline.left):
            return False
        self._clock.sleep(seconds)
        return True


_STATES: dict[type, Literal["accepted", "refused", "retry", "unknown", "halted"]] = {
    Accepted: "accepted",
    Refused: "refused",
    Retry: "retry",
    Unknown: "unknown",
    Halted: "halted",
}
