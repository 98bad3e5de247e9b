"""Today's scores of the leads that may still change, batch by batch at flat memory."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import Any

import numpy as np

from common.bigquery.sql import template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.crm import CLICK_IDS
from common.model.window import Window
from common.untyped import JsonObject
from functions.score_leads.data.features import Features
from functions.score_leads.data.outcomes import Flags
from functions.score_leads.data.sources import Staged
from functions.score_leads.data.values import Floats
from functions.score_leads.model.model import Scores
from functions.score_leads.operate.first_seen import known
from functions.score_leads.operate.history import as_columns
from functions.score_leads.training import monitoring, qualification
from functions.score_leads.training.monitoring import Drift, Stability
from functions.score_leads.training.packed import Packed
from functions.score_leads.training.qualification import Threshold
from functions.score_leads.training.training import SEEN_EARLY_DAYS

BATCH = 20_000
RECENT_DAYS = 30
CARRIED = ("id", "date", "created", "client_id", "user_id", *CLICK_IDS, "email", "phone")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Scored:
    """What one run did."""

    leads: int
    qualified: int
    promise: Mapping[str, Any]
    """What was promised of these leads, as `promise` says it."""
    stability: Stability
    drift: list[Drift]


@dataclass(frozen=True)
class Stamp:
    """Who scores when: carried on every row."""

    conversion: str
    run_id: str
    as_of: datetime
    """End of what may be known."""
    now: datetime
    definition_version: int


def score(
    warehouse: Warehouse, packed: Packed, staged: Staged, window: Window, stamp: Stamp
) -> Scored:
    """Score the leads created in the window and append their rows."""
    leads = qualified = 0
    promised = np.zeros(2)
    stabilities: list[Stability] = []
    drift: list[Drift] = []
    for rows in batches(_rows(warehouse, staged, window, stamp), BATCH):
        with collector_resting():
            batch = judge(packed, rows)
            warehouse.append("lead_scores", as_rows(packed, batch, stamp))
        promised += batch.promised_totals
        leads += len(rows)
        qualified += int(batch.qualified.sum())
        stabilities.append(batch.stability)
        # leads come oldest first, so the last batch shows how they look by now
        drift = _recent_drift(packed, batch, stamp.as_of) or drift
    shown = _with_intervals(packed, *promised.tolist())
    return Scored(leads, qualified, shown, monitoring.total(stabilities), drift)


def promise(packed: Packed, chances: Floats, money: Floats | None) -> JsonObject:
    """Totals of leads, each with the interval that holds what comes in four cases of five."""
    total = 0.0 if money is None else float(money.sum())
    return _with_intervals(packed, float(chances.sum()), total)


def _with_intervals(packed: Packed, wins: float, money: float) -> JsonObject:
    level = packed.model.level
    of_wins, of_money = level.interval(wins), level.interval(wins, packed.money_spread)
    return {
        "wins": wins,
        "wins_interval_80": [wins * factor for factor in of_wins],
        "value": money,
        "value_interval_80": [money * factor for factor in of_money],
    }


def batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """The rows in lists of at most `size`, never an empty one."""
    source = iter(rows)
    while batch := list(islice(source, size)):
        yield batch


@contextmanager
def collector_resting() -> Iterator[None]:
    """While it is entered, nobody looks for garbage that holds itself.

    Leads and their reasons are millions of small objects without circles; to walk over them again
    and again takes a seventh of the time of scoring.
    """
    was_awake = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_awake:
            gc.enable()


@dataclass(frozen=True)
class Promised:
    """What was first said of leads under this version of the definition; NaN without any money."""

    probability: Floats
    value: Floats
    deal_value: Floats

    @classmethod
    def of(cls, rows: list[Row], scores: Scores) -> Promised:
        """As said before, else as said now: what is promised is never restated."""
        nothing = np.full(len(rows), np.nan)
        now = {
            "promised_probability": scores.probability,
            "promised_value": scores.expected_value,
            "promised_deal_value": scores.deal_value,
        }
        before = {name: _optional(rows, name) for name in now}
        return cls(
            *(
                np.where(np.isnan(before[name]), nothing if said is None else said, before[name])
                for name, said in now.items()
            )
        )


@dataclass(frozen=True)
class Batch:
    """Leads with their scores."""

    rows: list[Row]
    columns: Mapping[str, list[object]]
    features: Features
    scores: Scores
    qualified: Flags
    qualified_before: Flags
    probability_before: Floats
    promised: Promised
    pipeline: Floats
    """Probability of a win given what is known by now."""

    @property
    def promised_totals(self) -> Floats:
        """Wins and money."""
        return np.array([self.promised.probability.sum(), np.nansum(self.promised.value)])

    @property
    def stability(self) -> Stability:
        """How far the scores moved since the run before."""
        return monitoring.stability(
            self.probability_before, self.scores.probability, self.qualified_before, self.qualified
        )


def judge(packed: Packed, rows: list[Row]) -> Batch:
    """Score leads and decide who is qualified.

    A lead that is lost by now keeps value and qualification: its chance counted losing, and to take
    it out as well would count that twice. The pipeline's probability is for sales, and 0 for it.
    """
    names = [attribute.name for attribute in packed.model.attributes]
    columns = as_columns(names, map(known, rows))
    columns["created"] = [row["created"] for row in rows]
    created = np.array([row["created"].timestamp() for row in rows])
    features = packed.model.read(columns, created, len(rows))
    scores = packed.model.score(features)
    before = np.array([bool(row["qualified_before"]) for row in rows])
    return Batch(
        rows=rows,
        columns=columns,
        features=features,
        scores=scores,
        qualified=packed.threshold.qualify(measured(packed.threshold, scores), before),
        qualified_before=before,
        probability_before=_optional(rows, "probability_before"),
        promised=Promised.of(rows, scores),
        pipeline=_pipeline(packed, rows, scores),
    )


def _pipeline(packed: Packed, rows: list[Row], scores: Scores) -> Floats:
    """1 for wins inside the window, 0 for losses and for what is open after it."""
    # what is known by now, and nothing else: summed over a month's leads it stays what was
    # promised, while leaving lost leads out of chances that contain losing loses 8 to 63 % of the
    # wins
    age, won_after = _optional(rows, "age"), _optional(rows, "won_after")
    still = packed.delays.still_to_win(scores.probability, age)
    lost = np.array([row["status"] == "lost" for row in rows])
    still = np.where(lost | (age >= packed.window_days), 0.0, still)
    return np.where(won_after <= packed.window_days, 1.0, still)


def measured(threshold: Threshold, scores: Scores) -> Floats:
    """What the threshold asks for; while no deal has a value, no lead is expected to bring any."""
    if threshold.measure == "probability":
        return scores.probability
    expected = scores.expected_value
    return np.zeros(len(scores.probability)) if expected is None else expected


def worth(scores: Scores) -> Floats:
    """What leads are ranked by: expected value, or the probability while deals have no value."""
    return scores.probability if scores.expected_value is None else scores.expected_value


def as_rows(packed: Packed, batch: Batch, stamp: Stamp) -> Iterator[JsonObject]:
    """The batch as rows of lead_scores."""
    scores, count = batch.scores, len(batch.rows)
    moved = scores.probability - _optional(batch.rows, "probability_week_ago")
    run = {
        "conversion": stamp.conversion,
        "scored_at": stamp.now,
        "as_of": stamp.as_of,
        "run_id": stamp.run_id,
        "model_id": packed.model_id,
        "definition_version": stamp.definition_version,
    }
    columns: dict[str, Iterable[object]] = {
        **{name: _filled(numbers, count) for name, numbers in _numbers(batch).items()},
        "trend": _filled(moved, count),
        "is_qualified": batch.qualified.tolist(),
        "qualified_at": _qualified_at(batch, stamp.as_of),
        "grade": qualification.grades(worth(scores), packed.grade_cuts),
        "reasons": packed.model.reasons(scores, batch.columns),
    }
    names = (*_OF_LEAD, *columns)
    # a copy has room for all that is filled in, which a dictionary made of pairs grows to
    empty = {**dict.fromkeys(names), **run}
    of_leads = map(itemgetter(*_OF_LEAD), batch.rows)
    for of_lead, cells in zip(of_leads, zip(*columns.values(), strict=True), strict=True):
        row = empty.copy()
        row.update(zip(names, of_lead + cells, strict=True))
        yield row


_OF_LEAD = (*CARRIED, "status", "is_reconstructed")


def _numbers(batch: Batch) -> dict[str, Floats | None]:
    """The columns of numbers; None without any money."""
    scores, promised, money = batch.scores, batch.promised, batch.scores.deal_value
    return {
        "probability": scores.probability,
        "expected_value": scores.expected_value,
        "deal_value_if_won": money,
        "promised_probability": promised.probability,
        "promised_value": promised.value,
        "promised_deal_value": promised.deal_value,
        "pipeline_probability": batch.pipeline,
        "pipeline_value": None if money is None else batch.pipeline * money,
    }


def _filled(numbers: Floats | None, count: int) -> list[float | None]:
    """NULL for NaN, and for all that there is no number of."""
    if numbers is None:
        return [None] * count
    cells: list[float | None] = numbers.tolist()
    for lead in np.flatnonzero(np.isnan(numbers)).tolist():
        cells[lead] = None
    return cells


def _qualified_at(batch: Batch, as_of: datetime) -> Iterator[datetime | None]:
    for row, qualified in zip(batch.rows, batch.qualified.tolist(), strict=True):
        since = row["qualified_at"] if row["qualified_before"] else as_of
        yield since if qualified else None


def _rows(warehouse: Warehouse, staged: Staged, window: Window, stamp: Stamp) -> Iterator[Row]:
    query = template(
        __file__,
        features=warehouse.table("lead_features"),
        leads=staged.leads,
        outcomes=staged.outcomes,
        behaviour=staged.behaviour,
        scores=warehouse.table("lead_scores"),
        clicks=",\n  ".join(f"feature.{name}" for name in CLICK_IDS),
    )
    facts = {
        "conversion": stamp.conversion,
        "start_date": window.start,
        "end_date": window.end,
        "as_of": stamp.as_of,
        "definition_version": stamp.definition_version,
        "soon_hours": int(SEEN_EARLY_DAYS * 24),
    }
    return warehouse.rows(with_parameters(query, **facts))


def _optional(rows: list[Row], name: str) -> Floats:
    # NULL reads as NaN
    return np.array(list(map(itemgetter(name), rows)), dtype=np.float64)


def _recent_drift(packed: Packed, batch: Batch, as_of: datetime) -> list[Drift]:
    ages = np.array([(as_of - row["created"]).days for row in batch.rows])
    return monitoring.drift(packed.shapes, batch.features.take(ages < RECENT_DAYS))
