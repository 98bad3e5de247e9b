"""A kind of one's own: a class, a module with its .sql, a line in the registry, a case."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

import pytest
from pydantic import Discriminator, TypeAdapter

from common import kinds
from common.catalog import definitions
from common.kinds.candidate.shape import candidate_columns
from common.model.conversions import Combined, Custom, LeadScoring, Simple
from tests import case_files, test_cases
from tests.judge import Rows, evaluate
from tests.materialize import toy_kind
from tests.materialize.toy_kind import CASE, LongVisit
from tests.materialize.world import QuickWorld


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kind stands in the union of definitions and in the registry of kinds."""
    union: Any = TypeAdapter(
        Annotated[LongVisit | Simple | Combined | Custom | LeadScoring, Discriminator("kind")]
    )
    monkeypatch.setattr(definitions, "CONVERSION", union)
    monkeypatch.setattr(case_files, "CONVERSION", union)
    registry: Any = kinds.SELECT
    monkeypatch.setitem(registry, LongVisit, toy_kind.select)


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


def test_it_is_planned_written_and_explained_without_another_change(world: QuickWorld) -> None:
    world.define(id="long_visit", kind="long_visit", sessions=2)
    world.events(
        {"name": "session_start", "client": "a", "at": datetime(2026, 11, day, 9, tzinfo=UTC)}
        for day in (8, 9)
    )
    world.run(date(2026, 11, 10))
    assert world.rows("long_visit", "id", "client_id") == [{"id": "a", "client_id": "a"}]
    changes = world.query(f"SELECT id, change FROM `{world.warehouse.path('conversion_changes')}`")
    assert changes == [{"id": "a", "change": "insert"}]
