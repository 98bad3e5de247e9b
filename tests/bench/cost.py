"""What a daily run costs on BigQuery, on paper: bytes and money of each statement.

python -m tests.bench.cost [--events N] [--conversions N] [--window DAYS] [--months N]

The statements are the real ones (`python -m common.local sql`), read by the product's own
estimator over the site of `_site.py`; GoogleSQL's analyzer says which columns the tables have that
they make. A third of the conversions counts users, a third has refunds, a third does neither; those
of a third differ in their filters. No order is seen on days before the window.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from common.cost.estimate import Cost, Read, TableSize, billed
from common.cost.reads import reads
from common.settings import Settings
from functions.materialize.paper.statements import steps
from tests.bench._site import DAY, EXPORT, Site, schema_of, size_of
from tests.judge import Schema
from tests.judge_made import with_tables

SETTINGS = Settings(project="my-project", ga4_datasets=("my-project.analytics_1",))
PRICE = SETTINGS.price_per_tebibyte
SORTS = 3
ONCE = ("stage_", "identity", "visits", "clicks", "merge_ga4", "merge_order", "insert_ga4", "ga4_")
"""Steps that all conversions of a run share."""


@dataclass(frozen=True)
class Line:
    """What one step of a daily run costs for all conversions together."""

    statements: int = 0
    bytes: int = 0
    largest: int = 0

    def plus(self, size: int, times: int) -> Line:
        """The line with a statement of that size, so many times."""
        return Line(self.statements + times, self.bytes + size * times, max(self.largest, size))


@dataclass(frozen=True)
class Asked:
    """A statement of a daily run of one definition, as the estimator reads it."""

    definition: str
    name: str
    number: int
    """Its place in the run."""
    is_shared: bool
    """Whether a run asks it once for all conversions."""
    is_of_kin: bool
    """Whether a run asks it once for all conversions of its sort."""
    reads: tuple[Read, ...]
    tables: Mapping[str, Schema]


def definitions(window: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """One definition of each sort, with refunds of so many days, and another one of its sort."""
    lead = {"dimension": "event", "operator": "equals", "value": "generate_lead"}
    page = {"dimension": "page_path", "operator": "contains", "value": "/a"}
    sorts: tuple[dict[str, Any], ...] = (
        {"event_type": "purchase", "deduplicate_by_user": True},
        {"event_type": "purchase", "refunds": {"days": window}},
        {"event_type": "custom_event", "filters": lead},
    )
    for number, options in enumerate(sorts):
        filters = {"all": [lead, page]} if "filters" in options else page
        yield {"id": f"c{number}", **options}, {"id": "other", **options, "filters": filters}


@cache
def asked(window: int) -> tuple[Asked, ...]:
    """The statements of a daily run of each sort; sizes of tables change none of them."""
    return tuple(each for pair in definitions(window) for each in _asked(*pair))


def _asked(definition: dict[str, Any], other: dict[str, Any]) -> Iterator[Asked]:
    id, is_own = definition["id"], False
    paper = with_tables(steps(definition, SETTINGS, EXPORT, DAY, [other]), schema_of)
    for number, (step, tables) in enumerate(paper):
        # the stage comes first; a conversion begins with its own books
        named = {it.value for it in step.sql.parameters.values() if it.type == "STRING"}
        is_own |= id in named
        name = re.sub(r"^rows_.*", "rows_of_kin", step.name.replace(id, "id"))
        # what a conversion asks for itself names its tables, or itself to the books
        asks_for_run = (name == "select" and id not in step.sql.text) or (
            name == "books" and not {id, "paper"} & named
        )
        is_shared = not is_own or name.startswith(ONCE) or asks_for_run
        found = tuple(reads(step.sql, {path: tuple(it) for path, it in tables.items()}))
        yield Asked(id, name, number, is_shared, name == "rows_of_kin", found, tables)


def run(site: Site) -> dict[str, Line]:
    """Step → its cost in one daily run; what all share runs once, as the widest of them asks."""
    found: dict[str, Line] = defaultdict(Line)
    sizes: dict[str, TableSize] = {}
    shared: dict[tuple[str, int], int] = {}
    for each in asked(site.window):
        size = billed(each.reads, _sized(each, site, sizes))
        if each.is_of_kin:
            found[each.name] = found[each.name].plus(size, 1)
        elif each.is_shared:
            key = _shared_by(each)
            shared[key] = max(shared.get(key, 0), size)
        else:
            many = len(range(int(each.definition[1:]), site.conversions, SORTS))
            found[each.name] = found[each.name].plus(size, many)
    for (name, _), size in shared.items():
        found[name] = found[name].plus(size, 1)
    return dict(found)


def _shared_by(each: Asked) -> tuple[str, int]:
    """The step in which a run asks the statement once, and what tells it from others there."""
    if each.name not in ("select", "books"):
        return each.name, 0
    # one question has another place in the run of a conversion that asks for more before it
    read = {read.table for read in each.reads}
    is_of_orders = each.name == "select" and any(it.endswith(".order_memory") for it in read)
    is_of_all_facts = any(it.endswith(".ga4_clicks") for it in read)
    if is_of_orders and not is_of_all_facts:
        return "stage_order_days", 0
    return f"stage_{each.name}", each.number


def _sized(each: Asked, site: Site, sizes: dict[str, TableSize]) -> Mapping[str, TableSize]:
    for path in each.tables.keys() - sizes.keys():
        # what definitions alike have read together are the candidates of each
        name = re.sub(r"\.rows_\w+$", f".{each.definition}_1_candidates", path)
        sizes[path] = size_of(name, each.tables[path], site)
    return sizes


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
    _print("all", all_of(found))
    print(f"{'times the raw scan':<32}{'':>11}{all_of(found).bytes / raw_of(found):>10.3f}")


def grow() -> None:
    """Print what a day costs as events, conversions, windows and history grow."""
    print(f"{'events a day':>14}{'conv.':>7}{'window':>8}{'months':>8}{'statements':>12}"
          f"{'GB a day':>10}{'x raw':>8}{'largest GB':>12}{'USD a month':>13}")  # fmt: skip
    for site in _sites():
        found = run(site)
        all_ = all_of(found)
        counted = (site.events, site.conversions, site.window, site.months, all_.statements)
        print("{:>14,}{:>7}{:>8}{:>8}{:>12}".format(*counted), end="")
        print(f"{all_.bytes / 1e9:>10.2f}{all_.bytes / raw_of(found):>8.2f}", end="")
        print(f"{all_.largest / 1e9:>12.2f}{Cost(all_.bytes, PRICE).usd_a_month:>13.2f}")


def _sites() -> Iterator[Site]:
    for events in (1_000_000, 5_000_000, 1_000_000_000):
        yield Site(events=events)
    for conversions in (10, 100):
        yield Site(conversions=conversions)
    for window in (5, 90):
        yield Site(window=window)
    for months in (1, 36, 60):
        yield Site(months=months)


def all_of(found: dict[str, Line]) -> Line:
    """All steps together."""
    lines = found.values()
    return Line(
        sum(line.statements for line in lines),
        sum(line.bytes for line in lines),
        max(line.largest for line in lines),
    )


def raw_of(found: dict[str, Line]) -> int:
    """Bytes of the scan of the late days of the export."""
    return found["stage_scanned"].bytes


def _print(name: str, line: Line) -> None:
    print(f"{name:<32}{line.statements:>11}{line.bytes / 1e9:>10.2f}{line.largest / 1e9:>12.2f}"
          f"{Cost(line.bytes, PRICE).usd_a_month:>13.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
