"""Every read of a daily run lies between two constant days, or is of a compact memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from common import schemas
from common.bigquery.sql import Sql
from functions.materialize.paper.statements import steps
from tests.bench._site import schema_of
from tests.judge import Schema
from tests.judge_made import once, with_tables
from tests.judge_scans import BOTH, Scan, scans
from tests.kinds.test_sql import DAY, DEFINITIONS, EXPORT, SETTINGS

LEADS = {"dimension": "event", "operator": "equals", "value": "generate_lead"}
MORE: dict[str, dict[str, Any]] = {
    "removed": {"id": "removed", "event_type": "purchase",
                "refunds": {"days": 30, "remove_fully_refunded": True}},
    "spaced": {"id": "spaced", "event_type": "custom_event", "filters": LEADS,
               "deduplicate_by_user": True, "deduplication_days": 7, "once_per_session": True},
    "scaled": {"id": "scaled", "event_type": "purchase", "normalize": {"by": "purchase"}},
}  # fmt: skip
MEMORY = {
    "conversion": {"date", "id", "person_key", "client_key"},
    "erasures": {"subject_hash"},
    "incidents": set(schemas.columns("incidents")),
    "order_memory": {"date", "purchase_id", "order_id", "is_history"},
    "runs": {"run_id", "conversion", "trigger", "definition_version", "start_date", "end_date",
             "status", "recorded_at", "fence"},
}  # fmt: skip
"""Tables of which history is read: what was published and which orders counted before, by keys
alone (31 bytes an order, one order in a thousand events), and books of little, of the ledger of
runs without its texts."""


def partition_of(table: str) -> tuple[str, str] | None:
    """(shape, partition column) of a table by its name; None for one without partitions."""
    if table.startswith("events_"):
        return "export", "_TABLE_SUFFIX"
    shape = schemas.shape_of(table)
    column = schemas.load(shape)["partition"] if shape else None
    return (shape, column) if shape and column else None


_SCANS: dict[str, list[Scan]] = {}


def scans_of(sql: Sql, tables: Mapping[str, Schema]) -> list[Scan]:
    parameters = {name: bound.type for name, bound in sql.parameters.items() if name in sql.text}
    return scans(sql.text, tables, parameters)


@pytest.mark.parametrize("name", [*DEFINITIONS, *MORE])
def test_each_scan_of_days_has_both_bounds(name: str) -> None:
    unbounded = []
    listed = steps((DEFINITIONS | MORE)[name], SETTINGS, EXPORT, DAY)
    for step, tables in with_tables(listed, schema_of):
        if step.name == "raw":
            continue  # the user's own, which validate-sql judges
        for scan in once(_SCANS, scans_of, step.sql, tables):
            table = scan.table.rpartition(".")[2]
            known = partition_of(table)
            if known is None or scan.bounds.get(known[1]) == BOTH:
                continue
            if scan.columns - MEMORY.get(known[0], set()):
                unbounded.append((step.name, table, sorted(scan.columns), scan.bounds))
    assert unbounded == []


def test_the_judge_tells_a_bound_from_what_only_looks_like_one() -> None:
    stage = "p-roject.d.ga4_events"
    tables = {stage: schemas.load("ga4_events")["schema"]}
    start = f"SELECT e.value FROM `{stage}` AS e WHERE "
    for condition, sides in (
        ("e.date BETWEEN @a AND DATE_ADD(@a, INTERVAL 3 DAY)", BOTH),
        ("e.date = @a", BOTH),
        ("e.date >= @a", {"lower"}),
        ("@a > e.date AND e.value > 1", {"upper"}),
        ("e.date >= @a OR e.value > 1", set()),
        ("e.date >= DATE(e.occurred_at)", set()),
        ("e.date IN (SELECT o.date FROM `p-roject.d.ga4_events` AS o WHERE o.date = @a)", set()),
    ):
        found = scans(start + condition, tables, {"a": "DATE"})
        assert found[0].bounds.get("date", frozenset()) == sides, condition
