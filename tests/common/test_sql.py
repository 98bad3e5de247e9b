"""Values never reach the text of a statement, names only through the gate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.bigquery.sql import Parameter, Sql, bind, fill, identifier, join, parameter, table
from common.errors import UserError

VALUES = st.one_of(st.text(), st.integers(), st.floats(allow_nan=False), st.booleans(), st.dates())


@given(VALUES)
def test_a_bound_value_is_named_by_its_content_and_never_written_out(value: object) -> None:
    sql = bind(value)
    assert sql.text.startswith("@v_")
    assert len(sql.text) == len("@v_") + 12
    assert bind(value) == sql
    assert next(iter(sql.parameters.values())).value == value


@given(st.text())
def test_only_plain_column_names_pass(name: str) -> None:
    try:
        quoted = identifier(name).text
    except UserError:
        return
    assert quoted == f"`{name}`"
    assert name.isascii()
    assert name.replace("_", "a").isalnum()


@pytest.mark.parametrize("refuses", [identifier, table])
def test_a_bad_name_is_refused_with_what_to_write(refuses: Callable[[str], Sql]) -> None:
    with pytest.raises(UserError) as refused:
        refuses("a b")
    assert refused.value.fix


@given(st.text())
def test_a_table_path_has_three_parts_and_no_quote(path: str) -> None:
    try:
        quoted = table(path).text
    except UserError:
        return
    assert quoted == f"`{path}`"
    assert quoted.count("`") == 2


@pytest.mark.parametrize(
    ("path", "quoted"),
    [
        ("my-project.crm.orders", "`my-project.crm.orders`"),
        ("my-project.analytics_1.events_*", "`my-project.analytics_1.events_*`"),
        ("example.com:old.crm.orders", "`example.com:old.crm.orders`"),
    ],
)
def test_real_paths_are_quoted_whole(path: str, quoted: str) -> None:
    assert table(path).text == quoted


@pytest.mark.parametrize(
    "path", ["", "orders", "crm.orders", "p.d.t; DROP", "p.d.`t`", "p.d.t.*.x"]
)
def test_other_paths_are_refused_with_the_way_to_write_them(path: str) -> None:
    with pytest.raises(UserError, match="is no table path") as refused:
        table(path)
    assert refused.value.fix == "Write it as project.dataset.table."


def test_a_template_refuses_unknown_and_unused_slots() -> None:
    assert fill("SELECT {{ one }}", one=Sql("1")).text == "SELECT 1"
    with pytest.raises(KeyError):
        fill("SELECT {{ one }}", two="2")
    with pytest.raises(KeyError):
        fill("SELECT 1", one="1")


def test_joined_parts_keep_all_their_parameters_once() -> None:
    both = join(" AND ", [bind("a"), bind(1), bind("a")])
    assert both.text.count("@v_") == 3
    assert [p.type for p in both.parameters.values()] == ["STRING", "INT64"]


def test_one_name_with_two_values_is_refused() -> None:
    one, other = Sql("@x", {"x": Parameter("INT64", 1)}), Sql("@x", {"x": Parameter("INT64", 2)})
    with pytest.raises(ValueError, match="@x has two values"):
        join(", ", [one, other])


def test_types_are_inferred_and_a_naive_time_is_refused() -> None:
    assert parameter(True).type == "BOOL"
    assert parameter(date(2026, 1, 1)).type == "DATE"
    assert parameter(datetime(2026, 1, 1, tzinfo=UTC)).type == "TIMESTAMP"
    assert parameter(["a"]).type == "ARRAY<STRING>"
    with pytest.raises(ValueError, match="time zone"):
        parameter(datetime(2026, 1, 1))
    with pytest.raises(ValueError, match="type of None"):
        parameter(None)
