"""Many leads: training on 100,000 of 30 attributes, scoring a million of them."""

from __future__ import annotations

import json
import multiprocessing
import resource
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from common.kinds.lead_scoring.definition import LeadScoring
from common.kinds.scoring import Qualification, QuerySource
from functions.score_leads.data.features import DAY
from functions.score_leads.data.outcomes import Outcomes
from functions.score_leads.operate import retrain, scoring
from functions.score_leads.operate.history import Past
from functions.score_leads.operate.scoring import Row, Stamp
from functions.score_leads.training.training import Leads

TRAINED, SCORED = 100_000, 1_000_000
LEVELS = (4, 8, 12, 20, 32, 60, 150, 500, 2000, 5000)
WINDOW, HISTORY = 60.0, 400.0
START = 1_700_000_000.0


def measure() -> None:
    """Train and score in a new process, so that its highest memory is theirs alone."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(_measure)


def _measure() -> None:
    """Seconds by the clock and of the processor: a busy machine stretches the former."""
    leads, outcomes = sales(TRAINED)
    with _timed(f"{TRAINED:,} leads trained"):
        past = Past(leads, outcomes, "", TRAINED)
        packed = retrain.training(past, _conversion(), {}).packed
    rows = _rows(leads)
    # a run has let go of the past when it scores; keeping it would slow the collector of garbage
    del leads, outcomes, past
    stamp = Stamp("leads", "run", datetime.now(UTC), datetime.now(UTC), 1)
    with _timed(f"{SCORED:,} leads scored, with reasons, as rows of the table"):
        for _ in range(SCORED // scoring.BATCH):
            with scoring.collector_resting():
                batch = scoring.judge(packed, rows)
                deque(scoring.as_rows(packed, batch, stamp), maxlen=0)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"  {memory:.2f} GiB at most", flush=True)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    by_clock, of_processor = time.perf_counter(), time.process_time()
    yield
    by_clock, of_processor = time.perf_counter() - by_clock, time.process_time() - of_processor
    print(f"  {what}: {by_clock:.1f} s, {of_processor:.1f} s of processor", flush=True)


def sales(count: int) -> tuple[Leads, Outcomes]:
    """Leads of 18 numbers, 2 flags and 10 categories; the youngest outcomes are still open."""
    draw = np.random.default_rng(0)
    numbers = draw.normal(size=(count, 18)).round(4)
    flags = draw.random((count, 2)) < 0.3
    codes = [np.floor(levels * draw.random(count) ** 2).astype(int) for levels in LEVELS]
    logits = -1.5 + 0.5 * numbers[:, :4].sum(axis=1) + 0.6 * flags[:, 0] * (numbers[:, 4] > 0)
    logits = logits + sum(0.4 * draw.normal(size=levels)[code] for levels, code in _pairs(codes))
    won = draw.random(count) < 1 / (1 + np.exp(-logits))
    delay = np.where(won, 10 * np.exp(0.8 * draw.normal(size=count)), np.nan)
    placed = START + np.sort(draw.random(count)) * HISTORY * DAY
    age = HISTORY - (placed - START) / DAY
    known = np.where(delay <= age, delay, np.nan)
    value = np.exp(6 + 0.3 * numbers[:, 0] + draw.normal(size=count))
    columns: dict[str, list[object]] = {
        **{f"number_{place}": numbers[:, place].tolist() for place in range(18)},
        **{f"flag_{place}": flags[:, place].tolist() for place in range(2)},
        **{f"level_{top}": [f"v{code}" for code in column] for top, column in _pairs(codes)},
    }
    nothing = np.full(count, np.nan)
    money = np.where(np.isnan(known), np.nan, value)
    return Leads(placed, True, columns), Outcomes(known, nothing, age, money, WINDOW)


def _pairs(codes: list[Any]) -> list[tuple[int, Any]]:
    return list(zip(LEVELS, codes, strict=True))


def _rows(leads: Leads) -> list[Row]:
    """One batch of leads as they come from the warehouse."""
    names = list(leads.columns)
    nothing = dict.fromkeys(scoring.CARRIED)
    rows = zip(*leads.columns.values(), strict=True)
    return [
        {
            **nothing,
            "id": str(place),
            "created": datetime.fromtimestamp(START, UTC) + timedelta(minutes=place),
            "attributes": json.dumps(dict(zip(names, cells, strict=True))),
            "probability_before": 0.2,
            "qualified_before": False,
            "qualified_at": None,
            "probability_week_ago": None,
            "status": "open",
            "won_after": None,
            "age": 3.0,
            "promised_probability": None,
            "promised_value": None,
            "promised_deal_value": None,
            "is_reconstructed": False,
        }
        for place, cells in zip(range(scoring.BATCH), rows, strict=False)
    ]


def _conversion() -> LeadScoring:
    source = QuerySource(type="query", leads_sql="SELECT 1", deals_sql="SELECT 1")
    return LeadScoring(
        id="leads", name="Leads", source=source, qualification=Qualification(mode="auto")
    )
