"""The grid of daily runs is measured in pieces: what was measured is not measured again."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from tests.bench import _grid
from tests.bench._grid import Timed
from tests.bench._site import Site
from tests.bench.cost import Line


def taken(site: Site) -> Timed:
    return Timed(site.events, site.conversions, site.window, site.months, 9.0, 4.0, 2.0, 70)


def test_a_measurement_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    file = tmp_path / "new" / "daily.jsonl"
    ticks = count()
    # a clock that a second passes on at each look: two points in the time, then the rest
    assert _grid.measure(file, 3.0, taken, lambda: float(next(ticks))) == 52
    assert len(_grid.measured(file)) == 2
    assert _grid.measure(file, 1000.0, taken, lambda: 0.0) == 0
    assert set(_grid.measured(file)) == set(_grid.sites())
    assert len(file.read_text().splitlines()) == 54, "each point once"


def test_the_table_shows_every_point_and_the_seconds_of_those_that_have_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_grid, "run", lambda site: {"stage_scanned": Line(3, 2 * 10**9, 10**9)})
    one = Site(1_000_000, 10, 5, 1)
    heading, *lines = _grid.table({one: taken(one)})
    assert len(lines) == 54
    assert lines[0].split()[-4:] == ["9.0", "4.0", "2.0", "70"]
    assert lines[1].split()[-4:] == ["-"] * 4
    assert {len(line) for line in lines} == {len(heading)}
