"""The view over all conversions: within what BigQuery takes, whatever order columns came in."""

from __future__ import annotations

from common import schemas
from common.bigquery.warehouse import Warehouse
from common.settings import Settings
from functions.materialize.runs import overview
from tests.judge import analyze

PROJECT = "a-project-with-a-long-name-30c"
SETTINGS = Settings(project=PROJECT, dataset="conversions_environment")
MOST_CHARACTERS = 256_000
"""Of a view's text (https://cloud.google.com/bigquery/quotas#view_limits)."""


def text_of(count: int) -> str:
    warehouse = Warehouse(None, SETTINGS)  # type: ignore[arg-type]
    ids = [f"a_conversion_with_a_long_name_{number:03}" for number in range(count)]
    return overview.statement(warehouse, ids).text


def test_nine_hundred_conversions_fit_into_a_view() -> None:
    assert len(text_of(900)) < MOST_CHARACTERS


def test_the_analyzer_takes_it_though_columns_were_added_in_another_order() -> None:
    columns = schemas.load("conversion")["schema"]
    tables = {
        f"{PROJECT}.conversions_environment.conversion_a_conversion_with_a_long_name_{number:03}": (
            columns if number % 2 else columns[::-1]
        )
        for number in range(3)
    }
    query = text_of(3).partition(" AS\n")[2]
    assert [column.name for column in analyze(query, tables)] == [
        "definition_id",
        *schemas.columns("conversion"),
    ]
