"""The model card: what a model was made of, how good it is, and what to beware of."""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np

from common.untyped import JsonObject, Row
from functions.score_leads.data.features import DAY
from functions.score_leads.data.values import present
from functions.score_leads.model import classifier, encoding
from functions.score_leads.model.level import Level
from functions.score_leads.model.reasons import in_words
from functions.score_leads.numeric import metrics
from functions.score_leads.numeric.rhythm import Rhythm
from functions.score_leads.training.artifact import versions
from functions.score_leads.training.qualification import WhatIf
from functions.score_leads.training.training import Trained

TOP = 15
TOP_LEADS = 20_000
"""The newest leads, whose points say which attributes weigh most."""


def card(trained: Trained, what_if: list[WhatIf], facts: Row) -> JsonObject:
    """The card as JSON values; `facts` are what the caller knows, such as ids and thresholds."""
    shown: JsonObject = _finite(
        {
            **facts,
            "data": _data(trained),
            "attributes": [_attribute(trained, place) for place in range(len(trained.attributes))],
            "model": _model(trained),
            "quality": _quality(trained),
            "what_if": [asdict(row) for row in what_if],
            "warnings": list(trained.warnings),
        }
    )
    return shown


def _data(trained: Trained) -> JsonObject:
    outcomes, placed = trained.outcomes, trained.leads.placed
    won_after = outcomes.won_after[outcomes.won]
    quartiles = np.quantile(won_after, (0.25, 0.5, 0.75)).tolist() if len(won_after) else []
    return {
        "leads": len(placed),
        "won": int(outcomes.won.sum()),
        "final": int(outcomes.mature.sum()),
        "open": int((~outcomes.is_known).sum()),
        "first_lead": datetime.fromtimestamp(placed[0], UTC).isoformat(),
        "last_lead": datetime.fromtimestamp(placed[-1], UTC).isoformat(),
        "days": round(float(np.ptp(placed) / DAY), 1),
        "window_days": outcomes.window,
        "days_to_win_quartiles": [round(days, 2) for days in quartiles],
        "deals_with_value": int(np.isfinite(outcomes.value[outcomes.won]).sum()),
    }


def _attribute(trained: Trained, place: int) -> JsonObject:
    attribute = trained.attributes[place]
    values = trained.leads.columns[attribute.name]
    found = trained.evidence.get(attribute.name)
    return {
        "name": attribute.name,
        "in_words": in_words(attribute.name),
        "kind": attribute.kind,
        "used": not attribute.refused,
        "reason": attribute.refused,
        "filled": round(len(present(values)) / len(values), 4),
        "levels": len(attribute.levels) or None,
        "area": found and round(found.area, 4),
        "pure_share": found and round(found.pure_share, 4),
        "fill_area": found and round(found.fill_area, 4),
        "suspicion": found.suspicion if found and not attribute.refused else "",
    }


def _model(trained: Trained) -> JsonObject:
    model = trained.model
    shown: JsonObject = {
        "step": trained.step.name,
        "step_reason": trained.step.reason,
        "boosted_weight": trained.step.boosted_weight,
        "sources": [each.attribute for each in getattr(model.scorer, "sources", ())],
        "balance": round(getattr(model.scorer, "offset", 0.0), 4),
        "level": _level(model.level),
        "value_model": type(model.value).__name__ if model.value else None,
        "value_scale": getattr(model.value, "scale", None),
        "parameters": {
            "knots": encoding.KNOTS,
            "rounds": classifier.ROUNDS,
            "shapes": classifier.SHAPES,
            "target_encoding_above": encoding.MANY_LEVELS,
        },
        "versions": versions(),
    }
    if (rhythm := model.encoder.rhythm) is not None:
        shown["rhythm"] = _rhythm(rhythm)
    if model.surrogate is not None:
        shown["reasons_agree"] = round(model.surrogate.agreement, 4)
        shown["top_attributes"] = _top(trained)
    return shown


def _rhythm(rhythm: Rhythm) -> JsonObject:
    """What speaks of customers' orders: a share of each chance, and the money, come from it."""
    columns = rhythm.columns
    return {
        "orders": columns.orders,
        "first": columns.first,
        "last": columns.last,
        "money": rhythm.money and rhythm.money.column,
        "stops_after_first": rhythm.at_once,
        "share": round(rhythm.share, 4),
    }


def _level(level: Level) -> JsonObject:
    """The correction that every score carries, why it is this one, and what it did in the past."""
    return {
        "choice": level.choice,
        "note": level.note,
        "shift": round(level.overall, 4),
        "factor": round(level.factor, 4),
        "bounded": level.bounded,
        "spread": round(level.spread, 4),
        "ways": [
            {"name": way.name, "factor": round(math.exp(way.log_factor), 4),
             "weight": round(way.weight, 4)}
            for way in level.ways
        ],
        "replays": [
            {"days_ago": each.days_ago, "promised": round(each.promised, 1), "came": each.came,
             "uncorrected": round(each.uncorrected, 1), "matured": round(each.matured, 3)}
            for each in level.replays
        ],
    }  # fmt: skip


def _top(trained: Trained) -> list[JsonObject]:
    newest = np.arange(trained.features.count)[-TOP_LEADS:]
    scores = trained.model.score(trained.features.take(newest))
    surrogate = trained.model.surrogate
    if scores.points is None or surrogate is None:
        return []
    weight = np.abs(scores.points).mean(axis=0)
    order = np.argsort(-weight, kind="stable")[:TOP]
    return [
        {
            "attribute": in_words(surrogate.attributes[place]),
            "points": round(float(weight[place]), 2),
        }
        for place in order
    ]


def _quality(trained: Trained) -> JsonObject | None:
    """Figures on leads that came after everything their model had learnt."""
    forward = trained.forward
    if forward is None:
        return None
    shown: JsonObject = {
        "forward": metrics.classification(forward.logits, forward.won),
        "base_rate": metrics.classification(forward.base, forward.won),
        "reliability": metrics.reliability(forward.probability, forward.won),
        "lack_of_skill": forward.lack_of_skill,
    }
    priced = np.isfinite(forward.actual_value)
    if np.isfinite(forward.deal_value).all() and priced.any():
        expected = forward.probability * forward.deal_value
        shown["money"] = metrics.money(expected[priced], forward.actual_value[priced])
        shown["money"]["leads_without_known_value"] = int((~priced).sum())
    return shown


def _finite(value: Any) -> Any:
    """The same without NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {str(name): _finite(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
