"""What a backtest found, as lines for people to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from functions.score_leads.data.features import Index
from functions.score_leads.data.outcomes import Outcomes
from functions.score_leads.data.values import Floats
from functions.score_leads.evaluate.history_file import History
from functions.score_leads.model.model import Scores
from functions.score_leads.model.reasons import in_words
from functions.score_leads.numeric import metrics
from functions.score_leads.numeric.log_odds import log_odds
from functions.score_leads.training.training import Leads, Trained


@dataclass(frozen=True)
class Result:
    """A model and its scores of leads it has not seen."""

    trained: Trained
    scores: Scores
    leads: Leads
    outcomes: Outcomes
    rows: Index

    @property
    def won(self) -> Floats:
        """1 for each lead that was won inside the window, else 0."""
        return self.outcomes.won.astype(float)

    @property
    def figures(self) -> dict[str, float]:
        """How good the probabilities are."""
        return metrics.classification(log_odds(self.scores.probability), self.won)

    @property
    def base_figures(self) -> dict[str, float]:
        """The same for the older leads' rate, given to every lead."""
        known = self.trained.outcomes
        rate = (known.won[known.mature].sum() + 0.5) / (known.mature.sum() + 1)
        return metrics.classification(log_odds(np.full(len(self.won), rate)), self.won)

    @property
    def money(self) -> dict[str, float] | None:
        """How good the money is; None without any value."""
        if self.scores.expected_value is None:
            return None
        actual = np.where(self.outcomes.won, np.nan_to_num(self.outcomes.value), 0.0)
        return metrics.money(self.scores.expected_value, actual)


def lines(name: str, read: History, result: Result) -> Iterator[str]:
    """The whole report."""
    yield from _data(name, read, result)
    yield from _attributes(result)
    yield from _model(result)
    yield from _quality(result)
    yield from _money(result)


def _data(name: str, read: History, result: Result) -> Iterator[str]:
    count = len(read.leads.placed)
    yield f"Backtest of {name}"
    yield f"  leads        {count:,}, {read.outcomes.won.mean():.2%} won"
    first, last = read.leads.placed[[0, read.cut - 1]]
    yield f"  trained on   {read.cut:,}, from {_when(first, read)} to {_when(last, read)}"
    if len(result.rows):
        tested = result.leads.placed
        yield (
            f"  tested on    {len(tested):,}, from {_when(tested[0], read)} "
            f"to {_when(tested[-1], read)}"
        )
    for note in read.notes:
        yield f"  note         {note}"


def _when(placed: float, read: History) -> str:
    if not read.leads.dated:
        return f"{placed:g}"
    return datetime.fromtimestamp(placed, UTC).strftime("%Y-%m-%d %H:%M")


def _attributes(result: Result) -> Iterator[str]:
    used = [attribute for attribute in result.trained.attributes if not attribute.refused]
    refused = [attribute for attribute in result.trained.attributes if attribute.refused]
    yield f"\nAttributes: {len(used)} used, {len(refused)} left out"
    for attribute in refused:
        yield f"  left out     {attribute.name}: {attribute.refused}"
    for warning in result.trained.warnings:
        yield f"  warning      {warning}"


def _model(result: Result) -> Iterator[str]:
    step = result.trained.step
    yield f"\nModel: {step.name} ({step.reason})"
    level = result.trained.model.level
    yield f"  level        x{level.factor:.3f}, {level.choice}: {level.note}"
    surrogate = result.trained.model.surrogate
    if surrogate is None or result.scores.points is None:
        return
    weight = np.abs(result.scores.points).mean(axis=0)
    for place in np.argsort(-weight, kind="stable")[:8]:
        name = in_words(surrogate.attributes[place])
        yield f"  {weight[place]:5.2f} points  {name}"


def _quality(result: Result) -> Iterator[str]:
    if not len(result.won):
        yield "\nNo newer lead has a final outcome yet, so nothing can be measured."
        return
    ours, base = result.figures, result.base_figures
    yield "\nOn the newer leads           model   base rate"
    for figure in ("log_loss", "auc", "average_precision", "brier", "calibration_error"):
        yield _line(figure, ours, base)
    yield _line("lift_top_10", ours, base)
    yield _line("predicted_to_actual", ours, base)
    yield "\n  leads by score      predicted   actual"
    for place, tenth in enumerate(metrics.reliability(result.scores.probability, result.won), 1):
        shares = f"{tenth['predicted']:9.2%} {tenth['actual']:9.2%}"
        yield f"  tenth {place:2d} {tenth['leads']:9,.0f} {shares}"


def _line(figure: str, ours: Mapping[str, float], base: Mapping[str, float]) -> str:
    return f"  {figure.replace('_', ' '):22s} {ours[figure]:9.4f} {base[figure]:9.4f}"


def _money(result: Result) -> Iterator[str]:
    money = result.money
    if money is None:
        return
    yield "\nMoney of the newer leads"
    for figure, amount in money.items():
        yield f"  {figure.replace('_', ' '):22s} {amount:12,.4f}"
