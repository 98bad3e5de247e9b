"""Which leads are worth it: the cut, what it would have done, and how a lead keeps its status."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from common.kinds.scoring import Qualification
from functions.score_leads.data.outcomes import Flags
from functions.score_leads.data.values import Floats

Measure = Literal["probability", "expected_value"]

HYSTERESIS = 0.85
"""A qualified lead stays so down to this part of the cut: measured, flips fall from 1.5 % to 0.2 %
of leads a day."""

# at the point estimate half of the cuts miss their target on the next leads, at this bound one in
# eight
ONE_SIDED_90 = 1.28
# leads a month, below which ad platforms' bidding learns little, and leads below which a share says
# little
LEAST_QUALIFIED = 30
LEAST_VALUE_SHARE = 0.5
FALLBACK_SHARE = 0.3
STEPS = 50


@dataclass(frozen=True)
class Evidence:
    """Out-of-time predictions and what came of them; one entry a lead."""

    probability: Floats
    expected_value: Floats
    """The probability again when deals have no value."""
    won: Floats
    value: Floats
    """Money of won leads, 0 for others; 1 for won leads when deals have no value."""
    days: float
    """Span of time that the leads came in."""


@dataclass(frozen=True)
class WhatIf:
    """What a cut would have done on leads that the model had not seen."""

    cut: float
    leads: int
    share: float
    leads_per_30_days: float
    precision: float
    precision_at_least: float
    """Lower bound of the precision, at 90 % confidence."""
    recall: float
    value_share: float
    """Part of the won money that qualified leads brought."""


@dataclass(frozen=True)
class Threshold:
    """A lead qualifies when its measure reaches the cut; a cut of 0 qualifies all."""

    measure: Measure
    cut: float
    reason: str

    def qualify(self, measured: Floats, qualified_before: Flags) -> Flags:
        """Whether each lead is qualified now; one that was stays until it falls well below."""
        holds: Flags = measured >= np.where(qualified_before, HYSTERESIS * self.cut, self.cut)
        return holds


def threshold(
    wanted: Qualification, evidence: Evidence | None, recent: Floats, model_has_skill: bool
) -> Threshold:
    """The cut for the definition's mode.

    `recent` holds the newest leads' probabilities by the new model. Without skill all leads are
    alike, and only the modes that name a probability, money or all mean anything; the others
    qualify all and say so.
    """
    given = wanted.threshold or 0.0
    match wanted.mode:
        case "all":
            return Threshold("probability", 0.0, "all leads qualify")
        case "probability":
            return Threshold("probability", given, f"probability of at least {given:.3g}")
        case "expected_value":
            return Threshold("expected_value", given, f"expected value of at least {given:,.2f}")
    if not model_has_skill:
        return Threshold("probability", 0.0, "all leads qualify: the model cannot tell them apart")
    if wanted.mode == "top_share":
        return _top_share(given, recent)
    table = [] if evidence is None else what_if(evidence)
    if wanted.mode == "target_precision":
        return _target_precision(given, table)
    return _auto(table, recent)


def what_if(evidence: Evidence, measure: Measure = "probability") -> list[WhatIf]:
    """The table over possible cuts, from the lowest to the highest."""
    measured = evidence.probability if measure == "probability" else evidence.expected_value
    quantiles = np.quantile(measured, np.linspace(0, 1, STEPS, endpoint=False))
    return [_effect(evidence, measured, float(cut)) for cut in np.unique(quantiles)]


def _effect(evidence: Evidence, measured: Floats, cut: float) -> WhatIf:
    chosen = measured >= cut
    count, won = int(chosen.sum()), float(evidence.won[chosen].sum())
    return WhatIf(
        cut=cut,
        leads=count,
        share=count / len(measured),
        leads_per_30_days=30 * count / max(evidence.days, 1e-9),
        precision=won / max(count, 1),
        precision_at_least=wilson_lower(won, count),
        recall=won / max(float(evidence.won.sum()), 1e-9),
        value_share=float(evidence.value[chosen].sum() / max(evidence.value.sum(), 1e-9)),
    )


def wilson_lower(won: float, count: int, z: float = ONE_SIDED_90) -> float:
    """Lower bound of a share of `won` in `count`; 0 for no leads.

    Source: Wilson (1927), doi.org/10.1080/01621459.1927.10502953.
    """
    if not count:
        return 0.0
    share = won / count
    centre = share + z * z / (2 * count)
    margin = z * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, float((centre - margin) / (1 + z * z / count)))


def _top_share(share: float, recent: Floats, reason: str = "") -> Threshold:
    if not len(recent):
        return Threshold("probability", 0.0, "all leads qualify: there are no recent ones")
    cut = float(np.quantile(recent, 1 - share)) if share < 1 else 0.0
    return Threshold("probability", cut, reason or f"the top {share:.0%} of recent leads")


def _target_precision(target: float, table: Iterable[WhatIf]) -> Threshold:
    """The lowest cut whose precision is the target's even at the lower bound."""
    # from the lowest cut up, so that the first one keeps the most leads
    good = [row for row in _enough(table) if row.precision_at_least >= target]
    if good:
        best = good[0]
        reason = f"a precision of {best.precision:.1%}, at least {best.precision_at_least:.1%}"
        return Threshold("probability", best.cut, reason)
    # no group was that good: each single lead must promise it
    return Threshold("probability", target, f"no group of leads reached {target:.0%}; each must")


def _auto(table: Iterable[WhatIf], recent: Floats) -> Threshold:
    """The highest precision that still leaves enough leads and half of the money."""
    good = [
        row
        for row in _enough(table)
        if row.leads_per_30_days >= LEAST_QUALIFIED and row.value_share >= LEAST_VALUE_SHARE
    ]
    if not good:
        share = FALLBACK_SHARE
        return _top_share(
            share, recent, f"the top {share:.0%}: no cut keeps enough leads and money"
        )
    best = max(good, key=lambda row: (row.precision, -row.cut))
    return Threshold(
        "probability",
        best.cut,
        f"automatic: {best.precision:.1%} of qualified leads are won, "
        f"{best.leads_per_30_days:.0f} a month, {best.value_share:.0%} of the money",
    )


def _enough(table: Iterable[WhatIf]) -> list[WhatIf]:
    return [row for row in table if row.leads >= LEAST_QUALIFIED]


def grade_cuts(worth: Floats) -> tuple[float, float, float]:
    """The quartiles of recent leads' worth, which part the grades D, C, B and A."""
    if not len(worth):
        return 0.0, 0.0, 0.0
    low, middle, high = (float(cut) for cut in np.quantile(worth, (0.25, 0.5, 0.75)))
    return low, middle, high


def grades(worth: Floats, cuts: tuple[float, float, float]) -> list[str]:
    """A to D for each lead."""
    return ["DCBA"[place] for place in np.searchsorted(cuts, worth, side="right")]
