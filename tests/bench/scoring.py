"""How good the lead scoring is beside LightGBM, XGBoost and CatBoost, and what it costs.

python -m tests.bench.scoring [--data DIRECTORY]

Totals in worlds that change: python -m tests.bench._truth (slow).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from functions.score_leads.numeric import threads

threads.limit(os.environ)

import numpy as np  # noqa: E402

from functions.score_leads.data.values import Floats  # noqa: E402
from functions.score_leads.numeric import metrics  # noqa: E402
from functions.score_leads.numeric.log_odds import log_odds  # noqa: E402
from tests.bench import (  # noqa: E402
    _alarms,
    _behaviour,
    _customers,
    _months,
    _peers,
    _promises,
    _reasons,
    _sampling,
    _scale,
    _sets,
    _shop,
    _truth,
)
from tests.bench._sets import Split, Table  # noqa: E402

FIGURES = ("log_loss", "auc", "average_precision", "brier", "calibration_error", "lift_top_10")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scoring", description=__doc__)
    parser.add_argument("--data", type=Path, default=_sets.DATA, help="where the data sets lie")
    asked = parser.parse_args()
    if lacking := _peers.missing():
        sys.exit(
            f"There is no {', '.join(lacking)} to measure against; "
            "`make bench scoring` installs them first."
        )
    bank, shoppers = _sets.bank(asked.data), _sets.shoppers(asked.data)
    print(f"{'':34}" + "".join(f"{name.replace('_', ' '):>19}" for name in FIGURES))
    _say("bank-roll, next tenth, log loss <= .411", bank, _sets.rolling(bank))
    _say("bank-cv, log loss <= .2717", bank, _sets.folded(bank))
    _say("shoppers, last months", shoppers, _sets.first_months(asked.data, shoppers))
    _say_value(*_sets.customers(asked.data))
    print("\nreasons, >= .9 and <= 0.1 ms")
    for name, table in (("bank", bank), ("shoppers", shoppers)):
        print(f"  {name:10}", _reasons.agreement(table), flush=True)
    print("\ntotals, within 3 %", flush=True)
    for line in chain(_truth.lines(["nothing changes"]), _shop.lines()):
        print(f"  {line}", flush=True)
    print("\nwins promised of the next 30 days, never worse than none in the mean", flush=True)
    for line in _promises.lines():
        print(f"  {line}", flush=True)
    print("\nthe same on public sets that say the month", flush=True)
    for line in _months.lines(asked.data):
        print(f"  {line}", flush=True)
    print("\ncdnow, promised of the next 90 days on monthly dates, money within 10 %", flush=True)
    for line in _customers.lines(asked.data):
        print(f"  {line}", flush=True)
    print("\nwhat visits of the site add, on the generated shop", flush=True)
    for line in _behaviour.lines():
        print(f"  {line}", flush=True)
    print("\nfalse and missed incidents, where the truth is known", flush=True)
    for line in _alarms.lines(asked.data):
        print(f"  {line}", flush=True)
    print("\nlearning from some of many leads", flush=True)
    for line in _sampling.lines():
        print(f"  {line}", flush=True)
    print("\nscale, < 60 s and < 4 GiB", flush=True)
    _scale.measure()


def _say(title: str, table: Table, splits: Iterator[Split]) -> None:
    """One line a model: the mean of each figure over the splits."""
    print(title, flush=True)
    found: dict[str, list[dict[str, float]]] = {}
    for split in splits:
        won = table.won[split.newer].astype(float)
        for name, logits in _predictions(table, split):
            found.setdefault(name, []).append(metrics.classification(logits, won))
    for name, parts in found.items():
        means = (float(np.mean([part[figure] for part in parts])) for figure in FIGURES)
        print(f"  {name:32}" + "".join(f"{mean:19.4f}" for mean in means), flush=True)


def _predictions(table: Table, split: Split) -> Iterator[tuple[str, Floats]]:
    """Each model's log-odds of the newer rows."""
    yield "ours", _ours(table, split)[0]
    frame = _peers.Frame(table, split)
    for name, predict in _peers.CLASSIFIERS.items():
        yield name, log_odds(predict(frame, table.won[split.older].astype(float)))
    rate = np.full(len(split.newer), table.won[split.older].mean())
    yield "base rate", log_odds(rate)


def _ours(table: Table, split: Split) -> tuple[Floats, Floats]:
    """Log-odds and expected money; the probability again without any money."""
    model = table.train(split.older).model
    leads = table.leads(split.newer)
    scores = model.score(model.read(leads.columns, leads.created, len(leads.placed)))
    money = scores.probability if scores.expected_value is None else scores.expected_value
    return log_odds(scores.probability), money


def _say_value(table: Table, split: Split) -> None:
    actual = np.nan_to_num(table.value[split.newer])
    print(f"\n{'cdnow, money of 90 days':34}{'gini':>8}{'ratio':>8}{'rmse':>8}", flush=True)
    frame, value = _peers.Frame(table, split), np.nan_to_num(table.value[split.older])
    _say_money("ours", _ours(table, split)[1], actual)
    for name, predict in _peers.REGRESSORS.items():
        _say_money(name, predict(frame, value), actual)


def _say_money(name: str, predicted: Floats, actual: Floats) -> None:
    found = metrics.money(predicted, actual)
    figures = (found[figure] for figure in ("gini", "predicted_to_actual", "rmse"))
    print(f"  {name:32}" + "".join(f"{figure:8.4f}" for figure in figures), flush=True)


if __name__ == "__main__":
    main()
