"""Who is who is derived once for all conversions of a run that ask."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from common.bigquery.sql import Sql
from tests.materialize.world import QuickWorld


def test_conversions_of_one_run_share_one_identity_graph(
    world: QuickWorld, monkeypatch: Any
) -> None:
    derived: list[str] = []
    execute = world.quick._execute

    def heard(sql: Sql) -> Any:
        if "_staging.identity_" in sql.text.partition(" AS\n")[0]:
            derived.append(sql.text)
        return execute(sql)

    monkeypatch.setattr(world.quick, "_execute", heard)
    for number in range(3):
        world.define(id=f"first_{number}", event_type="purchase", deduplicate_by_user=True)
    world.define(id="all", event_type="purchase")
    world.events(
        {"name": "purchase", "at": datetime(2026, 11, day, 9, tzinfo=UTC), "client": f"c{day}",
         "user": "u", "order": f"T{day}", "value": 5.0}
        for day in (8, 9)
    )  # fmt: skip
    world.run(date(2026, 11, 9))
    # the first run begins with the oldest day and ends with the same one for all
    assert len(derived) == 1
    for number in range(3):
        assert world.rows(f"first_{number}", "id") == [{"id": "T8"}]
    world.run(date(2026, 11, 10))
    assert len(derived) == 2
