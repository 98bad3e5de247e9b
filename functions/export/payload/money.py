"""Money as platforms take it: rounded to what its currency has, never converted."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import NamedTuple

from common.model.currency import DECIMALS

_STEP = {code: Decimal(1).scaleb(-decimals) for code, decimals in DECIMALS.items()}


class Money(NamedTuple):
    """An amount in the smallest steps of its ISO 4217 currency; 0 is an amount, None is none."""

    amount: Decimal
    currency: str

    def __float__(self) -> float:
        return float(self.amount)


def is_currency(code: str) -> bool:
    """Whether ISO 4217 lists the code as active."""
    return code in _STEP


@lru_cache(maxsize=4096)
def money(value: float, currency: str) -> Money:
    """The value rounded half up to the currency's decimals; raises KeyError if it is unknown.

    The shortest decimal of the float is rounded, so 2.675 becomes 2.68 as people expect.
    """
    # -0.0 is kept under the name of 0.0 and is no other amount
    amount = Decimal(repr(value + 0.0)).quantize(_STEP[currency], ROUND_HALF_UP)
    return Money(amount, currency)


def zero(currency: str) -> Money:
    """Nothing, in that currency."""
    return remembered(0.0, currency)


def remembered(value: float, currency: str) -> Money:
    """What was sent once; its currency may have left the list since, as currencies do."""
    if is_currency(currency):
        return money(value, currency)
    return Money(Decimal(repr(value)), currency)
