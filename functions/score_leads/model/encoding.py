"""Features as the two halves of the model read them: a sparse design and a table for trees.

The linear half sees piecewise linear splines and one-hot levels; the trees see steps of numbers,
the codes of short categories and, above MANY_LEVELS, the log-odds of each level's outcomes.
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
from functions.score_leads.model.forest import Boosted, Forest, Steps
from functions.score_leads.numeric.folds import FOLDS, folds
from functions.score_leads.numeric.log_odds import log_odds
from functions.score_leads.numeric.rhythm import Rhythm

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

    def step(self, values: Floats) -> Steps:
        """The number of each value's step; the last one is that of missing values.

        Trees only ask for order, and a few hundred values are sorted into histograms far faster
        than a hundred thousand weighted ones.
        """
        place = np.searchsorted(self.steps, values)
        return np.where(np.isnan(values), len(self.steps) + 1, place).astype(np.int16)

    @property
    def grid(self) -> Floats:
        """What trees read at each step."""
        return np.append(np.arange(len(self.steps) + 1.0), np.nan)


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

    @property
    def grid(self) -> Floats:
        """What trees read at each place."""
        return np.arange(float(self.width)) if self.log_odds is None else self.log_odds


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
    steps: Steps
    """For trees, numbers first, then categories."""
    grid: tuple[Floats, ...]
    """Of each row of steps, the value that each of them stands for."""
    rhythm: Floats | None = None
    """Log-odds of each lead by its own past orders; None where these tell nothing."""

    @property
    def count(self) -> int:
        """How many leads there are."""
        return int(self.steps.shape[1])

    @cached_property
    def trees(self) -> Floats:
        """The table for trees: numbers, then categories, as codes or as log-odds."""
        columns = [values[steps] for values, steps in zip(self.grid, self.steps, strict=True)]
        return np.column_stack([np.empty((self.count, 0)), *columns])

    @cached_property
    def matrix(self) -> sparse.csr_matrix:
        """The linear half as a sparse matrix: a row each lead."""
        return self.design.matrix()

    def take(self, leads: Index) -> Encoded:
        """Some of the leads."""
        rhythm = None if self.rhythm is None else self.rhythm[leads]
        return Encoded(self.design.take(leads), self.steps[:, leads], self.grid, rhythm)


@dataclass(frozen=True)
class Encoder:
    """What was learnt of the training leads to encode any lead alike."""

    numbers: tuple[Number, ...]
    categories: tuple[Category, ...]
    words: tuple[str, ...]
    rhythm: Rhythm | None = None

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
        rhythm = None if self.rhythm is None else self.rhythm.log_odds(features)
        return Encoded(self.design(features), self._steps(features), self.grid, rhythm)

    @cached_property
    def grid(self) -> tuple[Floats, ...]:
        """What trees read in each of their columns, by its steps."""
        of_numbers = (number.grid for number in self.numbers)
        return (*of_numbers, *(category.grid for category in self.categories))

    def encode_for_training(self, features: Features, target: Floats, seed: int) -> Encoded:
        """As `encode`, but each lead's log-odds come from the leads of the other folds.

        A lead that helped to set its level's log-odds would see its own outcome there.
        """
        steps, grid = self._steps(features), list(self.grid)
        fold = folds(len(target), seed).astype(np.int16)
        for column, category in enumerate(self.categories, start=len(self.numbers)):
            # a short category is read as codes, which say nothing of outcomes
            if category.log_odds is None:
                continue
            place, width = steps[column].copy(), category.width
            others = (fold != held_out for held_out in range(FOLDS))
            odds = [_log_odds(place[seen], target[seen], width) for seen in others]
            grid[column] = np.concatenate(odds)
            steps[column] += fold * np.int16(width)
        return Encoded(self.design(features), steps, tuple(grid))

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

    def _steps(self, features: Features) -> Steps:
        steps = np.empty((len(self.grid), features.count), np.int16)
        for row, number in enumerate(self.numbers):
            steps[row] = number.step(features.numbers[number.name])
        for row, category in enumerate(self.categories, start=len(self.numbers)):
            steps[row] = category.place(features.codes[category.name])
        return steps

    @property
    def is_unordered(self) -> tuple[bool, ...]:
        """For each column of the trees' table, whether its values are codes without order."""
        short = (category.log_odds is None for category in self.categories)
        return (*(False for _ in self.numbers), *short)

    def forest(self, fitted: Boosted) -> Forest:
        """The forest, fitted to leads that this encoder encoded, to be asked of any lead."""
        return Forest(fitted, self.grid, self.is_unordered)


def fit(features: Features, target: Floats, rhythm: Rhythm | None = None) -> Encoder:
    """The encoder for these leads; `target` holds each one's probability of the outcome, 0 to 1."""
    numbers = (_fit_number(name, values) for name, values in features.numbers.items())
    categories = (_fit_category(name, codes, target) for name, codes in features.codes.items())
    return Encoder(
        tuple(number for number in numbers if number.width),
        tuple(category for category in categories if category.width > 1),
        tuple(features.words),
        rhythm,
    )


def tells_apart(features: Features) -> bool:
    """Whether anything tells these leads apart: not if all is constant, or every level rare."""
    encoder = fit(features, np.zeros(features.count))
    return bool(encoder.numbers or encoder.categories)


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
        # beyond all that was seen a spline stays as it ended: to let it go on for a quarter of its
        # range took a total of customers older than any seen from 1.243 to 1.213 of what came, and
        # the log loss of the bank's last tenth from .676 to 1.237
        inside = np.clip(np.where(missing, number.median, values), knots[0], knots[-1])
        left = np.clip(np.searchsorted(knots, inside, side="right") - 1, 0, len(knots) - 2)
        share = (inside - knots[left]) / (knots[left + 1] - knots[left])
        places += [(left + start).astype(np.int32), (left + start + 1).astype(np.int32)]
        amounts += [1 - share, share]
    if number.flagged:
        places.append(np.full(len(values), start + len(knots), np.int32))
        amounts.append(missing.astype(np.float64))
