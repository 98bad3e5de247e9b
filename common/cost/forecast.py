"""What statements will read and cost before they run: the one door of whoever tells a price.

The statements are those that will run; their tables come with schemas and sizes, which are asked
for where there is a BigQuery (`sizes`) and assumed where there is none (`make bench`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from common.bigquery.sql import Sql
from common.cost.estimate import Cost, TableSize, billed
from common.settings import Settings
from common.untyped import Row

HOURS_A_MONTH = 730


@dataclass(frozen=True)
class Price:
    """On demand by what is read; or by the hour for slots, whatever is read with them.

    Source: cloud.google.com/bigquery/pricing, "On-demand compute pricing" and "Capacity compute
    pricing".
    """

    per_tebibyte: float
    """US dollars."""
    slots: int = 0
    """Slots that are reserved; 0 is on demand."""
    per_slot_hour: float = 0.0
    """US dollars."""

    @classmethod
    def of(cls, settings: Settings) -> Price:
        """What the settings say."""
        return cls(settings.price_per_tebibyte, settings.slots, settings.price_per_slot_hour)

    @property
    def reservation_a_month(self) -> float:
        """US dollars that the slots cost in a month, 0 on demand."""
        return self.slots * self.per_slot_hour * HOURS_A_MONTH

    def cost(self, bytes: int) -> Cost:
        """What reading so much costs; beside a reservation nothing."""
        return Cost(bytes, 0.0 if self.slots else self.per_tebibyte)


@dataclass(frozen=True)
class Table:
    """A table that a statement may read."""

    schema: tuple[Row, ...]
    """Its columns in the API's form."""
    size: TableSize


@dataclass(frozen=True)
class Forecast:
    """What some statements cost together."""

    cost: Cost
    largest: int
    """Bytes of the largest of them: the cap under which they can run."""
    statements: int

    @property
    def bytes(self) -> int:
        """Bytes that are billed for all."""
        return self.cost.bytes


def forecast(statements: Iterable[Sql], tables: Mapping[str, Table], price: Price) -> Forecast:
    """What the statements read of `tables` (project.dataset.table, daily shards with a * at the
    end); tables that are not among them, such as a run's own short-lived ones, count nothing.
    """
    # a parser of SQL is a tenth of the API's cold start, and few requests ask for a forecast
    from common.cost.reads import reads

    schemas = {path: table.schema for path, table in tables.items()}
    sizes = {path: table.size for path, table in tables.items()}
    found = [billed(reads(sql, schemas), sizes) for sql in statements]
    return Forecast(price.cost(sum(found)), max(found, default=0), len(found))
