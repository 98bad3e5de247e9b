"""Which loader's shape a dataset holds, and which of its tables is read as which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from common.bigquery.sql import fill, identifier, table
from common.bigquery.warehouse import Warehouse
from common.crm.connector import Canonical, Connector, Mapped, connectors
from common.crm.paths import Reading, Schema
from common.errors import NotFoundError

Tables = Mapping[str, Schema]
"""Columns of the tables that are there, by the table's name as it is spelled."""
Labels = Mapping[str, str]
"""Words for columns whose name is a hash, by that name in small letters."""


def shape_of(name: str, dataset: str, found: Tables) -> Connector:
    """The loader's shape that is wholly there; of several the one that asks for most.

    Raises NotFoundError that names the shapes and the first thing that each lacks.
    """
    lacks = {shape.name: next(_lacks(shape, found), "") for shape in connectors(name)}
    whole = [shape for shape in connectors(name) if not lacks[shape.name]]
    if whole:
        # a shape that asks for little may be whole inside the tables of another
        return max(whole, key=lambda shape: sum(map(len, shape.fingerprint.values())))
    said = "; ".join(f"{shape} lacks {lack}" for shape, lack in lacks.items())
    raise NotFoundError(
        f"{dataset} does not hold {name} in a shape that is read: {said}.",
        code="crm_shape_unknown",
        fix="Let the loader load what is missing, or name the dataset that it loads into.",
    )


def _lacks(shape: Connector, found: Tables) -> Iterator[str]:
    for name, columns in shape.fingerprint.items():
        schema = found.get(as_spelled(name, found) or "")
        if schema is None:
            yield f"the table {name}"
            continue
        reading = Reading(schema)
        yield from (f"{name}.{path}" for path in columns if reading.value(path) is None)
    for canonical, mapped in shape.tables.items():
        actual = table_of(shape, canonical, found)
        if actual is None and not mapped.optional:
            yield f"the table {mapped.table[0]}"
        if actual is not None:
            yield from _unreadable(mapped, actual, Reading(found[actual]))
    yield from _undecided(shape, found)


def _unreadable(mapped: Mapped, actual: str, reading: Reading) -> Iterator[str]:
    """What no row can do without, or all would be left out without a word."""
    for name in {mapped.key[0], "created"} & mapped.columns.keys():
        paths = mapped.columns[name]
        if not any(reading.value(path) for path in paths):
            yield f"{actual}.{paths[0]}"


def _undecided(shape: Connector, found: Tables) -> Iterator[str]:
    """What says how deals ended, where neither they nor their stages do."""
    actual = table_of(shape, "deal", found)
    if actual is None or ("stage" in shape.tables and table_of(shape, "stage", found)):
        return
    columns, reading = shape.tables["deal"].columns, Reading(found[actual])
    paths = (*columns.get("won", ()), *columns.get("status", ()))
    if not any(reading.value(path) for path in paths):
        stage = f" or the table {shape.tables['stage'].table[0]}" if "stage" in shape.tables else ""
        yield f"{actual}.{paths[0]}{stage}"


def names_of(shape: Connector) -> Iterator[str]:
    """Every table that the shape asks for or may read, in any of its spellings."""
    yield from shape.fingerprint
    yield from (each for mapped in shape.tables.values() for each in mapped.table)
    yield from (each for listed in shape.labels.values() for each in listed)


def as_spelled(name: str, found: Tables) -> str | None:
    """The table's name as it is spelled there."""
    # BigQuery tells table names apart by case, and loaders spell them each in their own way
    return next((each for each in found if each.lower() == name.lower()), None)


_ATTRIBUTES_ALONE: frozenset[Canonical] = frozenset(
    {"company", "activity", "activity_link", "label", "shared_label"}
)
"""Tables that only add attributes: leads and deals are read without them as well."""


def table_of(shape: Connector, canonical: Canonical, found: Tables) -> str | None:
    """The loaded table that is read as this canonical one; None where it is not there."""
    mapped = shape.tables[canonical]
    spelled = (as_spelled(each, found) for each in mapped.table)
    there = (each for each in spelled if each)
    if canonical in _ATTRIBUTES_ALONE:
        # Fivetran's engagements lost their moments to tables of calls, mails and meetings
        there = (each for each in there if not any(_unreadable(mapped, each, Reading(found[each]))))
    return next(there, None)


def labels_of(
    warehouse: Warehouse, shape: Connector, dataset: str, found: Tables
) -> dict[Canonical, Labels]:
    """What people call the columns whose names are hashes."""
    read: dict[Canonical, Labels] = {}
    for canonical, listed in shape.labels.items():
        actual = next((name for each in listed if (name := as_spelled(each, found))), None)
        if actual is None:
            continue
        called = {str(each["name"]).lower(): str(each["name"]) for each in found[actual]}
        # the interface's second version calls them otherwise
        key, name = (
            next((called[each] for each in names_ if each in called), None)
            for names_ in (("key", "field_code"), ("name", "field_name"))
        )
        if key is None or name is None:
            continue
        query = fill(
            "SELECT field.{{ key }} AS key, field.{{ name }} AS name FROM {{ fields }} AS field"
            " WHERE REGEXP_CONTAINS(field.{{ key }}, r'^[0-9a-f]{40}$')"
            " AND field.{{ name }} IS NOT NULL",
            key=identifier(key),
            name=identifier(name),
            fields=table(f"{dataset}.{actual}"),
        )
        rows = {str(row["key"]).lower(): str(row["name"]) for row in warehouse.rows(query)}
        # a column must not begin with a digit: some loaders put _ before such a hash, and dlt what
        # it lies in
        prefixes = ("", "_", "custom_fields__")
        read[canonical] = {f"{put}{key}": words for key, words in rows.items() for put in prefixes}
    return read


def schemas_of(shape: Connector, found: Tables) -> dict[Canonical, Schema]:
    """The columns of the loaded tables, by the canonical ones that they are read as."""
    return {
        canonical: found[actual]
        for canonical in shape.tables
        if (actual := table_of(shape, canonical, found)) is not None
    }
