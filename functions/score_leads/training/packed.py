"""All that a daily run needs of a training: the model, its thresholds and what it was made for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from functions.score_leads.model.model import Model
from functions.score_leads.model.open_outcomes import Delays
from functions.score_leads.training.monitoring import Shape
from functions.score_leads.training.qualification import Threshold


@dataclass(frozen=True)
class Packed:
    """What is stored of a training and loaded to score."""

    model_id: str
    model: Model
    threshold: Threshold
    grade_cuts: tuple[float, float, float]
    shapes: Mapping[str, Shape]
    window_days: float
    delays: Delays
    money_spread: float
    """Variance of a deal's money over its squared mean."""
