"""Tables for a terminal: runs, totals, findings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from common.bigquery.sql import fill, join
from common.bigquery.warehouse import Warehouse
from common.cost.words import size_in_words
from common.model.attribution import attributed
from common.untyped import JsonObject, Row

TOTALS = """
SELECT
  {{ id }} AS conversion,
  COUNT(DISTINCT date) AS days,
  COUNT(*) AS rows_,
  SUM(value_project) AS value,
  COUNTIF({{ attributed }}) AS attributed
FROM {{ table }} AS conversion
WHERE date BETWEEN DATE '2000-01-01' AND DATE '2100-01-01'
"""


WIDEST = """
SELECT
  entry.conversion,
  entry.rows_read AS events,
  COALESCE(entry.duplicates, 0) AS duplicates,
  entry.rows_total AS counted
FROM {{ runs }} AS entry
WHERE entry.rows_read IS NOT NULL
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY entry.conversion
  ORDER BY DATE_DIFF(entry.end_date, entry.start_date, DAY) DESC, entry.recorded_at DESC
) = 1
"""


def totals(warehouse: Warehouse, ids: Iterable[str]) -> list[JsonObject]:
    """Per conversion: days, rows, value, and `attributed`, rows for which a visit was found; of the
    run over its widest window what was read (`events`), removed as `duplicates` and `counted`."""
    widest = _widest_runs(warehouse)
    nothing = {"events": None, "duplicates": 0, "counted": None}
    return [
        {**nothing, **widest.get(row["conversion"], {}), **row} for row in _rows(warehouse, ids)
    ]


def _rows(warehouse: Warehouse, ids: Iterable[str]) -> list[JsonObject]:
    present = set(warehouse.tables_in(f"{warehouse.settings.project}.{warehouse.settings.dataset}"))
    wanted = [id for id in ids if f"conversion_{id}" in present]
    if not wanted:
        return []
    there = attributed("conversion")
    parts = (
        fill(TOTALS, id=f"'{id}'", table=warehouse.table(f"conversion_{id}"), attributed=there)
        for id in wanted
    )
    found = {row["conversion"]: row for row in warehouse.rows(join(" UNION ALL ", parts))}
    return [found[id] for id in wanted]


def _widest_runs(warehouse: Warehouse) -> dict[str, dict[str, int]]:
    """What the run over each conversion's widest window read, removed and counted."""
    sql = fill(WIDEST, runs=warehouse.table("runs"))
    return {row.pop("conversion"): row for row in map(dict, warehouse.rows(sql))}


_OPTIONS = {
    r"\?allow_unknown_event=true\b": "--allow-unknown-events",
    # parameters of a query are @start_date and @end_date
    r"(?<![@\w.`-])(start|end)_date\b": r"--\1-date",
    r"\b(with|use) force\b": r"\1 --force",
}
"""What the API calls otherwise → the command line's own option."""


def in_options(text: str) -> str:
    """The text with options of the command line instead of fields of the API."""
    for named, option in _OPTIONS.items():
        text = re.sub(named, option, text)
    return text


def show_saved(console: Console, saved: Iterable[Row]) -> None:
    """The versions of definitions, and each remark once with all that it is true of."""
    remarks: dict[str, list[str]] = {}
    for one in saved:
        console.print(f"{one['id']}: version {one['version']}")
        for remark in one["warnings"]:
            text = f"{remark['message']} {remark['fix'] or ''}".strip()
            remarks.setdefault(in_options(text), []).append(one["id"])
    for text, ids in remarks.items():
        console.print(f"{', '.join(ids)}: {text}", style="yellow", soft_wrap=True)


def plain_table(title: str) -> Table:
    """An empty table that a terminal of 80 columns has room for; columns that fold give way."""
    return Table(
        title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0), pad_edge=False
    )


def show_totals(console: Console, rows: Iterable[Row], currency: str) -> None:
    """One line a conversion; nothing where none has a table yet."""
    listed = list(rows)
    if not listed:
        return
    table = plain_table("Conversions")
    table.add_column("conversion", overflow="fold")
    for name in ("days", "rows", f"value {currency}", "attributed"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in listed:
        table.add_row(
            row["conversion"],
            f"{row['days']:,}",
            f"{row['rows_']:,}",
            "-" if row["value"] is None else f"{row['value']:,.2f}",
            f"{row['attributed'] / row['rows_']:.0%}" if row["rows_"] else "-",
        )
    console.print(table)


def show_run(console: Console, run: Row) -> None:
    """What a run read, left out, and did to each conversion."""
    _show_counts(console, run)
    table = plain_table(f"Run {run['run_id']}: {run['status']}")
    table.add_column("conversion", overflow="fold")
    for name in ("status", "from", "to"):
        table.add_column(name, no_wrap=True)
    for name in ("new", "changed", "gone", "s"):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in _ended(run):
        table.add_row(
            entry["conversion"],
            entry["status"],
            *(str(entry[name] or "-") for name in ("start_date", "end_date")),
            *(_number(entry[name]) for name in ("inserted", "updated", "deleted")),
            f"{entry['seconds'] or 0:.1f}",
        )
    console.print(table)
    for detail, names in _told(run).items():
        console.print(f"[bold]{', '.join(names)}[/]: {detail}")


def _told(run: Row) -> dict[str, list[str]]:
    """What there is to say of a run → the conversions of which it is said."""
    told: dict[str, list[str]] = {}
    for entry in run["entries"]:
        # of what went well only rows of a day that is not told whole are worth a word
        if entry["detail"] and entry["status"] in ("failed", "held", "applied", "unchanged"):
            told.setdefault(entry["detail"], []).append(entry["conversion"] or "stage")
    return {detail: list(dict.fromkeys(names)) for detail, names in told.items()}


def _show_counts(console: Console, run: Row) -> None:
    """One line a conversion that adds up: what was read is left out, or a row of these days."""
    table = plain_table("What was read of these days")
    table.add_column("conversion", overflow="fold")
    names = ("read", "duplicates", "broken", "refunded", "other", "rows")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    counted = [entry for entry in _ended(run) if entry["rows_read"] is not None]
    for entry in counted:
        table.add_row(entry["conversion"], *(_number(counts(entry)[name]) for name in names))
    if counted:
        console.print(table)
        console.print("other: without an order id, unqualified, counted before")


def counts(entry: Row) -> dict[str, int | None]:
    """What became of the rows that an entry's run read: read is the sum of all others.

    `refunded` is None where the release that ran did not count it: those are in `other`.
    """
    read = entry["rows_read"] or 0
    found = {
        "duplicates": entry["duplicates"] or 0,
        "broken": entry["quarantined"] or 0,
        "refunded": entry["refunded"],
        "rows": entry["rows_total"] or 0,
    }
    return {"read": read, **found, "other": read - sum(filter(None, found.values()))}


def _ended(run: Row) -> Iterator[Row]:
    """How each conversion ended: one entry for all parts of its window."""
    parts: dict[str, dict[object, Row]] = {}
    for entry in run["entries"]:
        if entry["conversion"] and entry["status"] != "planned":
            # a part that was tried again is what its last try says
            parts.setdefault(entry["conversion"], {})[entry["start_date"]] = entry
    return (_whole(list(each.values())) for each in parts.values())


_SUMS = (
    "rows_read rows_total duplicates refunded quarantined inserted updated deleted seconds".split()
)


def _whole(parts: Sequence[Row]) -> Row:
    """The parts of a conversion's window as one entry, which says of the last how it ended."""
    last = parts[-1]
    sums = {
        name: sum(known) if (known := [it[name] for it in parts if it[name] is not None]) else None
        for name in _SUMS
    }
    moved = any(sums[name] for name in ("inserted", "updated", "deleted"))
    is_applied = moved and last["status"] == "unchanged"
    return {
        **last,
        **sums,
        "status": "applied" if is_applied else last["status"],
        "start_date": parts[0]["start_date"],
    }


def line(entry: Row) -> str:
    """An entry of a run as one line of its progress."""
    days = f" {entry['start_date']} to {entry['end_date']}" if entry["start_date"] else ""
    return f"{entry['conversion'] or 'stage'}: {entry['status']}{days}"


ALIKE = 5
"""So many incidents of a kind are shown; a backfill may find a hundred days without a table."""


def show_incidents(console: Console, incidents: Iterable[Row]) -> None:
    """What is open, those of a kind together, with what to do."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for incident in incidents:
        kind = incident["severity"], incident["code"], incident["fix"]
        alike.setdefault(kind, []).append(incident["detail"])
    for (severity, code, fix), details in alike.items():
        for detail in details[:ALIKE]:
            console.print(f"[bold]{severity} {code}[/]: {detail}")
        if len(details) > ALIKE:
            console.print(f"  and {len(details) - ALIKE:,} more of this kind: GET /api/incidents")
        console.print(f"  {in_options(fix)}", style="dim")


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def show_costs(console: Console, forecast: Row) -> None:
    """A month of daily runs: what all share, and what each conversion reads by itself."""
    if not forecast["conversions"]:
        console.print(
            "There is no conversion yet, so a run would cost nothing. Save one with"
            " `python -m common.local apply FILE`, or look at `make demo` first.",
            soft_wrap=True,
        )
        return
    table = Table(box=SIMPLE)
    table.add_column("conversion")
    table.add_column("read a day", justify="right")
    table.add_column("USD a month", justify="right")
    listed = forecast["conversions"]
    day, own = forecast["day"]["bytes"], sum(one["bytes"] or 0 for one in listed)
    if day:
        shared = day - own
        month = 30 * forecast["day"]["usd"] * shared / day
        table.add_row("(shared by all)", size_in_words(shared), _usd(month))
    for one in listed:
        table.add_row(one["conversion"], size_in_words(one["bytes"]), _usd(one["usd_a_month"]))
    console.print(table)
    for one in listed:
        if one["bytes"] is None or one["cap_needed"]:
            console.print(f"{one['conversion']}: {one['text']}", soft_wrap=True)
    console.print(forecast["text"], soft_wrap=True)


def _usd(value: float | None) -> str:
    if value is None:
        return "-"
    return "< 0.01" if 0 < value < 0.01 else f"{value:,.2f}"
