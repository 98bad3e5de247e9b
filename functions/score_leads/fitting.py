"""Fitting the classifier to leads of which some are still open."""

from __future__ import annotations

from dataclasses import dataclass

from functions.score_leads import classifier, encoding
from functions.score_leads.classifier import Classifier
from functions.score_leads.encoding import Encoder
from functions.score_leads.features import Features
from functions.score_leads.open_outcomes import Predict, targets
from functions.score_leads.outcomes import Outcomes
from functions.score_leads.values import Floats

MANY = 50_000


@dataclass(frozen=True)
class Fitted:
    """A classifier and the encoder of its leads."""

    encoder: Encoder
    classifier: Classifier

    def logits(self, features: Features) -> Floats:
        """Log-odds of each lead."""
        return self.classifier.logits(self.encoder.encode(features))


def fit(features: Features, target: Floats, boosted_weight: float, seed: int) -> Fitted:
    """The classifier of leads with these targets, from 0 to 1."""
    encoder = encoding.fit(features, target)
    leads = encoder.encode_for_training(features, target, seed)
    fitted = classifier.fit(leads, target, encoder.told_apart, boosted_weight, seed)
    return Fitted(encoder, fitted)


def fit_open(
    features: Features, outcomes: Outcomes, boosted_weight: float, seed: int, *, quick: bool = False
) -> tuple[Fitted, Floats]:
    """The classifier and the final target of each lead.

    Open outcomes are guessed by the linear half alone when `quick`, or when there are so many leads
    that the other half would add little to the guess.
    """
    linear = quick or features.count > MANY

    def guess(leads: Features, target: Floats, rough: bool) -> Predict:
        return fit(leads, target, 0.0 if rough or linear else boosted_weight, seed).logits

    target = targets(features, outcomes, guess)
    return fit(features, target, boosted_weight, seed), target
