"""A query for each finding, as the catalogue writes it, and what the finding needs to appear."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from common.bigquery.sql import Sql
from common.bigquery.warehouse import DryRun, Executed, TableInfo, Warehouse
from common.errors import AccessError, RetryableError, UserError
from common.model.findings import catalogue
from functions.validate_sql.check import Services, validate
from functions.validate_sql.models import Ask, Validated

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
    """May not read a table."""

    def dry_run(self, sql: Sql, *, timeout: float = 20) -> DryRun:
        raise AccessError(
            "Access Denied: Table crm-project:sales.orders: User does not have permission"
        )


class Silent(Cloud):
    """Does not answer."""

    def dry_run(self, sql: Sql, *, timeout: float = 20) -> DryRun:
        raise RetryableError("no answer", code="bigquery_unavailable")


class Counting(Cloud):
    """Reads so many bytes, whatever the days."""

    size = 0

    def dry_run(self, sql: Sql, *, timeout: float = 20) -> DryRun:
        return replace(super().dry_run(sql, timeout=timeout), bytes_processed=self.size)


class Unpruned(Counting):
    """Reads as much for a day as for a month."""

    size = 5 * 1024**3


class Expensive(Counting):
    """Reads more than the cap."""

    size = 900 * 1024**3


class Sheets(Cloud):
    """Has a table that lies outside BigQuery."""

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


def asked(code: str) -> Ask:
    """The question whose answer has the finding."""
    return Ask(sql=SPELLED.get(code, catalogue()[code]["example"]), **ASKED.get(code, {}))


def answered(code: str, ask: Ask, services: Services) -> Validated:
    """What is said of a question where the finding of this code can appear."""
    runner = RUNNERS.get(code, Cloud)(services.own)
    return validate(ask, replace(services, runner=runner))
