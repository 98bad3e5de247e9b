"""What a message of materialize is carried out with: clients, ledger and clock, passed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import Catalog
from common.messaging.publisher import Bus
from functions.materialize.ledger import Ledger


@dataclass(frozen=True)
class Services:
    """Clients of one process and the time of one message."""

    warehouse: Warehouse
    runner: Warehouse
    """The warehouse under the identity that may run users' SQL."""
    ledger: Ledger
    catalog: Catalog
    bus: Bus
    seconds: Callable[[], float]
    """A monotonic clock."""
