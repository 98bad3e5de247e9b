"""Each case folder holds raw tables of a CRM as a connector loads them, and what must come out.

`tables.yaml` has column types and rows by table; `leads.yaml` and `deals.yaml` the expected rows,
of which only the columns they name are compared.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.cloud import bigquery

from common import crm
from common.bigquery.sql import Sql
from common.crm import source
from common.errors import NotFoundError
from tests.expected import Expected

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/*/tables.yaml"))


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def load(client: bigquery.Client, dataset: str, tables: Mapping[str, Any]) -> None:
    for name, table in tables.items():
        schema = [bigquery.SchemaField(column, type_) for column, type_ in table["columns"].items()]
        rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
        lines = "".join(json.dumps(row, default=str) + "\n" for row in rows)
        config = bigquery.LoadJobConfig(
            schema=schema, source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON
        )
        path = f"{dataset}.{name}"
        client.create_table(bigquery.Table(path, schema=schema))
        if rows:
            file = io.BytesIO(lines.encode())
            client.load_table_from_file(file, path, job_config=config).result()


def columns(tables: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    return {name: table["columns"] for name, table in tables.items()}


def answers(client: bigquery.Client, sql: Sql) -> list[dict[str, Any]]:
    values: dict[str, Any] = {name: bound.value for name, bound in sql.parameters.items()}
    config = bigquery.QueryJobConfig(
        query_parameters=[
            bigquery.ScalarQueryParameter(name, bound.type, values[name])
            for name, bound in sql.parameters.items()
        ]
    )
    return [dict(row) for row in client.query(sql.text, job_config=config).result()]


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC).isoformat()
    return value


def comparable(rows: list[dict[str, Any]], names: list[str]) -> list[list[Any]]:
    listed = [[plain(row[name]) for name in names] for row in rows]
    return sorted(listed, key=lambda row: [str(cell) for cell in row])


@pytest.mark.parametrize("folder", CASES, ids=lambda path: f"{path.parent.name}-{path.name}")
@pytest.mark.parametrize("query", ["leads", "deals"])
def test_a_crm_says_the_same_however_it_was_loaded(
    folder: Path, query: str, client: bigquery.Client, dataset: str, expecting: Expected
) -> None:
    tables, expected = read(folder / "tables.yaml"), read(folder / f"{query}.yaml")
    load(client, dataset, tables)
    build = {"leads": source.leads, "deals": source.deals}[query]
    found = answers(client, build(folder.parent.name, dataset, columns(tables)))
    wanted = crm.LEADS if query == "leads" else crm.DEALS
    if found:
        assert list(found[0])[: len(wanted)] == list(wanted)
    names = list(expected[0])
    expecting.rows(
        folder / f"{query}.yaml",
        [dict(zip(names, row, strict=True)) for row in comparable(found, names)],
        [dict(zip(names, row, strict=True)) for row in comparable(expected, names)],
    )


def test_every_crm_has_a_case() -> None:
    assert {folder.parent.name for folder in CASES} == set(crm.CRMS)


def test_a_missing_table_is_named() -> None:
    with pytest.raises(NotFoundError, match=r"p-123456\.crm has no table contact"):
        source.leads("hubspot", "p-123456.crm", {})


def test_what_sales_fills_in_later_is_no_attribute() -> None:
    contact = {
        "id": "INTEGER",
        "property_lifecyclestage": "STRING",
        "property_jobtitle": "STRING",
        "_fivetran_synced": "TIMESTAMP",
    }
    found = {"contact": contact}
    assert source.attributes("hubspot", found) == ["property_jobtitle"]
