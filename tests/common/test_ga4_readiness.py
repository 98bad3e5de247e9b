"""What GA4's export lacks is told in words, each lack once, with what to do."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import pytest

from common.bigquery.sql import Sql
from common.bigquery.warehouse import TableVersion, Warehouse
from common.ga4 import readiness, shards
from common.model.window import Window
from common.settings import Settings
from common.untyped import JsonObject

DATASET = "my-project.analytics_1"
YESTERDAY = date(2026, 11, 10)
MORNING = datetime(2026, 11, 11, 6, tzinfo=UTC)


class Tables(Warehouse):
    """A warehouse that knows nothing but names of tables."""

    def __init__(
        self,
        *names: str,
        streaming: bool = False,
        datasets: str = DATASET,
        known: Collection[str] = (),
    ) -> None:
        """`known` are the names of tables that the stage has read."""
        settings = Settings(project="my-project", ga4_datasets=datasets, ga4_streaming=streaming)
        super().__init__(cast("Any", None), settings)
        self.names, self.known = names, known

    def rows(self, sql: Sql, **options: Any) -> Iterator[JsonObject]:
        facts = {"dataset": DATASET, "rows_total": 1, "changed_at": None}
        return iter([{**facts, "shard": name} for name in self.known])

    def tables_in(self, dataset: str) -> list[str]:
        return sorted(self.names)


def codes(warehouse: Warehouse) -> list[str]:
    return [it.code for it in readiness.problems(warehouse)]


@pytest.mark.parametrize(
    ("warehouse", "expected"),
    [
        (Tables(datasets=""), ["ga4_not_configured"]),
        (Tables(), ["ga4_not_exported"]),
        (Tables("pseudonymous_users_20261109"), ["ga4_not_exported"]),
        (Tables("events_intraday_20261109"), ["ga4_streaming_only"]),
        (Tables("events_fresh_20261109", "events_intraday_20261109"), ["ga4_fresh_only"]),
        (Tables("events_20261109", "events_intraday_20261110"), []),
    ],
)
def test_each_way_of_having_no_daily_table_has_a_name(
    warehouse: Warehouse, expected: list[str]
) -> None:
    assert codes(warehouse) == expected


def test_who_only_streams_is_pointed_to_the_switch_and_the_option() -> None:
    [problem] = readiness.problems(Tables("events_intraday_20261109"))
    assert "Daily" in problem.fix
    assert "CONVERSIONS_GA4_STREAMING=true" in problem.fix


def gaps(*names: str, streaming: bool = False, now: datetime = MORNING) -> list[tuple[str, str]]:
    window = Window(date(2026, 11, 1), YESTERDAY)
    found = readiness.gaps(Tables(*names, streaming=streaming), window, now)
    return [(it.object, it.detail) for it in found]


def daily(*days: int) -> list[str]:
    return [f"events_202611{day:02}" for day in days]


def test_a_gap_is_named_however_old_and_days_before_the_first_table_are_none() -> None:
    assert gaps(*daily(3, 4, 7, 8, 9, 10)) == [
        (
            "20261105",
            f"{DATASET}.events_20261105 to {DATASET}.events_20261106 (2 days) have not landed yet.",
        )
    ]
    assert gaps(*daily(3, 4, 5, 6, 7, 8, 9, 10)) == []


def test_the_newest_day_is_named_once_it_is_late_and_until_it_is_there() -> None:
    # landing in the 36 hours after its end is normal (vegaseotalks; Ayudante 2022)
    late = datetime(2026, 11, 12, 13, tzinfo=UTC)
    said = [("20261110", f"{DATASET}.events_20261110 has not landed yet.")]
    assert gaps(*daily(8, 9)) == []
    assert gaps(*daily(8, 9), now=late - timedelta(hours=1)) == []
    assert gaps(*daily(8, 9), now=late) == said
    assert gaps(*daily(8, 9, 11)) == said
    assert gaps(*daily(8, 9, 10), now=late) == []
    assert gaps(*daily(8, 9), "events_fresh_20261110", now=late) == []


def switches(*names: str, streaming: bool = False) -> list[tuple[str, bool, bool]]:
    """Of each gap its first day, and whether its fix names GA4's switch and our option."""
    tables = Tables(*names, streaming=streaming)
    found = readiness.gaps(tables, Window(date(2026, 11, 1), YESTERDAY), MORNING)
    return [
        (it.object, "export type Daily" in it.fix, "CONVERSIONS_GA4_STREAMING=true" in it.fix)
        for it in found
    ]


def test_days_that_only_the_stream_tells_any_more_are_pointed_to_the_switch() -> None:
    # a property that has grown beyond a million events a day (dbt-ga4#182, #217)
    streamed = [f"events_intraday_202611{day:02}" for day in range(6, 12)]
    assert switches(*daily(4, 5), *streamed) == [("20261106", True, True)]
    # who counts the stream has chosen it
    assert switches(*daily(4, 5), *streamed, streaming=True) == [("20261106", True, False)]
    # there is no stream, 72 hours have not passed, or daily tables go on
    assert switches(*daily(4, 5)) == [("20261106", False, False)]
    assert switches(*daily(4, 5, 6, 7), *streamed) == [("20261108", False, False)]
    assert switches(*daily(4, 5, 10), *streamed) == [("20261106", False, False)]


def test_a_table_that_was_read_and_deleted_is_not_said_to_be_late() -> None:
    found = list(
        readiness.gaps(
            Tables(*daily(3, 4, 7, 8, 9), known=daily(4, 5, 7, 9, 10)),
            Window(date(2026, 11, 1), YESTERDAY),
            MORNING + timedelta(days=5),
        )
    )
    assert [(it.object, it.detail.partition(".events_")[2]) for it in found] == [
        ("20261105", "20261105 has been read and then deleted. What was counted stays."),
        ("20261110", "20261110 has been read and then deleted. What was counted stays."),
        ("20261106", "20261106 has not landed yet."),
    ]


def test_a_fresh_table_is_no_daily_one_for_longer_than_three_days() -> None:
    [(day, detail)] = gaps(*daily(5, 6, 8, 9, 10), "events_fresh_20261107")
    assert day == "20261107"
    assert "preliminary" in detail


def test_of_a_day_the_best_table_is_read() -> None:
    names = [
        *daily(5),
        *("events_fresh_20261105", "events_fresh_20261106"),
        *(f"events_intraday_2026110{day}" for day in (6, 7, 8)),
        "events_2026110x",
    ]
    assert shards.chosen(names, None) == {
        date(2026, 11, 5): "events_20261105",
        date(2026, 11, 6): "events_fresh_20261106",
    }
    streamed = shards.readable(Tables(*names, streaming=True), DATASET, YESTERDAY)
    assert streamed[date(2026, 11, 7)] == "events_intraday_20261107"
    assert date(2026, 11, 8) not in streamed


def test_a_day_whose_daily_table_was_read_is_read_from_no_other() -> None:
    names = [*daily(5, 6), *(f"events_fresh_2026110{day}" for day in (6, 7, 8))]
    known = ["events_20261105", "events_20261107", "events_fresh_20261108"]
    found = shards.readable(Tables(*names, known=known), DATASET, YESTERDAY)
    assert found == {
        date(2026, 11, 5): "events_20261105",
        date(2026, 11, 6): "events_20261106",
        date(2026, 11, 8): "events_fresh_20261108",
    }


def test_a_fresh_table_beside_a_deleted_one_hides_nothing() -> None:
    tables = Tables(*daily(5, 6, 7, 8, 10), "events_fresh_20261109", known=["events_20261109"])
    [gap] = readiness.gaps(tables, Window(date(2026, 11, 1), YESTERDAY), MORNING)
    assert "deleted" in gap.detail
    assert "What was counted stays." in gap.detail


def test_an_export_of_daily_tables_alone_asks_nothing_of_what_was_read() -> None:
    class Silent(Tables):
        def rows(self, sql: Sql, **options: Any) -> Iterator[JsonObject]:
            raise AssertionError(sql.text)

    tables = Silent(*daily(5, 6), "events_fresh_20261105", "events_intraday_20261107")
    assert len(shards.readable(tables, DATASET, YESTERDAY)) == 2


def test_a_table_whose_name_ends_in_no_day_is_no_daily_table() -> None:
    names = ["events_20240230", "events_20241399", "events_99991231", "events_2024022", "events_"]
    assert shards.shard_days([*names, "events_20240229", "events_20240301_old"]) == ["20240229"]
    assert list(shards.chosen([*names, "events_20240229"], None)) == [date(2024, 2, 29)]


@pytest.mark.parametrize(
    ("there", "known", "whole"),
    [
        ("01 02 03 04 05", "01 02 03 04 05", "01 02 03 04 05"),
        # hours of the days beside it may have come in the table that is gone
        ("01 02 04 05", "01 02 03 04 05", "01 05"),
        # a day that never had a table is whole where one beside it is there
        ("01 02 04 05", "01 02 04 05", "01 02 03 04 05"),
    ],
)
def test_a_day_beside_a_deleted_table_is_not_told_whole(there: str, known: str, whole: str) -> None:
    names = [f"events_202611{day}" for day in there.split()]
    warehouse = Tables(*names, known=[f"events_202611{day}" for day in known.split()])
    seen = {(DATASET, name): TableVersion(1, None) for name in names}
    window = Window(date(2026, 11, 2), date(2026, 11, 4))
    told = cast("list[str]", shards.whole_days(warehouse, seen, window, YESTERDAY).value)
    assert [day[-2:] for day in told] == whole.split()
