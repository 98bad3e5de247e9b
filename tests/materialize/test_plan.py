"""What a run does follows from definitions and ledger alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.catalog import dependents, plan
from common.catalog.definitions import DefinitionVersion
from common.errors import UserError
from common.ga4.stage import BACKFILL_DAYS, Span, missing
from common.messaging.messages import RunRequested
from common.model.window import LATE_DAYS, Window, yesterday

PURCHASE: dict[str, Any] = {"kind": "simple", "event_type": "purchase"}
DAY = date(2026, 11, 20)


def stored(
    id: str, tables: tuple[str, ...] = (), version: int = 1, **definition: Any
) -> DefinitionVersion:
    whole = {"id": id, "name": id, **(definition or PURCHASE)}
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return DefinitionVersion(
        "conversion", id, version, whole["kind"], "active", whole, "", tables, now, "someone"
    )


def combined(id: str, *members: str) -> DefinitionVersion:
    return stored(id, kind="combined", conversions=list(members))


def named(*each: DefinitionVersion) -> dict[str, DefinitionVersion]:
    return {one.id: one for one in each}


def test_members_come_before_what_combines_them() -> None:
    found = plan.tiers([combined("c", "b", "a"), combined("b", "a", "x"), stored("a"), stored("x")])
    assert found == {"a": 0, "x": 0, "b": 1, "c": 2}


def test_a_circle_is_refused_with_its_names() -> None:
    with pytest.raises(UserError, match="a → b → a"):
        plan.tiers([combined("a", "b", "x"), combined("b", "a", "x"), stored("x")])


def test_a_reference_to_nothing_is_refused() -> None:
    with pytest.raises(UserError, match="'a' refers to 'gone'"):
        plan.tiers([combined("a", "gone", "x"), stored("x")])


@given(st.permutations(range(6)))
def test_tiers_do_not_depend_on_the_order_of_definitions(order: list[int]) -> None:
    chain = [stored("c0"), stored("x"), *(combined(f"c{n}", f"c{n - 1}", "x") for n in range(1, 5))]
    found = plan.tiers([chain[n] for n in order])
    assert found == {"c0": 0, "x": 0, "c1": 1, "c2": 2, "c3": 3, "c4": 4}


def test_a_run_of_one_conversion_takes_along_what_is_computed_from_it() -> None:
    definitions = [stored("a"), stored("x"), combined("b", "a", "x"), combined("c", "b", "x")]
    assert dependents.with_dependents(["a"], definitions) == {"a", "b", "c"}
    assert dependents.with_prerequisites(["b"], definitions) == {"a", "b", "x"}


def test_a_load_reaches_exactly_the_conversions_that_read_its_table() -> None:
    definitions = [
        stored("orders", ("p.crm.orders",)),
        stored("logs", ("p.crm.log_*",)),
        stored("other", ("p.crm.orders_old",)),
    ]
    assert plan.reading("p.crm.orders", definitions) == {"orders"}
    assert plan.reading("p.crm.log_20261101", definitions) == {"logs"}
    assert plan.reading("p.crm.nothing", definitions) == frozenset()


def test_a_first_run_reaches_back_ninety_days() -> None:
    window = plan.due_window(stored("a"), named(stored("a")), DAY, {})
    assert window == Window(DAY - timedelta(days=89), DAY)


def test_a_daily_run_covers_the_days_that_ga4_may_rewrite() -> None:
    done = {("a", 1): DAY - timedelta(days=1)}
    assert plan.due_window(stored("a"), named(stored("a")), DAY, done).days == LATE_DAYS


def test_after_missed_days_the_window_reaches_back_to_the_first_of_them() -> None:
    done = {("a", 1): DAY - timedelta(days=10)}
    window = plan.due_window(stored("a"), named(stored("a")), DAY, done)
    assert window == Window(DAY - timedelta(days=9 + LATE_DAYS - 1), DAY)


def test_a_new_version_starts_again() -> None:
    done = {("a", 1): DAY}
    edited = stored("a", version=2)
    assert plan.due_window(edited, named(edited), DAY, done).days == 90


def test_a_combined_conversion_changes_as_long_as_its_members() -> None:
    refunded = stored("a", **PURCHASE, refunds={"days": 45})
    both = combined("c", "a", "b")
    definitions = named(refunded, stored("b"), both)
    assert plan.open_days(both.id, definitions) == 45 + LATE_DAYS


def test_only_events_and_days_that_the_stage_lacks_are_read_again() -> None:
    names = frozenset({"purchase", "lead"})
    staged = {DAY - timedelta(days=n): frozenset({"purchase"}) for n in range(10)}
    spans = missing(Window.ending(DAY, 12), names, staged)
    assert spans == [
        Span(Window(DAY - timedelta(days=11), DAY - timedelta(days=10)), names),
        Span(Window(DAY - timedelta(days=9), DAY - timedelta(days=4)), frozenset({"lead"})),
        Span(Window(DAY - timedelta(days=3), DAY), names),
    ]


@given(st.integers(1, 400), st.integers(1, 60))
def test_chunks_cover_the_window_once_in_order(days: int, size: int) -> None:
    window = Window.ending(DAY, days)
    chunks = list(window.chunks(size))
    assert chunks[0].start == window.start
    assert chunks[-1].end == window.end
    assert all(a.end + timedelta(days=1) == b.start for a, b in pairwise(chunks))
    assert max(chunk.days for chunk in chunks) <= size


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        ("2026-11-23T04:59:00+00:00", "America/New_York", date(2026, 11, 21)),
        ("2026-11-23T05:00:00+00:00", "America/New_York", date(2026, 11, 22)),
        ("2026-10-25T00:30:00+00:00", "Europe/London", date(2026, 10, 24)),
        ("2026-11-22T11:00:00+00:00", "Pacific/Auckland", date(2026, 11, 22)),
    ],
)
def test_yesterday_is_the_last_complete_day_of_the_project(
    moment: str, zone: str, day: date
) -> None:
    assert yesterday(datetime.fromisoformat(moment), zone) == day


def test_what_waits_for_a_model_comes_after_everything_that_does_not() -> None:
    source = {"type": "crm", "crm": "hubspot", "dataset": "p.hubspot"}
    scored = stored("scored", kind="lead_scoring", source=source)
    definitions = [
        stored("a"), stored("x"), combined("b", "a", "x"), scored, combined("all", "scored", "a"),
    ]  # fmt: skip
    found = plan.tiers(definitions)
    assert found == {"a": 0, "x": 0, "b": 1, "scored": 2, "all": 3}


def test_a_day_whose_leads_a_load_has_scored_is_run_again_when_it_is_over() -> None:
    source = {"type": "crm", "crm": "hubspot", "dataset": "p.hubspot"}
    scored = stored("scored", kind="lead_scoring", source=source, adjustment_days=1)
    today = date(2026, 11, 10)
    for missed in (0, 1):
        end = today + timedelta(days=missed)
        due = plan.due_window(scored, named(scored), end, {("scored", scored.version): today})
        assert due.start <= today


def query(id: str, **options: Any) -> DefinitionVersion:
    return stored(id, kind="custom", sql="SELECT 1", **options)


def test_who_counts_users_comes_after_the_queries_that_tell_who_is_who() -> None:
    first = stored("first", **PURCHASE, deduplicate_by_user=True)
    definitions = [
        first, combined("both", "first", "a"), stored("a"), query("zulu"),
        query("heir", inherit_attribution_from="first"),
        query("lead", predicted_value={"target": "zulu", "window_days": 40}),
    ]  # fmt: skip
    found = plan.tiers(definitions)
    assert found == {"a": 0, "zulu": 0, "first": 1, "both": 2, "heir": 2, "lead": 3}


def test_who_tells_who_is_who_is_no_prerequisite() -> None:
    definitions = [stored("first", **PURCHASE, deduplicate_by_user=True), query("order")]
    assert dependents.with_dependents(["order"], definitions) == {"order"}
    assert dependents.with_prerequisites(["first"], definitions) == {"first"}
    assert plan.chosen(RunRequested(conversions=("first",)), known(*definitions)) == {"first"}


def known(*each: DefinitionVersion, exported: Window | None = None, **done: date) -> plan.Known:
    versions = {(id, 1): day for id, day in done.items()}
    return plan.Known(named(*each), versions, DAY, exported)


def windows_of(
    found: plan.Known, request: RunRequested | None = None, trigger: str = "schedule"
) -> dict[str, Window]:
    return plan.windows(request or RunRequested(), trigger, found.definitions, found)


def test_ga4_is_counted_up_to_its_newest_table_and_a_query_up_to_yesterday() -> None:
    exported = Window(DAY - timedelta(days=30), DAY - timedelta(days=2))
    order = stored("order", kind="custom", sql="SELECT 1")
    found = windows_of(known(stored("a"), order, exported=exported))
    assert (found["a"].end, found["order"].end) == (exported.end, DAY)


def test_a_load_leaves_what_counts_ga4_events_where_it_is() -> None:
    exported = Window(DAY - timedelta(days=30), DAY)
    definitions = [stored("a"), stored("never")]
    found = known(*definitions, exported=exported, a=DAY - timedelta(days=1))
    assert windows_of(found, trigger="load") == {
        "a": Window(DAY - timedelta(days=LATE_DAYS), DAY - timedelta(days=1))
    }


def test_first_purchases_begin_with_the_oldest_data_and_only_once() -> None:
    exported = Window(DAY - timedelta(days=700), DAY)
    first = stored("first", **PURCHASE, deduplicate_by_user=True)
    found = windows_of(known(first, stored("a"), exported=exported))
    assert (found["first"].days, found["a"].days) == (701, BACKFILL_DAYS)
    later = windows_of(known(first, exported=exported, first=DAY - timedelta(days=1)))
    assert later["first"].days == LATE_DAYS


def test_days_long_past_are_computed_alone_only_where_no_row_silences_another() -> None:
    order = stored("order", kind="custom", sql="SELECT 1")
    spaced = stored("spaced", kind="combined", conversions=["order", "a"], deduplication_days=7)
    found = known(stored("a"), order, spaced, a=DAY, order=DAY, spaced=DAY)
    past = RunRequested(start_date=date(2026, 1, 1), end_date=date(2026, 1, 31))
    ends = {id: window.end for id, window in windows_of(found, past, "backfill").items()}
    assert ends == {"a": DAY, "order": date(2026, 1, 31), "spaced": DAY}


def test_a_version_that_never_ran_leaves_no_day_to_the_one_before_it() -> None:
    late = RunRequested(start_date=DAY)
    found = known(stored("edited", version=2), stored("new"), edited=DAY)
    windows = windows_of(found, late)
    assert windows["edited"].days == BACKFILL_DAYS, "version 1 has told the days before"
    assert windows["new"].days == 1, "a table that is begun begins where one likes"


def test_a_combined_conversion_goes_back_as_far_as_its_members() -> None:
    both = combined("both", "a", "b")
    over = combined("over", "both", "c")
    found = known(both, over, stored("a"), stored("b"), stored("c"), both=DAY, over=DAY, b=DAY)
    windows = windows_of(found)
    assert windows["b"].days == LATE_DAYS
    assert windows["both"].start == windows["over"].start == windows["a"].start
