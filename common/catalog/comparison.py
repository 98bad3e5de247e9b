"""What differs between two versions of a definition, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from common.catalog.definitions import DefinitionVersion
from common.errors import NotFoundError
from common.http.model import Model


class FieldChange(Model):
    """A field that differs; null where it was not set."""

    path: str
    before: Any
    after: Any


class CompareQuery(Model):
    """Which two versions."""

    before: int = Field(ge=1, le=999_999_999, description="The older version.")
    after: int = Field(ge=1, le=999_999_999, description="The newer version.")


class Comparison(Model):
    """Two versions and all that differs between them."""

    id: str
    before: int
    after: int
    changes: list[FieldChange]


def compared(before: DefinitionVersion, after: DefinitionVersion) -> Comparison:
    """What differs; a field at its default is a field that is not set."""
    # of the JSON and not of the models: older versions may be in a form that nobody reads any more
    old, new = dict(_leaves(before.definition)), dict(_leaves(after.definition))
    return Comparison(
        id=before.id,
        before=before.version,
        after=after.version,
        changes=[
            FieldChange(path=path, before=old.get(path), after=new.get(path))
            for path in sorted({*old, *new})
            if old.get(path) != new.get(path)
        ],
    )


def version_of(versions: list[DefinitionVersion], text: str, id: str) -> DefinitionVersion:
    """The version of this number; raises NotFoundError."""
    for stored in versions:
        # as text: the address is a person's, and 007 is no version 7
        if str(stored.version) == text:
            return stored
    raise NotFoundError(
        f"{id!r} has no version {text[:20]}.",
        code="unknown_version",
        fix=f"It has {', '.join(str(stored.version) for stored in versions[-10:])}."
        if versions
        else "List the known ids first.",
    )


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    parts = (
        value.items()
        if isinstance(value, Mapping)
        else ((str(number), part) for number, part in enumerate(value))
        if isinstance(value, list)
        else ()
    )
    empty = True
    for name, part in parts:
        empty = False
        yield from _leaves(part, f"{path}.{name}" if path else str(name))
    # an empty list differs from a missing one
    if empty:
        yield path, value
