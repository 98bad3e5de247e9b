"""Delivering batches: one bad row costs no other row, a bad account costs none at all, and only
positive proof is success.

A refusal that names no row is tried on single rows first (canaries). If they fail alike the account
is at fault: the destination halts (circuit breaker) and all rows stay due. If one passes, halving
finds the culprits, and only a code that a table lists as the row's refuses one for good; any other
parks it (dead letter), to be tried again. Also a listed code parks the row as long as no other one
has passed beside it or since: of an account that gets a row a day nobody could tell its fault from
the row's.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from common.errors import ProductError, RetryableError
from functions.export.contract.base import Built, Destination
from functions.export.ledger.outcomes import Exchange, Outcome
from functions.export.transport.calls import Reply, Request
from functions.export.transport.clock import Clock, Deadline, Pace
from functions.export.transport.results import (
    WORDS,
    Accepted,
    Cause,
    Halted,
    Refused,
    Result,
    Retry,
    Unknown,
)
from functions.export.transport.retries import LONGEST_WAIT, TRIES, wait_before

EXTRA_REQUESTS = 64
"""Requests that one run may spend on finding bad rows; the next run goes on with the rest."""

FAILURES_IN_A_ROW = 3
"""After this many batches without an answer the platform is left alone until the next run."""

CANARIES = 3
"""Single rows, drawn by lot, that fail alike before the account is held at fault: an odd row may be
among them, and next time others are drawn."""

IN_DOUBT = "in_doubt:"
"""Before the reason for which a change was refused of something that may not be there."""

MANY = 5
"""Rows that are refused for one reason: from here on it is the account's fault, when nothing else
was taken, or no more than was refused."""


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
        self.chance = chance
        self._pace = Pace(clock, destination.requests_per_second)
        self._extra = EXTRA_REQUESTS
        self._not_before = -math.inf
        self._silent = 0
        self.accepted = 0
        """Rows that were taken today, as far as this run knows."""
        self.refused: defaultdict[str, set[str]] = defaultdict(set)
        """Keys of rows that were refused today, by reason."""
        self.blamed: set[str] = set()
        """Reasons of refusals that turned out to be the account's."""
        self.doubtful: set[str] = set()
        """Keys of changes to what may never have arrived: that they are refused blames nobody."""
        self.at_fault: set[str] = set()
        """Keys of rows that were parked before, and are at fault themselves if they are refused
        again: others passed since, or they were tried for long enough."""
        self.halted_for: set[str] = set()
        """Reasons of an account's fault that rows have waited for, before this run."""
        self._passed = False
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
        outcomes = [
            self._excused(built, outcome)
            for built, outcome in zip(batch, self._deliver(batch), strict=True)
        ]
        if reason := self._halted_still(outcomes):
            return self._account_at_fault(reason, len(batch))
        taken = sum(outcome.state == "accepted" for outcome in outcomes)
        self.accepted += taken
        self._passed = self._passed or taken > 0
        for built, outcome in zip(batch, outcomes, strict=True):
            if outcome.state == "rejected" and built.key not in self.doubtful:
                self.refused[outcome.reason].add(built.key)
        # counted over the day: an account that is wrong may refuse one row a request, many times
        for reason in {outcome.reason for outcome in outcomes if outcome.state == "rejected"}:
            if self._blames_account(reason):
                outcomes = self._held_open(outcomes, reason)
        return [
            self._for_now(built, outcome) for built, outcome in zip(batch, outcomes, strict=True)
        ]

    def _deliver(self, batch: Sequence[Built]) -> list[Outcome]:
        if not batch:
            return []
        # what was written down as sending becomes due again, not doubtful: nothing of it left
        if stopped := self.stopped:
            return [Outcome("retry", stopped)] * len(batch)
        result, request_id = self._persist(batch)
        if isinstance(result, Accepted):
            return self._accepted(batch, result, request_id)
        if isinstance(result, Refused):
            return self._without_bad_rows(batch, result)
        return [_untaken(result, request_id)] * len(batch)

    def _accepted(self, batch: Sequence[Built], result: Accepted, request_id: str) -> list[Outcome]:
        """Rows that were taken, beside those that were refused in spite of that."""
        # a platform may name a row that the request never had
        failures = {row: why for row, why in result.failures.items() if row < len(batch)}
        if reason := self._of_account(failures, batch):
            return self._account_at_fault(reason, len(batch))
        return [
            self._refused(failures[row], request_id)
            if row in failures
            else Outcome("accepted", "", request_id, result.doubt)
            for row in range(len(batch))
        ]

    def _without_bad_rows(self, batch: Sequence[Built], refused: Refused) -> list[Outcome]:
        """The whole request was refused: send again what was not at fault."""
        named = {row: why for row, why in refused.failures.items() if row < len(batch)}
        if reason := self._of_account(named, batch):
            return self._account_at_fault(reason, len(batch))
        if named:
            rest = iter(self._again([row for i, row in enumerate(batch) if i not in named]))
            return [
                self._refused(named[i]) if i in named else next(rest) for i in range(len(batch))
            ]
        if len(batch) == 1:
            return [self._refused_alone(refused.reason)]
        return self._searched(batch, refused.reason)

    def _searched(self, batch: Sequence[Built], reason: str) -> list[Outcome]:
        """No row was named: canaries say whether to look for one at all."""
        canaries = self._canaries(batch, reason)
        passed = any(outcome.state == "accepted" for outcome in canaries.values())
        alike = [row for row, outcome in canaries.items() if outcome.reason.endswith(reason)]
        listed = self._destination.cause(reason) is Cause.ROW
        # a few rows may all be bad by chance when the reason is known to be a row's; many are not
        many = len(self._blamable(batch)) >= MANY
        if alike and not passed and (many or not listed):
            held = self._account_at_fault(reason, len(batch))
            return [
                canaries[i] if i in canaries and i not in alike else held[i]
                for i in range(len(batch))
            ]
        rest = [row for i, row in enumerate(batch) if i not in canaries]
        middle = (len(rest) + 1) // 2
        found = iter(self._halved(rest[:middle]) + self._halved(rest[middle:]))
        return [canaries[i] if i in canaries else next(found) for i in range(len(batch))]

    def _canaries(self, batch: Sequence[Built], reason: str) -> dict[int, Outcome]:
        """What became of a few rows sent alone, until one passes."""
        shown: dict[int, Outcome] = {}
        # at random: neighbours often share what is wrong with them, such as a form
        for row in self.chance.sample(range(len(batch)), min(CANARIES, len(batch))):
            [shown[row]] = self._again([batch[row]])
            if shown[row].state == "accepted" or self.stopped:
                break
        return shown

    def _halved(self, part: Sequence[Built]) -> list[Outcome]:
        """A canary has passed, so that halving finds who is at fault."""
        # what is not looked into stays due, so that a bad day costs requests and never rows
        if not part or self._extra <= 0 or self.stopped:
            return [Outcome("retry", self.stopped or "unattributed")] * len(part)
        # searching has a budget of its own: a bad day must not use up the platform's quota
        self._extra -= 1
        result, request_id = self._persist(part)
        if isinstance(result, Accepted):
            return self._accepted(part, result, request_id)
        if not isinstance(result, Refused):
            return [_untaken(result, request_id)] * len(part)
        if len(part) == 1:
            return [self._refused(result.reason)]
        middle = len(part) // 2
        return self._halved(part[:middle]) + self._halved(part[middle:])

    def _again(self, part: Sequence[Built]) -> list[Outcome]:
        if not part:
            return []
        if self._extra <= 0:
            return [Outcome("retry", "unattributed")] * len(part)
        self._extra -= 1
        return self._deliver(part)

    def _refused(self, reason: str, request_id: str = "") -> Outcome:
        """What a row comes to that was refused while others were not."""
        cause = self._destination.cause(reason)
        if cause in (Cause.ACCOUNT, Cause.OURS):
            self.halted = self.halted or Halted(reason, FIX)
            return Outcome("retry", f"halted:{reason}", request_id)
        if cause in (Cause.AGAIN, Cause.SLOW):
            return Outcome("retry", reason, request_id)
        if cause is Cause.DOUBT:
            return Outcome("unknown", reason, request_id)
        return Outcome("rejected" if cause is Cause.ROW else "parked", reason, request_id)

    def _refused_alone(self, reason: str) -> Outcome:
        """What a row comes to that nothing can be compared with: it stays due if nobody listed the
        reason, because the account may be at fault."""
        if self._destination.cause(reason) is Cause.UNLISTED:
            return Outcome("retry", f"refused:{reason}")
        return self._refused(reason)

    def _account_at_fault(self, reason: str, rows: int) -> list[Outcome]:
        """Halt: every row stays due until the account is mended."""
        self.halted = self.halted or Halted(reason, FIX)
        return [Outcome("retry", f"halted:{reason}")] * rows

    def _of_account(self, failures: Mapping[int, str], batch: Sequence[Built]) -> str:
        """The reason for which every row of a larger request was refused, or nothing."""
        reasons = set(failures.values())
        few = len(self._blamable(batch)) < MANY
        if len(failures) < len(batch) or few or len(reasons) != 1:
            return ""
        [reason] = reasons
        passes = self._destination.cause(reason) in (Cause.AGAIN, Cause.SLOW, Cause.DOUBT)
        return "" if passes else reason

    def _halted_still(self, outcomes: Sequence[Outcome]) -> str:
        """The account's fault that is still there: all of these rows were refused for it, and none
        has passed since. So few are sent first that they alone would blame nobody. A reason that
        is listed as the row's stops nothing: behind a bad row good ones would wait for ever."""
        reasons = {each.reason for each in outcomes if each.state == "parked"}
        all_alike = len(reasons) == 1 and all(each.reason in reasons for each in outcomes)
        found = reasons & self.halted_for if all_alike and not self._passed else set()
        return next(iter(found), "")

    def _blamable(self, batch: Sequence[Built]) -> list[Built]:
        """Rows whose refusal says something of the account."""
        return [row for row in batch if row.key not in self.doubtful]

    def _excused(self, built: Built, outcome: Outcome) -> Outcome:
        """The outcome, with the more likely reason when what was to be changed is in doubt."""
        if outcome.state != "rejected" or built.key not in self.doubtful:
            return outcome
        return replace(outcome, reason=f"{IN_DOUBT}{outcome.reason}")

    def _for_now(self, built: Built, outcome: Outcome) -> Outcome:
        """The outcome; parked instead of refused for good while nothing shows whose fault it is."""
        if outcome.state != "rejected" or self._passed or built.key in self.at_fault:
            return outcome
        return replace(outcome, state="parked")

    def _blames_account(self, reason: str) -> bool:
        """Whether half of a day's rows, and many, were refused for this reason."""
        bad, all_bad = len(self.refused[reason]), sum(map(len, self.refused.values()))
        return bad >= MANY and 2 * bad >= self.accepted + all_bad

    def _held_open(self, outcomes: Sequence[Outcome], reason: str) -> list[Outcome]:
        """The rows stay due instead of being refused for good."""
        [held] = self._account_at_fault(reason, 1)
        self.blamed.add(reason)
        return [
            held if (each.state, each.reason) == ("rejected", reason) else each for each in outcomes
        ]

    def _persist(self, batch: Sequence[Built]) -> tuple[Result, str]:
        """The result of one request after a few tries, and its id in the ledger."""
        request = self._destination.request(self._conversion, batch)
        sent_at = self._clock.now()
        result = self._try(request, batch)
        # a refusal is an answer: only silence in a row says that the platform is down
        self._silent = self._silent + 1 if isinstance(result, Retry | Unknown) else 0
        if isinstance(result, Halted):
            self.halted = result
        # the ledger needs an id for every request, also where the platform gives none
        own = f"{self._run_id}-{len(self.exchanges) + 1}"
        request_id = (result.request_id if isinstance(result, Accepted) else "") or own
        reason = "" if isinstance(result, Accepted) else result.reason
        self.exchanges.append(
            Exchange(request_id, len(batch), request.sha256, sent_at, WORDS[type(result)], reason)
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
                # the first copy that may have been taken is the one in doubt
                doubt = doubt or result
                if not self._may_repeat:
                    break
            if attempt + 1 == TRIES or not self._wait(attempt):
                break
        # a try that may have been taken is not undone by a later one that was not
        if doubt is None:
            return result
        return replace(result, doubt=doubt.reason) if isinstance(result, Accepted) else doubt

    def _once(self, request: Request, batch: Sequence[Built]) -> Result:
        try:
            reply = self._send(request)
        except RetryableError as error:
            # nothing left the house: a secret, say, could not be fetched now
            return Retry(error.code)
        except ProductError as error:
            return Halted(error.code, error.fix)
        return self._destination.verdict(reply, batch, self._clock.now())

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
        return self._sleep(wait_before(attempt, self.chance))

    def _sleep(self, seconds: float) -> bool:
        # a longer wait is the next run's: the rows stay due, and the lease is free meanwhile
        if seconds > min(LONGEST_WAIT, self._deadline.left):
            return False
        self._clock.sleep(seconds)
        return True


FIX = (
    "Mend what the code names in the platform's account or in the destination. Every conversion "
    "waits, and is sent by itself once a single one passes; saving the destination tries at once."
)


def _untaken(result: Retry | Unknown | Halted, request_id: str) -> Outcome:
    """What rows come to whose request was neither taken nor refused."""
    if isinstance(result, Unknown):
        return Outcome("unknown", result.reason, request_id)
    reason = f"halted:{result.reason}" if isinstance(result, Halted) else result.reason
    return Outcome("retry", reason, request_id)
