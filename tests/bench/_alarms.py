"""How often incidents of scoring are false and how often they are missed, where the truth is known.

python -m tests.bench._alarms [--seeds N]

Worlds say themselves what moves. On public sets nothing moves once their rows are shuffled, and
what is broken in them by hand is known.

Measured (2026-11-30, 12 to 16 seeds and three months each): where nothing moves promise_off speaks
of 0 to 2 % of trainings and promise_uncertain of 10 to 15 %; where rates move, 39 to 53 % and 92 to
97 %. Of 60 simulated CRMs no honest column was refused and no column that a close fills was used.
No attribute of the shuffled sets drifts, all that lose a fifth or are a third new do, and two
thirds to seven eighths of those that double.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from functions.score_leads.numeric import threads

threads.limit(os.environ)

import numpy as np  # noqa: E402

from functions.score_leads.data.attributes import RARE, profile  # noqa: E402
from functions.score_leads.data.features import DAY, Features, Index, read  # noqa: E402
from functions.score_leads.data.outcomes import Outcomes  # noqa: E402
from functions.score_leads.data.values import Floats  # noqa: E402
from functions.score_leads.model import fitting  # noqa: E402
from functions.score_leads.model.level import Level, level  # noqa: E402
from functions.score_leads.operate.training_incidents import is_uncertain  # noqa: E402
from functions.score_leads.training import monitoring  # noqa: E402
from tests.bench import _promises, _sets  # noqa: E402
from tests.bench._sets import Table  # noqa: E402
from tests.score_leads.simulator import sales  # noqa: E402
from tests.score_leads.test_blank_when_new import Crm, honest, leaks  # noqa: E402

SEEDS, FIRST_SEED = 20, 7000
"""Seeds that no threshold was set on."""

CODES: dict[str, Callable[[Level], bool]] = {
    "level_moved": lambda level: level.missed is not None,
    "promise_off": lambda level: level.astray is not None and level.missed is None,
    "promise_uncertain": is_uncertain,
}
QUIET = ("nothing changes", "60 leads a day", "losses are noted late", "long delays")
MOVING = ("falling", "rising", "a step down", "half-yearly seasons")
WINDOW, YEAR = 60.0, 365.0
Columns = Mapping[str, Sequence[object]]


def lines(data: Path = _sets.DATA, seeds: int = SEEDS) -> Iterator[str]:
    """Shares of months, columns or looks of which an incident speaks."""
    yield "trainings of which an incident speaks, by code"
    yield f"{'':34}" + "".join(f"{code:>19}" for code in CODES)
    for kind, worlds in (("quiet", QUIET), ("moves", MOVING)):
        for world in worlds:
            told = [each for seed in range(seeds) for each in _of_world(world, seed)]
            yield _shares(f"{kind}: {world}", told)
    for name, table in (("bank", _sets.bank(data)), ("shoppers", _sets.shoppers(data))):
        told = [_of_shuffled(table, seed) for seed in range(seeds)]
        yield _shares(f"quiet: {name}, rows shuffled", told)
    yield "attribute_drift, share of attributes, by the leads of a month"
    yield from _drifts(data, seeds)
    yield "columns that a close fills, share refused, by leads a day"
    yield from _leaks(seeds)


def _shares(title: str, told: list[list[bool]]) -> str:
    found = np.mean(np.array(told, dtype=float), axis=0)
    return f"  {title:32}" + "".join(f"{share:19.3f}" for share in found)


def _said(known: Outcomes, logits: Floats) -> list[bool]:
    mine = level(known, logits)
    return [bool(tells(mine)) for tells in CODES.values()]


def _of_world(world: str, seed: int) -> Iterator[list[bool]]:
    """What is said on the first of the later months, when all movements have begun."""
    options = {"per_day": 15, "days": _promises.DAYS, "window": _promises.WINDOW}
    drawn = sales(FIRST_SEED + seed, **{**options, **_promises.WORLDS[world].options})
    for today in _promises.TODAYS[3:]:
        leads, known = drawn.known_on(today)
        yield _said(known, _logits(leads.columns, leads.placed, known))


def _of_shuffled(table: Table, seed: int) -> list[bool]:
    """A year of the set's rows in any order, won at made delays."""
    draw = np.random.default_rng(seed)
    rows = draw.permutation(table.count)[:6000]
    placed = np.sort(draw.random(len(rows))) * YEAR * DAY + 1.7e9
    age = (placed.max() - placed) / DAY
    delay = np.minimum(draw.gamma(1.3, 12, len(rows)), WINDOW - 0.01)
    after = np.where(table.won[rows] & (delay <= age), delay, np.nan)
    nothing = np.full(len(rows), np.nan)
    known = Outcomes(after, nothing, age, nothing, WINDOW)
    return _said(known, _logits(_cells(table, rows), placed, known))


def _logits(columns: Columns, placed: Floats, known: Outcomes) -> Floats:
    features = _features(columns, placed)
    with threads.alone():
        return fitting.fit_open(features, known, 0.0, 0, quick=True)[1]


def _features(columns: Columns, placed: Floats) -> Features:
    attributes = [profile(name, cells, placed) for name, cells in columns.items()]
    return read(attributes, columns, placed, len(placed))


def _cells(table: Table, rows: Index) -> dict[str, list[object]]:
    return {name: [cells[row] for row in rows.tolist()] for name, cells in table.columns.items()}


BREAKS = ("nothing", "a fifth is empty", "a third is new", "doubled")


def _drifts(data: Path, seeds: int) -> Iterator[str]:
    yield f"{'':34}" + "".join(f"{what:>19}" for what in BREAKS)
    for name, table in (("bank", _sets.bank(data)), ("shoppers", _sets.shoppers(data))):
        for many in (300, 1000):
            found = [_drift(table, many, seed) for seed in range(seeds)]
            shown = "".join(
                "                  -" if np.isnan(share) else f"{share:19.3f}"
                for share in np.mean(np.array(found), axis=0)
            )
            yield f"  {f'{name}, {many}':32}{shown}"


def _drift(table: Table, many: int, seed: int) -> list[float]:
    """Shares of attributes complained of: as they are, and with each broken in turn."""
    draw = np.random.default_rng(seed)
    rows = draw.permutation(table.count)
    features = _features(_cells(table, rows[:8000]), np.arange(8000.0))
    now = features.take(np.arange(8000 - many, 8000))
    trained = monitoring.shapes(features.take(np.arange(8000 - many)))
    found = [_complained(trained, now)]
    numbers, codes = dict(now.numbers), dict(now.codes)
    gone = draw.random(many) < 0.2
    emptied = Features(
        many,
        {name: np.where(gone, np.nan, values) for name, values in numbers.items()},
        {name: np.where(gone, 1, values).astype(np.int32) for name, values in codes.items()},
    )
    found.append(_complained(trained, emptied))
    new = draw.random(many) < 1 / 3
    renamed = {name: np.where(new, RARE, values).astype(np.int32) for name, values in codes.items()}
    found.append(_complained(trained, Features(many, {}, renamed)))
    doubled = {
        name: 2 * values
        for name, values in numbers.items()
        # twice nothing is nothing
        if np.median(values) != 0
    }
    found.append(_complained(trained, Features(many, doubled, {})))
    return found


def _complained(trained: dict[str, monitoring.Shape], now: Features) -> float:
    there = now.numbers.keys() | now.codes.keys()
    told = [bool(each.complaint) for each in monitoring.drift(trained, now)
            if each.attribute in there]  # fmt: skip
    return float(np.mean(told)) if told else np.nan


VOLUMES = (3, 15, 40)


def _leaks(seeds: int) -> Iterator[str]:
    yield f"{'':42}" + "".join(f"{volume:>10}" for volume in VOLUMES)
    for kind, columns in (("honest", honest), ("leak", leaks)):
        for name in columns(Crm(0)):
            shares = []
            for volume in VOLUMES:
                crms = (Crm(FIRST_SEED + seed, volume) for seed in range(seeds))
                shares.append(np.mean([bool(crm.verdict(columns(crm)[name])) for crm in crms]))
            yield f"  {f'{kind}: {name}':40}" + "".join(f"{share:10.3f}" for share in shares)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench._alarms", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    for line in lines(seeds=parser.parse_args().seeds):
        print(line, flush=True)
