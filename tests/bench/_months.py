"""Whether what is promised of the next 30 days comes, on public sets that say the month.

python -m tests.bench._months

Days are spread evenly over each month and wins come at made delays, so that these are indications:
but rates move as they did. By the linear half alone, as in the worlds of `_promises`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from functions.score_leads.numeric import threads

threads.limit(os.environ)

import numpy as np  # noqa: E402

from functions.score_leads.data import table_file  # noqa: E402
from functions.score_leads.data.attributes import profile  # noqa: E402
from functions.score_leads.data.features import DAY, Index, read  # noqa: E402
from functions.score_leads.data.outcomes import Outcomes  # noqa: E402
from functions.score_leads.data.values import Floats, number  # noqa: E402
from functions.score_leads.model import fitting  # noqa: E402
from functions.score_leads.model.level import level  # noqa: E402
from functions.score_leads.numeric.log_odds import probability  # noqa: E402
from functions.score_leads.numeric.metrics import log_losses  # noqa: E402
from tests.bench import _sets  # noqa: E402
from tests.bench._sets import Table  # noqa: E402

WINDOW, START, MONTH = 60.0, 1_600_000_000.0, 30.4
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
LEAST_LEARNT, LEAST_COMING = 500, 50


def lines(data: Path = _sets.DATA) -> Iterator[str]:
    """One line a set: mean |ln| of promised to come and log loss, none and ours."""
    head = f"{'|ln| none':>11}{'ours':>7}{'loss none':>11}{'ours':>8}{'in 80 %':>9}"
    yield f"{'':12}{'dates':>6}{head}"
    shoppers = _sets.shoppers(data)
    months = [number(cell) for cell in table_file.read(data / "shoppers.csv.gz").columns["Month"]]
    yield _line("shoppers", shoppers, _spread(np.sort(months)), 10, range(150, 301, 30))
    bank = _sets.bank(data)
    placed = _spread(_running([str(cell) for cell in bank.columns["month"]]))
    yield _line("bank", bank, placed, 15, range(240, int(placed[-1]) - 30, 60))


def _running(months: list[str]) -> Floats:
    """Months since the first January, of rows in their order."""
    found, year, last = [], 0, -1
    for name in months:
        place = MONTHS.index(name)
        year += place < last
        last = place
        found.append(12 * year + place)
    return np.array(found, dtype=float)


def _spread(month: Floats) -> Floats:
    """Days, spread evenly over each month."""
    day = np.empty(len(month))
    for each in np.unique(month):
        mine = np.flatnonzero(month == each)
        day[mine] = MONTH * each + np.linspace(0, 30, len(mine))
    return day


def _line(name: str, table: Table, day: Floats, usual: float, dates: range) -> str:
    draw = np.random.default_rng(0)
    delay = np.minimum(draw.gamma(1.3, usual, table.count), WINDOW - 0.01)
    after = np.where(table.won, delay, np.nan)
    found = np.array([each for date in dates for each in _on(table, day, after, date)])
    off = np.abs(found[:, :2]).mean(axis=0)
    loss, held = found[:, 2:4].mean(axis=0), found[:, 4].mean()
    shown = f"{off[0]:11.3f}{off[1]:7.3f}{loss[0]:11.4f}{loss[1]:8.4f}{held:9.2f}"
    return f"{name:12}{len(found):6}{shown}"


def _on(table: Table, day: Floats, after: Floats, today: float) -> Iterator[list[float]]:
    """What was promised on a day against what came; nothing where there are too few leads."""
    past = np.flatnonzero(day < today)
    coming = np.flatnonzero((day >= today) & (day < today + 30))
    if len(past) < LEAST_LEARNT or len(coming) < LEAST_COMING:
        return
    age, nothing = today - day[past], np.full(len(past), np.nan)
    won_after = np.where(after[past] <= age, after[past], np.nan)
    known = Outcomes(won_after, nothing, age, nothing, WINDOW)
    placed = START + day * DAY
    cells, asked = _cells(table, past), _cells(table, coming)
    attributes = [profile(name, values, placed[past]) for name, values in cells.items()]
    features = read(attributes, cells, placed[past], len(past))
    fitted, logits = fitting.fit_open(features, known, 0.0, 0, quick=True)
    new = fitted.logits(read(attributes, asked, placed[coming], len(coming)))
    mine = level(known, logits)
    won = table.won[coming].astype(float)
    promised = float(probability(new + mine.overall).sum())
    low, high = mine.interval(promised)
    yield [
        float(np.log(probability(new).sum() / won.sum())),
        float(np.log(promised / won.sum())),
        float(log_losses(new, won).mean()),
        float(log_losses(new + mine.overall, won).mean()),
        float(low * promised <= won.sum() <= high * promised),
    ]


def _cells(table: Table, rows: Index) -> dict[str, list[object]]:
    return {name: [values[row] for row in rows.tolist()] for name, values in table.columns.items()}


if __name__ == "__main__":
    for line in lines():
        print(line, flush=True)
