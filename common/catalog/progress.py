"""How far each conversion is up to date, by the ledger of runs."""

from __future__ import annotations

from datetime import date

from common.bigquery.sql import Parameter, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.model.run_status import DONE


def done_until(warehouse: Warehouse) -> dict[tuple[str, int], date]:
    """(conversion, definition version) → last day that is up to date."""
    sql = template(__file__, runs=warehouse.table("runs"))
    bound = with_parameters(sql, done=Parameter("ARRAY<STRING>", list(DONE)))
    return {
        (row["conversion"], row["definition_version"]): row["end_date"]
        for row in warehouse.rows(bound)
    }
