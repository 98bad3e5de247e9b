"""A warehouse that writes every statement down and answers as if each had done its work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, cast

import sqlglot
from sqlglot import exp

from common import schemas
from common.bigquery.sql import Sql
from common.bigquery.warehouse import DryRun, Executed, TableInfo, TableVersion, Warehouse
from common.model.contract import contract
from common.model.window import LATE_DAYS, Window
from common.settings import Settings
from common.untyped import JsonObject, Row
from functions.materialize.stage.fill import HASHED, KEYS

ANSWERS: JsonObject = {
    "fence": 1, "settled_fence": 0, "free_fence": 0, "has_lease": True,
    "inserted": 1, "updated": 1, "deleted": 0, "before": 0, "judged": [],
    "without_rate": 0,
    "bad_values": 0, "bad_currencies": 0, "unknown_refunds": 0,
    "currencies": [],
    "usual_before_write": 0, "value_before": 0.0, "moved_rows": 0, "moved_value": 0.0,
    "reference_rows": 0, "own_rows": 0, "astray": [],
}  # fmt: skip
"""What columns of an answer hold, so that a run goes on to its end; all others are NULL."""


class PaperWarehouse(Warehouse):
    """Keeps statements in order; its GA4 export has daily tables of the given columns."""

    def __init__(
        self, settings: Settings, export: list[JsonObject], last_day: date, first_changed: date
    ) -> None:
        """`first_changed` is the day of the oldest row of the conversion that changes."""
        super().__init__(cast("Any", None), settings)
        self.statements: list[Sql] = []
        # no upgrade is left to be done
        self._done.add(f"{settings.dataset}_{HASHED}")
        self._export = export
        late = Window.ending(last_day, LATE_DAYS + 1)
        self._tables = [f"events_{day:%Y%m%d}" for day in late.dates]
        self._holder: object = None
        # of the stage the newest day is new, and the days before it are as they were
        self._changed = {f"{end}_{name}": last_day for end in ("first", "last") for name in KEYS}
        self._changed |= {"first_changed": first_changed, "last_changed": last_day}

    def rows(self, sql: Sql, **options: Any) -> Iterator[JsonObject]:
        self.statements.append(sql)
        known = ANSWERS | self._changed | {"holder": self._holder}
        return iter([_Row({name: known.get(name) for name in _outputs(sql) or known})])

    def execute(self, sql: Sql, **options: Any) -> Executed:
        self.statements.append(sql)
        if holder := sql.parameters.get("holder"):
            self._holder = holder.value
        return Executed("paper", affected_rows=1, bytes_processed=None)

    def dry_run(self, sql: Sql, *, timeout: float = 20) -> DryRun:
        return DryRun(_contract(), None, (), "SELECT")

    def drop(self, path: str) -> None:
        """Nothing is there."""

    def append(self, table: str, rows: Iterable[Row]) -> None:
        """Books are loads, no statements."""

    def ensure_table(self, path: str, schema: str) -> list[str]:
        return []

    def ensure_table_of_run(self, run_id: str, table: str, schema: str) -> None:
        """It is there."""

    def table_info(self, path: str) -> TableInfo | None:
        return TableInfo("TABLE", tuple(self.schema_of(path) or ()))

    def tables_in(self, dataset: str) -> list[str]:
        return self._tables if dataset in self.settings.ga4_datasets else []

    def table_versions(self, dataset: str, first: str, last: str) -> dict[str, TableVersion]:
        return {
            name: TableVersion(1, None) for name in self.tables_in(dataset) if first <= name <= last
        }

    def execute_together(self, statements: Sequence[Sql], *, job_id: str) -> None:
        self.statements += statements

    def forestall(self, job_id: str) -> bool:
        return False

    def schema_of(self, path: str) -> list[JsonObject] | None:
        dataset, _, name = path.rpartition(".")
        if dataset in self.settings.ga4_datasets:
            return self._export
        if shape := schemas.shape_of(name):
            return schemas.load(shape)["schema"]
        return _contract() if name.endswith("_raw") else None


def _contract() -> list[JsonObject]:
    """Every column that a user's query may return."""
    return [
        {"name": each.name, "type": each.type, "mode": each.mode, "fields": list(each.fields)}
        for each in contract().columns
    ]


class _Row(JsonObject):
    """A row in which whatever is asked for is there."""

    def __missing__(self, name: str) -> None:
        return None


def _outputs(sql: Sql) -> list[str]:
    """Names of the columns that the query returns; [] where a star stands for some."""
    tree = sqlglot.parse_one(sql.text, dialect="bigquery")
    names = tree.named_selects if isinstance(tree, exp.Query) else []
    return [] if "*" in names else names
