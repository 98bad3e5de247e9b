"""A trained model: everything it takes to turn leads as the CRM has them into scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from functions.score_leads.data import features as reading
from functions.score_leads.data.attributes import Attribute
from functions.score_leads.data.features import Features, Index
from functions.score_leads.data.values import Floats, Raw
from functions.score_leads.model.classifier import Classifier
from functions.score_leads.model.encoding import Encoded, Encoder
from functions.score_leads.model.fitting import Fitted
from functions.score_leads.model.ladder import BaseRate
from functions.score_leads.model.level import Level
from functions.score_leads.model.reasons import Reason, Surrogate, length, strongest
from functions.score_leads.model.value import LogBlend, ValueModel
from functions.score_leads.numeric import threads
from functions.score_leads.numeric.folds import FOLDS, folds_by_moment
from functions.score_leads.numeric.log_odds import probability

NEW = -1
"""In place of a fold: leads that the model did not learn from."""


@dataclass(frozen=True)
class Scores:
    """One entry a lead."""

    probability: Floats
    """Of being won inside the conversion window."""
    deal_value: Floats | None
    """Money if won; None when no deal's value is known."""
    points: Floats | None
    """Each attribute's percentage points, one column an attribute; None for a base rate."""

    @property
    def expected_value(self) -> Floats | None:
        """Probability x money if won."""
        return None if self.deal_value is None else self.probability * self.deal_value


@dataclass(frozen=True)
class Model:
    """Attributes and fitted parts; pure, and the same for every batch of leads."""

    attributes: tuple[Attribute, ...]
    encoder: Encoder
    scorer: Classifier | BaseRate
    level: Level
    value: ValueModel | None
    surrogate: Surrogate | None
    apart: tuple[Fitted, ...] = ()
    """For each fold of the leads that it learnt from, what the other folds taught."""
    learnt_until: float | None = None
    """Creation of the newest lead that it learnt from; None when they are not found again."""

    def read(self, columns: Mapping[str, Raw], created: Floats | None, count: int) -> Features:
        """The leads' features, as in training."""
        return reading.read(self.attributes, columns, created, count)

    def score(self, features: Features) -> Scores:
        """Probability, money and points of each lead, by what other leads taught alone.

        A model remembers the outcomes that it learnt from: it would promise more of these leads
        than of any others, and more than they bring.
        """
        with threads.alone():
            return self._scored(features)

    def _scored(self, features: Features) -> Scores:
        encoded = self.encoder.encode(features)
        logits = self._chances(encoded, features) + self.level.overall
        money = self._money(encoded, features)
        points = None
        if self.surrogate is not None:
            points = self.surrogate.points(encoded.design, logits, self.level.overall)
        return Scores(probability(logits), money, points)

    def _chances(self, encoded: Encoded, features: Features) -> Floats:
        if not self.apart:
            return self._logits(encoded, features)
        logits = np.empty(features.count)
        for fold, mine in self._learnt_from(features):
            theirs = features.take(mine)
            if fold == NEW:
                logits[mine] = self._logits(encoded.take(mine), theirs)
            else:
                logits[mine] = self.apart[fold].logits(theirs)
        return logits

    def _money(self, encoded: Encoded, features: Features) -> Floats | None:
        if not isinstance(self.value, LogBlend) or not self.value.apart:
            return None if self.value is None else self.value.values(encoded, features)
        money = np.empty(features.count)
        for fold, mine in self._learnt_from(features):
            model = self.value if fold == NEW else self.value.apart[fold]
            money[mine] = model.values(encoded.take(mine), features)
        return money

    def _learnt_from(self, features: Features) -> Iterator[tuple[int, Index]]:
        """Folds, and their leads that the model learnt from; NEW for all that it cannot tell."""
        fold = np.full(features.count, NEW)
        if self.learnt_until is not None and features.created is not None:
            learnt = features.created <= self.learnt_until
            fold[learnt] = folds_by_moment(features.created[learnt])
        for each in (NEW, *range(FOLDS)):
            if len(mine := np.flatnonzero(fold == each)):
                yield each, mine

    def logits(self, features: Features) -> Floats:
        """Log-odds of each lead, before the level is moved."""
        return self._logits(self.encoder.encode(features), features)

    def _logits(self, encoded: Encoded, features: Features) -> Floats:
        if isinstance(self.scorer, BaseRate):
            return self.scorer.logits(features)
        return self.scorer.logits(encoded)

    def reasons(self, scores: Scores, columns: Mapping[str, Raw]) -> Iterator[list[Reason]]:
        """Each lead's strongest reasons; none for a base rate."""
        if scores.points is None or self.surrogate is None:
            return repeat([], len(scores.probability))
        texts = {each.name for each in self.attributes if each.kind == "text"} & columns.keys()
        # what people write may name them; how much they wrote does not
        shown = {name: [length(text) for text in columns[name]] for name in texts}
        return strongest(scores.points, self.surrogate.attributes, {**columns, **shown})
