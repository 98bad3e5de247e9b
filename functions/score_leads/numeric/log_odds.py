"""Log-odds and probabilities, and the shift that makes a sum what it should be."""

from __future__ import annotations

import numpy as np

from functions.score_leads.data.values import Floats

MOST_SHIFT, SHIFT_STEPS = 3.0, 30
"""Log-odds, and halvings: to a few billionths."""


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
