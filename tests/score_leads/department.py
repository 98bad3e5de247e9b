"""A sales department with its tables, and score_leads at work on them day by day.

Every statement is judged by GoogleSQL's own analyzer before the engine runs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np

from common.bigquery.sql import Sql
from common.catalog.definitions import Catalog
from common.messaging.messages import Message, ScoreTask
from common.settings import Settings
from functions.score_leads.data.sources import Warehouses
from functions.score_leads.data.values import Floats
from functions.score_leads.operate.run import Services, handle
from tests.judge import Schema, analyze
from tests.quick import QuickWarehouse
from tests.score_leads.simulator import START, Sales

CRM = "test-project.crm"
LEADS = f"SELECT * FROM `{CRM}.leads` WHERE DATE(created) BETWEEN @start_date AND @end_date"
DEALS = f"SELECT * FROM `{CRM}.deals`"
FIRST_DAY = datetime.fromtimestamp(START, UTC)

LEAD_COLUMNS = {
    "lead_id": "STRING",
    "client_id": "STRING",
    "user_id": "STRING",
    "created": "TIMESTAMP",
}
DEAL_COLUMNS = {
    "deal_id": "STRING",
    "lead_id": "STRING",
    "user_id": "STRING",
    "deal_created": "TIMESTAMP",
    "outcome_at": "TIMESTAMP",
    "status": "STRING",
    "deal_value": "FLOAT",
    "currency": "STRING",
}
SALES_COLUMNS = {
    **LEAD_COLUMNS,
    "channel": "STRING",
    "employees": "INTEGER",
    "pages": "INTEGER",
    "urgent": "BOOLEAN",
    "contract": "STRING",
}

_JUDGED: set[str] = set()


class JudgedWarehouse(QuickWarehouse):
    """Refuses what BigQuery would refuse."""

    def _execute(self, sql: Sql) -> Any:
        # statements of two conversions differ by their staging tables alone
        shape = re.sub(r"\w+(?=_scoring_)", "id", sql.text)
        if shape not in _JUDGED:
            known = {path: self.schema_of(path) or [] for path in self._paths() if path in sql.text}
            analyze(sql.text, known, {name: bound.type for name, bound in sql.parameters.items()})
            _JUDGED.add(shape)
        return super()._execute(sql)

    def _paths(self) -> list[str]:
        project = self.settings.project
        datasets = (self.settings.dataset, self.settings.staging_dataset, "crm", "hubspot")
        return [
            f"{project}.{dataset}.{table}"
            for dataset in datasets
            for table in self.tables_in(f"{project}.{dataset}")
        ]


@dataclass
class Recorder:
    """A bus that keeps what was published."""

    published: list[Message] = field(default_factory=list)

    def publish(self, message: Message) -> None:
        self.published.append(message)


@dataclass
class Department:
    """Sources, product tables and the handler of one test."""

    options: dict[str, Any] = field(default_factory=dict)
    """Of the settings, where they differ from the usual."""
    bus: Recorder = field(default_factory=Recorder)

    @cached_property
    def warehouse(self) -> QuickWarehouse:
        settings = Settings(
            project="test-project",
            dataset="conversions",
            staging_dataset="staging",
            source_datasets=(CRM,),
            **self.options,
        )
        built = JudgedWarehouse(settings)
        for dataset in (CRM, "test-project.hubspot"):
            built.ensure_dataset(dataset)
        built.ensure_tables()
        return built

    def define(self, id: str = "leads", **definition: Any) -> None:
        """Save a definition; a lead scoring of both queries unless it says otherwise."""
        source = {"type": "query", "leads_sql": LEADS, "deals_sql": DEALS}
        if definition.get("kind", "lead_scoring") == "lead_scoring":
            definition = {"kind": "lead_scoring", "source": source, **definition}
        Catalog(self.warehouse).save(
            {"id": id, "name": id, **definition},
            now=FIRST_DAY,
            author="test",
            referenced_tables=(),
        )

    def table(self, path: str, columns: dict[str, str], rows: Iterable[dict[str, Any]]) -> None:
        """The table holds exactly these rows afterwards."""
        schema: Schema = [
            {"name": name, "type": type_, "mode": "NULLABLE"} for name, type_ in columns.items()
        ]
        self.warehouse.drop(path)
        self.warehouse.create(path, [dict(column) for column in schema])
        self.warehouse.load(path, [dict(column) for column in schema], rows)

    def load(self, sales: Sales, day: float) -> None:
        """Both tables as they are at the end of this day since START.

        Sales note the kind of contract only when a lead is won.
        """
        there = sales.created_between(0, day)
        self.table(f"{CRM}.leads", SALES_COLUMNS, _leads(sales, there, day))
        self.table(f"{CRM}.deals", DEAL_COLUMNS, _deals(sales, there, day))

    def score(
        self,
        day: float,
        id: str = "leads",
        adjusted: int = 30,
        today: float | None = None,
        **task: Any,
    ) -> None:
        """The task of the run on the morning after this day since START, or after `today`."""
        last = (FIRST_DAY + timedelta(days=day)).date() - timedelta(days=1)
        asked: dict[str, Any] = {
            "run_id": f"run-{day}",
            "conversion": id,
            "definition_version": 1,
            "tier": 0,
            "start_date": last - timedelta(days=adjusted - 1),
            "end_date": last,
            "trigger": "schedule",
            **task,
        }
        run_on = last if today is None else last + timedelta(days=today - day)
        handle(self.services(run_on), ScoreTask(**asked))

    def services(self, last: date) -> Services:
        warehouse = self.warehouse
        now = datetime.combine(last, datetime.min.time(), UTC) + timedelta(days=1, hours=6)
        return Services(Warehouses(warehouse, warehouse), Catalog(warehouse), self.bus, now)

    def rows(self, table: str, order: str = "1") -> list[dict[str, Any]]:
        path = self.warehouse.path(table)
        return list(self.warehouse.rows(Sql(f"SELECT * FROM `{path}` ORDER BY {order}")))

    def newest(self, id: str = "leads") -> dict[str, dict[str, Any]]:
        """The newest score of each lead."""
        rows = self.rows("lead_scores", "scored_at")
        return {row["id"]: row for row in rows if row["conversion"] == id}

    def incidents(self) -> list[str]:
        return [row["code"] for row in self.rows("incidents", "recorded_at")]


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _leads(sales: Sales, there: Any, day: float) -> list[dict[str, Any]]:
    placed, columns = sales.leads.placed, sales.leads.columns
    won_at = (placed - START) / 86_400 + sales.won_after
    return [
        {
            "lead_id": f"lead-{row}",
            "client_id": f"{row}.1",
            "user_id": f"person-{row}",
            "created": moment(placed[row]),
            **{name: values[row] for name, values in columns.items()},
            "contract": "signed" if won_at[row] <= day else None,
        }
        for row in there.tolist()
    ]


def _deals(sales: Sales, there: Any, day: float) -> list[dict[str, Any]]:
    ends: list[tuple[str, Floats]] = [("won", sales.won_after), ("lost", sales.lost_after)]
    return [
        {
            "deal_id": f"deal-{row}",
            "lead_id": f"lead-{row}",
            "deal_created": moment(sales.leads.placed[row]),
            "outcome_at": moment(sales.leads.placed[row] + after[row] * 86_400),
            "status": status,
            "deal_value": None if np.isnan(sales.value[row]) else float(sales.value[row]),
        }
        for status, after in ends
        for row in there[(sales.leads.placed[there] - START) / 86_400 + after[there] <= day]
    ]
