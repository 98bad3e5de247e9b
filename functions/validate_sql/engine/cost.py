"""What a query reads and would cost at its daily schedule; zero bytes of a dry run are unknown."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, Field

from common.cost.forecast import Price
from common.model.findings import Finding, found
from common.settings import Settings

NOTICEABLE_BYTES = 100 * 1024**2
"""Below it, 1 day and 30 days may well be the same few blocks."""


class TableCost(BaseModel):
    """What one table takes of it."""

    table: str = Field(description="project.dataset.table, as the query reads it.")
    share: float = Field(description="Of the bytes of a run, 0 to 1.")
    bytes_per_run: int
    price_per_month: float


class Cost(BaseModel):
    """Bytes and money of one run and of a month; None is unknown, not free."""

    bytes_per_run: int | None = Field(description="Bytes that one daily run reads.")
    bytes_for_30_days: int | None = Field(description="Bytes that 30 days at once read.")
    price_per_month: float | None = Field(description="30 daily runs at the on-demand price.")
    currency: str = Field("USD", description="Currency of the price.")
    byte_cap: int = Field(description="A run that would read more is refused.")
    tables: list[TableCost] = Field(
        default_factory=list, description="By table, the dearest first; empty where unknown."
    )


def estimate(
    daily: int | None,
    monthly: int | None,
    settings: Settings,
    shares: Mapping[str, float] | None = None,
) -> Cost:
    """The cost from dry runs over the days of a daily run and over 30 days.

    `shares` say how the bytes of a run are made up, by table.
    """
    return Cost(
        bytes_per_run=daily,
        bytes_for_30_days=monthly,
        price_per_month=None if daily is None else _a_month(daily, settings),
        byte_cap=settings.maximum_bytes_billed,
        tables=[
            TableCost(
                table=path,
                share=share,
                bytes_per_run=round(daily * share),
                price_per_month=_a_month(round(daily * share), settings),
            )
            for path, share in (shares or {}).items()
        ]
        if daily
        else [],
    )


def in_words(cost: Cost) -> str:
    """What a run reads, by table; "" when it is unknown or there is one table."""
    if len(cost.tables) < 2:
        return ""
    parts = [f"{it.table} {size(it.bytes_per_run)} ({it.share:.0%})" for it in cost.tables]
    return f"A run reads {size(cost.bytes_per_run or 0)}: {', '.join(parts)}."


def _a_month(daily: int, settings: Settings) -> float:
    return round(Price.of(settings).cost(daily).usd_a_month, 4)


def check(cost: Cost, one_day: int | None, is_partitioned: bool) -> list[Finding]:
    """Runs above the cap, and filters that do not reduce what BigQuery reads."""
    return [*_over_the_cap(cost), *_not_pruned(cost, one_day, is_partitioned)]


def _over_the_cap(cost: Cost) -> list[Finding]:
    # the profile reads 30 days at once and a backfill more: both are refused where a day is not
    needed = max(cost.bytes_per_run or 0, cost.bytes_for_30_days or 0)
    if needed <= cost.byte_cap:
        return []
    return [
        found(
            "too_expensive",
            f"For 30 days the query would read {size(needed)}; the cap is {size(cost.byte_cap)}.",
            "Filter the partition column by @start_date and @end_date, and select fewer columns; "
            "or raise CONVERSIONS_MAXIMUM_BYTES_BILLED.",
        )
    ]


def _not_pruned(cost: Cost, one_day: int | None, is_partitioned: bool) -> list[Finding]:
    month = cost.bytes_for_30_days
    # a table without partitions is read whole for any days
    if not is_partitioned or one_day is None or month is None:
        return []
    # a filter that BigQuery cannot use reads a month for a day; of small tables it reads whole
    # blocks
    if one_day < month or month < NOTICEABLE_BYTES:
        return []
    return [
        found(
            "not_pruned",
            f"For 1 day BigQuery would read {size(one_day)}, as much as for 30 days: the filter "
            "does not let it skip partitions.",
            "Compare the partition column itself, without functions or subqueries around it: "
            "WHERE date BETWEEN @start_date AND @end_date",
        )
    ]


def size(count: int) -> str:
    """Bytes for people: 1.5 GiB."""
    amount, units = float(count), ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while amount >= 1024 and len(units) > 1:
        amount /= 1024
        units.pop(0)
    return f"{amount:,.1f} {units[0]}".replace(".0 ", " ")
