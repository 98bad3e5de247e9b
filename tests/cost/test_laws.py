"""Whatever a statement says, its estimate raises nothing and is never below what it has to read."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from common.bigquery.sql import Sql
from common.cost.estimate import Read, bytes_of
from common.cost.reads import reads
from common.guard.judge import judge
from common.untyped import JsonObject
from tests.cost.generated import Writer
from tests.guard.corpus import SCOPE
from tests.guard.mutants import mutants
from tests.judge_scans import scans


@pytest.mark.parametrize("seed", range(2))
def test_an_estimate_is_never_below_what_has_to_be_read(seed: int) -> None:
    writer = Writer(seed)
    schemas = {table.path: table.schema for table in writer.tables}
    sizes = {table.path: table.size for table in writer.tables}
    whole = 0
    for number in range(160):
        sql, least = writer.statement()
        found = reads(sql, schemas)
        estimated = sum(bytes_of(read, sizes[read.table]) for read in found)
        assert estimated >= least - 1, sql.text
        # an estimate that is always the whole tables would be one of nothing
        everything = sum(sizes[read.table].width(sizes[read.table].widths) * 40 for read in found)
        whole += estimated >= everything > 0
        if number % 4 == 0:
            _assert_reads_what_googlesql_scans(sql, schemas, found)
    assert whole < 40


def _assert_reads_what_googlesql_scans(
    sql: Sql, schemas: dict[str, tuple[JsonObject, ...]], found: list[Read]
) -> None:
    """Each scan of GoogleSQL's analyzer is a read, and nothing else is but the rows that change."""
    types = {name: bound.type for name, bound in sql.parameters.items()}
    scanned = Counter(scan.table for scan in scans(sql.text, schemas, types))
    read = Counter(read.table for read in found)
    changed = read.total() - scanned.total()
    assert read >= scanned, sql.text
    assert changed == (0 if sql.text.startswith(("SELECT", "WITH")) else 1), sql.text


def test_whatever_the_guard_accepts_can_be_estimated() -> None:
    accepted = [
        verdict for sql in islice(mutants(20261130), 700) if (verdict := judge(sql, SCOPE)).ok
    ]
    assert len(accepted) > 10
    column = [{"name": "id", "type": "STRING"}]
    for verdict in accepted:
        schemas = {path: column for path in verdict.tables if path.count(".") == 2}
        found = reads(Sql(verdict.canonical), schemas)
        assert {read.table for read in found} == {*schemas}, verdict.canonical


@pytest.mark.parametrize(
    "text",
    [
        "SELECT FROM WHERE",
        "",
        ";",
        "SELECT 1; SELECT 2",
        "SELECT '",
        f"SELECT {'(' * 3000}1{')' * 3000}",
        f"SELECT {'1 + ' * 5000}1",
        "SELECT t.* FROM `p.d.t` AS t WHERE t.day > DATE '9999-12-31'",
        "EXPORT DATA OPTIONS(uri='gs://b/*') AS SELECT 1 FROM `p.d.t`",
        "MERGE INTO `p.d.t`",
        "CALL p.d.t()",
    ],
)
def test_no_text_makes_an_estimate_fail(text: str) -> None:
    schemas = {"p.d.t": [{"name": "id", "type": "STRING"}, {"name": "day", "type": "DATE"}]}
    found = reads(Sql(text), schemas)
    if "d.t" in text:
        assert {read.columns for read in found} == {frozenset({"id", "day"})}


@pytest.mark.parametrize("text", ["TRUNCATE TABLE `p.d.t`", "DROP TABLE `p.d.t`"])
def test_what_reads_nothing_costs_nothing(text: str) -> None:
    assert reads(Sql(text), {"p.d.t": [{"name": "id", "type": "STRING"}]}) == []
