"""Champion and challenger: whether a new training may take over from the model that scores now."""

from __future__ import annotations

import numpy as np

from functions.score_leads.model import fitting
from functions.score_leads.model.encoding import tells_apart
from functions.score_leads.model.ladder import BaseRate
from functions.score_leads.numeric import threads
from functions.score_leads.numeric.metrics import log_losses
from functions.score_leads.training.packed import Packed
from functions.score_leads.training.training import Trained

LEAST_LEADS, LEAST_OUTCOMES = 30, 5
CLEARLY_WORSE_Z = 1.0


def refusal(champion: Packed, challenger: Trained, days_since: float, seed: int) -> str:
    """Why the challenger must not take over; empty when it may.

    Both are judged on leads whose outcome became final after the champion was trained, `days_since`
    days ago. The challenger's recipe is fitted again to what was known then, so that neither has
    seen those outcomes: a fault of today's data shows in it.
    """
    outcomes, features = challenger.outcomes, challenger.features
    then = outcomes.as_of(days_since)
    judged = np.flatnonzero(outcomes.mature & ~then.mature & (then.age >= 0))
    won = outcomes.won[judged].astype(float)
    if len(judged) < LEAST_LEADS or min(won.sum(), len(won) - won.sum()) < LEAST_OUTCOMES:
        return ""
    # the ladder has already compared with the base rate, forward in time
    if isinstance(champion.model.scorer, BaseRate) or challenger.step.name == "base_rate":
        return ""
    older = np.flatnonzero(then.age >= 0)
    known = then.take(older)
    both = 0 < known.won[known.mature].sum() < known.mature.sum()
    if not both or not tells_apart(features.take(older)):
        return ""
    weight = challenger.step.boosted_weight
    with threads.alone():
        rhythm = challenger.model.encoder.rhythm
        twin, _ = fitting.fit_open(
            features.take(older), known, weight, seed, quick=True, rhythm=rhythm
        )
        worse = log_losses(twin.logits(features.take(judged)), won) - log_losses(
            _champion_logits(champion, challenger, judged), won
        )
    z = float(worse.mean() / max(worse.std() / np.sqrt(len(worse)), 1e-12))
    if z < CLEARLY_WORSE_Z:
        return ""
    return (
        f"on {len(judged)} newly final leads its log loss is {worse.mean():.4f} worse than the "
        f"champion's (z {z:.1f})"
    )


def _champion_logits(champion: Packed, challenger: Trained, judged: np.ndarray) -> np.ndarray:
    leads = challenger.leads.take(judged)
    features = champion.model.read(leads.columns, leads.created, len(judged))
    return champion.model.logits(features)
