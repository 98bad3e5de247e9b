"""Daily tables that land late, change or go at any age, and kills: the days end as one run does.

`make histories` tries 2,000, and every wrong way of reading an export, which must be found out.
"""

from __future__ import annotations

import pytest

from tests.materialize.export_histories import KNOWN, caught, judge

KILLED = 20


def test_daily_runs_over_changing_tables_end_as_one_full_run_does() -> None:
    assert judge(KILLED).tally.kills > 0


@pytest.mark.parametrize(
    "wrong",
    [
        "closes_the_days_of_a_held_stage",
        "counts_streams_unasked",
        "never_counts_a_day_that_lands_late",
        "reads_the_last_days_alone",
        "takes_what_is_preliminary_for_final",
        "writes_nothing_before_its_plan",
    ],
)
def test_a_wrong_way_of_reading_an_export_is_found_out(wrong: str) -> None:
    assert caught(wrong, [KNOWN[wrong]]) == KNOWN[wrong]
