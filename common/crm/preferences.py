"""What a person says of a CRM: columns whose names say nothing, and what a lead is to reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from common.crm import CLICK_IDS, names, nested
from common.crm.connector import Canonical
from common.crm.paths import Schema
from common.errors import NotFoundError

TIMES = frozenset({"DATE", "DATETIME", "TIMESTAMP"})


@dataclass(frozen=True)
class Named:
    """A column, in any spelling or by its label, and the values of it that mean yes."""

    column: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preferences:
    """All that a person says of one CRM; nothing by default."""

    columns: Mapping[str, Named] = field(default_factory=dict)
    """By what they hold: the keys of HOLDERS."""
    stages: tuple[str, ...] = ()
    """Stages of deals, by id or label, of which any counts as an outcome."""
    needs_deals: bool = True
    """Whether what a lead is to reach is read from deals."""

    @property
    def is_of_leads(self) -> bool:
        """Whether a lead's own status is what it is to reach, and no deal."""
        return "reached" in self.columns


HOLDERS: Mapping[str, tuple[tuple[Canonical, str], ...]] = {
    **{
        name: (("person", name), ("entry", name), ("deal", name))
        for name in ("client_id", *CLICK_IDS)
    },
    **{
        name: (("person", name), ("entry", name))
        for name in ("user_id", "created", "reached", "reached_at")
    },
    "value": (("deal", "amount"),),
    "currency": (("deal", "currency"),),
    "won": (("deal", "said_won"),),
    "lost": (("deal", "said_lost"),),
}
"""Canonical tables and columns that each named column may be."""

_REPLACED = {"amount": ("home_amount",), "currency": ("currency_id",)}
"""Columns that spoke of what a named one speaks of now."""

_MOMENTS = {"said_won": "won_at", "said_lost": "lost_at", "reached": "reached_at"}
"""A date that is filled says when as well."""


@dataclass(frozen=True)
class Placed:
    """Where one named column was found."""

    name: str
    canonical: Canonical
    column: str


def placed(
    preferences: Preferences,
    schemas: Mapping[Canonical, Schema],
    labels: Mapping[Canonical, Mapping[str, str]],
) -> Iterator[Placed]:
    """The named columns, in each table that has them; NotFoundError for one that none has."""
    for name, named in preferences.columns.items():
        holders = [holder for holder, _ in HOLDERS[name] if holder in schemas]
        found = [
            Placed(name, holder, column)
            for holder in holders
            if (column := _column(named.column, schemas[holder], labels.get(holder, {})))
        ]
        if not found:
            raise _unknown(name, named.column, (schemas[holder] for holder in holders))
        yield from found


def overrides(
    canonical: Canonical, preferences: Preferences, found: Iterable[Placed], schema: Schema
) -> dict[str, tuple[str, ...]]:
    """Paths of the canonical table's columns where a named column speaks of them."""
    paths: dict[str, tuple[str, ...]] = {}
    types = {str(column["name"]): str(column["type"]) for column in schema}
    lies = {str(column["name"]): nested.path_of(column) for column in schema}
    for place in found:
        if place.canonical != canonical:
            continue
        target = dict(HOLDERS[place.name])[canonical]
        values = preferences.columns[place.name].values
        path = lies[place.column]
        said = f"{path} is {'|'.join(values).lower()}" if values else path
        paths[target] = (said,)
        paths |= dict.fromkeys(_REPLACED.get(target, ()), ())
        if target in _MOMENTS and types.get(place.column) in TIMES:
            paths.setdefault(_MOMENTS[target], (path,))
    return paths


def _column(wanted: str, schema: Schema, labels: Mapping[str, str]) -> str | None:
    """The column's own name, for its name or label in any spelling; None when there is none."""
    columns = [str(column["name"]) for column in nested.opened(schema, labels)]
    called = {name: labels.get(name.lower(), name) for name in columns}
    # as it is spelled first: two columns may differ in a prefix alone
    for alike in (str, str.lower, names.bare):
        for name in columns:
            if alike(wanted) in (alike(name), alike(called[name])):
                return name
    return None


def _unknown(name: str, column: str, schemas: Iterable[Schema]) -> NotFoundError:
    there = sorted({str(each["name"]) for schema in schemas for each in schema})
    near = get_close_matches(column, there, n=1)
    return NotFoundError(
        f"No table of the CRM that could hold {name} has a column {column}.",
        code="crm_column_unknown",
        fix=f"Did you mean {near[0]}?" if near else "Name a column of its leads or deals.",
    )
