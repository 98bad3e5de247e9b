"""Normalize by conversion: one factor makes both conversions worth the same in total."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from common.bigquery.sql import Parameter, Sql, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import DefinitionVersion
from common.kinds.candidate.rates import to_project
from common.kinds.candidate.shape import Context

MINIMUM_ROWS = 30
"""Fewer rows on either side say nothing about the ratio: the previous factor stays."""
DAILY_CHANGE = 0.2
"""A factor moves at most this share from run to run."""


@dataclass(frozen=True)
class Factor:
    """What values are multiplied by, from totals up to the day `as_of`; None is not normalized."""

    value: float | None
    as_of: date | None
    unit: float | None = None
    """Raw value of each conversion where the definition gives none: 1, else None."""

    @property
    def is_missing(self) -> bool:
        """Whether the definition asks for a factor and there is none."""
        return self.as_of is not None and self.value is None

    @property
    def unit_value(self) -> float | None:
        """What each conversion is worth whose definition gives no value, in project currency."""
        return None if self.unit is None or self.value is None else self.unit * self.value


NONE = Factor(None, None)
"""What values are multiplied by where the definition asks for no factor."""


def factor(
    warehouse: Warehouse, stored: DefinitionVersion, candidates: Sql, context: Context, last: date
) -> Factor:
    """The factor of this run for a conversion that asks for one; `last` is its last whole day."""
    plan = stored.conversion.normalization()
    if plan is None:
        return NONE
    as_of = last - timedelta(days=plan.lag_days)
    unit = stored.conversion.unit_value()
    sql = template(
        __file__,
        reference=context.members[plan.by],
        target=context.target,
        candidates=candidates,
        rates=context.rates,
        dollars=context.dollars,
        rate=to_project("candidate", rates="rates", dollars="dollars"),
    )
    bound = with_parameters(
        sql,
        first_day=as_of - timedelta(days=plan.days - 1),
        last_day=as_of,
        start_date=context.window.start,
        end_date=context.window.end,
        unit=Parameter("FLOAT64", unit),
        timezone=context.timezone,
    )
    return Factor(next_factor(**next(warehouse.rows(bound))), as_of, unit)


def next_factor(
    *,
    reference_rows: int,
    reference_total: float | None,
    own_rows: int,
    own_total: float | None,
    previous: float | None,
) -> float | None:
    """Σ reference value / Σ own raw value, at most DAILY_CHANGE away from the previous factor.

    With fewer than MINIMUM_ROWS on a side, or a zero total, the previous factor stays.
    """
    if min(reference_rows, own_rows) < MINIMUM_ROWS or not own_total or not reference_total:
        return previous
    wanted = reference_total / own_total
    if previous is None:
        return wanted
    return min(max(wanted, previous * (1 - DAILY_CHANGE)), previous * (1 + DAILY_CHANGE))
