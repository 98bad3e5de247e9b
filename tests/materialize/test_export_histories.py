"""Daily tables that land late, change or go at any age, and kills: the days end as one run does.

`make histories` tries 2,000, and every wrong way of reading an export, which must be found out.
"""

from __future__ import annotations

import pytest

from tests.materialize.export_histories import caught, judge

KILLED = 2


def test_daily_runs_over_changing_tables_end_as_one_full_run_does() -> None:
    assert judge(KILLED).tally.kills > 0


@pytest.mark.parametrize(
    ("wrong", "seed"),
    [
        ("closes_the_days_of_a_held_stage", 48),
        ("reads_the_last_days_alone", 0),
        ("waits_for_a_table_that_never_was", 21),
        ("writes_nothing_before_its_plan", 2),
    ],
)
def test_a_wrong_way_of_reading_an_export_is_found_out(wrong: str, seed: int) -> None:
    assert caught(wrong, [seed]) == seed
