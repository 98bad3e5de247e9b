"""The leads of the past with what became of them, read from the warehouse for training."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from operator import itemgetter

import numpy as np

from common.bigquery.sql import template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.model.window import Window
from functions.score_leads.data.features import DAY
from functions.score_leads.data.outcomes import Outcomes, Tail, tail
from functions.score_leads.data.sources import Staged
from functions.score_leads.data.values import Floats
from functions.score_leads.operate.first_seen import known
from functions.score_leads.training.training import MAX_ROWS, Leads

MOST_ATTRIBUTES = 200
LEAST_FILLED = 0.01
AT_ONCE = 100
"""Leads whose attributes stay in the processor's cache while they are turned into columns."""


@dataclass(frozen=True)
class Past:
    """Leads, oldest first, their outcomes as known now, and a fingerprint of both."""

    leads: Leads
    outcomes: Outcomes
    data_hash: str
    sampled_from: int
    """Leads that there were before sampling."""
    tail: Tail | None = None
    """The window and what is won after it; None when nobody asked for it."""


def past(
    warehouse: Warehouse,
    conversion: str,
    staged: Staged,
    window: Window,
    as_of: datetime,
    window_days: int | None,
) -> Past | None:
    """What there is to learn from; None when there is no lead at all.

    `window_days` is how long a lead has to become a deal; unless given, history says it.
    """
    count = int(
        next(warehouse.rows(template(__file__, "history_count", leads=staged.leads)))["leads"]
    )
    beyond = _tail(warehouse, staged, as_of, window_days)
    query = template(
        __file__,
        features=warehouse.table("lead_features"),
        leads=staged.leads,
        outcomes=staged.outcomes,
        behaviour=staged.behaviour,
    )
    facts = {
        "conversion": conversion,
        "start_date": window.start,
        "end_date": window.end,
        "as_of": as_of,
        "window_days": beyond.window,
        "parts": max(1, -(-count // MAX_ROWS)),
    }
    read = _Reading(as_of)
    for row in warehouse.rows(with_parameters(query, **facts)):
        read.add(row)
    return read.past(beyond, count) if read.ids else None


def _tail(warehouse: Warehouse, staged: Staged, as_of: datetime, window_days: int | None) -> Tail:
    query = template(__file__, "history_wins", leads=staged.leads, outcomes=staged.outcomes)
    rows = list(warehouse.rows(with_parameters(query, as_of=as_of)))
    leads = [row["leads"] for row in rows]
    days = np.repeat([float(row["days"]) for row in rows], leads)
    won = np.repeat([bool(row["is_won"]) for row in rows], leads)
    oldest = max((row["oldest"] for row in rows), default=0.0)
    # a lead that was won is at least as old as its win, and all that its age is asked for
    return tail(np.where(won, days, np.nan), np.where(won, oldest, days), window_days)


class _Reading:
    """Collects rows column by column; the same text is kept once."""

    def __init__(self, as_of: datetime) -> None:
        self.ids: list[str] = []
        self._as_of = as_of.timestamp()
        self._numbers: dict[str, list[float]] = {
            name: [] for name in ("created", "seen_after", "won_after", "lost_after", "value")
        }
        self._attributes: list[dict[str, object]] = []
        self._hash = hashlib.sha256()

    def add(self, row: Mapping[str, object]) -> None:
        created = row["created"]
        assert isinstance(created, datetime)
        self.ids.append(str(row["id"]))
        self._numbers["created"].append(created.timestamp())
        for name in ("seen_after", "won_after", "lost_after", "value"):
            cell = row[name]
            self._numbers[name].append(float("nan") if cell is None else float(cell))  # type: ignore[arg-type]
        self._attributes.append(
            {sys.intern(name): _kept_once(value) for name, value in known(row).items()}
        )
        # columns by name: the order in which a query returns them is no other past
        self._hash.update(repr([row[name] for name in sorted(row)]).encode())

    def past(self, beyond: Tail, count: int) -> Past:
        window = float(beyond.window)
        numbers = {name: np.array(cells) for name, cells in self._numbers.items()}
        age = (self._as_of - numbers["created"]) / DAY
        return Past(
            Leads(
                placed=numbers["created"],
                dated=True,
                columns=columns(self._attributes),
                seen_after=numbers["seen_after"],
            ),
            Outcomes(numbers["won_after"], numbers["lost_after"], age, numbers["value"], window),
            _fingerprint(self._hash.hexdigest(), window, age),
            count,
            beyond,
        )


def columns(attributes: Sequence[Mapping[str, object]]) -> dict[str, list[object]]:
    """The attributes as columns, without hardly ever filled ones and those beyond the most."""
    filled = Counter(name for lead in attributes for name in lead)
    least = LEAST_FILLED * len(attributes)
    often = [name for name, count in filled.items() if count >= least]
    kept = sorted(often, key=lambda name: (-filled[name], name))[:MOST_ATTRIBUTES]
    return {name: [lead.get(name) for lead in attributes] for name in sorted(kept)}


def as_columns(
    names: Iterable[str], attributes: Iterable[Mapping[str, object]]
) -> dict[str, list[object]]:
    """The named attributes as columns, for leads to be scored."""
    columns: dict[str, list[object]] = {name: [] for name in names}
    source = iter(attributes)
    while leads := list(islice(source, AT_ONCE)):
        for column, cells in zip(columns.values(), _cells(list(columns), leads), strict=True):
            column += cells
    return columns


def _cells(
    names: Sequence[str], leads: Sequence[Mapping[str, object]]
) -> Iterable[Sequence[object]]:
    """Of each name what the leads have."""
    if len(names) < 2:
        return [_column(name, leads) for name in names]
    try:
        # most leads have them all, and are asked for all at once in two thirds of the time
        return zip(*map(itemgetter(*names), leads), strict=True)
    except KeyError:
        return [_column(name, leads) for name in names]


def _column(name: str, leads: Sequence[Mapping[str, object]]) -> list[object]:
    try:
        return list(map(itemgetter(name), leads))
    except KeyError:
        return [lead.get(name) for lead in leads]


def _kept_once(value: object) -> object:
    return sys.intern(value) if isinstance(value, str) and len(value) <= 60 else value


def _fingerprint(rows: str, window: float, age: Floats) -> str:
    """Of the rows, the window, and which leads are final by now."""
    final = np.packbits(age >= window).tobytes()
    return hashlib.sha256(rows.encode() + repr(window).encode() + final).hexdigest()
