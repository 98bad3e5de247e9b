"""Late, reordered and duplicated data, crashes, pauses: the days end in what one full run gives.

`python -m tests.materialize.histories --histories N` tries as many histories as one likes.
"""

from __future__ import annotations

import pytest

from tests.materialize.histories import (
    MUTANTS,
    SHAPES,
    AsksGa4Alone,
    DeletesThenInserts,
    Design,
    ForgetsWhatWasReturned,
    OverwritesDaysWithData,
    TakesGuestsForUsers,
    Upserts,
    WithoutFence,
    WithoutMemory,
    caught,
    judge,
)

HISTORIES = 300
"""A wrong design must be found out within so many."""


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_daily_runs_through_crashes_end_as_one_full_run_does(shape: str) -> None:
    assert judge(len(shape), shape=shape).runs > 0


@pytest.mark.parametrize("shape", ["custom", "first"])
def test_daily_runs_through_faults_of_bigquery_end_as_one_full_run_does(shape: str) -> None:
    assert judge(3, shape=shape, faults=0.03).faults > 0


KNOWN: dict[Design, int] = {
    AsksGa4Alone: 5,
    DeletesThenInserts: 24,
    ForgetsWhatWasReturned: 170,
    OverwritesDaysWithData: 10,
    TakesGuestsForUsers: 10,
    Upserts: 5,
    WithoutFence: 2,
    WithoutMemory: 5,
}
"""Seeds before which these are not found out, left out here to save time."""


@pytest.mark.parametrize("design", MUTANTS, ids=lambda design: design.__name__)
def test_every_wrong_design_is_found_out(design: Design) -> None:
    assert caught(design, HISTORIES, KNOWN.get(design, 0)) is not None
