"""Every case folder, judged twice: by the reference evaluator and by the embedded engine."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from common import kinds, schemas
from common.bigquery.sql import Sql, table
from common.identity import graph
from common.kinds.candidate.rates import rates
from common.kinds.candidate.shape import Context, candidate_columns
from common.model.window import Window
from common.settings import Settings
from tests.case_files import CASES, Case, folders, load
from tests.conftest import PROJECT
from tests.expected import Expected
from tests.judge import Rows, evaluate
from tests.quick import QuickWarehouse

DATASET = f"{PROJECT}.case"
Table = tuple[list[dict[str, Any]], list[dict[str, Any]]]
"""Schema and rows."""

RATES = [
    {"name": "date", "type": "DATE", "mode": "NULLABLE"},
    {"name": "currency", "type": "STRING", "mode": "NULLABLE"},
    {"name": "rate", "type": "FLOAT", "mode": "NULLABLE"},
]


def context(case: Case) -> Context:
    settings = Settings(
        project=PROJECT,
        currency=case.currency,
        rates_table=f"{DATASET}.rates" if case.rates else "",
    )
    stage = table(f"{DATASET}.ga4_events")
    sources = [table(f"{DATASET}.conversion_{id}") for id in case.identity_sources]
    return Context(
        stage=stage,
        target=table(f"{DATASET}.conversion_{case.conversion.id}"),
        raw=table(f"{DATASET}.answer"),
        members={id: table(f"{DATASET}.conversion_{id}") for id in case.published},
        identity=graph.derived(stage, sources),
        scores=table(f"{DATASET}.lead_scores"),
        rates=rates(settings),
        window=Window(*case.window),
        timezone=case.timezone,
        currency=case.currency,
        raw_columns=frozenset(column["name"] for column in case.answer_schema),
        order_days=order_days(case),
        is_keyed=True,
    )


def order_days(case: Case) -> tuple[date, ...]:
    """The days of orders that were seen on several, as a run asks the memory of orders for them."""
    seen: dict[str, set[date]] = defaultdict(set)
    for row in [*case.events, *case.orders, *case.published.get(case.conversion.id, [])]:
        seen[str(row.get("order_id") or row.get("id", "")).partition("@")[0]].add(row["date"])
    return tuple(sorted({day for days in seen.values() if len(days) > 1 for day in days}))


def tables(case: Case) -> dict[str, Table]:
    """Name → (schema, rows) of every table that the case's statement may read."""
    shape = schemas.load("conversion")["schema"]
    published: dict[str, list[dict[str, Any]]] = {case.conversion.id: [], **case.published}
    published = {id: [keyed(row) for row in rows] for id, rows in published.items()}
    found: dict[str, Table] = {f"conversion_{id}": (shape, rows) for id, rows in published.items()}
    found["ga4_events"] = (schemas.load("ga4_events")["schema"], case.events)
    found["rates"] = (RATES, case.rates)
    found["ga4_rates"] = (schemas.load("ga4_rates")["schema"], case.dollars)
    found["order_memory"] = (schemas.load("order_memory")["schema"], case.orders)
    if case.answer:
        found["answer"] = (case.answer_schema, case.answer)
    found["lead_scores"] = (schemas.load("lead_scores")["schema"], case.scores)
    return found


def keyed(row: dict[str, Any]) -> dict[str, Any]:
    """The published row with the keys of whom it counts for."""
    person, client = row["person_id"] or "", f"client:{row['client_id']}"
    is_user, has_client = person.startswith("user:"), row["client_id"] is not None
    is_told = is_user and has_client and person != f"user:{row['user_id']}"
    return row | {
        "person_key": key_of(person if is_user else client if has_client else ""),
        "client_key": key_of(client) if is_told else None,
    }


def key_of(person: str) -> int:
    """The first 60 bits of an MD5."""
    return int(hashlib.md5(person.encode()).hexdigest()[:15], 16)


def compared(case: Case, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The candidates as the case lists them: in order, with the columns that it names."""
    names = sorted({name for row in case.expected for name in row} | {"id", "removed"})
    ordered = sorted(rows, key=lambda row: (str(row["created"]), str(row["id"])))
    return [{name: plain(row[name]) for name in names} for row in ordered]


def expected(case: Case) -> list[dict[str, Any]]:
    names = sorted({name for row in case.expected for name in row} | {"id", "removed"})
    return [{name: plain(row.get(name)) for name in names} for row in case.expected]


def plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, list):
        return [dict(part) for part in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def mentioned(sql: Sql, available: Mapping[str, Table]) -> dict[str, Table]:
    """Path → table of those that the statement names."""
    paths = {f"{DATASET}.{name}": table for name, table in available.items()}
    return {path: table for path, table in paths.items() if f"`{path}`" in sql.text}


def test_every_kind_has_cases() -> None:
    assert {path.name for path in CASES.iterdir() if path.is_dir()} >= set(kinds.BY_NAME)


@pytest.mark.parametrize("folder", folders(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_case_as_googlesql_evaluates_it(folder: Path, expecting: Expected) -> None:
    case = load(folder)
    sql = kinds.select(case.conversion, context(case))
    rows = evaluate(
        sql.text,
        {path: Rows(*table) for path, table in mentioned(sql, tables(case)).items()},
        {name: (bound.type, bound.value) for name, bound in sql.parameters.items()},
    )
    expecting.rows(folder / "expected.yaml", compared(case, rows), expected(case))


@pytest.fixture(scope="module")
def quick() -> QuickWarehouse:
    """The embedded engine without HTTP, with one dataset that every case fills anew."""
    warehouse = QuickWarehouse(Settings(project=PROJECT))
    warehouse.ensure_dataset(DATASET)
    return warehouse


@pytest.mark.parametrize("folder", folders(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_case_as_the_embedded_engine_runs_it(
    folder: Path, quick: QuickWarehouse, expecting: Expected
) -> None:
    case = load(folder)
    sql = kinds.select(case.conversion, context(case))
    for path, (schema, rows) in mentioned(sql, tables(case)).items():
        quick.drop(path)
        quick.create(path, schema)
        quick.load(path, schema, rows)
    found = list(quick.rows(sql))
    assert all(set(row) == set(candidate_columns()) for row in found)
    expecting.rows(folder / "expected.yaml", compared(case, found), expected(case))


@pytest.mark.parametrize("name", ["a_published_user_is_found_on_another_device",
                                  "a_user_who_bought_before_the_window_is_no_new_customer",
                                  "purchases_of_nobody_all_count"])  # fmt: skip
def test_who_has_no_keys_knows_persons_by_their_ids(name: str, quick: QuickWarehouse) -> None:
    case = load(CASES / "simple" / name)
    sql = kinds.select(case.conversion, replace(context(case), is_keyed=False))
    for path, (schema, rows) in mentioned(sql, tables(case)).items():
        quick.drop(path)
        quick.create(path, schema)
        quick.load(path, schema, rows)
    assert "person_key" not in sql.text
    assert compared(case, list(quick.rows(sql))) == expected(case)
