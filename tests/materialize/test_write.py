"""The brake and the factor: when a write waits for a person, and how far a ratio may move."""

from __future__ import annotations

import pytest

from common.bigquery.leases.lease import Lease
from functions.materialize.merge import Counts, brakes, merge_job
from functions.materialize.task.normalize import next_factor


def counts(deleted: int, before: int, inserted: int = 0) -> Counts:
    return Counts(inserted=inserted, updated=0, deleted=deleted, before=before)


@pytest.mark.parametrize(
    ("deleted", "before", "held"),
    [(50, 100, False), (51, 100, True), (200, 1000, False), (201, 1000, True), (0, 1000, False)],
)
def test_the_brake_takes_hold_exactly_above_fifty_rows_and_a_fifth(
    deleted: int, before: int, held: bool
) -> None:
    assert (brakes(counts(deleted, before), edited=False) is not None) == held


def test_an_empty_source_is_held_however_small_the_table() -> None:
    assert brakes(counts(3, 3), edited=False) is not None
    assert brakes(counts(3, 3), edited=True) is not None
    assert brakes(counts(0, 0), edited=False) is None


def test_an_edited_definition_may_remove_many_rows_but_not_all() -> None:
    assert brakes(counts(900, 1000), edited=True) is None
    assert brakes(counts(1000, 1000), edited=True) is not None


def test_rows_that_are_replaced_by_others_still_count_as_deleted() -> None:
    assert brakes(counts(300, 1000, inserted=300), edited=False) is not None


def factor(
    reference: tuple[int, float | None], own: tuple[int, float | None], previous: float | None
) -> float | None:
    return next_factor(
        reference_rows=reference[0],
        reference_total=reference[1],
        own_rows=own[0],
        own_total=own[1],
        previous=previous,
    )


def test_the_factor_makes_both_totals_equal() -> None:
    assert factor((100, 5000.0), (400, 400.0), None) == 12.5


@pytest.mark.parametrize("own", [(29, 400.0), (400, 0.0), (400, None), (0, None)])
def test_too_few_rows_or_no_value_keep_the_previous_factor(own: tuple[int, float | None]) -> None:
    assert factor((100, 5000.0), own, 3.0) == 3.0
    assert factor((100, 5000.0), own, None) is None


def test_a_factor_moves_at_most_a_fifth_from_run_to_run() -> None:
    assert factor((100, 5000.0), (400, 400.0), 5.0) == 6.0
    assert factor((100, 400.0), (400, 400.0), 5.0) == 4.0
    assert factor((100, 2000.0), (400, 400.0), 5.0) == 5.0


def test_a_new_release_waits_for_the_writes_of_the_old_one() -> None:
    """By their ids. Who words them otherwise awaits the old ones as well, for a release."""
    lease = Lease("lead", "holder", 2, "shop_eu")
    assert merge_job(lease) == "merge_shop_eu-lead-2"
    assert merge_job(lease, "clicks") == "merge_shop_eu-lead-2_clicks"


def test_no_two_merges_share_the_id_of_a_job() -> None:
    """A job id is taken for ever: whoever comes second would wait for the first one's rows."""
    ids = [
        f"{merge_job(Lease(name, 'holder', fence, dataset), part)}{again}"
        for dataset in ("d", "d_lead")
        for name in (
            "lead",
            "lead_2",
            "lead_lead_2",
            "2",
            "export_lead",
            "export-lead",
            "stage:lead",
        )
        for fence in (1, 2, 12)
        for part in ("", "clicks")
        for again in ("", "_1", "_2")
    ]
    assert len(set(ids)) == len(ids)
