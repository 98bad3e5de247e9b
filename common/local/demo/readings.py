"""What the demo reads back from the warehouse once its days have been lived through."""

from __future__ import annotations

from common.bigquery.sql import Sql, template, with_parameters
from common.local.stack.attach import Attached
from common.model.run_status import FINISHED
from common.untyped import JsonObject

Rows = list[JsonObject]


def deliveries(stack: Attached) -> Rows:
    """Newest state of every conversion at every destination, counted by destination and state."""
    return _read(stack, "deliveries", "export_attempts")


def runs_on_load(stack: Attached) -> int:
    """How many conversions were brought up to date because a load said so."""
    return int(_read(stack, "loads", "runs", finished=list(FINISHED))[0]["runs"])


def _read(stack: Attached, what: str, table: str, **values: object) -> Rows:
    sql: Sql = template(__file__, f"readings_{what}", source=stack.warehouse.table(table))
    return list(stack.warehouse.rows(with_parameters(sql, **values)))
