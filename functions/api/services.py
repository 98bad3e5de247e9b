"""Clients and clock of the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import Catalog
from common.messaging.publisher import Bus
from common.model.window import yesterday
from common.settings import Settings
from functions.api.scheduler import Scheduler


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

    @property
    def catalog(self) -> Catalog:
        """The conversions' definitions."""
        return Catalog(self.warehouse)

    @property
    def yesterday(self) -> date:
        """The project's last complete day."""
        return yesterday(self.now(), self.settings.timezone)
