"""Leads and deals of a CRM, whichever loader wrote it: the shape is found by what it alone has."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import get_args

from common.bigquery.sql import Sql, bind, fill, identifier, join, table, template
from common.bigquery.warehouse import Warehouse
from common.crm import CLICK_IDS, LEADS, apart, first_values, gaps, names, nested
from common.crm.canonical import Loaded, codes, nothing
from common.crm.connector import (
    COLUMNS,
    IDENTIFIERS,
    Canonical,
    Connector,
    Crm,
    Mapped,
    connectors,
    crm,
)
from common.crm.folding import EDGES, folding
from common.crm.identifiers import Contents, Found, content
from common.crm.paths import Reading, Schema
from common.crm.preferences import Preferences, overrides, placed
from common.crm.unheard import Unheard, unheard
from common.errors import NotFoundError

NOTHING = Preferences()
Tables = Mapping[str, Schema]
Labels = Mapping[str, str]
"""Words for columns whose name is a hash, by that name in small letters."""


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
    wanted = {each.lower() for shape in connectors(name) for each in _named(shape)}
    found: dict[str, Schema] = {}
    for each in sorted(warehouse.tables_in(dataset)):
        if each.lower() in wanted:
            found[each] = warehouse.schema_of(f"{dataset}.{each}") or []
    shape = shape_of(name, dataset, found)
    found |= _opened(warehouse, shape, dataset, found)
    labels = _labels(warehouse, shape, dataset, found)
    first = _loaded(shape, crm(name), dataset, found, labels, preferences, {})
    gaps.check(warehouse, first, preferences)
    named = placed(preferences, _schemas(shape, found), labels)
    not_heard = unheard(warehouse, first, preferences, named)
    seen = _looked(warehouse, first, preferences)
    read_ = source(name, dataset, found, labels, preferences, seen)
    return replace(read_, unheard=not_heard)


def _opened(
    warehouse: Warehouse, shape: Connector, dataset: str, found: Tables
) -> dict[str, Schema]:
    """The columns of leads, contacts and deals, with what lies in those of JSON."""
    there = {_actual(shape, each, found) for each in _HOLDERS if each in shape.tables}
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
    attributes = _attributes(rules, loaded)
    of_company = _company_attributes(rules, loaded)
    records = _records(rules, loaded, attributes, of_company)
    schemas = _schemas(shape, found)
    return Source(
        connector=shape.name,
        leads=_leads(rules, attributes, of_company, records, found, shape, loaded),
        deals=template(
            __file__,
            "source_deals",
            records=records,
            is_stage=_is_one_of(preferences.stages),
            outcomes=Sql("milestones" if preferences.is_of_leads else "of_deals"),
        ),
        attributes=(
            *_of_entries(rules, loaded),
            *attributes,
            *of_company,
            *_activities(loaded),
        ),
        tables=tuple(
            sorted({actual for each in shape.tables if (actual := _actual(shape, each, found))})
        ),
        columns=(
            *(
                Found(
                    place.name,
                    str(_actual(shape, place.canonical, found)),
                    place.column,
                    "definition",
                )
                for place in placed(preferences, schemas, labels or {})
            ),
            *(each for table in loaded.values() for each in table.found),
        ),
    )


def _is_one_of(stages: Iterable[str]) -> Sql:
    """Whether `tied.stage_id` or the stage's label is one of these; false when there are none."""
    listed = join(", ", (bind(stage.strip().lower()) for stage in stages))
    if not listed.text:
        return Sql("FALSE")
    return fill(
        "LOWER(tied.stage_id) IN ({{ listed }}) OR LOWER(stage.label) IN ({{ listed }})",
        listed=listed,
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
        schema = found.get(_spelled(name, found) or "")
        if schema is None:
            yield f"the table {name}"
            continue
        reading = Reading(schema)
        yield from (f"{name}.{path}" for path in columns if reading.value(path) is None)
    for canonical, mapped in shape.tables.items():
        actual = _actual(shape, canonical, found)
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
    actual = _actual(shape, "deal", found)
    if actual is None or ("stage" in shape.tables and _actual(shape, "stage", found)):
        return
    columns, reading = shape.tables["deal"].columns, Reading(found[actual])
    paths = (*columns.get("won", ()), *columns.get("status", ()))
    if not any(reading.value(path) for path in paths):
        stage = f" or the table {shape.tables['stage'].table[0]}" if "stage" in shape.tables else ""
        yield f"{actual}.{paths[0]}{stage}"


def _named(shape: Connector) -> Iterator[str]:
    yield from shape.fingerprint
    yield from (each for mapped in shape.tables.values() for each in mapped.table)
    yield from (each for listed in shape.labels.values() for each in listed)


def _spelled(name: str, found: Tables) -> str | None:
    """The table's name as it is spelled there."""
    # BigQuery tells table names apart by case, and loaders spell them each in their own way
    return next((each for each in found if each.lower() == name.lower()), None)


_ATTRIBUTES_ALONE: frozenset[Canonical] = frozenset(
    {"company", "activity", "activity_link", "label", "shared_label"}
)
"""Tables that only add attributes: leads and deals are read without them as well."""


def _actual(shape: Connector, canonical: Canonical, found: Tables) -> str | None:
    mapped = shape.tables[canonical]
    spelled = (_spelled(each, found) for each in mapped.table)
    there = (each for each in spelled if each)
    if canonical in _ATTRIBUTES_ALONE:
        # Fivetran's engagements lost their moments to tables of calls, mails and meetings
        there = (each for each in there if not any(_unreadable(mapped, each, Reading(found[each]))))
    return next(there, None)


def _labels(
    warehouse: Warehouse, shape: Connector, dataset: str, found: Tables
) -> dict[Canonical, Labels]:
    """What people call the columns whose names are hashes."""
    read: dict[Canonical, Labels] = {}
    for canonical, listed in shape.labels.items():
        actual = next((name for each in listed if (name := _spelled(each, found))), None)
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


def _loaded(
    shape: Connector,
    rules: Crm,
    dataset: str,
    found: Tables,
    labels: Mapping[Canonical, Labels],
    preferences: Preferences,
    seen: Mapping[Canonical, Contents],
) -> dict[Canonical, Loaded]:
    schemas = _schemas(shape, found)
    named = list(placed(preferences, schemas, labels))
    loaded = {
        canonical: Loaded(
            canonical,
            shape.tables[canonical],
            f"{dataset}.{_actual(shape, canonical, found)}",
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


def _schemas(shape: Connector, found: Tables) -> dict[Canonical, Schema]:
    """The columns of the loaded tables, by the canonical ones that they are read as."""
    return {
        canonical: found[actual]
        for canonical in shape.tables
        if (actual := _actual(shape, canonical, found)) is not None
    }


def _attributes(rules: Crm, loaded: Mapping[Canonical, Loaded]) -> dict[str, str]:
    """The lead's attributes and the columns that hold them."""
    if rules.attributes_of not in loaded:
        return {}
    # what is written as a deal goes on knows the outcome in every snapshot
    excluded = re.compile("|".join(rules.not_attributes))
    own = COLUMNS[rules.attributes_of].keys() | rules.entry_attributes.keys()
    return {
        given: column
        for given, column in loaded[rules.attributes_of].attributes.items()
        if given.lower() not in own and not names.is_later(given, excluded)
    }


def _of_entries(rules: Crm, loaded: Mapping[Canonical, Loaded]) -> tuple[str, ...]:
    """Attributes that are made of an entry, where entries are loaded."""
    return tuple(rules.entry_attributes) if "entry" in loaded else ()


def _company_attributes(rules: Crm, loaded: Mapping[Canonical, Loaded]) -> dict[str, str]:
    """What is known of the lead's company, and the columns that hold it."""
    company, person = loaded.get("company"), loaded.get("person")
    holders = (each for each in (loaded.get("entry"), person) if each)
    if company is None or not any(each.has("company_id") for each in holders):
        return {}
    excluded = re.compile("|".join(rules.not_company_attributes))
    return {
        f"company_{names.bare(given)}": column
        for given, column in company.attributes.items()
        if not names.is_later(given, excluded)
    }


def _activities(loaded: Mapping[Canonical, Loaded]) -> tuple[str, ...]:
    """The attribute that counts activities up to the lead's first day, where they are loaded."""
    table = loaded.get("activity")
    if table is None:
        return ()
    ties = table.has("entry_id") or table.has("person_id") or "activity_link" in loaded
    return (ACTIVITIES,) if ties else ()


_ACTIVE: frozenset[Canonical] = frozenset({"activity", "activity_link"})
_WITHIN: frozenset[Canonical] = frozenset({*apart.COMPLETES, "history", "shared_label"})
"""Tables that are read inside of others."""


def _records(
    rules: Crm,
    loaded: Mapping[Canonical, Loaded],
    attributes: Mapping[str, str],
    of_company: Mapping[str, str],
) -> Sql:
    parts = []
    wanted = {rules.attributes_of: attributes, "company": of_company}
    for canonical in get_args(Canonical):
        if canonical in _WITHIN or (canonical in _ACTIVE and "activity" not in loaded):
            continue
        extra = rules.entry_attributes if canonical == "entry" else ()
        rows = (
            apart.whole(canonical, loaded, wanted.get(canonical, {}))
            if canonical in loaded
            else nothing(canonical, extra)
        )
        parts.append(fill("{{ name }} AS {{ rows }}", name=canonical, rows=rows))
    folded = join(",\n", (folding(kind, _merges(kind, loaded)) for kind in EDGES))
    return template(
        __file__,
        "source_records",
        tables=join(",\n", parts),
        folding=folded,
        first_of_person=_of_each(_FIRST, (*IDENTIFIERS, "user_id"), "person"),
        first_of_entry=_of_each(_FIRST, (*IDENTIFIERS, "user_id", "person_id"), "entry"),
    )


# the earliest of merged records: the one that is gone often came from the website
_FIRST = """ARRAY_AGG(
      {{ of }}.{{ name }} IGNORE NULLS ORDER BY {{ of }}.created, {{ of }}.id LIMIT 1
    )[SAFE_OFFSET(0)] AS {{ name }}"""


def _of_each(text: str, names_: Iterable[str], of: str, separator: str = ",\n    ") -> Sql:
    """The text for each of the columns; `of` is the alias of the rows."""
    return join(separator, (fill(text, of=of, name=name) for name in names_))


def _merges(kind: Canonical, loaded: Mapping[Canonical, Loaded]) -> bool:
    """Whether the tables can say at all that such records were merged."""
    audit: dict[Canonical, Canonical] = {"person": "person_merge", "deal": "deal_merge"}
    own = loaded.get(kind)
    columns = own is not None and (own.has("merged_into") or own.has("merged_ids"))
    return columns or audit.get(kind) in loaded


_WHO = {
    "person": "contacts AS person\nLEFT JOIN forms AS form ON form.owner_id = person.id",
    "entry": "forms AS form\nLEFT JOIN contacts AS person ON person.id = form.owner_id",
}
_COMPANY = """
LEFT JOIN company
  ON company.id = COALESCE(form.company_id, person.company_id)
  AND NOT company.deleted
  -- a company that the CRM heard of later says nothing of a new lead
  AND COALESCE(
    company.created <= TIMESTAMP_ADD(
      COALESCE(form.first_created, person.first_created), INTERVAL 1 DAY
    ),
    TRUE
  )"""
_DONE = """,
done AS (
  -- an activity with a lead counts for it alone, also where its person is named
  SELECT tied.id, ARRAY_AGG(tied.created) AS moments
  FROM (
    -- once for a person, of whose merged records several may be named
    SELECT DISTINCT
      COALESCE(
        entries.kept, activity.entry_id, people.kept, activity.person_id, link.person_id
      ) AS id,
      activity.id AS activity_id,
      activity.created
    FROM activity
    LEFT JOIN activity_link AS link ON link.activity_id = activity.id AND NOT link.deleted
    LEFT JOIN entry_folded AS entries ON entries.gone = activity.entry_id
    LEFT JOIN person_folded AS people
      ON people.gone = COALESCE(activity.person_id, link.person_id)
    WHERE NOT activity.deleted AND activity.created IS NOT NULL
  ) AS tied
  WHERE tied.id IS NOT NULL
  GROUP BY tied.id
)"""
_DONE_WITH = """
LEFT JOIN done AS with_lead ON with_lead.id = form.id
LEFT JOIN done AS with_person ON with_person.id = COALESCE(person.id, form.owner_id)"""
ACTIVITIES = "activities_at_creation"
# what sales does later follows from how well the lead looks, and is none of its attributes
_ACTIVITIES = """(
    SELECT COUNT(*)
    FROM UNNEST(ARRAY_CONCAT(
      IFNULL(with_lead.moments, []), IFNULL(with_person.moments, [])
    )) AS moment
    WHERE moment <= TIMESTAMP_ADD(
      COALESCE(form.first_created, person.first_created), INTERVAL 1 DAY
    )
  ) AS {{ name }}"""
# nearest to the request first; where only a deal carries the click, it is the lead's all the same
_KNOWN = """COALESCE(
    form.{{ of }}_{{ name }}, person.{{ of }}_{{ name }}, by_lead.{{ name }}, by_person.{{ name }}
  ) AS {{ name }}"""
_COMMENTS = {
    "person": "an entry, or a person who has none",
    "entry": "an entry that is there and was not merged into another",
}


def _leads(
    rules: Crm,
    attributes: Mapping[str, str],
    of_company: Mapping[str, str],
    records: Sql,
    found: Tables,
    shape: Connector,
    loaded: Mapping[Canonical, Loaded],
) -> Sql:
    made = [
        fill("form.{{ name }} AS {{ name }}", name=identifier(name))
        for name in rules.entry_attributes
    ]
    actual = _actual(shape, rules.attributes_of, found)
    coded = set(codes(found[actual])) if actual and rules.labelled else set()
    alias = {"person": "person", "entry": "form"}[rules.attributes_of]
    history = loaded.get("history")
    told = first_values.told(attributes, found[actual]) if actual and history else {}
    own = [
        _attribute(alias, given, column in coded, rules, told)
        for given, column in attributes.items()
    ]
    companys = list(_of_company(of_company, found, shape, rules))
    done = [fill(_ACTIVITIES, name=name) for name in _activities(loaded)]
    joined = (_COMPANY if of_company else "") + (_DONE_WITH if done else "")
    if done:
        records = fill("{{ records }}" + _DONE, records=records)
    if history and told:
        seen = first_values.seen_first(history, rules.attributes_of, told)
        records = fill("{{ records }}{{ seen }}", records=records, seen=seen)
        joined += first_values.JOINED.replace("{{ record }}", alias)
    return template(
        __file__,
        "source_leads",
        comment=_COMMENTS[rules.leads],
        records=records,
        least=_of_each("MIN({{ of }}.{{ name }}) AS {{ name }}", IDENTIFIERS, "deal", ", "),
        first=_of_each("{{ of }}.{{ name }} AS first_{{ name }}", IDENTIFIERS, "whole", ",\n    "),
        client_id=_of_each(_KNOWN, ["client_id"], "first"),
        clicks=_of_each(_KNOWN, CLICK_IDS, "first", ",\n  "),
        attributes=join(
            "", (fill(",\n  {{ it }}", it=each) for each in [*made, *own, *companys, *done])
        ),
        who=Sql(_WHO[rules.leads] + joined),
    )


def _of_company(
    attributes: Mapping[str, str], found: Tables, shape: Connector, rules: Crm
) -> Iterator[Sql]:
    """The columns of the lead's company, codes by their words where the CRM has some."""
    actual = _actual(shape, "company", found) if attributes else None
    coded = set(codes(found[actual])) if actual and rules.labelled_company else set()
    for given, column in attributes.items():
        value = fill("company.{{ name }}", name=identifier(given))
        if column in coded:
            value = _in_words(value, column, rules.labelled_company)
        yield fill("{{ value }} AS {{ name }}", value=value, name=identifier(given))


def _attribute(alias: str, given: str, coded: bool, rules: Crm, told: Mapping[str, str]) -> Sql:
    column = fill("{{ alias }}.{{ name }}", alias=alias, name=identifier(given))
    column = first_values.value(column, given, told)
    if coded:
        column = _in_words(column, given, rules.labelled)
    return fill("{{ column }} AS {{ name }}", column=column, name=identifier(given))


def _in_words(column: Sql, name: str, entity: str) -> Sql:
    return fill(
        # a code without words tells leads apart as well; Dataverse says industrycode also where a
        # loader has made it industry_code
        "COALESCE((SELECT MAX(label.words) FROM label"
        " WHERE REPLACE(LOWER(label.attribute), '_', '') = {{ attribute }}"
        " AND label.entity = {{ entity }} AND NOT label.deleted"
        " AND label.code = CAST({{ column }} AS STRING)), CAST({{ column }} AS STRING))",
        attribute=bind(name.lower().replace("_", "")),
        entity=bind(entity),
        column=column,
    )
