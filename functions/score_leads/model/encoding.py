"""Features as the two halves of the model read them: a sparse design and a table for trees.

The linear half sees piecewise linear splines and one-hot levels; the trees see raw numbers, the
codes of short categories and, above MANY_LEVELS, the log-odds of each level's outcomes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from functions.score_leads.data.attributes import ABSENT, RARE, Codes
from functions.score_leads.data.features import Features, Index, attribute_of
from functions.score_leads.data.values import Floats

KNOTS = 6
SEEN_OFTEN = 10
"""A level seen less often than this shares one place with all rare and unseen ones."""

MAX_LEVELS = 250
# measured: longer categories as log-odds lower the log loss from .3770 to .3755 on bookings, and
# from .2605 to .2386 beside a column of 500 levels that say nothing
MANY_LEVELS = 32
SMOOTHING = 20.0
"""Leads of average outcome that each level is mixed with before its log-odds are taken."""

TREE_STEPS = 250
ODDS_STEP = 1 / 32
"""Finer log-odds tell trees nothing, and with more values than bins they are slow to sort."""

FOLDS = 5
MOST_IN_ONE = 0.4
"""Share of leads, wins or deals in one fold, above which the other folds would teach too little."""

MOST_SHIFT, SHIFT_STEPS = 3.0, 30
"""Log-odds, and halvings: to a few billionths."""


@dataclass(frozen=True)
class Number:
    """How one number is spread over the design: hat functions between knots, and a missing flag."""

    name: str
    median: float
    knots: Floats
    flagged: bool
    steps: Floats
    """Bounds of the steps that trees tell apart."""

    @property
    def width(self) -> int:
        """Columns of the design."""
        return len(self.knots) + self.flagged

    @property
    def entries(self) -> int:
        """Entries in each row of the design."""
        return 2 * (len(self.knots) > 0) + self.flagged

    def step(self, values: Floats) -> Floats:
        """The number of each value's step; missing values stay missing.

        Trees only ask for order, and a few hundred values are sorted into histograms far faster
        than a hundred thousand weighted ones.
        """
        place = np.searchsorted(self.steps, values).astype(np.float64)
        return np.where(np.isnan(values), np.nan, place)


@dataclass(frozen=True)
class Category:
    """Where each code of one category lies: place 0 is shared by rare and unseen levels."""

    name: str
    places: Codes
    width: int
    log_odds: Floats | None
    """Of each place, for trees; None when the category is short enough to be told apart."""

    def place(self, codes: Codes) -> Codes:
        """The column of each code; codes that the training never saw share the last."""
        known: Codes = self.places[np.minimum(codes, len(self.places) - 1)]
        return known


@dataclass(frozen=True)
class Design:
    """Sparse rows with the same number of entries each: quick to build, to multiply, to explain."""

    places: NDArray[np.int32]
    amounts: Floats
    width: int
    words: sparse.csr_matrix | None

    def matrix(self) -> sparse.csr_matrix:
        """The rows as a matrix, hashed words to the right of everything else."""
        count, slots = self.places.shape
        starts = slots * np.arange(count + 1)
        shape = (count, self.width)
        main = sparse.csr_matrix((self.amounts.ravel(), self.places.ravel(), starts), shape)
        return main if self.words is None else sparse.hstack([main, self.words], format="csr")

    def take(self, leads: Index) -> Design:
        """Some of the rows."""
        words = None if self.words is None else self.words[leads]
        return Design(self.places[leads], self.amounts[leads], self.width, words)


@dataclass(frozen=True)
class Encoded:
    """The same leads, as either half reads them."""

    design: Design
    trees: Floats
    """Numbers first, then categories, as codes or as log-odds."""

    @cached_property
    def matrix(self) -> sparse.csr_matrix:
        """The linear half as a sparse matrix: a row each lead."""
        return self.design.matrix()

    def take(self, leads: Index) -> Encoded:
        """Some of the leads."""
        return Encoded(self.design.take(leads), self.trees[leads])


@dataclass(frozen=True)
class Encoder:
    """What was learnt of the training leads to encode any lead alike."""

    numbers: tuple[Number, ...]
    categories: tuple[Category, ...]
    words: tuple[str, ...]

    @cached_property
    def width(self) -> int:
        """Columns of the design, hashed words left out."""
        return sum(number.width for number in self.numbers) + sum(
            category.width for category in self.categories
        )

    @cached_property
    def owners(self) -> tuple[str, ...]:
        """The attribute behind each entry of a design row, then behind each free text."""
        of_numbers = [number.name for number in self.numbers for _ in range(number.entries)]
        of_categories = [category.name for category in self.categories]
        return tuple(map(attribute_of, [*of_numbers, *of_categories, *self.words]))

    def encode(self, features: Features) -> Encoded:
        """The leads encoded; their features are read by the same attributes as in training."""
        return Encoded(self.design(features), self._trees(features))

    def encode_for_training(self, features: Features, target: Floats, seed: int) -> Encoded:
        """As `encode`, but each lead's log-odds come from the leads of the other folds.

        A lead that helped to set its level's log-odds would see its own outcome there.
        """
        rows = self._trees(features)
        fold = folds(len(target), seed)
        for column, category in enumerate(self.categories, start=len(self.numbers)):
            # a short category is read as codes, which say nothing of outcomes
            if category.log_odds is None:
                continue
            place = category.place(features.codes[category.name])
            for held_out in range(FOLDS):
                mine = fold == held_out
                odds = _log_odds(place[~mine], target[~mine], category.width)
                rows[mine, column] = odds[place[mine]]
        return Encoded(self.design(features), rows)

    def design(self, features: Features) -> Design:
        """The leads as the linear half reads them."""
        places: list[Codes] = []
        amounts: list[Floats] = []
        start = 0
        for number in self.numbers:
            _spread(number, features.numbers[number.name], start, places, amounts)
            start += number.width
        for category in self.categories:
            place = category.place(features.codes[category.name])
            places.append(place + np.int32(start))
            amounts.append(np.ones(len(place)))
            start += category.width
        words = [features.words[name] for name in self.words]
        empty = np.empty((features.count, 0))
        return Design(
            np.column_stack([empty.astype(np.int32), *places]),
            np.column_stack([empty, *amounts]),
            self.width,
            sparse.hstack(words, format="csr") if words else None,
        )

    def _trees(self, features: Features) -> Floats:
        columns: list[Floats | Codes] = [
            number.step(features.numbers[number.name]) for number in self.numbers
        ]
        for category in self.categories:
            place = category.place(features.codes[category.name])
            columns.append(place if category.log_odds is None else category.log_odds[place])
        return np.column_stack([np.empty((features.count, 0)), *columns])

    @property
    def is_unordered(self) -> list[bool]:
        """For each column of the trees' table, whether its values are codes without order."""
        short = [category.log_odds is None for category in self.categories]
        return [False] * len(self.numbers) + short


def fit(features: Features, target: Floats) -> Encoder:
    """The encoder for these leads; `target` holds each one's probability of the outcome, 0 to 1."""
    numbers = (_fit_number(name, values) for name, values in features.numbers.items())
    categories = (_fit_category(name, codes, target) for name, codes in features.codes.items())
    return Encoder(
        tuple(number for number in numbers if number.width),
        tuple(category for category in categories if category.width > 1),
        tuple(features.words),
    )


def tells_apart(features: Features) -> bool:
    """Whether anything tells these leads apart: not if all is constant, or every level rare."""
    encoder = fit(features, np.zeros(features.count))
    return bool(encoder.numbers or encoder.categories)


def log_odds(probability: Floats) -> Floats:
    """ln(p / (1 - p)), with p kept a millionth away from 0 and 1."""
    kept = np.clip(probability, 1e-6, 1 - 1e-6)
    odds: Floats = np.log(kept / (1 - kept))
    return odds


def probability(logits: Floats) -> Floats:
    """The inverse of `log_odds`."""
    share: Floats = 1 / (1 + np.exp(-logits))
    return share


def shift_to(total: float, logits: Floats, weights: Floats | float = 1.0) -> float:
    """What to add to all log-odds so that the weighted probabilities sum to the total.

    At most MOST_SHIFT either way, for totals that no shift could reach.
    """
    low, high = -MOST_SHIFT, MOST_SHIFT
    for _ in range(SHIFT_STEPS):
        middle = (low + high) / 2
        if float(np.sum(weights * probability(logits + middle))) < total:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def folds(count: int, seed: int, parts: int = FOLDS) -> NDArray[np.int64]:
    """The fold of each lead, from 0: the same sizes but for one lead, and in no order."""
    return np.random.default_rng(seed).permutation(count) % parts


def folds_by_moment(created: Floats) -> NDArray[np.int64]:
    """The fold of each lead by the second of its creation alone: the same whenever it is asked."""
    mixed = np.floor(created).astype(np.int64).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return ((mixed >> np.uint64(40)) % np.uint64(FOLDS)).astype(np.int64)


def lasting_folds(features: Features, *groups: NDArray[np.bool_]) -> NDArray[np.int64] | None:
    """Folds in which the leads are found again; None when their moments do not tell them apart.

    Each group, such as the won leads, has to be spread over the folds as well: what a CRM imported
    in one go was created in one second.
    """
    if features.created is None:
        return None
    fold = folds_by_moment(features.created)
    spread = all(_is_spread(fold[group]) for group in groups if group.any())
    return fold if spread and _is_spread(fold) and len(np.unique(fold)) == FOLDS else None


def _is_spread(fold: NDArray[np.int64]) -> bool:
    return bool(np.bincount(fold).max() <= MOST_IN_ONE * len(fold))


def _fit_number(name: str, values: Floats) -> Number:
    there = values[~np.isnan(values)]
    distinct = np.unique(there)
    # a spline needs two knots; of a single value only whether it is filled can tell
    if len(distinct) < 2:
        nothing = np.array([])
        return Number(name, 0.0, nothing, 0 < len(there) < len(values), nothing)
    grid = np.linspace(0, 1, KNOTS)
    # quantiles of the distinct values as well: most amounts are zero, and the rest is what tells
    knots = np.unique(np.concatenate([np.quantile(there, grid), np.quantile(distinct, grid)]))
    steps = distinct[:-1]
    if len(distinct) > TREE_STEPS:
        steps = np.unique(np.quantile(there, np.linspace(0, 1, TREE_STEPS + 1)[1:-1]))
    return Number(name, float(np.median(there)), knots, len(there) < len(values), steps)


def _fit_category(name: str, codes: Codes, target: Floats) -> Category:
    counts = np.bincount(codes, minlength=ABSENT + 1)
    often = np.flatnonzero(counts >= SEEN_OFTEN)
    often = often[often != RARE]
    # stable, so that equally frequent levels are cut the same way each time
    kept = np.sort(often[np.argsort(-counts[often], kind="stable")][:MAX_LEVELS])
    # one more entry, so that codes beyond the training leads' are rare as well
    places = np.zeros(len(counts) + 1, np.int32)
    places[kept] = np.arange(1, len(kept) + 1)
    width = len(kept) + 1
    odds = _log_odds(places[codes], target, width) if len(kept) > MANY_LEVELS else None
    all_alike = len(np.unique(places[codes])) < 2
    return Category(name, places, 1 if all_alike else width, odds)


def _log_odds(places: Codes, target: Floats, width: int) -> Floats:
    leads = np.bincount(places, minlength=width)
    outcomes = np.bincount(places, target, minlength=width)
    mean = float(target.mean())
    odds = log_odds((outcomes + SMOOTHING * mean) / (leads + SMOOTHING))
    stepped: Floats = np.round(odds / ODDS_STEP) * ODDS_STEP
    return stepped


def _spread(
    number: Number, values: Floats, start: int, places: list[Codes], amounts: list[Floats]
) -> None:
    missing = np.isnan(values)
    knots = number.knots
    if len(knots):
        inside = np.clip(np.where(missing, number.median, values), knots[0], knots[-1])
        left = np.clip(np.searchsorted(knots, inside, side="right") - 1, 0, len(knots) - 2)
        share = (inside - knots[left]) / (knots[left + 1] - knots[left])
        places += [(left + start).astype(np.int32), (left + start + 1).astype(np.int32)]
        amounts += [1 - share, share]
    if number.flagged:
        places.append(np.full(len(values), start + len(knots), np.int32))
        amounts.append(missing.astype(np.float64))
