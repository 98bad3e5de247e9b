"""Exchange rates into the shop's currency: one a working day, none at the weekend."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from common.local.shop.dice import dice

CURRENCY = "EUR"
_AROUND = {"GBP": 1.17, "USD": 0.92}


@dataclass(frozen=True)
class Rates:
    """Rates of the days from `first` up to, not with, `end`."""

    seed: int
    first: date
    end: date

    def rate(self, currency: str, day: date) -> float:
        """How much one unit was worth: the day's rate, else that of the Friday before."""
        if currency == CURRENCY:
            return 1.0
        return _drawn(self.seed, currency, day - timedelta(days=max(0, day.weekday() - 4)))

    def rows(self) -> list[dict[str, str | float]]:
        """The table: date, currency, rate."""
        days = (self.first + timedelta(days=count) for count in range((self.end - self.first).days))
        return [
            {"date": day.isoformat(), "currency": currency, "rate": self.rate(currency, day)}
            for day in days
            # as the European Central Bank publishes them: none on Saturday and Sunday
            if day.weekday() < 5
            for currency in _AROUND
        ]


@cache
def _drawn(seed: int, currency: str, day: date) -> float:
    wave = 0.03 * math.sin(day.toordinal() / 40)
    noise = dice(seed, "rate", currency, day).gauss(0, 0.003)
    return round(_AROUND[currency] * (1 + wave + noise), 6)
