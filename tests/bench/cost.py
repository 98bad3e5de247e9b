"""What a daily run costs on BigQuery, on paper: bytes and money of each statement.

python -m tests.bench.cost [--events N] [--conversions N] [--window DAYS] [--months N]

The statements are the real ones (`python -m common.local sql`), read by the product's own estimator
over a site whose events are those of Google's sample: of 1,000 events 68 begin a session and one is
a purchase; one visitor in ten is logged in. A third of the conversions counts users, a third has
refunds, a third does neither. Widths of the export are those of the sample, others by type.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from common import schemas
from common.bigquery.sql import Sql
from common.cost.estimate import MINIMUM, Cost, TableSize, billed
from common.cost.reads import reads
from common.cost.widths import ga4, widths
from common.kinds.candidate.shape import candidate_columns
from common.model.contract import contract
from common.settings import Settings
from functions.materialize.paper.statements import of_books, steps

DAY = date(2026, 11, 28)
SHARES = {
    "session_start": 0.068, "purchase": 0.001, "generate_lead": 0.002, "refund": 0.0001,
    "login": 0.005, "sign_up": 0.001,
}  # fmt: skip
"""Shares of all events. Source: Google's public sample, 7 and 8 November 2020; leads, refunds,
logins and registrations, which it lacks, are assumed."""
COUNTED = 0.002
"""Share of all events that become rows of one conversion, at most."""
LOGGED_IN = 0.1
KNOWN_DAYS = 180
"""Days of logins that tell who is who; a user comes on three of them."""
STAGED = {
    "event_params.key": 164.0, "event_params.text": 168.0, "event_params.number": 37.0,
    "client_id": 22.0, "page_location": 80.0, "user_properties.key": 0.0,
    "user_properties.text": 0.0, "user_properties.number": 0.0, **{
        f"items.{name}": size
        for name, size in (("item_id", 9.4), ("item_name", 17.4), ("item_brand", 6.7))
    },
}  # fmt: skip
"""Mean bytes of the stage's wide columns."""
OWN = {
    "net_value": "FLOAT", "removed": "STRING", "change": "STRING", "old_date": "DATE",
    "old_value": "FLOAT", "old_refunded": "FLOAT", "old_factor": "FLOAT", "old_version": "INTEGER",
    "old_qualified": "BOOLEAN", "old_row": "STRING", "new_row": "STRING",
}  # fmt: skip
"""Columns that only staging tables have."""
IDENTITY = {"kind": "STRING", "client_id": "STRING", "user_id": "STRING", "since": "TIMESTAMP"}
RATES = {"date": "DATE", "currency": "STRING", "rate": "FLOAT"}
EXPORT: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "common/local/data/ga4_schema.json").read_text(encoding="utf-8")
)
SETTINGS = Settings(project="my-project", ga4_datasets=("my-project.analytics_1",))
PRICE = SETTINGS.price_per_tebibyte
ONCE = ("stage_", "identity", "merge_ga4", "insert_ga4", "ga4_")
"""Steps that all conversions of a run share."""


@dataclass(frozen=True)
class Site:
    """How much there is: events a day, conversions, days of each refund window, months of stage."""

    events: int = 5_000_000
    conversions: int = 30
    window: int = 30
    months: int = 12

    @property
    def history(self) -> int:
        """Days of the stage."""
        return self.months * 30


@dataclass(frozen=True)
class Line:
    """What one step of a daily run costs for all conversions together."""

    statements: int = 0
    bytes: int = 0
    largest: int = 0

    def plus(self, size: int, times: int) -> Line:
        """The line with a statement of that size, so many times."""
        return Line(self.statements + times, self.bytes + size * times, max(self.largest, size))


def definitions(site: Site) -> Iterator[tuple[dict[str, Any], int]]:
    """One definition of each sort, and how many there are of it."""
    lead = {"dimension": "event", "operator": "equals", "value": "generate_lead"}
    sorts: tuple[dict[str, Any], ...] = (
        {"event_type": "purchase", "deduplicate_by_user": True},
        {"event_type": "purchase", "refunds": {"days": site.window}},
        {"event_type": "custom_event", "filters": lead},
    )
    for number, options in enumerate(sorts):
        yield {"id": f"c{number}", **options}, len(range(number, site.conversions, len(sorts)))


def run(site: Site) -> dict[str, Line]:
    """Step → its cost in one daily run; what all share runs once."""
    found: dict[str, Line] = defaultdict(Line)
    sizes: dict[str, TableSize] = {}
    shared: set[str] = set()
    for definition, many in definitions(site):
        for number, step in enumerate(steps(definition, SETTINGS, EXPORT, DAY)):
            name = step.name.replace(definition["id"], "id")
            key = f"{name} {number}" if name == "select" else name
            times = many
            if step.name.startswith(ONCE) or (not of_books(step.sql) and _is_of_stage(step.sql)):
                times = 1
                if key in shared:
                    continue
                shared.add(key)
                name = f"stage_{name}" if name == "select" else name
            size = MINIMUM if of_books(step.sql) else cost_of(step.sql, site, sizes)
            found[name] = found[name].plus(size, times)
    return dict(found)


def cost_of(sql: Sql, site: Site, sizes: dict[str, TableSize]) -> int:
    """Billed bytes of a statement at the site; sizes of its tables are remembered in `sizes`."""
    listed = reads(sql, {path: schema_of(path) for path in _tables(sql)})
    for read in listed:
        if read.table not in sizes:
            sizes[read.table] = size_of(read.table, site)
    return billed(listed, sizes)


def size_of(path: str, site: Site) -> TableSize:
    """A table at the site, by its name."""
    name, schema, staged = path.rpartition(".")[2], schema_of(path), sum(SHARES.values())
    rows = int(site.events * COUNTED)
    if name.startswith("events_"):
        return TableSize(widths(EXPORT, ga4()), _days(site.events, 40), "_TABLE_SUFFIX")
    if name == "ga4_events":
        shares = {event: share / staged for event, share in SHARES.items()}
        days = _days(int(site.events * staged), site.history)
        return TableSize(widths(schema, STAGED), days, "date", {"event_name": shares})
    if name.startswith("ga4_"):
        days = _days(int(site.events * SHARES["session_start"]), site.history)
        return TableSize(widths(schema), days, "date")
    if name.startswith(("conversion_", "order_memory")):
        return TableSize(widths(schema), _days(rows, site.history), "date")
    if name.startswith("identity_"):
        seen = site.events * SHARES["session_start"] * LOGGED_IN * min(KNOWN_DAYS, site.history)
        return TableSize(widths(schema), {None: int(seen / 3)})
    if name.startswith("stage_"):
        return TableSize(widths(schema, STAGED), {None: int(site.events * staged * 4)})
    if name.endswith("_candidates"):
        return TableSize(widths(schema), {None: rows * (4 + site.window)})
    return TableSize(widths(schema), {None: rows})


def schema_of(path: str) -> list[dict[str, Any]]:
    """The columns of a table by its name; staging tables have some of their own as well."""
    name = path.rpartition(".")[2]
    if name.startswith("events_"):
        return EXPORT
    if name.startswith("identity_"):
        return [{"name": each, "type": type_} for each, type_ in IDENTITY.items()]
    if name == "rates":
        return [{"name": each, "type": type_} for each, type_ in RATES.items()]
    if name.endswith("_raw"):
        return [{"name": each.name, "type": each.type, "mode": each.mode, "fields": each.fields}
                for each in contract().columns]  # fmt: skip
    if shape := schemas.shape_of(name):
        return schemas.load(shape)["schema"]
    kept = schemas.load("ga4_events" if name.startswith("stage_") else "conversion")["schema"]
    own = [{"name": each, "type": type_} for each, type_ in OWN.items()]
    if name.endswith("_candidates"):
        return [column for column in [*kept, *own] if column["name"] in candidate_columns()]
    return [*kept, *own]


def _days(rows: int, days: int) -> dict[date | None, int]:
    return {DAY - timedelta(days=number): rows for number in range(days)}


def _tables(sql: Sql) -> set[str]:
    return set(re.findall(r"`([\w-]+\.\w+\.[\w*-]+)`", sql.text))


def _is_of_stage(sql: Sql) -> bool:
    names = {path.rpartition(".")[2] for path in _tables(sql)}
    return all(name.startswith(("stage_", "ga4_", "leases")) for name in names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--conversions", type=int, default=30)
    parser.add_argument("--window", type=int, default=30)
    parser.add_argument("--months", type=int, default=12)
    chosen = parser.parse_args()
    show(Site(chosen.events, chosen.conversions, chosen.window, chosen.months))
    print()
    grow()


def show(site: Site) -> None:
    """Print the statements of a day by what they cost."""
    found = run(site)
    print(f"{site.events:,} events a day, {site.conversions} conversions, {site.window} days of")
    print(f"refunds, {site.months} months of stage\n")
    print(f"{'step':<32}{'statements':>11}{'GB a day':>10}{'largest GB':>12}{'USD a month':>13}")
    for name, line in sorted(found.items(), key=lambda it: -it[1].bytes):
        _print(name, line)
    _print("all", _all(found))
    print(f"{'times the raw scan':<32}{'':>11}{_all(found).bytes / _raw(found):>10.2f}")


def grow() -> None:
    """Print what a day costs as events, conversions, windows and history grow."""
    print(f"{'events a day':>14}{'conv.':>7}{'window':>8}{'months':>8}{'statements':>12}"
          f"{'GB a day':>10}{'x raw':>8}{'largest GB':>12}{'USD a month':>13}")  # fmt: skip
    for site in _sites():
        found = run(site)
        all_ = _all(found)
        counted = (site.events, site.conversions, site.window, site.months, all_.statements)
        print("{:>14,}{:>7}{:>8}{:>8}{:>12}".format(*counted), end="")
        print(f"{all_.bytes / 1e9:>10.2f}{all_.bytes / _raw(found):>8.2f}", end="")
        print(f"{all_.largest / 1e9:>12.2f}{Cost(all_.bytes, PRICE).usd_a_month:>13.2f}")


def _sites() -> Iterator[Site]:
    for events in (1_000_000, 5_000_000, 1_000_000_000):
        yield Site(events=events)
    for conversions in (10, 100):
        yield Site(conversions=conversions)
    for window in (5, 90):
        yield Site(window=window)
    for months in (1, 36):
        yield Site(months=months)


def _all(found: dict[str, Line]) -> Line:
    lines = found.values()
    return Line(
        sum(line.statements for line in lines),
        sum(line.bytes for line in lines),
        max(line.largest for line in lines),
    )


def _raw(found: dict[str, Line]) -> int:
    return found["stage_scanned"].bytes


def _print(name: str, line: Line) -> None:
    print(f"{name:<32}{line.statements:>11}{line.bytes / 1e9:>10.2f}{line.largest / 1e9:>12.2f}"
          f"{Cost(line.bytes, PRICE).usd_a_month:>13.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
