"""Canaries in every column of every source: whatever fails, none of them is seen anywhere.

An e-mail address, a telephone number and an access token stand in each text of the CRM. Each kind
of statement is made to fail on them, and the answers, logs, runs and incidents are searched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from common.errors import ProductError
from common.kinds.lead_scoring.definition import LeadScoring
from common.local.stack.bigquery import EmbeddedBigQuery
from common.model.window import Window
from functions.score_leads.data.sources import Warehouses, stage
from functions.validate_sql.check import Services, validate
from functions.validate_sql.models import Ask
from tests.api.conftest import NOW, Harness, services_of
from tests.materialize.world import World

CANARIES = ("jane.doe@canary.example", "+44 20 7946 0958", "sk_live_51canary0000000000")
TRACES = ("jane", "doe@", "canary.example", "7946", "51canary")
TEXTS = ("id", "note", "amount", "moment", "flag", "pattern", "person", "state")
ORDERS = [
    {"name": "date", "type": "DATE"},
    {"name": "created", "type": "TIMESTAMP"},
    *({"name": name, "type": "STRING"} for name in TEXTS),
]
DAY = date(2026, 11, 18)
FROM = "FROM `{crm}.orders` AS o WHERE o.date BETWEEN @start_date AND @end_date"

FAILING = {
    "a number": "CAST(o.amount AS FLOAT64)",
    "a whole number": "CAST(o.amount AS INT64)",
    "a decimal number": "PARSE_NUMERIC(o.amount)",
    "a truth": "CAST(o.flag AS BOOL)",
    "a day": "CAST(o.moment AS DATE)",
    "a time": "TIMESTAMP(o.moment)",
    "a time of a form": "PARSE_TIMESTAMP('%Y-%m-%d', o.moment)",
    "a document": "PARSE_JSON(o.note)",
    "a division": "1 / (LENGTH(o.note) - LENGTH(o.note))",
    "rows where one is wanted": "(SELECT part FROM UNNEST([o.note, o.id]) AS part)",
}
OWN = {
    "our number": "o.amount AS value",
    "our time": "o.moment AS created",
    "our truth": "o.flag AS is_qualified",
}
"""Columns of a type that the contract forbids: it is a statement of the product that fails."""


@dataclass
class Planted:
    """A world whose every text is a canary, with the API before it."""

    world: World
    api: Harness
    checks: Services

    def sql(self, text: str) -> str:
        return text.replace("{crm}", f"{self.world.dataset}_crm")


@pytest.fixture(scope="module")
def planted(engine: EmbeddedBigQuery) -> Iterator[Planted]:
    with engine.client("canaries") as client:
        world = World(client, "canaries.product")
        rows = [
            {"date": DAY, "created": f"{DAY}T10:00:00+00:00", **dict.fromkeys(TEXTS, canary)}
            for canary in CANARIES
        ]
        world.replace("canaries.product_crm.orders", ORDERS, rows)
        checks = Services(world.warehouse, world.warehouse, NOW, lambda: "")
        yield Planted(world, services_of(world.warehouse), checks)


def traces(*texts: object) -> list[str]:
    """The canaries that are seen in any of these."""
    shown = "\n".join(text if isinstance(text, str) else json.dumps(text) for text in texts)
    return [trace for trace in TRACES if trace in shown]


def query(expression: str) -> str:
    columns = f"o.id, o.person AS client_id, o.created, CAST({expression} AS STRING) AS user_id"
    return f"SELECT {columns} {FROM}"


def given(planted: Planted) -> list[str]:
    """All that the product has written down of its runs."""
    tables = ("runs", "incidents", "models", "quarantine")
    house = planted.world.warehouse
    listed = [planted.world.query(f"SELECT * FROM `{house.path(name)}`") for name in tables]
    kept = [
        {name: value for name, value in row.items() if name not in ("row", "id")}
        for rows in listed[:3]
        for row in rows
    ]
    return [json.dumps(kept, default=str)]


@pytest.mark.parametrize("kind", FAILING)
def test_a_query_that_fails_on_its_rows_shows_none_of_them(
    kind: str, planted: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    sql = planted.sql(query(FAILING[kind]))
    definition = {"id": "tried", "name": "Tried", "kind": "custom", "sql": sql}
    id = kind.replace(" ", "_")
    planted.world.define(id=id, kind="custom", sql=sql)
    planted.world.run(DAY, request_id=kind)
    body = {"definition": definition, "start_date": str(DAY), "end_date": str(DAY)}
    answers = [
        planted.api.ask("POST", "/conversions:backtest", body).body,
        planted.api.ask("PUT", "/conversions/tried", definition).body,
        planted.api.get("/incidents"),
        planted.api.get("/runs"),
    ]
    checked = validate(Ask(sql=sql), planted.checks)
    issues = [issue.model_dump(mode="json") for issue in checked.issues]
    spoken = capsys.readouterr()
    assert traces(answers, issues, checked.sample, spoken.out, spoken.err, *given(planted)) == []
    assert "failed" in {row["status"] for row in planted.world.ledger(id)}


@pytest.mark.parametrize("kind", OWN)
def test_a_statement_of_ours_that_fails_on_the_rows_shows_none_of_them(
    kind: str, planted: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    column = OWN[kind]
    created = "" if "created" in column else ", o.created"
    sql = planted.sql(f"SELECT o.id, o.person AS client_id{created}, {column} {FROM}")
    id = kind.replace(" ", "_")
    planted.world.define(id=id, kind="custom", sql=sql)
    planted.world.run(DAY, request_id=kind)
    spoken = capsys.readouterr()
    assert "failed" in {row["status"] for row in planted.world.ledger(id)}
    assert traces(spoken.out, spoken.err, *given(planted), planted.api.get("/incidents")) == []


@pytest.mark.parametrize("column", ["CAST(o.moment AS TIMESTAMP)", "o.moment"])
def test_scoring_shows_none_of_the_leads_on_which_it_fails(column: str, planted: Planted) -> None:
    leads = planted.sql(f"SELECT o.id AS lead_id, {column} AS created {FROM}")
    deals = planted.sql(
        f"SELECT o.id AS lead_id, o.created AS outcome_at, o.state AS status {FROM}"
    )
    source = {"type": "query", "leads_sql": leads, "deals_sql": deals}
    scored = LeadScoring.model_validate({"id": "scored", "name": "S", "source": source})
    house = planted.world.warehouse
    with pytest.raises(ProductError) as failed:
        stage(Warehouses(house, house), scored, Window(DAY, DAY), NOW)
    assert traces(failed.value.detail, failed.value.fix) == []
    assert failed.value.__cause__ is None


def test_a_profile_shows_its_rows_masked(planted: Planted) -> None:
    listed = ", ".join(f"o.{name} AS {name}" for name in TEXTS if name not in ("id", "person"))
    sql = planted.sql(f"SELECT o.id, o.person AS client_id, o.created, {listed} {FROM}")
    answer: Any = validate(Ask(sql=sql, contract="leads"), planted.checks)
    assert traces(answer.model_dump_json()) == []
