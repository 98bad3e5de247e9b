"""What a person is told of the events: once, true, and gone when it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from common import schemas
from common.bigquery.sql import Sql
from common.bigquery.warehouse import Warehouse
from common.incidents.silence import Silence, silence
from common.settings import Settings
from common.untyped import JsonObject
from functions.materialize.stage.facts import incidents
from functions.materialize.task import volume
from functions.materialize.task.volume import Told, told
from tests.materialize.world import QuickWorld

QUIET: dict[str, Any] = {
    "purchases": 1000, "without_id": 10, "copies": 100, "unknown_refunds": 0, "shared": [],
    "crowded": [], "stopped": [], "visiting": 5000, "clicking": 500, "buying": 200, "brought": 20,
    "new_purchases": 30, "new_copies": 4, "week_purchases": 200, "week_copies": 25,
    "until": date(2026, 11, 9), "visits": [],
}  # fmt: skip
STOPPED: dict[str, Any] = {
    "property": "p.a", "stream_id": None, "event_name": "lead", "seen": 200, "days": 28,
    "last_date": date(2026, 11, 7), "newest_date": date(2026, 11, 9),
    "daily": [{"date": date(2026, 11, 7) - timedelta(day), "seen": 7} for day in range(28)],
}  # fmt: skip
WORKDAYS: dict[str, Any] = {
    **STOPPED, "last_date": date(2026, 11, 6), "newest_date": date(2026, 11, 8),
    "daily": [{**day, "seen": 20} for day in STOPPED["daily"] if day["date"].weekday() < 5],
}  # fmt: skip


def codes(lacking: list[date] | None = None, **found: Any) -> list[str]:
    return [it.code for it in incidents({**QUIET, **found}, {"p.a": lacking or []})]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, []),
        ({"without_id": 11}, ["orders_without_id"]),
        # one in ten is usual here: three in ten may be chance, four are not
        ({"new_copies": 9}, []),
        ({"new_copies": 12}, ["many_copies"]),
        ({"new_purchases": 19, "new_copies": 19}, []),
        # where half of all purchases are always told twice, that is usual
        ({"copies": 500, "new_copies": 29}, []),
        ({"purchases": 30, "without_id": 0, "copies": 7, "new_copies": 7}, ["many_copies"]),
        ({"brought": 0}, ["clicks_unattributed"]),
        # of so few buyers it may be chance
        ({"brought": 0, "buying": 99}, []),
        ({"brought": 0, "clicking": 0}, []),
        ({"visiting": 0, "clicking": 0, "buying": 0, "brought": 0}, []),
        ({"stopped": [STOPPED]}, ["event_stopped"]),
        # an event of twice a week may well miss two days
        ({"stopped": [{**STOPPED, "seen": 8}]}, []),
        # as the embedded engine adds up
        ({"stopped": [{**STOPPED, "seen": Decimal(8)}]}, []),
        # but one of twice a day no week, and one that pauses each weekend no third day
        (
            {"stopped": [{**STOPPED, "seen": 56, "newest_date": date(2026, 11, 12)}]},
            ["event_stopped"],
        ),
        ({"stopped": [WORKDAYS]}, []),
        ({"stopped": [{**WORKDAYS, "newest_date": date(2026, 11, 9)}]}, ["event_stopped"]),
        # of few purchases one may lack its id by chance, three do not
        ({"purchases": 40, "without_id": 1}, []),
        ({"purchases": 13, "without_id": 2}, []),
        ({"purchases": 13, "without_id": 3}, ["orders_without_id"]),
        # where a day has too few to judge, the week is judged
        ({"new_purchases": 9, "new_copies": 9, "week_copies": 80}, ["many_copies"]),
        ({"unknown_refunds": 1}, ["refund_of_unknown_order"]),
        # a server that sends one client id for everybody
        (
            {"crowded": [{"property": "p.analytics_1", "clients": 1, "most": 120}]},
            ["client_id_shared"],
        ),
    ],
)
def test_what_is_unusual_is_reported_and_nothing_else(
    found: dict[str, Any], expected: list[str]
) -> None:
    assert codes(**found) == expected


@pytest.mark.parametrize("seen", [200, 49])
def test_a_day_without_a_table_is_none_without_the_event(seen: int) -> None:
    day = date(2026, 11, 7)
    stopped = {**STOPPED, "seen": seen, "newest_date": date(2026, 11, 16)}
    assert codes(stopped=[stopped]) == ["event_stopped"]
    # one day alone is told of without it, which may be chance
    assert codes([day + timedelta(back) for back in range(1, 9)], stopped=[stopped]) == []
    assert codes([day + timedelta(1)], stopped=[stopped]) == ["event_stopped"]


def test_an_event_pauses_no_longer_for_a_table_that_is_missing() -> None:
    gap = [date(2026, 10, 20), date(2026, 10, 21), date(2026, 10, 22)]
    daily = [day for day in STOPPED["daily"] if day["date"] not in gap]
    stopped = {**STOPPED, "daily": daily}
    assert codes(stopped=[stopped]) == []
    assert codes(gap, stopped=[stopped]) == ["event_stopped"]


WEEKS = [50, 50, 50, 50, 50, 30, 0] * 4
"""Four weeks of a shop that is closed on Sundays; the next day is a Monday."""


@pytest.mark.parametrize(
    ("last", "visits", "expected"),
    [
        ([50], [], None),
        ([15], [], 1),
        ([25], [], None),
        # half of it three days running
        ([25, 25, 25], [], 3),
        # visits stay: it is the tag; they fall with it: it is the season
        ([15], [1000], 1),
        ([15], [400], None),
        # hardly any is left: no season does that
        ([0], [40], 1),
        # four times as many visits by bots let nobody expect more orders
        ([30], [4000], None),
        # the Sunday of a shop that is closed then
        ([50, 50, 50, 50, 50, 30, 0], [], None),
    ],
)
def test_days_are_quiet_beside_their_weekdays_and_their_traffic(
    last: list[int], visits: list[int], expected: int | None
) -> None:
    known = [1000] * len(WEEKS) if visits else [0] * len(WEEKS)
    found = silence([*WEEKS, *last], [*known, *(visits or [0] * len(last))])
    assert (found and found.days) == expected


@pytest.mark.parametrize(
    ("per_day", "days", "is_found"),
    # of ten a day none is no chance; of two it is, until there is none for five days
    [(10, 1, True), (2, 3, False), (2, 5, True)],
)
def test_few_conversions_need_more_days(per_day: int, days: int, is_found: bool) -> None:
    assert bool(silence([*[per_day] * 28, *[0] * days], [0] * (28 + days))) is is_found


def test_a_part_of_few_is_chance_where_none_of_them_is_not() -> None:
    usual, none = [3] * 28, [0] * 35
    assert silence([*usual, 0, 0, 0], none[:31]) is not None
    assert silence([*usual, 1, 0, 1, 0], none[:32]) is None


def test_what_came_back_is_over() -> None:
    usual, none = [10] * 28, [0] * 40
    assert silence([*usual, 0, 0, 0], none[:31]) is not None
    assert silence([*usual, 0, 0, 0, 9], none[:32]) is None
    # a Sunday says nothing of that
    closed = [*WEEKS, 0, 0, 0, 0, 0, 0]
    assert silence([*closed, 0], none[:35]) is not None


def test_a_peak_of_days_is_not_what_is_usual() -> None:
    peak = [10] * 17 + [80] * 4 + [10] * 7
    assert silence([*peak, 8], [0] * 29) is None
    # and a series of two weeks, or one that has just begun, says nothing
    assert silence([*[50] * 13, 0], [0] * 14) is None
    assert silence([*[0] * 25, 50, 50, 50, 0], [0] * 29) is None


def test_traffic_of_another_property_says_nothing_of_an_event() -> None:
    day = date(2026, 11, 9)
    # as many visits as ever in one property, hardly any for weeks in the other: a season of the app
    app = [{"property": "p.app", "date": day - timedelta(back), "visits": 300 if back < 2 else 1000}
           for back in range(31)]  # fmt: skip
    web = [{**each, "property": "p.web", "visits": 1000} for each in app]
    stopped = {**STOPPED, "property": "p.app"}
    assert codes(stopped=[stopped], visits=web) == ["event_stopped"]
    assert codes(stopped=[stopped], visits=[*web, *app]) == []


def test_a_silence_says_since_when_and_what_became_of_the_visits() -> None:
    day = date(2026, 11, 10)
    alone = volume.low(stored("GA4"), day, Silence(days=1, seen=3, usual=50.2, traffic=None))
    assert alone.detail == "purchase: 3 conversions on 2026-11-10, usually about 50."
    # nobody is sent to look for a table that is there
    assert alone.fix.startswith("GA4 has exported these days, so tracking may be broken: look in")
    tag = volume.low(stored("GA4"), day, Silence(days=3, seen=0, usual=9, traffic=0.97), "p.web")
    assert tag.detail == (
        "purchase: 0 conversions of p.web in the 3 days up to 2026-11-10, usually about 9. Visits"
        " are at 97% of their usual."
    )
    site = volume.low(stored("GA4"), day, Silence(days=1, seen=0, usual=50, traffic=0.03))
    assert "tracking may be broken on the whole site: look" in site.fix
    query = volume.low(stored("query"), day, Silence(days=1, seen=0, usual=50, traffic=None))
    assert query.fix == "Check whether p.crm.orders has landed; if it has, tracking may be broken."
    assert alone.identity == site.identity != tag.identity


def stored(source: str) -> Any:
    """A definition of GA4's events, or of a query."""
    return SimpleNamespace(
        id="purchase",
        referenced_tables=("p.crm.orders",) if source == "query" else (),
        conversion=SimpleNamespace(follows_ga4=source == "GA4"),
    )


def test_the_visits_of_each_property_are_counted_by_their_days(world: QuickWorld) -> None:
    quick, day = world.quick, date(2026, 11, 10)
    columns = schemas.load("ga4_visits")["schema"]
    visits = [
        {"date": day - timedelta(back), "visit_key": f"{web}{back}", "property": web,
         "client_id": "1", "session_id": "1.1"}
        for back in (0, 1, 29, 30) for web in ("a", "b")
    ]  # fmt: skip
    quick.load(quick.path("ga4_visits"), columns, visits)
    of_one = {day - timedelta(back): 1 for back in (0, 1, 29)}
    assert volume.visits(quick, day) == {"a": of_one, "b": of_one}


class Export(Warehouse):
    """A warehouse that knows nothing but the names of a property's tables."""

    def __init__(self, tables: list[str], *, is_young: bool = False) -> None:
        super().__init__(
            cast("Any", None), Settings(project="test-project", ga4_datasets="p.analytics_1")
        )
        self.tables, self.is_young = tables, is_young

    def tables_in(self, dataset: str) -> list[str]:
        return self.tables

    def rows(self, sql: Sql, **options: Any) -> Iterator[JsonObject]:
        # each table holds hours of the day before, as in a property that is ahead
        return iter([{"event_key": "1"}] if self.is_young else [])


DAY = date(2026, 11, 10)
MONTH = [f"events_{DAY - timedelta(30 - back):%Y%m%d}" for back in range(31)]


@pytest.mark.parametrize(
    ("tables", "is_young", "expected"),
    [
        (MONTH, False, Told(DAY, 30)),
        # not landed yet, and landed without its last hours: the day before is judged
        (MONTH[:-1], False, Told(DAY - timedelta(1), 30)),
        (MONTH, True, Told(DAY - timedelta(1), 30)),
        (MONTH[:-1], True, None),
        ([*MONTH[:-1], "events_fresh_20261110"], False, Told(DAY, 30)),
        # two days that are missing are said to be missing
        (MONTH[:-2], False, None),
        ([], False, None),
        # days that never landed are not judged, nor is what they are a part of
        ([*MONTH[:-4], *MONTH[-2:]], False, Told(DAY, 2)),
        # days before the first are no gap
        (MONTH[-5:], False, Told(DAY, 30)),
    ],
)
def test_a_property_is_told_of_as_far_as_its_tables_go(
    tables: list[str], is_young: bool, expected: Told | None
) -> None:
    assert told(Export(tables, is_young=is_young), "p.analytics_1", DAY) == expected


def test_buyers_that_lost_their_click_and_an_event_that_stopped_are_reported(
    world: QuickWorld,
) -> None:
    world.define(id="purchase", event_type="purchase")
    form = {"dimension": "event", "operator": "equals", "value": "form"}
    world.define(id="form", event_type="custom_event", filters=form)
    day = date(2026, 11, 10)
    rows = [row for number in range(7) for row in of_day(day - timedelta(days=6 - number), number)]
    world.events(rows)
    world.run(day)
    assert world.incidents() == ["clicks_unattributed", "event_stopped"]
    # the next morning buyers have their clicks, and forms are sent again
    mended = [*rows, *of_day(day + timedelta(days=1), 0, buyer="ad")]
    world.events(mended)
    world.run(day + timedelta(days=1))
    path = world.warehouse.path("incidents")
    newest = world.query(
        f"SELECT code, state FROM `{path}`"
        " QUALIFY ROW_NUMBER() OVER (PARTITION BY code ORDER BY recorded_at DESC) = 1 ORDER BY code"
    )
    assert [row["state"] for row in newest] == ["resolved", "resolved"]


def test_a_stream_that_stopped_is_named_where_another_goes_on(world: QuickWorld) -> None:
    form = {"dimension": "event", "operator": "equals", "value": "form"}
    world.define(id="form", event_type="custom_event", filters=form)
    day = date(2026, 11, 10)
    world.events(
        [
            {**row, "stream": stream}
            for back in range(25)
            for stream in ("11", "22")
            if stream == "11" or back > 2
            for row in of_day(day - timedelta(back), 0, buyer=f"{stream}-{back}")
            if row["name"] == "form" or stream == "11"
        ]
    )
    world.run(day)
    (row,) = world.query(
        f"SELECT object, detail FROM `{world.warehouse.path('incidents')}`"
        " WHERE code = 'event_stopped'"
    )
    property = world.settings.ga4_datasets[0]
    assert row["object"] == f"{property} form 22"
    assert f"The event form of stream 22 of {property} was seen" in row["detail"]
    # a run of another definition alone has not looked for it
    world.define(id="purchase", event_type="purchase")
    world.run(day, conversions=("purchase",), request_id="purchases")
    assert world.incidents().count("event_stopped") == 1


def test_an_event_that_stopped_everywhere_is_told_of_once() -> None:
    streams = [{**STOPPED, "stream_id": stream} for stream in ("1", "2")]
    assert codes(stopped=[STOPPED, *streams]) == ["event_stopped"]
    assert codes(stopped=streams) == ["event_stopped", "event_stopped"]


def test_days_that_have_not_landed_say_nothing_of_an_event(world: QuickWorld) -> None:
    form = {"dimension": "event", "operator": "equals", "value": "form"}
    world.define(id="form", event_type="custom_event", filters=form)
    day = date(2026, 11, 10)
    # of the two days before the last one no table has landed
    told = [(7, 0), (6, 0), (5, 0), (4, 0), (3, 0), (0, 5)]
    world.events([row for back, number in told for row in of_day(day - timedelta(back), number)])
    world.run(day)
    assert "event_stopped" not in world.incidents()


def of_day(day: date, number: int, buyer: str = "shop") -> list[dict[str, Any]]:
    """Five visitors by ads, five who buy, and five forms but on the last two days."""
    at = datetime(day.year, day.month, day.day, 10, tzinfo=UTC)
    found: list[dict[str, Any]] = []
    for each in range(5):
        name = f"{day}.{each}"
        visit = {"at": at, "name": "page_view", "client": f"ad{name}", "session": 1}
        found.append({**visit, "page": f"https://shop.example/?gclid=G{name}"})
        sale = {"at": at, "name": "purchase", "client": f"{buyer}{name}", "session": 1}
        found.append({**sale, "order": f"O{name}", "value": 10})
        if number < 5:
            found.append({"at": at, "name": "form", "client": f"ad{name}", "session": 1})
    return found
