"""Whether what is promised of a shop's customers comes: public purchases, looked at every month.

python -m tests.bench._customers

Each customer is a lead once in thirty days, won by a purchase in the ninety days after. What is
promised on a day is learnt from every sixth customer as known on that day, and held against what
all customers did then, beside no correction and beside LightGBM of the looks whose ninety days are
over.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from functions.score_leads.numeric import metrics, threads

threads.limit(os.environ)

import numpy as np  # noqa: E402

from functions.score_leads.data.features import DAY  # noqa: E402
from functions.score_leads.data.outcomes import Outcomes  # noqa: E402
from functions.score_leads.data.values import Floats  # noqa: E402
from functions.score_leads.numeric.log_odds import log_odds, probability  # noqa: E402
from functions.score_leads.training.training import Leads, Wishes, train  # noqa: E402
from tests.bench import _peers, _sets  # noqa: E402
from tests.bench._sets import Purchases, Split, Table  # noqa: E402

WINDOW, APART, LOOKS, EVERY = 90.0, 30.0, 9, 6
DATES = 4
"""Monthly dates, the last of them ninety days before the purchases end."""


def lines(data: Path = _sets.DATA) -> Iterator[str]:
    """Promised over what came at each date, wins and money; then the mean |ln| of each."""
    bought = _sets.purchases(data)
    end = max(at for purchases in bought.values() for at, _, _ in purchases)
    yield (
        f"{'days before the last':24}{'wins: none':>12}{'ours':>8}{'LightGBM':>10}"
        f"{'money: none':>14}{'ours':>8}{'LightGBM':>10}{'gini':>8}{'in 80 %':>9}"
    )
    found = []
    for back in range(DATES - 1, -1, -1):
        ratios, gini, held = _on(bought, end - (WINDOW + APART * back) * DAY)
        found.append(ratios)
        wins = "".join(f"{each:{width}.3f}" for each, width in zip(ratios[:3], (12, 8, 10),
                                                                   strict=True))  # fmt: skip
        money = "".join(f"{each:{width}.3f}" for each, width in zip(ratios[3:], (14, 8, 10),
                                                                    strict=True))  # fmt: skip
        yield f"{APART * back:<24.0f}{wins}{money}{gini:8.3f}{held!s:>9}"
    strayed = np.abs(np.log(found)).mean(axis=0)
    shown = "".join(f"{each:{width}.3f}" for each, width in zip(strayed, (12, 8, 10, 14, 8, 10),
                                                                strict=True))  # fmt: skip
    yield f"{'mean |ln|':24}{shown}"


def _on(bought: Purchases, now: float) -> tuple[list[float], float, bool]:
    """Promised over come by none, ours and LightGBM, wins, then money; gini; held in 80 %."""
    some = {id: bought[id] for id in sorted(bought)[::EVERY]}
    looks = [
        _look(some, now - APART * back * DAY, now, place)
        for place, back in enumerate(range(LOOKS, 0, -1))
    ]
    placed, after, money = (np.concatenate([look[part] for look in looks]) for part in (1, 2, 3))
    columns: dict[str, list[object]] = {
        name: [cell for look in looks for cell in look[0][name]] for name in looks[0][0]
    }
    age = (now - placed) / DAY
    known = Outcomes(after, np.full(len(after), np.nan), age, money, WINDOW)
    model = train(Leads(placed, True, columns), known, Wishes()).model
    cells, at, won_after, spent = _look(bought, now, now + WINDOW * DAY, LOOKS)
    came, brought = float(np.isfinite(won_after).sum()), float(np.nansum(spent))
    scores = model.score(model.read(cells, at, len(at)))
    value = scores.deal_value
    assert value is not None
    without = probability(log_odds(scores.probability) - model.level.overall)
    low, high = model.level.interval(float(scores.probability.sum()))
    ratio = scores.probability.sum() / came
    older = np.flatnonzero(known.mature)
    peer = _peer(columns, cells, older, np.nan_to_num(known.value))
    ratios = [
        float(without.sum() / came), float(ratio), float(peer[0].sum() / came),
        float((without * value).sum() / brought),
        float((scores.probability * value).sum() / brought), float(peer[1].sum() / brought),
    ]  # fmt: skip
    gini = metrics.money(scores.probability * value, np.nan_to_num(spent))["gini"]
    return ratios, float(gini), bool(low <= 1 / ratio <= high)


def _peer(
    columns: dict[str, list[object]],
    cells: dict[str, list[object]],
    older: np.ndarray,
    money: Floats,
) -> tuple[Floats, Floats]:
    """LightGBM's chances and money of the customers, learnt from the older looks."""
    count, coming = len(money), len(next(iter(cells.values())))
    table = Table(
        {name: [*columns[name], *cells[name]] for name in columns},
        np.append(money > 0, np.zeros(coming, bool)), np.append(money, np.zeros(coming)),
    )  # fmt: skip
    frame = _peers.Frame(table, Split(older, np.arange(count, count + coming)))
    chance = _peers.lightgbm(frame, (money[older] > 0).astype(float))
    return chance, _peers.REGRESSORS["LightGBM P x gamma"](frame, money[older])


def _look(
    bought: Purchases, at: float, until: float, place: int
) -> tuple[dict[str, list[object]], Floats, Floats, Floats]:
    """Attributes of the customers on a day, its moment, days to the next purchase, their money."""
    there = {id: each for id, each in bought.items() if each[0][0] <= at}
    columns: defaultdict[str, list[object]] = defaultdict(list)
    after, money = [], []
    for purchases in there.values():
        for name, cell in _sets.known_of(purchases, at).items():
            columns[name].append(cell)
        later = [each for each in purchases if at < each[0] <= min(at + WINDOW * DAY, until)]
        after.append((later[0][0] - at) / DAY if later else np.nan)
        money.append(sum(each[2] for each in later) if later else np.nan)
    # no two leads in one second, by which they are found again
    placed: Floats = at + float(place) + np.arange(float(len(after)))
    return dict(columns), placed, np.array(after), np.array(money)


if __name__ == "__main__":
    for line in lines():
        print(line, flush=True)
