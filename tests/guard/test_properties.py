"""Laws of the guard, tried on mutants: what it accepts is one SELECT over allowed tables."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common.guard.judge import judge
from tests.guard import reader
from tests.guard.corpus import SCOPE, cases
from tests.guard.froms import froms
from tests.guard.fuzz import run
from tests.guard.mutants import FRAGMENTS, mutants

GOOD = [case.sql for case in cases("good")]
QUICKLY = settings(max_examples=200, deadline=None, derandomize=True)

STYLES: list[Callable[[str], str]] = [
    str.swapcase,
    str.title,
    lambda part: f"`{part}`",
    lambda part: f"'{part}'",
    lambda part: f"r{part}",
    lambda part: part.replace(" ", "\r\n"),
    lambda part: part.replace("'", '"'),
    lambda part: part.encode("unicode_escape").decode(),
    lambda part: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in part),
]

queries = st.sampled_from(GOOD)
fragments = st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=12))


@pytest.mark.parametrize("seed", [20261123, 20261124])
def test_googlesql_reads_what_the_guard_accepts_as_the_guard_did(seed: int) -> None:
    fates, disputed = run(islice(mutants(seed), 6_500))
    assert disputed == []
    assert fates["accepted"] > 100


@pytest.mark.parametrize("seed", [20261129, 20261130])
def test_names_in_from_mean_to_the_guard_what_they_mean_to_googlesql(seed: int) -> None:
    fates, disputed = run(islice(froms(seed), 3_500))
    assert disputed == []
    assert fates["accepted"] > 100


def assert_is_one_select_over_allowed_tables(sql: str) -> None:
    """Nothing, when the guard refuses; otherwise what GoogleSQL says of the text that would run."""
    verdict = judge(sql, SCOPE)
    if not verdict.ok:
        return
    try:
        reading = reader.read(verdict.canonical)
    except reader.Rejected:
        return
    assert reading.kind == "ast_query_statement_node"
    assert not reading.forbidden
    for path in reading.tables:
        full = path if path.count(".") > 1 else f"{SCOPE.project}.{path}"
        assert full.rpartition(".")[0] in SCOPE.datasets
    statement = f"CREATE OR REPLACE TABLE staging AS\n{verdict.canonical}"
    assert reader.statement_kinds(statement) == ["ast_ddl_statement_node"]
    assert reader.query_of_table(statement) == reading.shape


@QUICKLY
@given(queries, fragments, fragments)
@example(GOOD[0], "; DROP TABLE shop.crm.orders", "")
@example("SELECT 1 AS id", ") SELECT * FROM shop.secret.t", "--")
def test_appending_to_an_allowed_query_escapes_nothing(sql: str, one: str, other: str) -> None:
    assert_is_one_select_over_allowed_tables(f"{sql}{one} {other}")
    assert_is_one_select_over_allowed_tables(f"{one} {other}{sql}")


@QUICKLY
@given(queries, fragments, st.integers(0, 10_000), st.sampled_from(["/*{}*/", "--{}\n", "#{}\n"]))
def test_commenting_an_allowed_query_escapes_nothing(
    sql: str, inside: str, at: int, comment: str
) -> None:
    at %= len(sql) + 1
    assert_is_one_select_over_allowed_tables(sql[:at] + comment.format(inside) + sql[at:])


@QUICKLY
@given(queries, st.sampled_from([case.sql for case in cases("hostile")]), st.integers(0, 4))
def test_nesting_a_hostile_query_in_an_allowed_one_escapes_nothing(
    sql: str, hostile: str, form: int
) -> None:
    forms = (
        f"SELECT * FROM ({hostile}) AS secret JOIN ({sql}) USING (id)",
        f"WITH secret AS ({hostile}) {sql}",
        f"{sql} UNION ALL ({hostile})",
        f"SELECT ({hostile}) AS t, q.* FROM ({sql}) AS q",
        f"SELECT * FROM ({sql}) WHERE id IN ({hostile}\n)",
    )
    assert_is_one_select_over_allowed_tables(forms[form])


@QUICKLY
@given(queries, st.data())
def test_re_encoding_an_allowed_query_escapes_nothing(sql: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(sql) - 1))
    length = data.draw(st.integers(1, 3))
    changed = data.draw(st.sampled_from(STYLES))(sql[at : at + length])
    assert_is_one_select_over_allowed_tables(sql[:at] + changed + sql[at + length :])


@QUICKLY
@given(st.text(max_size=200))
def test_no_text_whatever_makes_the_guard_fail(text: str) -> None:
    verdict = judge(text, SCOPE)
    assert verdict.ok or verdict.findings


@QUICKLY
@given(queries)
def test_what_runs_would_be_accepted_again_and_stay_the_same(sql: str) -> None:
    once = judge(sql, SCOPE).canonical
    assert judge(once, SCOPE).canonical == once
