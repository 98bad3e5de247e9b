"""Tables for a terminal: runs, totals, findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from common.sql import Sql, fill, join
from common.warehouse import Warehouse

TOTALS = """
SELECT
  {{ id }} AS conversion,
  COUNT(DISTINCT date) AS days,
  COUNT(*) AS rows_,
  SUM(value_project) AS value,
  COUNTIF(client_id IS NOT NULL) AS attributed
FROM {{ table }}
WHERE date BETWEEN DATE '2000-01-01' AND DATE '2100-01-01'
"""


def totals(warehouse: Warehouse, ids: Iterable[str]) -> list[dict[str, Any]]:
    """Per conversion: days, rows, value, rows with a client id, duplicates removed."""
    removed = _duplicates(warehouse)
    return [
        {**row, "duplicates": removed.get(row["conversion"], 0)} for row in _rows(warehouse, ids)
    ]


def _rows(warehouse: Warehouse, ids: Iterable[str]) -> list[dict[str, Any]]:
    present = set(warehouse.tables_in(f"{warehouse.settings.project}.{warehouse.settings.dataset}"))
    wanted = [id for id in ids if f"conversion_{id}" in present]
    if not wanted:
        return []
    parts = (fill(TOTALS, id=f"'{id}'", table=warehouse.table(f"conversion_{id}")) for id in wanted)
    found = {row["conversion"]: row for row in warehouse.rows(join(" UNION ALL ", parts))}
    return [found[id] for id in wanted]


def _duplicates(warehouse: Warehouse) -> dict[str, int]:
    """Duplicates that the newest run of each conversion's widest window removed."""
    sql = Sql(
        f"SELECT conversion, MAX(duplicates) AS duplicates FROM {warehouse.table('runs')}"
        " WHERE duplicates IS NOT NULL GROUP BY conversion"
    )
    return {row["conversion"]: row["duplicates"] for row in warehouse.rows(sql)}


def show_totals(console: Console, rows: Iterable[Mapping[str, Any]], currency: str) -> None:
    """One line a conversion."""
    table = Table(title="Conversions", title_justify="left")
    table.add_column("conversion")
    for name in ("days", "rows", f"value, {currency}", "attributed", "duplicates removed"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            row["conversion"],
            f"{row['days']:,}",
            f"{row['rows_']:,}",
            "-" if row["value"] is None else f"{row['value']:,.2f}",
            f"{row['attributed'] / row['rows_']:.0%}" if row["rows_"] else "-",
            f"{row['duplicates']:,}",
        )
    console.print(table)


def show_run(console: Console, run: Mapping[str, Any]) -> None:
    """What a run did to each conversion."""
    table = Table(title=f"Run {run['run_id']}: {run['status']}", title_justify="left")
    for name in ("conversion", "status", "window"):
        table.add_column(name)
    for name in ("inserted", "updated", "deleted", "duplicates", "quarantined", "seconds"):
        table.add_column(name, justify="right")
    for entry in run["entries"]:
        if entry["conversion"] and entry["status"] != "planned":
            numbers = [
                "-" if entry[name] is None else f"{entry[name]:,}"
                for name in ("inserted", "updated", "deleted", "duplicates", "quarantined")
            ]
            table.add_row(
                entry["conversion"],
                entry["status"],
                f"{entry['start_date']} to {entry['end_date']}",
                *numbers,
                f"{entry['seconds'] or 0:.1f}",
            )
    console.print(table)
    for entry in run["entries"]:
        if entry["status"] in ("failed", "held"):
            console.print(f"[bold]{entry['conversion'] or 'stage'}[/]: {entry['detail']}")
