"""How good predictions are: ranking, calibration and money."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import average_precision_score

from functions.score_leads.data.attributes import average_ranks
from functions.score_leads.data.values import Floats
from functions.score_leads.numeric.log_odds import probability


def log_losses(logits: Floats, won: Floats) -> Floats:
    """Each lead's -ln of the probability given to what happened."""
    losses: Floats = np.logaddexp(0, np.where(won > 0.5, -logits, logits))
    return losses


def area_under_curve(scores: Floats, won: Floats) -> float:
    """Probability that a won lead scores above one not won, ties counting half."""
    positive = won > 0.5
    wins, others = int(positive.sum()), int((~positive).sum())
    if not wins or not others:
        return 0.5
    ranks = average_ranks(scores)[positive].sum()
    return float((ranks - wins * (wins + 1) / 2) / (wins * others))


def area_error(won: Floats) -> float:
    """Standard error of an area of one half with these counts.

    Source: Hanley & McNeil (1982), doi.org/10.1148/radiology.143.1.7063747, at no skill.
    """
    wins = float((won > 0.5).sum())
    others = len(won) - wins
    return float(np.sqrt((wins + others + 1) / (12 * max(wins * others, 1))))


def calibration_error(predicted: Floats, won: Floats, bins: int = 10) -> float:
    """Mean distance of predicted from actual shares over bins of equal counts."""
    parts = np.array_split(np.argsort(predicted, kind="stable"), min(bins, len(won)))
    gaps = [abs(predicted[part].mean() - won[part].mean()) * len(part) for part in parts]
    return float(sum(gaps) / len(won))


def reliability(predicted: Floats, won: Floats, bins: int = 10) -> list[dict[str, float]]:
    """Predicted and actual share of each tenth of the leads, lowest first."""
    parts = np.array_split(np.argsort(predicted, kind="stable"), min(bins, len(won)))
    return [
        {
            "leads": len(part),
            "predicted": round(float(predicted[part].mean()), 5),
            "actual": round(float(won[part].mean()), 5),
        }
        for part in parts
    ]


def lift(predicted: Floats, won: Floats, share: float = 0.1) -> float:
    """Actual rate among the top share of leads, relative to all leads'."""
    top = np.argsort(-predicted, kind="stable")[: max(1, round(share * len(won)))]
    return float(won[top].mean() / won.mean()) if won.any() else float("nan")


def classification(logits: Floats, won: Floats) -> dict[str, float]:
    """The usual figures of predictions against outcomes of 0 and 1."""
    predicted = probability(logits)
    both = 0 < won.sum() < len(won)
    return {
        "leads": len(won),
        "won": int(won.sum()),
        "log_loss": float(log_losses(logits, won).mean()),
        "auc": area_under_curve(logits, won) if both else float("nan"),
        "average_precision": float(average_precision_score(won, logits)) if both else float("nan"),
        "brier": float(np.mean((predicted - won) ** 2)),
        "calibration_error": calibration_error(predicted, won),
        "lift_top_10": lift(predicted, won),
        "predicted_to_actual": ratio(predicted, won),
    }


def money(predicted: Floats, actual: Floats) -> dict[str, float]:
    """The usual figures of predicted against actual money; leads not won are worth 0."""
    return {
        "predicted_total": float(predicted.sum()),
        "actual_total": float(actual.sum()),
        "predicted_to_actual": ratio(predicted, actual),
        "gini": gini(predicted, actual),
        "rmse": float(np.sqrt(np.mean((predicted - actual) ** 2))),
        "decile_error": decile_error(predicted, actual),
    }


def ratio(predicted: Floats, actual: Floats) -> float:
    """Sum of the predictions relative to the sum of what happened."""
    total = float(actual.sum())
    return float(predicted.sum() / total) if total else float("nan")


def gini(predicted: Floats, actual: Floats) -> float:
    """Normalized Gini: 1 when leads are ordered by their actual money, 0 for any order."""
    if actual.sum() <= 0 or len(np.unique(actual)) < 2:
        return float("nan")
    return _concentration(predicted, actual) / _concentration(actual, actual)


def _concentration(order_by: Floats, actual: Floats) -> float:
    order = np.argsort(-order_by, kind="stable")
    captured = np.cumsum(actual[order]) / actual.sum()
    count = len(actual)
    return float((captured.sum() - (count + 1) / 2) / count)


def decile_error(predicted: Floats, actual: Floats) -> float:
    """Absolute gaps of the ten tenths' sums, relative to the actual total."""
    parts = np.array_split(np.argsort(predicted, kind="stable"), 10)
    gaps = sum(abs(predicted[part].sum() - actual[part].sum()) for part in parts)
    return float(gaps / actual.sum()) if actual.sum() else float("nan")
