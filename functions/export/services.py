"""Everything that export works with, and the destinations as the catalog has them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import Catalog, DefinitionVersion, why_unreadable
from common.errors import NotFoundError, UnreadableDefinitionError, UserError
from common.logs import log
from common.messaging.publisher import Bus
from common.settings import Settings
from functions.export.contract.base import Destination
from functions.export.destinations.registry import CONFIG, connect
from functions.export.ledger.entries import Scope
from functions.export.ledger.ledger import BigQueryLedger, LeavingLedger
from functions.export.transport import foreign
from functions.export.transport.clock import Clock
from functions.export.transport.wire import Wire

RUN_SECONDS = 430.0
"""Time of one run: four fifths of the function's 540 s, so that it can write down what it did."""


@dataclass(frozen=True)
class Services:
    """Clients and ports of one process."""

    warehouse: Warehouse
    wire: Wire
    clock: Clock
    bus: Callable[[], Bus]
    chance: random.Random = field(default_factory=random.Random)
    seconds: float = RUN_SECONDS
    new_id: Callable[[], str] = lambda: uuid4().hex[:20]

    @property
    def settings(self) -> Settings:
        """The deployment's settings."""
        return self.warehouse.settings

    @cached_property
    def catalog(self) -> Catalog:
        """The stored destinations."""
        return Catalog(self.warehouse, "destination", CONFIG)

    def today(self) -> date:
        """The present day in the project's time zone."""
        return self.clock.now().astimezone(ZoneInfo(self.settings.timezone)).date()


@dataclass(frozen=True)
class Connection:
    """A stored destination, ready to be asked and sent to."""

    services: Services
    stored: DefinitionVersion
    destination: Destination[Any]

    @property
    def id(self) -> str:
        """The destination's id."""
        return self.stored.id

    @property
    def lease_name(self) -> str:
        """One run at a time for each destination."""
        return f"export-{self.stored.id}"

    @property
    def conversions(self) -> list[str]:
        """Ids of the conversions that it takes, in the order of its config."""
        return [each.conversion for each in self.destination.config.conversions]

    @property
    def live(self) -> bool:
        """Whether anything is sent: active, and not paused."""
        return self.stored.status == "active" and self.destination.config.mode != "paused"

    def scope(self, conversion: str, run_id: str, fence: int) -> Scope:
        """The ledger of one conversion; raises NotFoundError for one that is not mapped."""
        if conversion not in self.destination.mapped:
            raise NotFoundError(
                f"The destination {self.id!r} does not send {conversion!r}.",
                code="conversion_not_mapped",
                fix=f"It sends {', '.join(self.conversions)}; add it to its conversions.",
                field="conversion",
            )
        return Scope(
            destination=self.id,
            account=self.destination.account(conversion),
            conversion=conversion,
            version=self.stored.version,
            payload_version=self.destination.payload_version,
            run_id=run_id,
            fence=fence,
        )

    def ledger(self, scope: Scope) -> BigQueryLedger:
        """That ledger in BigQuery."""
        return BigQueryLedger(
            self.services.warehouse,
            scope,
            self.destination,
            start_date=self.start_date(scope),
            lease=self.lease_name,
        )

    def leaving(self, scope: Scope, *, everybody: bool) -> LeavingLedger:
        """The same of a list whose people are to leave; see `left`."""
        warehouse, lease = self.services.warehouse, self.lease_name
        return LeavingLedger(warehouse, scope, self.destination, lease=lease, everybody=everybody)

    def left(self, conversion: str) -> list[tuple[Connection, bool]]:
        """This connection at each other list that the conversion filled before, and whether
        everybody whom it put there is to leave it."""
        if not self.destination.capabilities.audience:
            return []
        chosen: list[str] = list(self.destination.mapped[conversion].leaves)
        field, kind = self.destination.audience_field, self.destination.kind
        # the first version had no other list; each statement is billed 10 MB at least
        versions = self._versions if self.stored.version > 1 else ()
        before = [
            foreign.text(each.get(field))
            for version in versions
            if version.definition.get("kind") == kind
            for each in foreign.objects(version.definition.get("conversions"))
            if each.get("conversion") == conversion
        ]
        present = getattr(self.destination.mapped[conversion], field)
        lists = dict.fromkeys([*chosen, *filter(None, before)])
        return [
            (replace(self, destination=self.destination.at_list(conversion, each)), each in chosen)
            for each in lists
            if each != present
        ]

    @cached_property
    def _versions(self) -> list[DefinitionVersion]:
        # once for all conversions of a message: each statement is billed 10 MB at least
        return self.services.catalog.versions(self.id)

    def start_date(self, scope: Scope) -> date:
        """First day to send without being asked: the config's, else when this account began."""
        chosen: date | None = self.destination.config.start_date
        if chosen:
            return chosen
        began = self.stored.created_at
        # another account starts an empty ledger: what the old one counts must not be sent again
        for version in reversed(self._versions):
            if account_of(version, scope.conversion) != scope.account:
                break
            began = version.created_at
        return began.astimezone(ZoneInfo(self.services.settings.timezone)).date()


def account_of(version: DefinitionVersion, conversion: str) -> str | None:
    """Account of a conversion in one version of a destination; None where it was not sent, or
    where nobody can tell: this release cannot read the version."""
    try:
        destination = connect(CONFIG.validate_python(version.definition))
    except ValidationError:
        return None
    return destination.account(conversion) if conversion in destination.mapped else None


def connections(services: Services) -> list[Connection]:
    """All destinations that are not archived and can be read, by id."""
    found = []
    for stored in services.catalog.active():
        try:
            found.append(_connection(services, stored))
        except UnreadableDefinitionError:
            # saved by a version of this product that took it; it must not stop the others
            log("destination_unreadable", "ERROR", destination=stored.id, version=stored.version)
    return found


def connection(services: Services, id: str) -> Connection:
    """The destination of this id; raises NotFoundError, UnreadableDefinitionError."""
    return _connection(services, services.catalog.get(id))


def _connection(services: Services, stored: DefinitionVersion) -> Connection:
    try:
        config = CONFIG.validate_python(stored.definition)
    except ValidationError as error:
        why = why_unreadable(error, stored.definition, CONFIG)
        raise UnreadableDefinitionError(
            f"The destination {stored.id!r}, version {stored.version}, cannot be read: {why}",
            fix="Save it again in the present form, or archive it.",
        ) from None
    return Connection(services, stored, connect(config))


def has_table(found: Connection, conversion: str) -> bool:
    """Whether the conversion has ever been materialized."""
    warehouse = found.services.warehouse
    return warehouse.schema_of(warehouse.path(f"conversion_{conversion}")) is not None


def needs_table(found: Connection, conversion: str) -> None:
    """Raises NotFoundError for a conversion that is not mapped, or was never materialized."""
    # raises for what is not mapped, before anybody looks for its table
    found.scope(conversion, "check", 0)
    if not has_table(found, conversion):
        raise NotFoundError(
            f"{conversion!r} has no conversions yet: it has never been computed.",
            code="not_materialized",
            fix="Run the conversion first, or wait for its daily run.",
            field="conversion",
        )


def needs_live(found: Connection) -> None:
    """Raises UserError when the destination is archived or paused."""
    if found.live:
        return
    archived = found.stored.status == "archived"
    raise UserError(
        f"The destination {found.id!r} is {'archived' if archived else 'paused'}: nothing is sent.",
        code="destination_not_live",
        fix="Save it again to bring it back." if archived else "Set its mode to live.",
    )
