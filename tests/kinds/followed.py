"""What a kind does that was added by the recipe; runs in the copy that test_recipe.py makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from common import kinds
from common.kinds.candidate.shape import candidate_columns
from common.messaging.messages import Materialized
from functions.export.send import service
from tests import case_files, test_cases
from tests.api.conftest import House, house_of
from tests.export.shop import shop
from tests.judge import Rows, evaluate
from tests.materialize.world import QuickWorld

KEEN = {"id": "keen", "name": "Keen", "kind": "keen_lead", "times": 2}
CASE = Path(__file__).with_name("keen_lead") / "case"


@pytest.fixture
def house() -> Iterator[House]:
    world = QuickWorld()
    yield house_of(world)
    world.close()


def asked_twice(house: House) -> None:
    """A client that asks on two days, and the morning after."""
    moments = (datetime(2026, 11, day, 9, tzinfo=UTC) for day in (18, 19))
    house.world.events({"name": "generate_lead", "client": "1.2", "at": at} for at in moments)
    house.harness.save(KEEN)
    house.world.run(date(2026, 11, 19))


def test_its_case_is_judged_as_every_other() -> None:
    case = case_files.load(CASE)
    sql = kinds.select(case.conversion, test_cases.context(case))
    read = test_cases.mentioned(sql, test_cases.tables(case))
    rows = evaluate(
        sql.text,
        {path: Rows(*table) for path, table in read.items()},
        {name: (bound.type, bound.value) for name, bound in sql.parameters.items()},
    )
    assert set(rows[0]) == set(candidate_columns())
    assert test_cases.compared(case, rows) == test_cases.expected(case)


def test_the_api_lists_its_form_and_names_it_among_the_bodies(house: House) -> None:
    forms = house.harness.get("/schemas")
    assert forms["kinds"]["keen_lead"]["title"] == "Keen lead conversion"
    assert "keen_lead" in forms["conversion"]["discriminator"]["mapping"]
    assert house.harness.refused({**KEEN, "times": 1})["errors"][0]["field"] == "times"


def test_it_counts_an_event_that_nothing_else_stages(house: House) -> None:
    asked_twice(house)
    assert house.world.rows("keen", "id", "created") == [
        {"id": "1.2", "created": datetime(2026, 11, 18, 9, tzinfo=UTC)}
    ]
    (listed,) = house.harness.get("/conversions")["conversions"]
    assert (listed["kind"], listed["last_run"]["status"]) == ("keen_lead", "applied")


def test_its_rows_are_exported(house: House) -> None:
    asked_twice(house)
    with shop() as exporting:
        services = replace(exporting.services, warehouse=house.world.warehouse)
        exporting = replace(exporting, services=services)
        exporting.add_destination(
            "google_analytics", conversions=[{"conversion": "keen", "event_name": "keen_lead"}]
        )
        day = date(2026, 11, 19)
        ready = Materialized(
            run_id="m", conversion="keen", definition_version=1, start_date=day, end_date=day
        )
        service.handle(services, ready)
        platform = exporting.stand_ins["google_analytics"]
        assert [key[0] for key in platform.held] == ["keen_lead"]
