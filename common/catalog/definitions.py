"""Where definitions are kept: append-only versions, of which the newest of each id counts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from common.bigquery.sql import template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.catalog.stored_form import stored_form
from common.errors import ConflictError, NotFoundError, UnreadableDefinitionError
from common.kinds import CONVERSION
from common.kinds.conversion import Conversion
from common.model.fields import SAVED
from common.model.validation_messages import messages_of
from common.untyped import JsonObject

Collection = Literal["conversion", "destination"]


@dataclass(frozen=True)
class DefinitionVersion:
    """One version of a definition as it lies in the table."""

    collection: Collection
    id: str
    version: int
    kind: str
    status: Literal["active", "archived"]
    definition: JsonObject
    definition_hash: str
    referenced_tables: tuple[str, ...]
    created_at: datetime
    created_by: str | None

    @property
    def conversion(self) -> Conversion:
        """The definition as its typed model; raises UnreadableDefinitionError."""
        found, why = self._read
        if found is None:
            raise UnreadableDefinitionError(
                f"The definition of {self.id!r}, version {self.version}, cannot be read: {why}",
                fix="Save it again in the present form, or archive it.",
            )
        return found

    @property
    def unreadable(self) -> str:
        """Why this release cannot read the conversion's definition; empty where it can."""
        return self._read[1]

    # once: a list of hundreds asks each definition a dozen questions
    @cached_property
    def _read(self) -> tuple[Conversion | None, str]:
        try:
            return CONVERSION.validate_python(self.definition, context=SAVED), ""
        except ValidationError as error:
            return None, why_unreadable(error, self.definition, CONVERSION)


class Catalog:
    """Definitions of one collection kind in the product's dataset."""

    def __init__(
        self,
        warehouse: Warehouse,
        collection: Collection = "conversion",
        forms: TypeAdapter[Any] = CONVERSION,
    ) -> None:
        """`forms` is the type that the collection's definitions have."""
        self._warehouse = warehouse
        self._collection = collection
        self._forms = forms
        self._active: tuple[str, list[DefinitionVersion]] | None = None

    def active(self) -> list[DefinitionVersion]:
        """The newest version of each definition that is not archived, by id.

        A definition may be one that this release cannot read; `soundness.sound` leaves those out.
        """
        return [stored for stored in self.all() if stored.status == "active"]

    def active_as_of(self, state: str) -> list[DefinitionVersion]:
        """The active ones, read again only where `state`, which every new version changes, is
        another than when they were read last."""
        if self._active is None or self._active[0] != state:
            self._active = state, self.active()
        return self._active[1]

    def all(self) -> list[DefinitionVersion]:
        """The newest version of each definition, archived ones included, by id."""
        return self._versions("", newest=True)

    def get(self, id: str) -> DefinitionVersion:
        """The newest version; raises NotFoundError."""
        found = self.versions(id)
        if not found:
            raise NotFoundError(
                f"There is no {self._collection} {id!r}.",
                code=f"unknown_{self._collection}",
                fix="List the known ids first.",
            )
        # versions come oldest first
        return found[-1]

    def versions(self, id: str = "") -> list[DefinitionVersion]:
        """All versions of one id, or of every id, oldest first."""
        return self._versions(id, newest=False)

    def _versions(self, id: str, *, newest: bool) -> list[DefinitionVersion]:
        sql = template(__file__, definitions=self._warehouse.table("definitions"))
        bound = with_parameters(sql, collection=self._collection, id=id, newest=newest)
        return [_stored(row) for row in self._warehouse.rows(bound)]

    def save(
        self,
        definition: JsonObject,
        *,
        now: datetime,
        author: str,
        referenced_tables: Sequence[str] = (),
        status: Literal["active", "archived"] = "active",
        expected_version: int | None = None,
        fence: Callable[[], None] = lambda: None,
    ) -> DefinitionVersion:
        """Append the next version and return it; an unchanged definition adds none.

        Raises ConflictError when the newest version is not `expected_version` (0: there is none),
        and what `fence` of `exclusive` raises once somebody else may write.
        """
        known = self.versions(str(definition["id"]))
        current = known[-1] if known else None
        # the lease `exclusive` keeps two writers from reading the same newest version
        version = current.version if current else 0
        if expected_version is not None and expected_version != version:
            raise ConflictError(
                f"{definition['id']!r} is at version {version}, not {expected_version}.",
                code="version_conflict",
                fix="Read it again, apply your change to the newest version, and save that.",
            )
        # the same request sent again is no edit: a new version would be computed from the start
        if current and current.status == status and self._is_same(current.definition, definition):
            return current
        # judged by the present release, so that the same choice has the same text and fingerprint
        kept = self._kept(definition)
        row = {
            "collection": self._collection,
            "id": definition["id"],
            "version": version + 1,
            "kind": definition["kind"],
            "status": status,
            "definition": canonical(kept),
            "definition_hash": fingerprint(kept),
            "referenced_tables": sorted(referenced_tables),
            "created_at": now.astimezone(UTC),
            "created_by": author,
        }
        fence()
        self._warehouse.append("definitions", [row])
        return _stored(row)

    def _is_same(self, old: JsonObject, new: JsonObject) -> bool:
        """Whether both mean the same, in whichever release's form they were written."""
        return canonical(self._kept(old)) == canonical(self._kept(new))

    def _kept(self, definition: JsonObject) -> JsonObject:
        """The form to keep; what this release cannot read is kept as it is."""
        try:
            model: BaseModel = self._forms.validate_python(definition)
        # what cannot be read is archived as it is; to drop a field of it would be to change it
        except ValidationError:
            return definition
        return stored_form(model)


def why_unreadable(error: ValidationError, definition: JsonObject, forms: TypeAdapter[Any]) -> str:
    """In one sentence, without any value: what this release does not understand."""
    faults = messages_of(error, definition, forms)
    return "; ".join(f"{fault['field'] or 'it'}: {fault['message']}" for fault in faults[:3]) + "."


def canonical(definition: JsonObject) -> str:
    """The definition as JSON text that is the same for the same content."""
    return json.dumps(definition, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def fingerprint(definition: JsonObject) -> str:
    """SHA-256 of the canonical definition, in hex."""
    return hashlib.sha256(canonical(definition).encode()).hexdigest()


def _stored(row: JsonObject) -> DefinitionVersion:
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
