"""The judge answers as BigQuery does."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.judge import Column, Rejected, Rows, Schema, analyze, evaluate

EVENTS = "shop-1.analytics.events_*"
SCHEMA: Schema = [
    {"name": "id", "type": "STRING", "mode": "REQUIRED"},
    {
        "name": "params",
        "type": "RECORD",
        "mode": "REPEATED",
        "fields": [{"name": "key", "type": "STRING"}, {"name": "value", "type": "INTEGER"}],
    },
]


def test_output_columns_have_names_and_types() -> None:
    sql = f"SELECT id, params, 1.5 AS value FROM `{EVENTS}` WHERE _TABLE_SUFFIX = @day"
    assert analyze(sql, {EVENTS: SCHEMA}, {"day": "STRING"}) == [
        Column("id", "STRING"),
        Column("params", "ARRAY<STRUCT<key STRING, value INT64>>"),
        Column("value", "FLOAT64"),
    ]


@pytest.mark.parametrize("path", [f"`{EVENTS}`", "shop-1.analytics.`events_*`"])
def test_a_table_may_be_quoted_in_part_or_whole(path: str) -> None:
    assert analyze(f"SELECT id FROM {path}", {EVENTS: SCHEMA}) == [Column("id", "STRING")]


def test_a_statement_that_writes_has_no_columns() -> None:
    sql = """
      MERGE `s.d.t` AS t USING (SELECT 'a' AS id) AS s ON t.id = s.id
      WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)"""
    assert analyze(sql, {"s.d.t": SCHEMA}) == []


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT idd FROM `s.d.t`", "Unrecognized name: idd; Did you mean id? [at 1:8]"),
        ("SELECT\n  id +", "Syntax error: Unexpected end of statement [at 2:7]"),
        ("SELECT id FROM `s.d.u`", "Table not found: `s.d.u` [at 1:16]"),
        ("SELECT @day FROM `s.d.t`", "Query parameter 'day' not found [at 1:8]"),
        ("SELECT COUNT(*) FILTER (WHERE id = 'a') FROM `s.d.t`", 'got "(" [at 1:24]'),
    ],
)
def test_a_fault_is_named_with_its_place(sql: str, message: str) -> None:
    with pytest.raises(Rejected) as refusal:
        analyze(sql, {"s.d.t": SCHEMA}, {"other": "DATE"})
    assert message in str(refusal.value)


def test_qualify_needs_no_where() -> None:
    sql = "SELECT id FROM `s.d.t` QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY id) = 1"
    assert analyze(sql, {"s.d.t": SCHEMA}) == [Column("id", "STRING")]


def test_a_query_runs_over_literal_rows() -> None:
    rows = Rows(
        [*SCHEMA, {"name": "_TABLE_SUFFIX", "type": "STRING"}],
        [
            {
                "id": 'say "it\'s"',
                "params": [{"key": "a", "value": 7}],
                "_TABLE_SUFFIX": "20260101",
            },
            {"id": None, "_TABLE_SUFFIX": "20260102"},
        ],
    )
    sql = f"""
      SELECT id, (SELECT value FROM UNNEST(params) WHERE key = @key) AS a
      FROM `{EVENTS}` WHERE _TABLE_SUFFIX IN UNNEST(@days) ORDER BY id"""
    days = ["20260101", "20260102"]
    found = evaluate(sql, {EVENTS: rows}, {"key": ("STRING", "a"), "days": ("ARRAY<STRING>", days)})
    assert found == [{"id": None, "a": None}, {"id": 'say "it\'s"', "a": 7}]


def test_values_come_back_as_from_the_client() -> None:
    sql = """
      SELECT TIMESTAMP '2026-01-01 10:00:00.25+02' AS moment, DATE '1969-12-31' AS day,
        DATETIME '2026-01-02 03:04:05' AS local, NUMERIC '-1.25' AS n, CAST(2.5 AS INT64) AS whole,
        STRUCT(1 AS x, [b'ab'] AS y) AS pair, JSON '{"a": [1]}' AS json,
        CAST(NULL AS DATE) AS none"""
    assert evaluate(sql) == [
        {
            "moment": datetime(2026, 1, 1, 8, 0, 0, 250000, tzinfo=UTC),
            "day": date(1969, 12, 31),
            "local": datetime(2026, 1, 2, 3, 4, 5),
            "n": Decimal("-1.25"),
            "whole": 3,
            "pair": {"x": 1, "y": [b"ab"]},
            "json": {"a": [1]},
            "none": None,
        }
    ]


def test_a_breakdown_of_the_evaluator_is_no_end() -> None:
    with pytest.raises(Rejected, match="broke down"):
        evaluate("SELECT NET.REG_DOMAIN('https://www.example.co.uk/a') AS it")
    assert evaluate("SELECT 1 AS it") == [{"it": 1}]
