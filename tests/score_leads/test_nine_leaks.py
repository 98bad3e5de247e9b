"""A list of leads without times, as many CRMs export it: what sales keep up must not be used.

Nine mechanisms, under names and with strengths such as published lists of leads have them; the
rows are made up. Judged is the verdict on each column, not a model.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from functions.score_leads.data.outcomes import final
from functions.score_leads.training.training import Leads, Wishes, judge_attributes

COUNT = 1500
Shares = Mapping[str | None, float]


class List:
    """Leads of which two in five are won, better ones more often."""

    def __init__(self, seed: int) -> None:
        self.draw = np.random.default_rng(seed)
        self.quality = self.draw.normal(size=COUNT)
        chance = 1 / (1 + np.exp(0.6 - 1.4 * self.quality))
        self.won = self.draw.random(COUNT) < chance

    def by_outcome(self, won: Shares, lost: Shares) -> list[object]:
        """A level by what became of the lead: only somebody who saw the end can have written it."""
        return [self._one(won if each else lost) for each in self.won.tolist()]

    def by_quality(self, good: Shares, poor: Shares) -> list[object]:
        """A level by what the lead is like, known when it came."""
        is_good = self.draw.random(COUNT) < 1 / (1 + np.exp(-self.quality))
        return [self._one(good if each else poor) for each in is_good.tolist()]

    def number(self, won: float, lost: float, spread: float, known: float) -> list[object]:
        """A score that moves with the work on the lead, of some leads."""
        middle = np.where(self.won, won, lost)
        values = np.round(self.draw.normal(middle, spread))
        there = self.draw.random(COUNT) < known
        return [value if it else None for value, it in zip(values.tolist(), there, strict=True)]

    def _one(self, shares: Shares) -> str | None:
        levels = list(shares)
        chosen = self.draw.choice(len(levels), p=np.array([shares[level] for level in levels]))
        return levels[int(chosen)]


def leaks(leads: List) -> dict[str, list[object]]:
    return {
        "Tags": leads.by_outcome(
            {"Will revert": 0.7, "Closed": 0.2, None: 0.1},
            {"Will revert": 0.03, "Ringing": 0.45, "Not interested": 0.22, None: 0.3},
        ),
        "Lead Quality": leads.by_outcome(
            {"High": 0.3, "Might be": 0.4, None: 0.3},
            {"Worst": 0.12, "Not sure": 0.18, "Might be": 0.08, None: 0.62},
        ),
        "Lead Profile": leads.by_outcome(
            {"Potential lead": 0.4, "Other": 0.3, None: 0.3},
            {"Potential lead": 0.06, "Other": 0.44, "Student": 0.05, None: 0.45},
        ),
        "Last Activity": leads.by_outcome(
            {"SMS sent": 0.5, "Email opened": 0.35, "Chat": 0.05, None: 0.1},
            {"SMS sent": 0.17, "Email opened": 0.4, "Chat": 0.18, "Bounced": 0.15, None: 0.1},
        ),
        "Last Notable Activity": leads.by_outcome(
            {"SMS sent": 0.45, "Email opened": 0.3, "Modified": 0.25},
            {"SMS sent": 0.12, "Email opened": 0.3, "Modified": 0.5, "Chat": 0.08},
        ),
        "Activity Index": leads.by_outcome(
            {"High": 0.15, "Medium": 0.45, None: 0.4}, {"High": 0.06, "Medium": 0.44, None: 0.5}
        ),
        "Profile Index": leads.by_outcome(
            {"High": 0.35, "Medium": 0.25, None: 0.4}, {"High": 0.16, "Medium": 0.36, None: 0.48}
        ),
        "Activity Score": leads.number(15.0, 13.9, 1.5, 0.55),
        "Profile Score": leads.number(17.0, 15.9, 1.8, 0.55),
    }


def honest(leads: List) -> dict[str, list[object]]:
    """Known when the lead came; some of them say much of how it ends."""
    even: dict[str | None, float] = {f"level {place}": 1 / 8 for place in range(8)}
    draw, quality = leads.draw, leads.quality
    return {
        "Lead Origin": leads.by_quality(
            {"Form": 0.4, "Landing page": 0.6}, {"Landing page": 0.5, "API": 0.5}
        ),
        "Lead Source": leads.by_quality(
            {"Google": 0.6, "Reference": 0.3, "Direct": 0.1}, {"Google": 0.4, "Direct": 0.6}
        ),
        "Occupation": leads.by_quality(
            {"Employed": 0.5, "Unemployed": 0.3, None: 0.2},
            {"Employed": 0.15, "Unemployed": 0.6, "Student": 0.05, None: 0.2},
        ),
        "Time on Site": np.round(np.exp(5 + quality + 0.5 * draw.normal(size=COUNT))).tolist(),
        "Visits": draw.poisson(2 + np.clip(quality, 0, 3)).tolist(),
        "Pages a Visit": np.round(draw.gamma(2, 1.5, COUNT), 1).tolist(),
        "Country": leads.by_quality(even, even),
        "City": leads.by_quality({**even, None: 0.0}, even),
        "Specialization": leads.by_quality({"Finance": 0.6, None: 0.4}, {"Sales": 0.5, None: 0.5}),
        "Free Copy": (draw.random(COUNT) < 0.3).tolist(),
        "Heard From": leads.by_quality({"Search": 0.3, None: 0.7}, {"Friend": 0.25, None: 0.75}),
        "Budget": np.round(np.exp(8 + 0.4 * quality + draw.normal(size=COUNT)), -2).tolist(),
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_nine_columns_that_sales_keep_up_are_refused_and_hardly_any_other(seed: int) -> None:
    leads = List(seed)
    kept_up, known = leaks(leads), honest(leads)
    attributes, _, _ = judge_attributes(
        Leads(np.arange(float(COUNT)), False, {**kept_up, **known}),
        final(leads.won, np.full(COUNT, np.nan)),
        Wishes(),
    )
    refused = {attribute.name: attribute.refused for attribute in attributes if attribute.refused}
    assert set(kept_up) - set(refused) == set()
    assert len(set(known) & set(refused)) <= 2, refused
