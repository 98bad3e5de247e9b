"""What an HTTP answer means before anyone reads its body, and how long to wait after it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from functions.export.transport.calls import Reply, Unanswered
from functions.export.transport.results import Halted, Retry, Unknown

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
TRIES = 3
"""Attempts at one request in one run; the next run goes on."""

LONGEST_NUMBER = 9
"""Digits of a Retry-After that are read; more seconds than these say is for ever."""

# said before any work is done (RFC 9110 15.5.9, RFC 8470 5.2, RFC 6585 4)
_REFUSED_FOR_NOW = frozenset({408, 425, 429})


def unhappy(reply: Reply, now: datetime) -> Retry | Unknown | Halted | None:
    """What every platform means by this reply, or None when its body must be read.

    A server error may come after the work was done (Stripe and Google both say so), so it is not
    proof that nothing was taken; "too many requests" is.
    """
    if isinstance(reply, Unanswered):
        return Unknown(reply.reason) if reply.reached else Retry(reply.reason)
    if reply.status in _REFUSED_FOR_NOW:
        return Retry(f"http_{reply.status}", retry_after(reply.headers, now))
    if reply.status >= 500:
        return Unknown(f"http_{reply.status}", retry_after(reply.headers, now))
    # followed, a POST becomes a GET or carries its secret to an address that nobody configured
    if reply.status in (301, 302, 303, 307, 308):
        return Halted("redirected", "The platform moved; a new version of this product may know.")
    return None


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for; a number or an HTTP date (RFC 9110 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:LONGEST_NUMBER])
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds()) if text else None
    except (TypeError, ValueError, OverflowError):
        return None


def wait_before(attempt: int, chance: random.Random) -> float:
    """Seconds before the attempt after number `attempt` (from 0), by full jitter.

    Source: aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter.
    """
    return chance.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2**attempt))
