"""What a won lead is worth: the mean of two models of log money, scaled so that sums are right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

from functions.score_leads.data.attributes import Codes
from functions.score_leads.data.features import Features
from functions.score_leads.data.outcomes import Flags
from functions.score_leads.data.values import Floats
from functions.score_leads.model.encoding import Encoded, Encoder
from functions.score_leads.model.forest import Forest
from functions.score_leads.numeric.folds import FOLDS, folds
from functions.score_leads.numeric.rhythm import Rhythm

# fewer deals than FEW have a mean, fewer than ENOUGH means by level, fewer than MANY no quantiles
FEW, ENOUGH, MANY = 20, 50, 200
QUICK_DEALS, QUICK_FOLDS = 5_000, 2
ROUNDS = 150
SHRINKAGE = 20.0
"""Won leads of average value that each level's mean is mixed with."""


@dataclass(frozen=True)
class LogBlend:
    """scale x exp(mean of both halves), inside limits taken from the training deals."""

    ridge: Ridge
    forest: Forest
    limits: tuple[float, float]
    scale: float
    apart: tuple[LogBlend, ...] = ()
    """For each lasting fold what the deals of the others taught; empty when there are none."""

    def values(self, leads: Encoded, _: Features) -> Floats:
        """Money of each lead if it is won."""
        return self.scale * _typical(self.ridge, self.forest, self.limits, leads)


@dataclass(frozen=True)
class LevelMeans:
    """The mean of the lead's level in one category; the overall mean without a category."""

    mean: float
    feature: str | None
    means: tuple[float, ...]

    def values(self, leads: Encoded, features: Features) -> Floats:
        """Money of each lead if it is won."""
        if self.feature is None:
            return np.full(leads.count, self.mean)
        by_code = np.append(self.means, self.mean)
        return by_code[np.minimum(features.codes[self.feature], len(self.means))]


@dataclass(frozen=True)
class OrderValue:
    """What customers' own past says that they will order, at what they paid for an order."""

    rhythm: Rhythm

    def values(self, _: Encoded, features: Features) -> Floats:
        """Money of each customer who orders again."""
        return self.rhythm.values(features)


ValueModel = LogBlend | LevelMeans | OrderValue
Halves = tuple[Ridge, Forest]


@dataclass(frozen=True)
class Money:
    """What is known of the leads' money so far; one entry a lead, oldest first."""

    value: Floats
    """Of won leads; NaN for all others, and when it is not known."""
    chance: Floats
    """Predicted probability of being won."""
    final: Flags
    """Whether nothing can change any more."""

    @cached_property
    def deals(self) -> NDArray[np.int64]:
        """The leads whose money is known."""
        return np.flatnonzero(~np.isnan(self.value))


def fit(
    encoder: Encoder,
    features: Features,
    money: Money,
    seed: int,
    *,
    quick: bool = False,
    lasting: NDArray[np.int64] | None = None,
) -> ValueModel | None:
    """The model of what leads bring if they are won; None without any known money.

    `quick` learns from the newest QUICK_DEALS alone, and balances the sum over fewer folds.
    With `lasting` folds what balanced the sum is kept, to judge the same leads later.
    """
    deals = money.deals[-QUICK_DEALS:] if quick else money.deals
    value = money.value[deals]
    if not len(deals) or value.sum() <= 0:
        return None
    if encoder.rhythm is not None and encoder.rhythm.money is not None:
        return OrderValue(encoder.rhythm)
    # nothing may tell the leads apart: imported in one second, and without attributes
    has_features = bool(encoder.numbers or encoder.categories)
    if len(deals) < FEW or np.ptp(value) == 0 or not has_features:
        return LevelMeans(float(value.mean()), None, ())
    if len(deals) < ENOUGH:
        return _level_means(features.take(deals), value)
    leads = encoder.encode(features)
    won = leads.take(deals)
    limits = _limits(value)
    logs = np.log(np.clip(value, *limits))
    parts = QUICK_FOLDS if quick else FOLDS
    fold = folds(features.count, seed, parts) if lasting is None else lasting
    halves = _fit_halves(encoder, won, logs, seed)
    apart = _apart(encoder, won, logs, fold[deals], parts, seed)
    scale = _scale(_unseen(leads, apart, limits, fold), money, deals)
    kept = () if lasting is None else tuple(LogBlend(*each, limits, scale) for each in apart)
    return LogBlend(*halves, limits, scale, kept)


def _scale(typical: Floats, money: Money, deals: NDArray[np.int64]) -> float:
    """What makes the mean of predicted money, weighted by the chance of a deal, that of the deals.

    Models of log money alone lose a tenth to a half of it on heavy tails; and where chances and
    money rise together, chances that lean toward the average lose some more. Young deals are left
    out where there are others: they are the fast ones, and their money may not be all.
    """
    judged = money.final
    if judged[deals].sum() < ENOUGH:
        judged = np.ones(len(typical), bool)
    expected = np.average(typical[judged], weights=money.chance[judged])
    return float(money.value[deals][judged[deals]].mean() / expected)


def _limits(value: Floats) -> tuple[float, float]:
    # a deal of nothing has no logarithm; smearing over zeros predicted 2.4 times the money
    floor = 0.02 * float(np.median(value[value > 0]))
    if len(value) < MANY:
        return floor, float(value.max())
    low, high = (float(limit) for limit in np.quantile(value, (0.01, 0.995)))
    # where hardly any deal has money both quantiles are 0
    return max(low, floor), max(high, floor)


def _apart(
    encoder: Encoder,
    won: Encoded,
    logs: Floats,
    fold: NDArray[np.int64],
    parts: int,
    seed: int,
) -> list[Halves]:
    """For each fold the halves fitted to the deals in the others."""
    halves = []
    for held_out in range(parts):
        seen = np.flatnonzero(fold != held_out)
        halves.append(_fit_halves(encoder, won.take(seen), logs[seen], seed))
    return halves


def _unseen(
    leads: Encoded, apart: list[Halves], limits: tuple[float, float], fold: NDArray[np.int64]
) -> Floats:
    """Typical money of each lead by what the deals of the other folds taught."""
    typical = np.empty(len(fold))
    for held_out, halves in enumerate(apart):
        mine = np.flatnonzero(fold == held_out)
        typical[mine] = _typical(*halves, limits, leads.take(mine))
    return typical


def _fit_halves(encoder: Encoder, deals: Encoded, logs: Floats, seed: int) -> Halves:
    forest = HistGradientBoostingRegressor(
        max_iter=ROUNDS,
        learning_rate=0.05,
        max_leaf_nodes=12,
        l2_regularization=5,
        max_features=0.5,
        categorical_features=list(encoder.is_unordered),
        early_stopping=False,
        random_state=seed,
    )
    # least squares on logs: gamma, Poisson and Tweedie trees lost 11 to 45 % of heavy-tailed money
    ridge = Ridge(alpha=3, solver="sparse_cg").fit(deals.matrix, logs)
    return ridge, encoder.forest(forest.fit(deals.trees, logs))


def _typical(
    ridge: Ridge,
    forest: Forest,
    limits: tuple[float, float],
    leads: Encoded,
) -> Floats:
    mean_log = (ridge.predict(leads.matrix) + forest.sums(leads.steps)) / 2
    typical: Floats = np.exp(np.clip(mean_log, *np.log(limits)))
    return typical


def _level_means(features: Features, value: Floats) -> LevelMeans:
    """Means by the category whose levels differ most."""
    mean = float(value.mean())
    candidates = {name: _shrunk(codes, value, mean) for name, codes in features.codes.items()}
    if not candidates:
        return LevelMeans(mean, None, ())
    best = max(candidates, key=lambda name: candidates[name][features.codes[name]].var())
    means = candidates[best]
    # the leads at hand keep their total
    scale = float(value.sum() / means[features.codes[best]].sum())
    return LevelMeans(mean, best, tuple(float(level * scale) for level in means))


def _shrunk(codes: Codes, value: Floats, mean: float) -> Floats:
    leads, sums = np.bincount(codes), np.bincount(codes, value)
    means: Floats = (sums + SHRINKAGE * mean) / (leads + SHRINKAGE)
    return means
