"""Clients and clock of the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import Catalog
from common.messaging.publisher import Bus
from common.model.window import yesterday
from common.settings import Settings
from functions.api.scheduler import Scheduler

if TYPE_CHECKING:
    from common.cost.forecast import Table


@dataclass
class Recent:
    """The sizes of tables as they were told a moment ago.

    They change with a run, not by the minute, and to ask is a query over the metadata of all.
    """

    age: timedelta = timedelta(minutes=10)
    _at: datetime | None = None
    _sizes: Mapping[str, Table] = field(default_factory=dict)

    def tables(self, now: datetime, ask: Callable[[], Mapping[str, Table]]) -> Mapping[str, Table]:
        """What `ask` said less than `age` ago, else what it says now."""
        if self._at is None or now - self._at >= self.age:
            self._sizes, self._at = ask(), now
        return self._sizes


@dataclass(frozen=True)
class Services:
    """Clients and clock; those that are slow to import are made when first called for."""

    settings: Settings
    warehouse: Warehouse
    runner: Warehouse
    """The warehouse under the identity that may run users' SQL."""
    bus: Callable[[], Bus]
    scheduler: Callable[[], Scheduler]
    now: Callable[[], datetime]
    recent: Recent = field(default_factory=Recent)

    @property
    def catalog(self) -> Catalog:
        """The conversions' definitions."""
        return Catalog(self.warehouse)

    @property
    def yesterday(self) -> date:
        """The project's last complete day."""
        return yesterday(self.now(), self.settings.timezone)
