"""Every patch gives BigQuery's answer, and the stock emulator still does not.

When a statement is right on the stock emulator as well, its patch has done its time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bqemulator.versioning.snapshots import SnapshotManager
from google.cloud import bigquery

from common.local.emulator_patches.server.jobs import Latest
from tests.judge import evaluate
from tests.local.behaviours import BEHAVIOURS, NO_RETRY, Behaviour
from tests.local.cases import CASES, SETUP, Case


@pytest.fixture(scope="module", autouse=True)
def tables(client: bigquery.Client, stock: bigquery.Client) -> Iterator[None]:
    """The same tables on both engines."""
    for engine in (client, stock):
        engine.create_dataset("d")
        for statement in SETUP.split(";"):
            engine.query(statement).result()
    yield
    for engine in (client, stock):
        engine.delete_dataset("d", delete_contents=True)


def _rows(client: bigquery.Client, case: Case) -> list[dict[str, Any]]:
    bound = [_parameter(name, *value) for name, value in case.values.items()]
    config = bigquery.QueryJobConfig(query_parameters=bound)
    job = client.query(case.sql, config, retry=NO_RETRY, job_retry=None)
    return [dict(row.items()) for row in job.result(retry=NO_RETRY)]


def _parameter(name: str, kind: str, value: Any) -> Any:
    if kind.startswith("ARRAY<"):
        return bigquery.ArrayQueryParameter(name, kind[6:-1], value)
    return bigquery.ScalarQueryParameter(name, kind, value)


def _label(case: Case) -> str:
    return f"{case.patch}: {case.sql.removeprefix('SELECT ').removesuffix(' AS it')[:60]}"


every_case = pytest.mark.parametrize("case", CASES, ids=_label)


@every_case
def test_a_patched_statement_answers_as_bigquery(client: bigquery.Client, case: Case) -> None:
    assert _rows(client, case) == case.rows


@every_case
def test_the_stock_emulator_still_needs_the_patch(stock: bigquery.Client, case: Case) -> None:
    try:
        answer = _rows(stock, case)
    except Exception:
        return
    assert _typed(answer) != _typed(case.rows)


def _typed(rows: list[dict[str, Any]]) -> list[Any]:
    """The rows with their types: 1 and 1.0 are not the same answer."""
    return [[(name, type(value), value) for name, value in row.items()] for row in rows]


@pytest.mark.parametrize("case", [it for it in CASES if it.stands_alone], ids=_label)
def test_the_expected_answer_is_that_of_googlesql(case: Case) -> None:
    assert evaluate(case.sql, parameters=case.values) == case.rows


every_behaviour = pytest.mark.parametrize(
    "behaviour", BEHAVIOURS, ids=lambda it: it.__name__.replace("_", " ")
)


@every_behaviour
def test_a_patched_engine_behaves_as_bigquery(
    client: bigquery.Client, dataset: str, behaviour: Behaviour
) -> None:
    behaviour(client, dataset)


@every_behaviour
def test_the_stock_emulator_still_behaves_differently(
    stock: bigquery.Client, behaviour: Behaviour
) -> None:
    dataset = f"{stock.project}.{behaviour.__name__}"
    stock.create_dataset(dataset)
    with pytest.raises((Exception, pytest.fail.Exception)):  # in whatever way
        behaviour(stock, dataset)


def test_results_do_not_pile_up() -> None:
    store = Latest()
    for number in range(300):
        store[str(number)] = number
    assert (len(store), "0" in store, "299" in store) == (256, False, True)


def test_no_copy_is_made_of_a_table_that_changes() -> None:
    without_engine: Any = object()
    manager = SnapshotManager(
        engine=without_engine, catalog=without_engine, clock=without_engine, events=without_engine,
        retention_days=7,
    )  # fmt: skip
    assert manager.capture("p", "d", "t") is None


MEMBERS = """
SELECT
  EXISTS (SELECT 1 FROM UNNEST(row.words) AS word WHERE word IN UNNEST(row.known)) AS found,
  ARRAY(SELECT word FROM UNNEST(row.words) AS word WHERE word IN UNNEST(row.known) OR word = 'z')
    AS which,
  EXISTS (SELECT 1 FROM UNNEST(row.words) AS word WHERE NOT word IN UNNEST(row.known)) AS other
FROM UNNEST(ARRAY<STRUCT<place INT64, words ARRAY<STRING>, known ARRAY<STRING>>>[
  (1, ['a', 'b'], ['b', 'c']), (2, ['a', NULL], ['c', NULL]),
  (3, ['z'], ARRAY<STRING>[]), (4, ARRAY<STRING>[], ['a']),
  (5, ['a'], NULL), (6, NULL, ['a'])
]) AS row
ORDER BY row.place
"""


def test_members_of_a_list_are_found_as_googlesql_finds_them(client: bigquery.Client) -> None:
    # quick as functions of the list, and joins where a NULL would count
    found = [dict(row.items()) for row in client.query(MEMBERS, retry=NO_RETRY).result()]
    assert found == evaluate(MEMBERS)
