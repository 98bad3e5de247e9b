"""Custom SQL is saved when validate-sql would let it pass, with the tables that it reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from unittest.mock import Mock

import pytest

from common.errors import AccessError, UserError
from common.kinds.query import Query
from common.settings import Settings
from functions.api.definitions import queries
from tests.api.conftest import House

ORDERS = [
    {"name": "id", "type": "STRING"},
    {"name": "client", "type": "STRING"},
    {"name": "person", "type": "STRING"},
    {"name": "date", "type": "DATE"},
    {"name": "confirmed_at", "type": "TIMESTAMP"},
    {"name": "total", "type": "FLOAT"},
    {"name": "note", "type": "STRING"},
]
TAIL = "FROM `{crm}.orders` AS o WHERE o.date BETWEEN @start_date AND @end_date"
GOOD = f"SELECT o.id, o.client AS client_id, o.confirmed_at AS created, o.total AS value {TAIL}"


@pytest.fixture(scope="module")
def shop(open_wire_house: Callable[[], House]) -> House:
    """A shop with two orders in its CRM."""
    house = open_wire_house()
    rows = [order(1, 18, 120.0), order(2, 19, 80.0)]
    house.world.replace(f"{house.world.dataset}_crm.orders", ORDERS, rows)
    return house


def order(number: int, day: int, total: float) -> dict[str, Any]:
    return {
        "id": f"O-{number}",
        "client": f"c{number}",
        "person": f"u{number}",
        "date": date(2026, 11, day),
        "confirmed_at": f"2026-11-{day}T09:00:00+00:00",
        "total": total,
    }


def custom(shop: House, sql: str, id: str = "deal", **more: Any) -> dict[str, Any]:
    text = sql.replace("{crm}", f"{shop.world.dataset}_crm")
    return {"id": id, "name": "Deal", "kind": "custom", "sql": text, **more}


def test_good_sql_is_saved_with_its_tables(shop: House) -> None:
    saved = shop.harness.save(custom(shop, GOOD))
    assert saved["referenced_tables"] == [f"{shop.world.dataset}_crm.orders"]


@pytest.mark.parametrize(
    ("sql", "code", "said"),
    [
        ("DELETE FROM `{crm}.orders` WHERE TRUE", "writes_data", "only reads"),
        ("DROP TABLE `{crm}.orders`", "changes_schema", "changes what is stored"),
        ("DECLARE d DATE; SELECT 1", None, ""),
        ("SELECT 1; SELECT 2", None, ""),
        ("not sql at all", None, ""),
        ("", None, ""),
        (GOOD.replace("{crm}", "other-project.crm"), "table_not_allowed", "other-project.crm"),
        (GOOD.replace("o.id, ", ""), "missing_column", "no column id"),
        (GOOD.replace("created,", "created, o.note AS clientId,"), None, "clientId"),
        (GOOD.replace("o.confirmed_at", "o.date"), "wrong_type", "created is DATE"),
        (GOOD.replace("o.total", "o.totl"), "sql_error", "totl"),
        (GOOD.replace("orders", "ordrs"), "table_not_found", "ordrs"),
    ],
)
def test_bad_sql_is_refused_with_what_to_write_instead(
    shop: House, sql: str, code: str | None, said: str
) -> None:
    problem = shop.harness.refused(custom(shop, sql, id="bad"))
    assert problem["status"] == 422
    assert problem["field"] == "sql"
    assert code is None or problem["code"] == code
    assert said in problem["detail"]
    ids = [one["id"] for one in shop.harness.get("/conversions?status=all")["conversions"]]
    assert "bad" not in ids


def test_every_finding_comes_with_its_place(shop: House) -> None:
    problem = shop.harness.refused(custom(shop, "DELETE FROM `{crm}.orders` WHERE TRUE"))
    assert problem["errors"][0]["line"] == 1
    assert problem["errors"][0]["documentation"].endswith("#writes_data")


def test_a_backtest_runs_the_query_and_leaves_no_table(shop: House) -> None:
    body = {"definition": custom(shop, GOOD, id="tried"), "start_date": "2026-11-13"}
    totals = shop.harness.post("/conversions:backtest", body)["totals"]
    assert (totals["conversions"], totals["value"], totals["attributed"]) == (2, 200.0, 0)


def test_a_query_that_fails_on_real_rows_is_reported_without_their_values(shop: House) -> None:
    sql = GOOD.replace("o.total", "CAST(o.client AS FLOAT64)")
    body = {"definition": custom(shop, sql, id="tried"), "start_date": "2026-11-13"}
    answered = shop.harness.ask("POST", "/conversions:backtest", body)
    assert (answered.status, answered.body["code"]) == (422, "sql_failed")
    assert "c1" not in answered.body["detail"]


def test_the_target_of_a_prediction_must_be_a_custom_conversion(shop: House) -> None:
    shop.harness.save(
        {"id": "sale", "name": "Sale", "kind": "simple", "event_type": "purchase"},
        "?allow_unknown_event=true",
    )
    predicted = {"target": "sale", "window_days": 40}
    problem = shop.harness.refused(custom(shop, GOOD, id="lead", predicted_value=predicted))
    assert (problem["code"], problem["field"]) == ("ineligible_target", "predicted_value.target")
    assert "it is a simple conversion" in problem["detail"]


PERSON = GOOD.replace("o.id,", "o.id, o.person AS user_id,")


def test_a_prediction_needs_a_person_and_a_target_that_came_true(shop: House) -> None:
    shop.harness.save(custom(shop, GOOD))
    predicted = {"target": "deal", "window_days": 40}
    problem = shop.harness.refused(custom(shop, GOOD, id="lead", predicted_value=predicted))
    assert (problem["code"], problem["field"]) == ("predicted_value_unavailable", "sql")
    problem = shop.harness.refused(custom(shop, PERSON, id="lead", predicted_value=predicted))
    assert (problem["code"], problem["field"]) == ("ineligible_target", "predicted_value.target")


def test_a_prediction_and_its_target_are_not_added_up(shop: House) -> None:
    shop.harness.save(custom(shop, PERSON, id="bought"))
    shop.world.run(date(2026, 11, 19), conversions=("bought",), request_id="bought")
    predicted = {"target": "bought", "window_days": 40}
    shop.harness.save(custom(shop, PERSON, id="lead", predicted_value=predicted))
    both = {"id": "all", "name": "All", "kind": "combined", "conversions": ["lead", "bought"]}
    problem = shop.harness.refused(both)
    assert problem["code"] == "counted_twice"
    assert "the money of 'bought' twice" in problem["detail"]


def test_targets_are_listed_with_the_reason_against_them(shop: House) -> None:
    shop.harness.save(custom(shop, GOOD.replace("o.id,", "o.id, o.person AS user_id,"), id="paid"))
    shop.harness.save(custom(shop, GOOD, id="anonymous"))
    for id in ("paid", "anonymous"):
        shop.world.run(date(2026, 11, 19), conversions=(id,), request_id=id)
    shown = shop.harness.get("/eligible-targets?source=lead")
    eligible = {target["id"]: target["conversions"] for target in shown["eligible"]}
    assert eligible["paid"] == 2
    reasons = {target["id"]: target["reason"] for target in shown["ineligible"]}
    assert "no conversion with user id and value" in reasons["anonymous"]


def scored(dataset: str) -> dict[str, Any]:
    crm = {"type": "crm", "crm": "hubspot", "dataset": dataset}
    return {"id": "scored", "name": "Scored", "kind": "lead_scoring", "source": crm}


def test_a_crm_must_lie_in_a_dataset_that_may_be_read(shop: House) -> None:
    problem = shop.harness.refused(scored(f"{shop.world.dataset}_crn"))
    assert (problem["code"], problem["field"]) == ("table_not_allowed", "source.dataset")
    assert f"Did you mean {shop.world.dataset}_crm?" in problem["fix"]


def test_a_crm_must_have_the_tables_of_its_connector_and_they_are_its_lineage(shop: House) -> None:
    dataset = f"{shop.world.dataset}_crm"
    problem = shop.harness.refused(scored(dataset))
    assert problem["code"] == "crm_shape_unknown"
    assert "Fivetran lacks the table contact" in problem["detail"]
    tables = {
        "contact": ("id", "property_createdate"),
        "deal": ("deal_id", "property_createdate"),
        "deal_contact": ("deal_id", "contact_id"),
        "deal_pipeline_stage": ("stage_id",),
    }
    for name, columns in tables.items():
        schema = [{"name": column, "type": "STRING"} for column in columns]
        shop.world.replace(f"{dataset}.{name}", schema, [])
    saved = shop.harness.save(scored(dataset))
    assert saved["referenced_tables"] == [
        f"{dataset}.contact",
        f"{dataset}.deal",
        f"{dataset}.deal_contact",
        f"{dataset}.deal_pipeline_stage",
    ]
    assert [warning["code"] for warning in saved["warnings"]] == ["no_client_id_column"]
    schema = [{"name": name, "type": "STRING"} for name in ("id", "property_createdate", "web_ref")]
    clients = [f"{1000000 + row}.{1700000000 + row}" for row in range(20)]
    rows = [{"id": str(row), "property_createdate": "2026-11-01T10:00:00Z", "web_ref": it}
            for row, it in enumerate(clients)]  # fmt: skip
    shop.world.replace(f"{dataset}.contact", schema, rows)
    (shown,) = shop.harness.save({**scored(dataset), "description": "again"})["warnings"]
    assert (shown["code"], shown["severity"]) == ("column_found", "info")
    assert shown["message"] == (
        "contact.web_ref is read as client_id: by what it holds; 20 of its 20 values look like one."
    )
    filters = [{"column": "contry", "operator": "is_present"}]
    problem = shop.harness.refused({**scored(dataset), "lead_filters": filters})
    assert (problem["code"], problem["field"]) == ("lead_filter_unknown", "lead_filters.0.column")
    excluding = {**scored(dataset), "excluded_attributes": ["property_color"]}
    (_, unknown) = shop.harness.save(excluding)["warnings"]
    assert (unknown["code"], unknown["severity"]) == ("attribute_unknown", "warning")
    named = scored(dataset)
    named["source"]["columns"] = {"client_id": "web_reff"}
    problem = shop.harness.refused(named)
    assert (problem["code"], problem["field"]) == ("crm_column_unknown", "source.columns")
    assert "Did you mean web_ref?" in problem["fix"]


def test_a_milestone_must_be_a_conversion_that_can_be_reached(shop: House) -> None:
    dataset = f"{shop.world.dataset}_reach"
    shop.harness.save(custom(shop, GOOD, id="reached"))
    for target, code in (("nobody", "unknown_reference"), ("reached", None)):
        milestone = {"type": "conversion", "target": target}
        draft = {**scored(dataset), "id": "reaching", "milestone": milestone}
        problem = shop.harness.refused(draft)
        assert problem["code"] == (code or "table_not_allowed"), problem
        assert problem["field"] == ("milestone.target" if code else "source.dataset")


def test_a_row_of_a_query_is_explained(shop: House) -> None:
    shop.harness.save(custom(shop, GOOD, id="explained"))
    shop.world.run(date(2026, 11, 19), conversions=("explained",), request_id="explained")
    counted = shop.harness.get("/conversions/explained/explain?id=O-1")
    assert counted["verdict"] == "counted"
    assert counted["steps"][0]["text"] == "The answer of the query has it."
    absent = shop.harness.get("/conversions/explained/explain?id=O-9")
    assert (absent["verdict"], absent["dropped_by"]) == ("not_found", "source")
    assert "The answer of the query does not have it from" in absent["sentence"]


def test_a_right_that_is_missing_is_named_as_the_grant_that_gives_it() -> None:
    """Google's words of a dry run: the account, the role and the dataset follow from them."""
    settings = Settings(project="shop", source_datasets=("shop.crm",))
    runner = Mock(settings=settings)
    runner.table_info.return_value = None
    runner.dry_run.side_effect = AccessError(
        "Access Denied: Table shop:crm.orders: User does not have permission to query table"
        " shop:crm.orders.",
        fix='GRANT `roles/bigquery.dataViewer` ON SCHEMA `shop.crm` TO "serviceAccount:r@x"',
    )
    query = Query(
        "sql",
        "SELECT id, created, value, currency, client_id FROM `shop.crm.orders`"
        " WHERE DATE(created) BETWEEN @start_date AND @end_date",
        "conversion",
    )
    with pytest.raises(UserError) as refused:
        queries.judged(query, runner, date(2026, 11, 19))
    assert refused.value.code == "table_access"
    assert refused.value.fix.startswith("GRANT `roles/bigquery.dataViewer` ON SCHEMA `shop.crm`")
