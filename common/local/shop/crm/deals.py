"""Deals: how a lead goes through the pipeline, to the end that the dice decided."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from common.local.shop.crm.prospects import (
    AGAIN,
    DELAY_SPREAD,
    DISCOUNT,
    DISCOUNTED,
    REVOKED,
    Prospect,
    raw_amount,
)
from common.local.shop.dice import Weighted
from common.local.shop.moments import DAY, HOUR, instant
from common.local.shop.orders.rates import CURRENCY, Rates


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of a pipeline; neither id nor label tells whether it is won."""

    id: str
    label: str
    probability: float
    closed: bool = False
    won: bool = False


PIPELINES = {
    "default": ("Sales", ("appointmentscheduled", "presentationscheduled", "1711", "1712", "1713")),
    "fitout": ("Fit-out projects", ("2801", "closedwon", "customclosedwonstage", "2804", "2805")),
}
"""Id: label, and the ids of its stages: first, offer, won, parked, lost."""
STAGES = {
    stage.id: stage
    for stage in (
        Stage("appointmentscheduled", "New", 0.2),
        Stage("presentationscheduled", "Offer sent", 0.5),
        Stage("1711", "Signed", 1.0, closed=True, won=True),
        Stage("1712", "Closed Lost", 0.1),
        Stage("1713", "Done", 0.0, closed=True),
        Stage("2801", "Site visit", 0.3),
        Stage("closedwon", "Waiting for paperwork", 0.9),
        Stage("customclosedwonstage", "Handover", 1.0, closed=True, won=True),
        Stage("2804", "Closed Lost", 0.1),
        Stage("2805", "Archive", 0.0, closed=True),
    )
}


@dataclass(frozen=True, slots=True)
class Origin:
    """The last lead before a deal: its number, moment and form, and the contacts involved."""

    number: int
    at: int
    form: str
    contacts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal and all that will happen to it, whether the CRM knows it yet or not.

    Amounts are in `currency`; None is an amount not yet known. `twin` is a second record of the
    same deal, typed in and folded into this one at `merged_at`.
    """

    id: int
    contacts: tuple[int, ...]
    created: int
    pipeline: str
    path: tuple[tuple[int, Stage], ...]
    amounts: tuple[tuple[int, float | None], ...]
    currency: str
    deleted_at: int | None = None
    twin: int | None = None
    merged_at: int | None = None

    @property
    def over(self) -> int | None:
        """When it was closed for good; None while it stays open."""
        at, stage = self.path[-1]
        return at if stage.closed else None

    def stage(self, moment: int) -> tuple[int, Stage]:
        """Since when it has been in which stage, as known at the moment."""
        return [step for step in self.path if step[0] < moment][-1]

    def amount(self, moment: int) -> float | None:
        """The amount as known at the moment."""
        return [amount for at, amount in self.amounts if at < moment][-1]

    def won(self, moment: int) -> int | None:
        """Since when it has been won, as known at the moment; None when it is not."""
        if self.created >= moment or (self.deleted_at or moment) < moment:
            return None
        since, stage = self.stage(moment)
        return since if stage.won else None


def deal(origin: Origin, true: Prospect, draw: Random, rates: Rates) -> Deal | None:
    """What comes of the lead: a won, lost or open deal, or none at all."""
    # the true chance has both taken off already, and they are drawn by themselves
    won = draw.random() < true.chance / (1 - AGAIN) / (1 - REVOKED)
    days = math.exp(math.log(true.median_days) + draw.gauss(0, DELAY_SPREAD))
    end = _END_OF_WON(draw) if won else _END_OF_OTHERS(draw)
    if end == "none":
        return None
    # a log-normal delay may be minutes, and the stages need room between lead and end
    wait = max(round(days * DAY), 2 * HOUR)
    over = origin.at + wait
    created = origin.at + min(draw.randrange(HOUR, 4 * DAY), wait // 2)
    pipeline = "fitout" if origin.form == "fitout" else "default"
    twin = end == "won" and draw.random() < 0.05
    currency = "GBP" if draw.random() < 0.08 else CURRENCY
    # the true amount is in the shop's currency, and has to come out again at that day's rate
    amount = raw_amount(true, draw) / rates.rate(currency, instant(over).date())
    return Deal(
        id=40_000_000 + origin.number * 10,
        contacts=origin.contacts,
        created=created,
        pipeline=pipeline,
        path=_path(pipeline, end, created, over, draw),
        amounts=_amounts(created, over, round(amount, 2), draw),
        currency=currency,
        deleted_at=over + draw.randrange(DAY) if end == "mistake" else None,
        twin=40_000_001 + origin.number * 10 if twin else None,
        merged_at=over + draw.randrange(DAY, 9 * DAY) if twin else None,
    )


_END_OF_WON = Weighted({"won": 1 - REVOKED, "revoked": REVOKED})
_END_OF_OTHERS = Weighted({"none": 55, "lost": 34, "open": 10, "mistake": 1})


def _path(
    pipeline: str, end: str, created: int, over: int, draw: Random
) -> tuple[tuple[int, Stage], ...]:
    first, offer, won, parked, lost = (STAGES[id] for id in PIPELINES[pipeline][1])
    # a parked deal bears the label Closed Lost and may still be won: no label tells how it stands
    path = [(created, first), (created + (over - created) // 3, offer)]
    if draw.random() < 0.12:
        path.append((created + (over - created) * 2 // 3, parked))
    if end in ("won", "revoked", "mistake"):
        path.append((over, won))
    if end == "revoked":
        path.append((over + draw.randrange(5 * DAY, 20 * DAY), offer))
    if end == "lost":
        path.append((over, lost))
    return tuple(path)


def _amounts(
    created: int, over: int, amount: float, draw: Random
) -> tuple[tuple[int, float | None], ...]:
    """Unknown at first for most, then an estimate, then the true one, then perhaps a discount."""
    # wrong and round, so that whoever takes the first amount for the last one counts other money
    guess = round(amount * draw.uniform(0.6, 1.5), -2)
    amounts = [
        (created, guess if draw.random() < 0.2 else None),
        (created + (over - created) // 3, guess),
        (over, amount),
    ]
    if draw.random() < DISCOUNTED:
        share = 1 - draw.uniform(0, 2 * DISCOUNT)
        amounts.append((over + draw.randrange(3 * DAY, 30 * DAY), round(amount * share, 2)))
    return tuple(amounts)
