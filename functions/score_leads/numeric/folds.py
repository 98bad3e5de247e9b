"""Parts of the leads, each judged by what the others taught."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from functions.score_leads.data.features import Features
from functions.score_leads.data.values import Floats

FOLDS = 5
MOST_IN_ONE = 0.4
"""Share of leads, wins or deals in one fold, above which the other folds would teach too little."""


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
