"""What a value map sends, and what it would have sent for leads whose end is known."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from common.kinds.scoring import ValueMap
from common.untyped import JsonObject
from functions.score_leads.data.values import Floats

PARTS = 10


@dataclass(frozen=True)
class Decile:
    """A tenth of the leads, by what was promised of them."""

    at_least: float
    """Lower bound of what is promised; 0 for the lowest."""
    leads: int
    promised: float
    """Of each lead, in the mean."""
    came: float
    """Of each lead, in the mean: what a map would send to be true."""


def deciles(promised: Floats, came: Floats) -> list[Decile]:
    """The tenths, the lowest first; fewer where many leads are promised the same."""
    if not len(promised):
        return []
    cuts = np.unique(np.quantile(promised, np.arange(1, PARTS) / PARTS))
    part = np.searchsorted(cuts, promised, side="right")
    bounds = [0.0, *cuts.tolist()]
    return [
        Decile(
            bounds[place], int(mine.sum()), float(promised[mine].mean()), float(came[mine].mean())
        )
        for place in range(len(bounds))
        if (mine := part == place).any()
    ]


def mapped(map: ValueMap, value: Floats, probability: Floats) -> Floats:
    """What is sent for each lead, as the conversion's own query says it."""
    sent = value
    if map.steps:
        of = probability if map.of == "probability" else value
        bounds = np.array([step.at_least for step in map.steps])
        values = np.array([0.0, *(step.value for step in map.steps)])
        sent = values[np.searchsorted(bounds, of, side="right")]
    return np.clip(sent, map.floor, map.cap) if (map.floor, map.cap) != (None, None) else sent


def what_if(
    map: ValueMap | None, promised: Floats, probability: Floats, came: Floats
) -> JsonObject:
    """The deciles, and totals of leads that no model had seen: promised, came, sent by the map."""
    return {
        "deciles": [asdict(each) for each in deciles(promised, came)],
        "promised": float(promised.sum()),
        "came": float(came.sum()),
        "sent": None if map is None else float(mapped(map, promised, probability).sum()),
    }
