"""Public data sets, cut into leads to learn from and leads to predict."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedKFold

from functions.score_leads import table_file
from functions.score_leads.features import Index
from functions.score_leads.outcomes import Flags, final
from functions.score_leads.training import Leads, Trained, Wishes, train
from functions.score_leads.values import Floats, moments, number

DATA = Path(__file__).parent / "data"
SPAN = 90 * 86_400.0


@dataclass(frozen=True)
class Table:
    """Leads in the order of time, and what became of each."""

    columns: dict[str, list[object]]
    won: Flags
    value: Floats
    """Money of won leads, NaN for the others."""

    @property
    def count(self) -> int:
        return len(self.won)

    def leads(self, rows: Index) -> Leads:
        """Some of them; their place in time is their row."""
        every = Leads(np.arange(self.count, dtype=float), False, self.columns)
        return every.take(rows)

    def train(self, rows: Index) -> Trained:
        """Our model of some of them."""
        outcomes = final(self.won[rows], self.value[rows])
        return train(self.leads(rows), outcomes, Wishes())


@dataclass(frozen=True)
class Split:
    """Rows to learn from and rows to predict."""

    older: Index
    newer: Index


def bank(data: Path) -> Table:
    """Calls of a bank; what a call lasted is known only after it."""
    return _table(data / "bank.csv.gz", "y", drop=("duration",))


def shoppers(data: Path) -> Table:
    """Sessions of a shop by month; the value of a page comes from the sale itself."""
    read = table_file.read(data / "shoppers.csv.gz").columns
    order = np.argsort([number(month) for month in read["Month"]], kind="stable")
    return _table(data / "shoppers.csv.gz", "Revenue", drop=("PageValues", "Month"), order=order)


def rolling(table: Table) -> Iterator[Split]:
    """Five times: all rows so far, then the next tenth."""
    for share in (0.5, 0.6, 0.7, 0.8, 0.9):
        start, end = round(share * table.count), round((share + 0.1) * table.count)
        yield Split(np.arange(start), np.arange(start, end))


def folded(table: Table) -> Iterator[Split]:
    """Five random folds with the same rate."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    for older, newer in folds.split(np.zeros(table.count), table.won):
        yield Split(older, newer)


def first_months(data: Path, table: Table) -> Iterator[Split]:
    """Once: the first 70 % of the months, then the others."""
    read = table_file.read(data / "shoppers.csv.gz").columns
    months = np.sort([number(month) for month in read["Month"]])
    distinct = np.unique(months)
    last = distinct[round(0.7 * len(distinct)) - 1]
    yield Split(np.flatnonzero(months <= last), np.flatnonzero(months > last))


def customers(data: Path) -> tuple[Table, Split]:
    """Customers on two days, 90 days before the middle and before the end of a year of purchases.

    A customer who buys in the 90 days after is won and worth the number of purchases.
    """
    read = table_file.read(data / "purchases.csv.gz").columns
    bought: defaultdict[str, list[float]] = defaultdict(list)
    for id, at in zip(read["id"], moments(read["date"]).tolist(), strict=True):
        bought[id].append(at)
    end = max(map(max, bought.values()))
    looks = [_look(bought, end - 2 * SPAN - 86_400), _look(bought, end - SPAN)]
    names = looks[0][0].keys()
    columns: dict[str, list[object]] = {
        name: [value for rows in looks for value in rows[0][name]] for name in names
    }
    later = np.array([count for rows in looks for count in rows[1]], dtype=float)
    table = Table(columns, later > 0, np.where(later > 0, later, np.nan))
    cut = len(looks[0][1])
    return table, Split(np.arange(cut), np.arange(cut, table.count))


def _look(bought: dict[str, list[float]], at: float) -> tuple[dict[str, list[float]], list[int]]:
    """What was known of each customer, and how much each bought in the 90 days after."""
    columns: defaultdict[str, list[float]] = defaultdict(list)
    later = []
    for times in map(sorted, bought.values()):
        known = times[: bisect_right(times, at)]
        if not known:
            continue
        columns["purchases"].append(len(known))
        columns["days since first"].append((at - known[0]) / 86_400)
        columns["days since last"].append((at - known[-1]) / 86_400)
        for days in (30, 90):
            recent = len(known) - bisect_left(known, at - days * 86_400)
            columns[f"purchases in {days} days"].append(recent)
        later.append(bisect_right(times, at + SPAN) - len(known))
    return dict(columns), later


def _table(path: Path, label: str, drop: tuple[str, ...], order: Index | None = None) -> Table:
    read = table_file.read(path)
    rows = range(read.rows) if order is None else order.tolist()
    columns: dict[str, list[object]] = {
        name: [cells[row] for row in rows]
        for name, cells in read.columns.items()
        if name not in (label, *drop)
    }
    won = np.array([read.columns[label][row].lower() in ("yes", "1", "true") for row in rows])
    return Table(columns, won, np.full(len(won), np.nan))
