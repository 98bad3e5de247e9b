"""Daily tables that land late, change or go at any age, and kills: the days end as one run does.

`python -m tests.materialize.export_histories --histories N` tries as many histories as one likes.
"""

from __future__ import annotations

from tests.materialize.export_histories import judge


def test_daily_runs_over_changing_tables_end_as_one_full_run_does() -> None:
    assert judge(1, days=4).tally.kills > 0
