"""What is sent in place of a lead's value: in the conversion's query, and on the model card."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from common.bigquery.sql import Sql
from common.kinds.lead_scoring.lead_scoring import mapped as sql_of
from common.kinds.scoring import ValueMap
from functions.score_leads.training.value_map import deciles, mapped, what_if
from tests.judge import analyze

STEPS = [{"at_least": 0, "value": 5}, {"at_least": 10, "value": 20}, {"at_least": 50, "value": 80}]


def test_deciles_say_what_each_tenth_brought() -> None:
    promised = np.arange(100.0)
    found = deciles(promised, 2 * promised)
    assert [each.leads for each in found] == [10] * 10
    assert found[0].at_least == 0
    assert found[9].came == pytest.approx(2 * found[9].promised)
    assert sum(each.leads * each.came for each in found) == pytest.approx(2 * promised.sum())


def test_leads_that_are_all_alike_make_one_part() -> None:
    (only,) = deciles(np.full(30, 3.0), np.zeros(30))
    assert (only.leads, only.promised, only.came) == (30, 3, 0)
    assert deciles(np.array([]), np.array([])) == []


def test_what_a_map_would_have_sent() -> None:
    promised, came = np.array([1.0, 10.0, 60.0]), np.array([0.0, 30.0, 60.0])
    answered = what_if(ValueMap(steps=STEPS, cap=70), promised, promised / 100, came)
    assert (answered["promised"], answered["came"], answered["sent"]) == (71, 90, 5 + 20 + 70)
    assert what_if(None, promised, promised, came)["sent"] is None


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), max_size=4),
    st.none() | st.floats(0, 50),
    st.none() | st.floats(50, 100),
    st.sampled_from(["value", "probability"]),
    st.floats(0, 100),
    st.floats(0, 1),
)
def test_the_query_sends_what_the_card_says(
    steps: list[tuple[float, float]],
    floor: float | None,
    cap: float | None,
    of: str,
    value: float,
    probability: float,
) -> None:
    listed = [{"at_least": bound, "value": worth} for bound, worth in sorted(dict(steps).items())]
    if of == "probability" and not listed:
        listed = [{"at_least": 0.5, "value": 9.0}]
    options: dict[str, Any] = {"of": of, "steps": listed, "floor": floor, "cap": cap}
    asked = ValueMap.model_validate(options)
    sql = sql_of(Sql("score.value"), Sql("score.probability"), asked)
    bound = {name: each.value for name, each in sql.parameters.items()}
    text = sql.text.replace("@", "$")
    row = f"SELECT {value}::DOUBLE AS value, {probability}::DOUBLE AS probability"
    sent = duckdb.sql(f"SELECT {text} FROM ({row}) AS score", params=bound).fetchall()[0][0]
    assert sent == mapped(asked, np.array([value]), np.array([probability]))[0]


def test_a_value_that_nobody_knows_stays_unknown() -> None:
    sql = sql_of(Sql("value"), Sql("chance"), ValueMap(steps=STEPS, floor=1, cap=70))
    analyze(
        f"SELECT {sql.text} AS sent FROM (SELECT CAST(NULL AS FLOAT64) AS value, 0.1 AS chance)",
        {},
        {name: each.type for name, each in sql.parameters.items()},
    )
    bound = {name: each.value for name, each in sql.parameters.items()}
    row = "SELECT NULL::DOUBLE AS value, 0.1 AS chance"
    text = sql.text.replace("@", "$")
    assert duckdb.sql(f"SELECT {text} FROM ({row})", params=bound).fetchall() == [(None,)]


@pytest.mark.parametrize(
    ("map", "words"),
    [
        ({"steps": STEPS[::-1]}, "must ascend"),
        ({"floor": 9, "cap": 1}, "above the cap"),
        ({"of": "probability", "cap": 9}, "no money"),
    ],
)
def test_a_map_that_means_nothing_is_refused(map: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ValueMap.model_validate(map)
