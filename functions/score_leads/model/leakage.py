"""Attributes that know the outcome: filled or changed after it, or too good to be known before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from functions.score_leads.data.attributes import ABSENT, Codes, snake
from functions.score_leads.data.features import Features, attribute_of
from functions.score_leads.data.outcomes import Flags
from functions.score_leads.data.values import Floats, clean
from functions.score_leads.numeric.folds import FOLDS, folds
from functions.score_leads.numeric.metrics import area_under_curve

# 91 labelled columns with 23 leaks: an area above .98 finds one; with these limits together 12 are
# found, and none of the 64 clean columns
CERTAIN_AREA, SUSPICIOUS_AREA = 0.98, 0.90
PURE_SHARE = 0.05
FILL_AREA = 0.10
LATE_SHARE = 0.05
LEAST_COMPARED = 30
"""Leads; a share of fewer says too little of an attribute."""
TELLING_AREA, TELLING_FILL = 0.53, 0.03
"""With a name that says so, little evidence is enough: two standard errors of 1,500 leads."""
_KEPT_UP = re.compile(
    r"(.*_)?(last|latest|recent|next)_(.*_)?(activity|action|contact(ed)?|call|touch|stage|status)"
    r"|(lead_|deal_|sales_)?(status|stage|tags?|disposition|quality|grade|profile)"
    r"|(.*_)?(activity|profile|engagement)_(score|index)"
)
BINS, BIN_LEADS, BIN_EXPECTED = 20, 30, 8.0
FRESH_DAYS, FRESH_LEADS = 2.0, 30
FOLD_SEED = 0


@dataclass(frozen=True)
class Evidence:
    """What speaks for a leak in one attribute."""

    area: float
    """Area under the curve of this attribute alone, at least 0.5."""
    pure_share: float
    """Share of leads in levels or bins whose outcome is all but certain."""
    fill_area: float
    """How far the area of being filled is from one half."""

    @property
    def refusal(self) -> str:
        """Why the attribute must not be used; empty when it may."""
        if self.area > CERTAIN_AREA:
            return f"it alone predicts the outcome with an area of {self.area:.2f}"
        if self.pure_share >= PURE_SHARE and self.area > SUSPICIOUS_AREA:
            return (
                f"it alone predicts the outcome with an area of {self.area:.2f} and decides it for "
                f"{self.pure_share:.0%} of leads"
            )
        return ""

    @property
    def suspicion(self) -> str:
        """Why somebody should confirm that it is known at creation; empty when nobody need."""
        if self.area > SUSPICIOUS_AREA:
            return f"it alone predicts the outcome with an area of {self.area:.2f}"
        if self.pure_share >= PURE_SHARE:
            return f"its values decide the outcome for {self.pure_share:.0%} of leads"
        if self.fill_area >= FILL_AREA:
            return "being filled goes with the outcome, as when sales fill it in later"
        return ""


def evidence(features: Features, won: Flags) -> dict[str, Evidence]:
    """The evidence for each attribute, from leads whose outcome is known."""
    # a fold may be all that there is, which teaches nothing of itself
    if len(won) < FOLDS:
        return {}
    outcome = won.astype(float)
    found: dict[str, Evidence] = {}
    judged = [
        *((name, _of_number(values, outcome)) for name, values in features.numbers.items()),
        *((name, _of_category(codes, outcome)) for name, codes in features.codes.items()),
    ]
    for name, mine in judged:
        other = found.get(attribute_of(name), mine)
        found[attribute_of(name)] = Evidence(
            max(mine.area, other.area),
            max(mine.pure_share, other.pure_share),
            max(mine.fill_area, other.fill_area),
        )
    return found


def _of_number(values: Floats, won: Floats) -> Evidence:
    there = ~np.isnan(values)
    if not there.any():
        return Evidence(0.5, 0.0, 0.0)
    edges = np.unique(np.quantile(values[there], np.linspace(0, 1, BINS + 1)[1:-1]))
    bins = np.where(there, np.searchsorted(edges, values, side="right") + 1, 0)
    known = area_under_curve(values[there], won[there])
    # missing leads take part at their own rate, so that the area covers all of them
    rates = _rates(bins, won)
    return Evidence(
        max(known, 1 - known, area_under_curve(rates[bins], won) if not there.all() else 0.5),
        _pure_share(bins, won),
        abs(area_under_curve(there.astype(float), won) - 0.5),
    )


def _of_category(codes: Codes, won: Floats) -> Evidence:
    # a level of few leads would predict its own outcomes
    unseen, fold = np.empty(len(codes)), folds(len(codes), FOLD_SEED)
    for held_out in range(FOLDS):
        mine = fold == held_out
        unseen[mine] = _rates(codes, np.where(mine, np.nan, won))[codes[mine]]
    return Evidence(
        max(0.5, area_under_curve(unseen, won)),
        _pure_share(codes, won),
        abs(area_under_curve((codes != ABSENT).astype(float), won) - 0.5),
    )


def _rates(groups: Codes, won: Floats) -> Floats:
    """Each group's rate, mixed with ten average leads; NaN outcomes are left out."""
    known = ~np.isnan(won)
    size = int(groups.max()) + 1
    leads = np.bincount(groups[known], minlength=size)
    wins = np.bincount(groups[known], won[known], minlength=size)
    rates: Floats = (wins + 10 * np.nanmean(won)) / (leads + 10)
    return rates


def _pure_share(groups: Codes, won: Floats) -> float:
    leads, wins, base = np.bincount(groups), np.bincount(groups, won), float(won.mean())
    rates = wins / np.maximum(leads, 1)
    # a level is not pure because wins are rare everywhere: some must have been expected there
    all_won = (rates >= 0.97) & ((1 - base) * leads >= BIN_EXPECTED)
    none_won = (rates <= min(0.01, base / 10)) & (base * leads >= BIN_EXPECTED)
    pure = (leads >= BIN_LEADS) & (all_won | none_won)
    return float(leads[pure].sum() / len(groups))


def kept_up(name: str, found: Evidence) -> str:
    """Why the name says that sales keep the value up to date, where it tells of the outcome."""
    if not _KEPT_UP.fullmatch(snake(name)):
        return ""
    if found.area < TELLING_AREA and found.fill_area < TELLING_FILL:
        return ""
    return f"its name is that of a value that sales keep up, and its area is {found.area:.2f}"


def late_attributes(
    pairs: Iterable[tuple[Mapping[str, object], Mapping[str, object]]],
) -> dict[str, float]:
    """Share of leads, by attribute, whose first-seen value has changed or was filled since.

    `pairs` holds each lead's attributes as first seen and as they are now, newest leads first.
    Leads older than the oldest that held the attribute at first sight count only while there are
    fewer than LEAST_COMPARED others: nobody may have read it in their time.
    """
    changed: dict[str, int] = {}
    since_held: dict[str, float] = {}
    total = 0
    for first, now in pairs:
        total += 1
        for name in first.keys() | now.keys():
            if _differ(first.get(name), now.get(name)):
                changed[name] = changed.get(name, 0) + 1
            if total >= LEAST_COMPARED and clean(first.get(name)) is not None:
                since_held[name] = changed.get(name, 0) / total
    return {name: since_held.get(name, count / total) for name, count in sorted(changed.items())}


def _differ(first: object, now: object) -> bool:
    first, now = clean(first), clean(now)
    return now is not None and str(first) != str(now)


def filled_with_age(columns: Mapping[str, Iterable[object]], age: Floats) -> dict[str, str]:
    """Attributes that fresh leads lack and older ones have: somebody may fill them in later.

    One look at the CRM cannot tell it from a form that has dropped a field, so that it is a ground
    to ask, not to refuse. `age` is the age in days at which each lead was first seen.
    """
    fresh = age < FRESH_DAYS
    older = ~fresh
    if fresh.sum() < FRESH_LEADS or older.sum() < FRESH_LEADS:
        return {}
    late = {}
    for name, values in columns.items():
        filled = np.array([clean(value) is not None for value in values])
        before, after = filled[fresh].mean(), filled[older].mean()
        error = np.sqrt(after * (1 - after) * (1 / fresh.sum() + 1 / older.sum()))
        if after - before > LATE_SHARE and after - before > 4 * error:
            late[name] = f"{before:.0%} of new leads have it, {after:.0%} of older ones"
    return late
