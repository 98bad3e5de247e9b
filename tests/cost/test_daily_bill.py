"""What a daily run costs on paper: little more than its one scan, at any age and any size."""

from __future__ import annotations

import pytest

from common.cost.estimate import Cost
from tests.bench._site import Site
from tests.bench.cost import PRICE, Line, all_of, raw_of, run


def times_the_raw_scan(found: dict[str, Line]) -> float:
    return all_of(found).bytes / raw_of(found)


def test_the_bill_stays_as_it_is_however_old_the_stage() -> None:
    bills = {months: run(Site(months=months)) for months in (14, 60)}
    young, old = (times_the_raw_scan(found) for found in bills.values())
    assert old < 1.5
    # eight bytes a row of whom first purchases are known by, and the ids of orders
    assert old - young < 0.03
    assert Cost(all_of(bills[60]).bytes, PRICE).usd_a_month < 9


@pytest.mark.parametrize("months", [12, 60])
def test_a_billion_events_a_day_are_one_large_scan_and_small_rest(months: int) -> None:
    found = run(Site(events=1_000_000_000, months=months))
    assert Cost(all_of(found).bytes, PRICE).usd_a_month < 2_000
    others = [line.largest for name, line in found.items() if name != "stage_scanned"]
    assert max(others) < raw_of(found) / 10
