"""From what a statement reads to bytes and money: pure arithmetic over sizes of tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from math import ceil

MEGABYTE = 1024**2
TEBIBYTE = 1024**4
MINIMUM = 10 * MEGABYTE
"""What each table that a query names costs at least.
Source: cloud.google.com/bigquery/pricing, "On-demand compute pricing"."""
DAYS_A_MONTH = 30


@dataclass(frozen=True)
class Read:
    """One place of a statement that reads a table."""

    table: str
    """project.dataset.table, with a * at the end for daily shards."""
    columns: frozenset[str]
    """Columns that the statement uses, in lower case, nested ones as geo.country."""
    bounds: Mapping[str, tuple[date | None, date | None]] = field(default_factory=dict)
    """Column → the first and the last day that constants allow; None is no bound."""
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column → the only values that constants allow, days as YYYY-MM-DD."""


@dataclass(frozen=True)
class TableSize:
    """How large a table is, by day of its partition."""

    widths: Mapping[str, float]
    """Leaf column → mean bytes of a row."""
    rows: Mapping[date | None, int]
    """Day of the partition → rows; the key None holds those of a table without partitions."""
    partition: str | None = None
    """The column that it is partitioned by, _TABLE_SUFFIX of daily shards."""
    shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """First clustering column → value → its share of the rows, 0 to 1; unknown values have none."""

    def width(self, columns: Iterable[str]) -> float:
        """Mean bytes of a row in these columns; one that names a record stands for all of it."""
        wanted = {self._known(name.lower()) for name in columns}
        records = tuple(f"{name}." for name in wanted)
        return sum(
            size
            for leaf, size in self.widths.items()
            if leaf.lower() in wanted or leaf.lower().startswith(records)
        )

    def _known(self, name: str) -> str:
        """The column, or what is named within it; of a JSON value all is read for any part."""
        leaves = [leaf.lower() for leaf in self.widths]
        while "." in name and not any(f"{leaf}.".startswith(f"{name}.") for leaf in leaves):
            name = name.rpartition(".")[0]
        return name


@dataclass(frozen=True)
class Cost:
    """Bytes that are billed, and what they cost."""

    bytes: int
    price_per_tebibyte: float

    @property
    def usd(self) -> float:
        """What it costs once, in US dollars."""
        return self.bytes / TEBIBYTE * self.price_per_tebibyte

    @property
    def usd_a_month(self) -> float:
        """When it is done once a day."""
        return self.usd * DAYS_A_MONTH


def bytes_of(read: Read, size: TableSize) -> int:
    """Logical bytes that the read processes."""
    return ceil(_rows(read, size) * size.width(read.columns))


def billed(reads: Iterable[Read], sizes: Mapping[str, TableSize]) -> int:
    """Bytes that a statement with these reads is billed: 10 MB a table at least, whole megabytes.

    A part of a statement that is named twice is counted once, as it is written: BigQuery may read
    it again. A statement that reads no table costs nothing. Raises KeyError for a table without a
    size.
    """
    tables: dict[str, int] = {}
    for read in reads:
        tables[read.table] = tables.get(read.table, 0) + bytes_of(read, sizes[read.table])
    # the minimum is of each table, however often the statement names it
    whole = sum(max(MINIMUM, size) for size in tables.values())
    return ceil(whole / MEGABYTE) * MEGABYTE


def _rows(read: Read, size: TableSize) -> float:
    column = (size.partition or "").lower()
    first, last = read.bounds.get(column, (None, None))
    listed = read.values.get(column)
    rows = sum(
        count
        for day, count in size.rows.items()
        # rows that lie in no partition cannot be skipped
        if day is None
        or (
            (first is None or day >= first)
            and (last is None or day <= last)
            and (listed is None or day.isoformat() in listed)
        )
    )
    return rows * _share(read, size)


def _share(read: Read, size: TableSize) -> float:
    for column, shares in size.shares.items():
        if column in read.values:
            # the first column of a cluster surely prunes; a value that was never seen reads nothing
            return min(1.0, sum(shares.get(value, 0.0) for value in read.values[column]))
    return 1.0
