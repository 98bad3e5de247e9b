"""Leads and deals of a CRM, whichever loader wrote it: the shape is found by what it alone has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from common.bigquery.sql import Sql
from common.bigquery.warehouse import Warehouse
from common.crm import LEADS, gaps, nested
from common.crm.canonical import Loaded
from common.crm.connector import Canonical, Connector, Crm, connectors, crm
from common.crm.identifiers import Contents, Found, content
from common.crm.paths import Schema
from common.crm.preferences import Preferences, overrides, placed
from common.crm.query import attributes
from common.crm.query.deals import deals_query
from common.crm.query.leads import leads_query
from common.crm.query.records import records_of
from common.crm.shape import (
    Labels,
    Tables,
    labels_of,
    names_of,
    schemas_of,
    shape_of,
    table_of,
)
from common.crm.unheard import Unheard, unheard
from common.errors import NotFoundError

NOTHING = Preferences()


@dataclass(frozen=True)
class Source:
    """A CRM's two queries and what they read."""

    connector: str
    leads: Sql
    deals: Sql
    attributes: tuple[str, ...]
    tables: tuple[str, ...]
    """Loaded tables that the queries read."""
    columns: tuple[Found, ...] = ()
    """Columns that were named, or found by their names or contents."""
    unheard: tuple[Unheard, ...] = ()
    """Words that a person named and no row has, where somebody has looked."""

    @property
    def lead_columns(self) -> tuple[str, ...]:
        """What leads can be filtered by."""
        return (*LEADS, *self.attributes)


_HOLDERS: tuple[Canonical, ...] = ("person", "entry", "deal")
"""Canonical tables that may say who clicked."""


def read(
    warehouse: Warehouse, name: str, dataset: str, preferences: Preferences = NOTHING
) -> Source:
    """The CRM as it lies in the dataset (project.dataset).

    Client ids are looked for by their content as well, and what is called so is looked into.
    Raises NotFoundError when no loader's shape is complete there, or what a person named is not.
    """
    wanted = {each.lower() for shape in connectors(name) for each in names_of(shape)}
    found: dict[str, Schema] = {}
    for each in sorted(warehouse.tables_in(dataset)):
        if each.lower() in wanted:
            found[each] = warehouse.schema_of(f"{dataset}.{each}") or []
    shape = shape_of(name, dataset, found)
    found |= _opened(warehouse, shape, dataset, found)
    labels = labels_of(warehouse, shape, dataset, found)
    first = _loaded(shape, crm(name), dataset, found, labels, preferences, {})
    gaps.check(warehouse, first, preferences)
    named = placed(preferences, schemas_of(shape, found), labels)
    not_heard = unheard(warehouse, first, preferences, named)
    seen = _looked(warehouse, first, preferences)
    read_ = source(name, dataset, found, labels, preferences, seen)
    return replace(read_, unheard=not_heard)


def _opened(
    warehouse: Warehouse, shape: Connector, dataset: str, found: Tables
) -> dict[str, Schema]:
    """The columns of leads, contacts and deals, with what lies in those of JSON."""
    there = {table_of(shape, each, found) for each in _HOLDERS if each in shape.tables}
    return {
        actual: nested.looked_into(warehouse, f"{dataset}.{actual}", found[actual])
        for actual in sorted(filter(None, there))
    }


def source(
    name: str,
    dataset: str,
    found: Tables,
    labels: Mapping[Canonical, Labels] | None = None,
    preferences: Preferences = NOTHING,
    seen: Mapping[Canonical, Contents] | None = None,
) -> Source:
    """The CRM's queries over the tables `found` in the dataset; raises as `read` does.

    `seen` has what columns hold, where somebody has looked.
    """
    shape, rules = shape_of(name, dataset, found), crm(name)
    loaded = _loaded(shape, rules, dataset, found, labels or {}, preferences, seen or {})
    own, of_company = attributes.of_lead(rules, loaded), attributes.of_company(rules, loaded)
    records = records_of(rules, loaded, own, of_company)
    schemas = schemas_of(shape, found)
    return Source(
        connector=shape.name,
        leads=leads_query(rules, own, of_company, records, found, shape, loaded),
        deals=deals_query(records, preferences),
        attributes=(
            *attributes.of_entry(rules, loaded),
            *own,
            *of_company,
            *attributes.activities(loaded),
        ),
        tables=tuple(
            sorted({actual for each in shape.tables if (actual := table_of(shape, each, found))})
        ),
        columns=(
            *(
                Found(
                    place.name,
                    str(table_of(shape, place.canonical, found)),
                    place.column,
                    "definition",
                )
                for place in placed(preferences, schemas, labels or {})
            ),
            *(each for table in loaded.values() for each in table.found),
        ),
    )


def _looked(
    warehouse: Warehouse, loaded: Mapping[Canonical, Loaded], preferences: Preferences
) -> dict[Canonical, Contents]:
    """What is in the columns that are called so, and in all columns of text if none holds it."""
    holders = {name: loaded[name] for name in _HOLDERS if name in loaded}
    # few columns first: a scan of all texts is paid for only where no name leads to client ids
    called = {
        name: _content(warehouse, table, {found.column for found in table.found})
        for name, table in holders.items()
    }
    clients = [
        called[name][found.column].looking["client_id"]
        for name, table in holders.items()
        for found in table.found
        if found.name == "client_id" and found.column in called[name]
    ]
    if "client_id" in preferences.columns or any(clients):
        return called
    # Pipedrive's own columns are hashes, of which contents alone speak
    return {name: _content(warehouse, table, None) for name, table in holders.items()}


def _content(warehouse: Warehouse, table: Loaded, names: Collection[str] | None) -> Contents:
    chosen = {
        name: value.sql
        for name, value in table.candidates.items()
        if names is None or name in names
    }
    return content(warehouse, table.path, chosen)


def _loaded(
    shape: Connector,
    rules: Crm,
    dataset: str,
    found: Tables,
    labels: Mapping[Canonical, Labels],
    preferences: Preferences,
    seen: Mapping[Canonical, Contents],
) -> dict[Canonical, Loaded]:
    schemas = schemas_of(shape, found)
    named = list(placed(preferences, schemas, labels))
    loaded = {
        canonical: Loaded(
            canonical,
            shape.tables[canonical],
            f"{dataset}.{table_of(shape, canonical, found)}",
            schema,
            long_ids=rules.long_ids,
            labels=said,
            extra=rules.entry_attributes if canonical == "entry" else {},
            named=overrides(canonical, preferences, named, nested.opened(schema, said)),
            seen=seen.get(canonical),
        )
        for canonical, schema in schemas.items()
        for said in (labels.get(canonical, {}),)
    }
    if preferences.is_of_leads:
        _check_moment(place for place in map(loaded.get, _HOLDERS) if place)
    return loaded


def _check_moment(holders: Iterable[Loaded]) -> None:
    """A status counts from the moment of its change: NotFoundError where no column says it."""
    for holder in holders:
        if holder.has("reached") and not (holder.has("reached_at") or holder.has("modified")):
            raise NotFoundError(
                f"{holder.path} says which leads have come so far, and no column says when.",
                code="crm_moment_unknown",
                fix="Name the column with the moment of the change, or a date that is filled then.",
            )
