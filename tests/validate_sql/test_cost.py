"""Bytes and money: what is unknown stays unknown, and a filter has to reduce what is read."""

from __future__ import annotations

import pytest

from common.settings import Settings
from functions.validate_sql.engine.cost import check, estimate, size

GIB = 1024**3
SETTINGS = Settings(project="shop", maximum_bytes_billed=100 * GIB)


def test_a_month_is_thirty_daily_runs_at_the_on_demand_price() -> None:
    cost = estimate(1024**4 // 30, 5 * GIB, SETTINGS)
    assert cost.price_per_month == pytest.approx(6.25, abs=0.01)


def test_unknown_bytes_have_no_price() -> None:
    assert estimate(None, None, SETTINGS).price_per_month is None


def test_a_run_above_the_cap_is_an_error() -> None:
    (finding,) = check(estimate(GIB, 101 * GIB, SETTINGS), GIB, True)
    assert finding.code == "too_expensive"
    assert "101 GiB" in finding.message
    assert "100 GiB" in finding.message


@pytest.mark.parametrize(
    ("one_day", "month", "is_partitioned", "complaint"),
    [
        (GIB, GIB, True, ["not_pruned"]),
        (GIB, 30 * GIB, True, []),
        (GIB, GIB, False, []),
        (1024, 1024, True, []),
        (None, GIB, True, []),
    ],
)
def test_a_filter_that_prunes_nothing_is_told(
    one_day: int | None, month: int, is_partitioned: bool, complaint: list[str]
) -> None:
    found = check(estimate(GIB, month, SETTINGS), one_day, is_partitioned)
    assert [finding.code for finding in found] == complaint


@pytest.mark.parametrize(
    ("count", "shown"), [(512, "512 bytes"), (1536, "1.5 KiB"), (3 * 1024**4, "3 TiB")]
)
def test_sizes_are_for_people(count: int, shown: str) -> None:
    assert size(count) == shown
