"""Every patch gives BigQuery's answer, and the stock emulator still does not.

When a statement is right on the stock emulator as well, its patch has done its time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlglot
from bqemulator.versioning.snapshots import SnapshotManager
from google.api_core import exceptions
from google.cloud import bigquery
from sqlglot.dialects.bigquery import BigQuery

from common.local.emulator_patches.server.jobs import Latest
from common.local.emulator_patches.statements import parsing, translation
from tests.judge import analyze, evaluate
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
    assert _typed(_rows(client, case)) == _typed(case.rows)


@every_case
def test_the_stock_emulator_still_needs_the_patch(stock: bigquery.Client, case: Case) -> None:
    try:
        answer = _rows(stock, case)
    except Exception:
        return
    assert _typed(answer) != _typed(case.rows)


def _typed(value: Any) -> Any:
    """The value with its types: 1 and 1.0 are not the same answer, nor in a record."""
    if isinstance(value, dict):
        return [(name, _typed(part)) for name, part in value.items()]
    return [*map(_typed, value)] if isinstance(value, list) else (type(value), value)


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


def test_aggregates_over_whole_partitions_are_grouped_once() -> None:
    # an optimisation that no answer shows, so that its loss costs hours and fails no test
    found = translation.translate(
        "SELECT t.*, MIN(t.a) OVER part, MAX(t.a) OVER part, COUNT(t.b) OVER part"
        " FROM (SELECT * FROM d.t) AS t WINDOW part AS (PARTITION BY t.key)",
        "p",
        (),
    )
    assert "GROUP BY" in found.text
    assert "OVER" not in found.text


COMMAS = [
    "SELECT * FROM d.t, t.list",
    "SELECT * FROM `p.d.t` AS x, x.list AS y, y.more WHERE EXISTS (SELECT 1 FROM x, X.LIST)",
    "SELECT * FROM (SELECT * FROM a, a.b.c) AS q CROSS JOIN q.list",
    "WITH a AS (SELECT 1 AS n) SELECT * FROM a, b, d.c JOIN x.y ON TRUE",
    "INSERT INTO d.t SELECT * FROM d.u, d.u.list",
]


@pytest.mark.parametrize("sql", COMMAS)
def test_a_comma_before_an_array_is_read_as_by_sqlglot_itself(
    sql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsing.install()
    quick = sqlglot.parse_one(sql, read="bigquery")
    monkeypatch.setattr(BigQuery.Parser, "SUPPORTS_IMPLICIT_UNNEST", True)
    assert quick == sqlglot.parse_one(sql, read="bigquery")


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


UNKNOWN = [
    ("CAST(DATE '2026-01-05' AS STRING FORMAT 'DD.MM.YYYY')", "CAST(... FORMAT 'DD.MM.YYYY')"),
    ("CAST('ff01' AS BYTES FORMAT 'HEX')", "CAST(... FORMAT 'HEX')"),
    ("CAST('13:04' AS TIME FORMAT 'HH24:MI')", "without a year"),
    ("CAST(INTERVAL 1 DAY AS STRING)", "CAST of an INTERVAL"),
    ("DATE '2026-01-05' - DATE '2026-01-01'", "INTERVAL"),
    ("TIMESTAMP '2026-01-05 00:00:00+00' - TIMESTAMP '2026-01-04 00:00:00+00'", "INTERVAL"),
    ("EXTRACT(DAY FROM DATE '2026-01-05' - DATE '2026-01-01')", "DATE - DATE"),
    ("EXTRACT(WEEK(MONDAY) FROM DATE '2026-01-05')", "EXTRACT(WEEK(MONDAY))"),
    ("FORMAT('%*d', 5, 7)", "FORMAT with *"),
    ("FORMAT('%.*f', 2, 1.239)", "FORMAT with *"),
    ("FORMAT('%T', DATE '2026-01-05')", "FORMAT with %T"),
    ("FORMAT('%t', STRUCT(1 AS a, 'x' AS b))", "FORMAT with %t of a STRUCT"),
    ("FORMAT('%p', JSON '{}')", "FORMAT with %p"),
    ("FORMAT('%#x', 255)", "FORMAT with %#x"),
    ('FORMAT("%\'8d", 1234)', "beside other flags"),
    ("FORMAT_DATE('%Y-%m-%d %H:%M', DATE '2026-01-05')", "FORMAT_DATE with %H"),
    ("FORMAT_DATETIME('%F %Z', DATETIME '2026-01-05 13:04:05')", "FORMAT_DATETIME with %Z"),
    ("FORMAT_TIME('%H', TIME '13:04:05')", "FORMAT_TIME"),
    ("FORMAT_DATE('%g', DATE '2026-01-05')", "%g"),
    ("PARSE_DATE('%m/%d', '01/05')", "without a year"),
    ("SAFE.PARSE_DATE('%G-%V-%u', '2026-02-1')", "%G"),
    ("ROUND(NUMERIC '2.5', 0, 'ROUND_HALF_EVEN')", "ROUND with a mode"),
    ("JSON_TYPE(JSON '1.5')", "JSON_TYPE"),
    ("LAX_BOOL(JSON '12')", "LAX_BOOL"),
    ("LAX_STRING(JSON '[1,2]')", "LAX_STRING"),
    ("SOUNDEX('a')", "SOUNDEX"),
    (
        "TIMESTAMP_TRUNC(TIMESTAMP '2026-01-05 13:04:05+00', ISOYEAR, 'Europe/Berlin')",
        "ISOYEAR of a zone",
    ),
]
"""What the engine would answer otherwise than GoogleSQL, and how it is called."""


@pytest.mark.parametrize(("expression", "name"), UNKNOWN, ids=[it[0] for it in UNKNOWN])
@pytest.mark.parametrize("is_dry", [True, False])
def test_what_the_engine_would_answer_otherwise_is_refused_by_name(
    client: bigquery.Client, expression: str, name: str, is_dry: bool
) -> None:
    sql = f"SELECT {expression} AS it"
    analyze(sql)
    config = bigquery.QueryJobConfig(dry_run=is_dry)
    with pytest.raises(exceptions.GoogleAPICallError) as refused:
        client.query(sql, config, retry=NO_RETRY, job_retry=None).result(retry=NO_RETRY)
    assert refused.value.errors[0]["reason"] == "notImplemented"
    assert name in str(refused.value)
    assert "which the local engine does not know; BigQuery does." in str(refused.value)
