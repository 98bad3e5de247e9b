"""The catalogue of findings: each code has an example, and the example makes that finding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common.bigquery.sql import Sql
from common.bigquery.warehouse import DryRun, Executed, TableInfo, Warehouse
from common.errors import AccessError, RetryableError, UserError
from common.model.findings import catalogue
from functions.validate_sql import catalogue as pages
from functions.validate_sql.check import Services, validate
from functions.validate_sql.models import Ask
from tests.validate_sql.conftest import codes

# What an example says in words, written out.
SPELLED = {
    "too_large": "SELECT id FROM `shop.crm.orders` WHERE id IN ('1'" + ", '2'" * 20_000 + ")",
    "too_many_tables": " UNION ALL ".join(f"SELECT id FROM shop.crm.t{n}" for n in range(1, 51)),
}
ASKED: dict[str, dict[str, Any]] = {
    "feature_type": {"predicted_value": True},
    "predicted_value_unavailable": {"predicted_value": True},
    "deal_status": {"contract": "deals"},
}


class Cloud(Warehouse):
    """The shop's warehouse with one thing that only the real BigQuery does."""

    def __init__(self, shop: Warehouse) -> None:
        super().__init__(shop.client, shop.settings)


class Denying(Cloud):
    def dry_run(self, sql: Sql, *, timeout: float = 20) -> DryRun:
        raise AccessError(
            "Access Denied: Table crm-project:sales.orders: User does not have permission"
        )


class Silent(Cloud):
    def dry_run(self, sql: Sql, *, timeout: float = 20) -> DryRun:
        raise RetryableError("no answer", code="bigquery_unavailable")


class Counting(Cloud):
    """Reads so many bytes, whatever the days."""

    size = 0

    def dry_run(self, sql: Sql, *, timeout: float = 20) -> DryRun:
        return replace(super().dry_run(sql, timeout=timeout), bytes_processed=self.size)


class Unpruned(Counting):
    size = 5 * 1024**3


class Expensive(Counting):
    size = 900 * 1024**3


class Sheets(Cloud):
    def table_info(self, path: str) -> TableInfo | None:
        return TableInfo("EXTERNAL", ())


class Slow(Cloud):
    """Plans a query and never finishes it in time."""

    def execute(self, *_: object, **__: object) -> Executed:
        raise UserError("Job timed out after 20 s.", code="query_failed")


RUNNERS: dict[str, type[Cloud]] = {
    "access_denied": Denying,
    "try_again": Silent,
    "not_pruned": Unpruned,
    "too_expensive": Expensive,
    "external_table": Sheets,
    "profile_failed": Slow,
}


@pytest.fixture
def widened(services: Services) -> Services:
    """The desk of a deployment that may read the other project's dataset too."""
    settings = services.settings.model_copy(
        update={"source_datasets": ("shop.crm", "crm-project.sales")}
    )
    warehouse = Warehouse(services.own.client, settings)
    return replace(services, own=warehouse, runner=warehouse)


@pytest.mark.parametrize("code", catalogue())
def test_the_example_of_a_code_makes_that_finding(code: str, widened: Services) -> None:
    sql = SPELLED.get(code, catalogue()[code]["example"])
    runner = RUNNERS.get(code, Cloud)(widened.own)
    answer = validate(Ask(sql=sql, **ASKED.get(code, {})), replace(widened, runner=runner))
    issue = next((issue for issue in answer.issues if issue.code == code), None)
    assert issue, codes(answer)
    assert issue.severity == catalogue()[code]["severity"]
    assert issue.documentation.endswith(f"FINDINGS.md#{code}")
    assert issue.message
    assert issue.fix


def test_the_page_of_findings_is_up_to_date() -> None:
    page = Path(pages.__file__).with_name("FINDINGS.md").read_text(encoding="utf-8")
    assert page == pages.page()


def test_every_entry_of_the_catalogue_is_complete() -> None:
    for code, rule in catalogue().items():
        assert all(rule[part] for part in ("severity", "title", "why", "example")), code
        assert rule["why"].endswith("."), code
