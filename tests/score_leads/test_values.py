"""Single values are read as CRMs and spreadsheets write them."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import pytest

from functions.score_leads.data.values import clean, day_comes_first, number, numbers, seconds


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1234.5", 1234.5),
        ("$1,234.50", 1234.5),
        ("1,234", 1234.0),
        ("3,5", 3.5),
        ("12 %", 12.0),
        (True, 1.0),
        ("-7", -7.0),
        ("1e3", 1000.0),
    ],
)
def test_a_number_may_be_written_in_many_ways(written: object, read: float) -> None:
    assert number(written) == read


@pytest.mark.parametrize(
    "written", ["twelve", "", None, "inf", math.inf, math.nan, "1.2.3", [], 10**400]
)
def test_what_is_no_number_is_missing(written: object) -> None:
    assert math.isnan(number(written))


def test_infinite_numbers_are_missing_in_columns_too() -> None:
    assert [math.isnan(read) for read in numbers([1.0, math.inf, None])] == [False, True, True]
    assert [math.isnan(read) for read in numbers(["2", "-inf", "(not set)"])] == [
        False, True, True,
    ]  # fmt: skip


@pytest.mark.parametrize("written", ["", " ", "N/A", "null", "(not set)", "undefined", math.nan])
def test_words_for_nothing_are_nothing(written: object) -> None:
    assert clean(written) is None


NOON = datetime(2024, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        NOON,
        "2024-03-02T12:00:00Z",
        "2024-03-02 12:00:00 UTC",
        "02/03/2024 12:00",
        "02.03.24 12:00",
        str(int(NOON.timestamp())),
        NOON.timestamp() * 1e3,
        NOON.timestamp() * 1e6,
    ],
)
def test_a_moment_may_be_written_in_many_ways(written: object) -> None:
    assert seconds(written) == NOON.timestamp()


def test_a_date_is_its_midnight_and_nonsense_is_no_moment() -> None:
    assert seconds(date(2024, 3, 2)) == NOON.timestamp() - 12 * 3600
    assert all(math.isnan(seconds(each)) for each in ("soon", "31/02/2024", 7, None))


def test_the_dates_themselves_say_whether_the_day_comes_first() -> None:
    assert day_comes_first(["31/12/2024", "01/02/2024"])
    assert not day_comes_first(["12/31/2024"])
