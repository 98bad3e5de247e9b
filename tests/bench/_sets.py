"""Public data sets, cut into leads to learn from and leads to predict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedKFold

from functions.score_leads.data import table_file
from functions.score_leads.data.features import DAY, Index
from functions.score_leads.data.outcomes import Flags, Outcomes, final
from functions.score_leads.data.values import Floats, moments, number
from functions.score_leads.training.training import Leads, Trained, Wishes, train

DATA = Path(__file__).parent / "data"
SPAN = 90 * DAY


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
class Looks(Table):
    """Leads seen on a day that is known, and what became of each in the SPAN after it."""

    placed: Floats
    """Seconds since 1970."""
    after: Floats
    """Days to the first purchase; NaN without one."""

    def leads(self, rows: Index) -> Leads:
        """Some of them."""
        return Leads(self.placed, True, self.columns).take(rows)

    def train(self, rows: Index) -> Trained:
        """Our model of some of them, on the day on which the SPAN of all is over."""
        nothing, days = np.full(self.count, np.nan), np.full(self.count, SPAN / DAY)
        known = Outcomes(self.after, nothing, days, self.value, SPAN / DAY)
        return train(self.leads(rows), known.take(rows), Wishes())


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


def customers(data: Path) -> tuple[Looks, Split]:
    """Customers on two days, 90 days apart; the last is 90 days before the end of the purchases.

    A customer who buys in the 90 days after is won and worth the money spent in them.
    """
    bought = purchases(data)
    end = max(at for purchases in bought.values() for at, _, _ in purchases)
    days = (end - 2 * SPAN - DAY, end - SPAN)
    looks = [_look(bought, day) for day in days]
    columns: dict[str, list[object]] = {
        name: [value for look in looks for value in look[0][name]] for name in looks[0][0]
    }
    spent, after = (np.concatenate([look[part] for look in looks]) for part in (1, 2))
    cut = len(looks[0][1])
    placed = np.where(np.arange(len(spent)) < cut, *days)
    table = Looks(columns, spent > 0, np.where(spent > 0, spent, np.nan), placed, after)
    return table, Split(np.arange(cut), np.arange(cut, table.count))


Purchase = tuple[float, float, float]
"""When, how many pieces, how much money."""

Purchases = dict[str, list[Purchase]]
"""Of each customer, oldest first."""


def purchases(data: Path) -> Purchases:
    """All purchases of a shop for music."""
    read = table_file.read(data / "cdnow.csv.gz").columns
    cells = zip(read["id"], moments(read["date"]), read["cds"], read["value"], strict=True)
    bought: defaultdict[str, list[Purchase]] = defaultdict(list)
    for id, at, cds, value in cells:
        bought[id].append((float(at), number(cds), number(value)))
    return {id: sorted(each) for id, each in bought.items()}


def known_of(purchases: list[Purchase], at: float) -> dict[str, float]:
    """What is known on a day of a customer who has bought by then."""
    known = [each for each in purchases if each[0] <= at]
    days = [(at - day) / DAY for day, _, _ in known]
    spent = sum(money for _, _, money in known)
    return {
        "purchases": len(known),
        "days since first": max(days),
        "days since last": min(days),
        "pieces": sum(cds for _, cds, _ in known),
        "spent": spent,
        "mean purchase": spent / len(known),
        "purchases of 90 days": sum(day < 90 for day in days),
    }


def _look(bought: Purchases, at: float) -> tuple[dict[str, list[float]], Floats, Floats]:
    """What was known of each customer, money and days to a purchase of the 90 days after."""
    columns: defaultdict[str, list[float]] = defaultdict(list)
    spent, after = [], []
    for purchases in bought.values():
        if purchases[0][0] > at:
            continue
        for name, cell in known_of(purchases, at).items():
            columns[name].append(cell)
        later = [each for each in purchases if at < each[0] <= at + SPAN and each[2] > 0]
        spent.append(sum(money for _, _, money in later))
        after.append((later[0][0] - at) / DAY if later else np.nan)
    return dict(columns), np.array(spent), np.array(after)


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
