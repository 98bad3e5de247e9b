"""Where definitions are kept: append-only versions, of which the newest of each id counts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from common.bigquery.sql import template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.errors import ConflictError, NotFoundError
from common.kinds import CONVERSION
from common.kinds.conversion import Conversion

Collection = Literal["conversion", "destination"]


@dataclass(frozen=True)
class DefinitionVersion:
    """One version of a definition as it lies in the table."""

    collection: Collection
    id: str
    version: int
    kind: str
    status: Literal["active", "archived"]
    definition: dict[str, Any]
    definition_hash: str
    referenced_tables: tuple[str, ...]
    created_at: datetime
    created_by: str | None

    @property
    def conversion(self) -> Conversion:
        """The definition as its typed model."""
        return CONVERSION.validate_python(self.definition)


class Catalog:
    """Definitions of one collection kind in the product's dataset."""

    def __init__(self, warehouse: Warehouse, collection: Collection = "conversion") -> None:
        self._warehouse = warehouse
        self._collection = collection

    def active(self) -> list[DefinitionVersion]:
        """The newest version of each definition that is not archived, by id."""
        return [stored for stored in self.all() if stored.status == "active"]

    def all(self) -> list[DefinitionVersion]:
        """The newest version of each definition, archived ones included, by id."""
        newest: dict[str, DefinitionVersion] = {}
        for stored in self.versions():
            newest[stored.id] = stored
        return [newest[id] for id in sorted(newest)]

    def get(self, id: str) -> DefinitionVersion:
        """The newest version; raises NotFoundError."""
        found = self.versions(id)
        if not found:
            raise NotFoundError(
                f"There is no {self._collection} {id!r}.",
                code=f"unknown_{self._collection}",
                fix="List the known ids first.",
            )
        return found[-1]

    def versions(self, id: str = "") -> list[DefinitionVersion]:
        """All versions of one id, or of every id, oldest first."""
        sql = template(__file__, definitions=self._warehouse.table("definitions"))
        rows = self._warehouse.rows(with_parameters(sql, collection=self._collection, id=id))
        return [_stored(row) for row in rows]

    def save(
        self,
        definition: dict[str, Any],
        *,
        now: datetime,
        author: str,
        referenced_tables: Sequence[str] = (),
        status: Literal["active", "archived"] = "active",
        expected_version: int | None = None,
    ) -> DefinitionVersion:
        """Append the next version and return it; an unchanged definition adds none.

        Raises ConflictError when the newest version is not `expected_version` (0: there is none).
        """
        known = self.versions(str(definition["id"]))
        current = known[-1] if known else None
        version = current.version if current else 0
        if expected_version is not None and expected_version != version:
            raise ConflictError(
                f"{definition['id']!r} is at version {version}, not {expected_version}.",
                code="version_conflict",
                fix="Read it again, apply your change to the newest version, and save that.",
            )
        digest = fingerprint(definition)
        if current and (current.definition_hash, current.status) == (digest, status):
            return current
        row = {
            "collection": self._collection,
            "id": definition["id"],
            "version": version + 1,
            "kind": definition["kind"],
            "status": status,
            "definition": canonical(definition),
            "definition_hash": digest,
            "referenced_tables": sorted(referenced_tables),
            "created_at": now.astimezone(UTC),
            "created_by": author,
        }
        self._warehouse.append("definitions", [row])
        return _stored(row)


def canonical(definition: dict[str, Any]) -> str:
    """The definition as JSON text that is the same for the same content."""
    return json.dumps(definition, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def fingerprint(definition: dict[str, Any]) -> str:
    """SHA-256 of the canonical definition, in hex."""
    return hashlib.sha256(canonical(definition).encode()).hexdigest()


def _stored(row: dict[str, Any]) -> DefinitionVersion:
    return DefinitionVersion(
        collection=row["collection"],
        id=row["id"],
        version=row["version"],
        kind=row["kind"],
        status=row["status"],
        definition=json.loads(row["definition"]),
        definition_hash=row["definition_hash"],
        referenced_tables=tuple(row["referenced_tables"] or ()),
        created_at=row["created_at"],
        created_by=row["created_by"],
    )
