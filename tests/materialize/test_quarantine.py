"""What a run counts of the rows that it read."""

from __future__ import annotations

from typing import Any, cast

import pytest

from common.bigquery.sql import Sql
from common.untyped import JsonObject
from functions.materialize.task import quarantine


def group(removed: str | None, reason: str | None, rows: int) -> JsonObject:
    return {"removed": removed, "reason": reason, "rows_": rows}


def test_rows_broken_for_one_reason_add_up_whoever_saw_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, int]] = []
    monkeypatch.setattr(quarantine, "_quarantine", lambda *given: told.append({**given[4]}))
    found = [
        group(None, None, 7),
        group(None, "missing_id", 2),
        # a kind that removes duplicates has judged its rows before the common last step does
        group("missing_id", "missing_id", 3),
        group("duplicate_order", None, 4),
        group(None, "duplicate_id", 1),
    ]
    counts = quarantine._judged(cast(Any, None), cast(Any, None), Sql(""), Sql(""), found)
    assert told == [{"missing_id": 5, "duplicate_id": 1}]
    assert counts == {"rows_read": 17, "duplicates": 5, "refunded": 0, "quarantined": 5}
