"""The query of leads: who asked, when, by which click, and what was known of them then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from common.bigquery.sql import Sql, bind, fill, identifier, join, template
from common.crm import CLICK_IDS
from common.crm.canonical import Loaded, codes
from common.crm.connector import IDENTIFIERS, Canonical, Connector, Crm
from common.crm.paths import Schema
from common.crm.query import first_values
from common.crm.query.attributes import activities
from common.crm.query.records import each_of
from common.crm.shape import Tables, table_of

_WHO = {
    "person": "contacts AS person\nLEFT JOIN forms AS form ON form.owner_id = person.id",
    "entry": "forms AS form\nLEFT JOIN contacts AS person ON person.id = form.owner_id",
}
_ALIAS = {"person": "person", "entry": "form"}
# nearest to the request first; where only a deal carries the click, it is the lead's all the same
_KNOWN = """COALESCE(
    form.{{ of }}_{{ name }}, person.{{ of }}_{{ name }}, by_lead.{{ name }}, by_person.{{ name }}
  ) AS {{ name }}"""
_COMMENTS = {
    "person": "an entry, or a person who has none",
    "entry": "an entry that is there and was not merged into another",
}


def leads_query(
    rules: Crm,
    attributes: Mapping[str, str],
    of_company: Mapping[str, str],
    records: Sql,
    found: Tables,
    shape: Connector,
    loaded: Mapping[Canonical, Loaded],
) -> Sql:
    """The query: one row a lead, with the columns of LEADS and the lead's attributes.

    `attributes` and `of_company` have the columns of attributes by the names that they are given,
    `records` is what the query begins with.
    """
    actual, history = table_of(shape, rules.attributes_of, found), loaded.get("history")
    told = first_values.told(attributes, found[actual]) if actual and history else {}
    tables, joined = [records], [Sql(_WHO[rules.leads])]
    counted = activities(loaded)
    if of_company:
        joined.append(template(__file__, "leads_company"))
    if counted:
        tables.append(template(__file__, "leads_done"))
        joined.append(template(__file__, "leads_done_joined"))
    if history and told:
        tables.append(first_values.seen_first(history, rules.attributes_of, told))
        joined.append(fill(first_values.JOINED, record=_ALIAS[rules.attributes_of]))
    columns = (
        *_of_entry(rules.entry_attributes),
        *_own(attributes, found[actual] if actual else [], told, rules),
        *_of_company(of_company, found, shape, rules),
        *(template(__file__, "leads_activities", attribute=name) for name in counted),
    )
    return template(
        __file__,
        comment=_COMMENTS[rules.leads],
        records=join(",\n", tables),
        least=each_of("MIN({{ of }}.{{ name }}) AS {{ name }}", IDENTIFIERS, "deal", ", "),
        first=each_of("{{ of }}.{{ name }} AS first_{{ name }}", IDENTIFIERS, "whole"),
        client_id=each_of(_KNOWN, ["client_id"], "first"),
        clicks=each_of(_KNOWN, CLICK_IDS, "first", ",\n  "),
        attributes=join("", (fill(",\n  {{ it }}", it=column) for column in columns)),
        who=join("\n", joined),
    )


def _of_entry(made: Iterable[str]) -> Iterator[Sql]:
    """The columns that an entry's expressions make."""
    for name in made:
        yield fill("form.{{ name }} AS {{ name }}", name=identifier(name))


def _own(
    attributes: Mapping[str, str], schema: Schema, told: Mapping[str, str], rules: Crm
) -> Iterator[Sql]:
    """The lead's own attributes as they were first, codes by their words where the CRM has some."""
    coded = set(codes(schema)) if rules.labelled else set()
    alias = _ALIAS[rules.attributes_of]
    for given, column in attributes.items():
        named = fill("{{ alias }}.{{ name }}", alias=alias, name=identifier(given))
        value = first_values.value(named, given, told)
        if column in coded:
            value = _in_words(value, given, rules.labelled)
        yield fill("{{ value }} AS {{ name }}", value=value, name=identifier(given))


def _of_company(
    attributes: Mapping[str, str], found: Tables, shape: Connector, rules: Crm
) -> Iterator[Sql]:
    """The columns of the lead's company, codes by their words where the CRM has some."""
    actual = table_of(shape, "company", found) if attributes else None
    coded = set(codes(found[actual])) if actual and rules.labelled_company else set()
    for given, column in attributes.items():
        value = fill("company.{{ name }}", name=identifier(given))
        if column in coded:
            value = _in_words(value, column, rules.labelled_company)
        yield fill("{{ value }} AS {{ name }}", value=value, name=identifier(given))


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
