"""Leads and their outcomes, brought from a CRM, two queries or two conversions into one shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from common.bigquery.sql import (
    Sql,
    bind,
    create_table_as,
    fill,
    identifier,
    join,
    template,
    with_parameters,
)
from common.bigquery.warehouse import Warehouse
from common.crm import CLICK_IDS, source
from common.errors import UserError
from common.identity import erased
from common.kinds.candidate.rates import rates
from common.kinds.conversion import Conversion
from common.kinds.scoring import (
    CrmSource,
    LeadCondition,
    QuerySource,
    RowsSource,
    Scoring,
    filtered,
    preferences,
)
from common.model.contract import OF_ORIGIN, contract
from common.model.window import Window
from functions.score_leads.data.attributes import is_personal_name
from functions.score_leads.data.behaviour import behaviour

LEAD_COLUMNS = {
    "id": "STRING",
    "created": "TIMESTAMP",
    "client_id": "STRING",
    "user_id": "STRING",
    **dict.fromkeys(CLICK_IDS, "STRING"),
    "email": "STRING",
    "phone": "STRING",
}
DEAL_COLUMNS = {
    "deal_id": "STRING",
    "lead_id": "STRING",
    "user_id": "STRING",
    "deal_created": "TIMESTAMP",
    "outcome_at": "TIMESTAMP",
    "status": "STRING",
    "deal_value": "FLOAT64",
    "currency": "STRING",
    "home_value": "FLOAT64",
    "home_currency": "STRING",
}


@dataclass(frozen=True)
class Warehouses:
    """What speaks to BigQuery: as the function itself, and as whoever may run users' SQL."""

    warehouse: Warehouse
    runner: Warehouse


@dataclass(frozen=True)
class Staged:
    """Tables of one run: the leads as they are now, and the outcome of those that have one."""

    leads: Sql
    outcomes: Sql
    behaviour: Sql
    """What the leads of the days that are scored or learnt from did on the site before."""


@dataclass(frozen=True)
class Raw:
    """A table or subquery and the columns that it has, by API type."""

    sql: Sql
    columns: Mapping[str, str]
    made: str = ""
    """Name of the staging table that was made for it, if one was."""


def stage(
    warehouses: Warehouses,
    conversion: Conversion,
    window: Window,
    known_until: datetime,
    judged: Window | None = None,
) -> Staged:
    """The leads created in the window, and what became of them until that moment.

    `judged` are the days whose leads are scored or learnt from, all of them unless given.

    Raises UserError when a query is refused or lacks a column, NotFoundError for a missing table.
    """
    scoring = scoring_of(conversion)
    leads, deals = _raw(warehouses, conversion.id, scoring, window)
    made_leads = warehouses.warehouse.staging(f"{conversion.id}_scoring_leads")
    made_outcomes = warehouses.warehouse.staging(f"{conversion.id}_scoring_outcomes")
    settings = warehouses.warehouse.settings
    shaped = template(
        __file__,
        "sources_leads",
        target=made_leads,
        columns=_typed(leads.columns, LEAD_COLUMNS, _LEAD_NAMES),
        clicks=Sql(",\n  ".join(f"lead.{name}" for name in CLICK_IDS)),
        attributes=_attributes(attribute_columns(leads.columns)),
        leads=leads.sql,
        passes=_passes(scoring.lead_filters, leads.columns),
        spared=erased.spared("lead", _NAMES_OF_PERSON, warehouses.warehouse.table("erasures")),
    )
    days = {"start_date": window.start, "end_date": window.end}
    warehouses.warehouse.execute(with_parameters(shaped, timezone=settings.timezone, **days))
    credited = template(
        __file__,
        "sources_outcomes",
        target=made_outcomes,
        columns=_typed(deals.columns, DEAL_COLUMNS, _DEAL_NAMES),
        deals=deals.sql,
        leads=made_leads,
        rates=rates(settings),
    )
    facts = {"currency": settings.currency, "known_until": known_until, **days}
    warehouses.warehouse.execute(with_parameters(credited, timezone=settings.timezone, **facts))
    seen = behaviour(warehouses.warehouse, conversion.id, made_leads, judged or window)
    _clear_away(warehouses.warehouse, leads, deals)
    return Staged(made_leads, made_outcomes, seen)


def _clear_away(warehouse: Warehouse, *raw: Raw) -> None:
    """Drop what was only read to be staged: the CRM may still name persons who were erased."""
    for made in (each.made for each in raw if each.made):
        warehouse.drop(warehouse.staging_path(made))


@dataclass(frozen=True)
class Lacks:
    """How much of what was staged lacks something that it should have."""

    unpriced: int
    """Won deals whose amount could not be brought into the project's currency."""
    wins: int
    leads: int
    with_client_id: int
    recent: int
    """Leads of the last RECENT_DAYS."""
    recent_with_client_id: int
    undated: int = 0
    """Deals that are won or lost, and nothing says since when."""
    ended: int = 0
    """Deals that are won or lost."""


RECENT_DAYS = 30


def lacks(warehouse: Warehouse, staged: Staged, as_of: datetime) -> Lacks:
    """Counts of the leads and deals as staged at this moment."""
    query = template(__file__, "sources_lacks", leads=staged.leads, outcomes=staged.outcomes)
    bound = with_parameters(query, as_of=as_of, recent_days=RECENT_DAYS)
    row = next(warehouse.rows(bound))
    return Lacks(**{name: int(row[name]) for name in Lacks.__dataclass_fields__})


def scoring_of(conversion: Conversion) -> Scoring:
    """How the conversion is scored; raises UserError for one that no model decides about."""
    scoring = conversion.scoring()
    if scoring is None:
        raise UserError(f"{conversion.id!r} is not scored.", code="not_scored")
    return scoring


def attribute_columns(columns: Mapping[str, str]) -> list[str]:
    """Columns that a lead is judged by: whatever has no meaning of its own and names no person."""
    spoken_for = {"lead_id", *LEAD_COLUMNS, *_OF_CONVERSIONS}
    return [
        name for name in columns if name.lower() not in spoken_for and not is_personal_name(name)
    ]


_OF_CONVERSIONS = {
    column.name for column in contract("conversion").columns if column.name != "params"
} - OF_ORIGIN


def _raw(
    warehouses: Warehouses, conversion: str, scoring: Scoring, window: Window
) -> tuple[Raw, Raw]:
    match scoring.source:
        case CrmSource() as crm:
            return _of_crm(warehouses.warehouse, conversion, crm, scoring)
        case QuerySource(leads_sql=leads, deals_sql=deals):
            return (
                _answered(warehouses, conversion, "leads", leads, window),
                _answered(warehouses, conversion, "deals", deals, window),
            )
        case RowsSource(leads_sql=sql, target=target):
            answered = _answered(warehouses, conversion, "leads", sql, window)
            if "user_id" not in answered.columns:
                raise UserError(
                    "The query returns no user_id, so its rows cannot be linked to the target.",
                    code="no_user_id",
                    fix="Return the user_id that the target conversion has as well.",
                    field="sql",
                )
            return answered, _of_conversions(warehouses.warehouse, target)


def _of_crm(
    warehouse: Warehouse, conversion: str, crm: CrmSource, scoring: Scoring
) -> tuple[Raw, Raw]:
    read = source.read(warehouse, crm.crm, crm.dataset, preferences(crm, scoring.milestone))
    leads = _written(warehouse, f"{conversion}_scoring_leads_raw", read.leads)
    if scoring.target:
        return leads, _of_conversions(warehouse, scoring.target)
    return leads, _written(warehouse, f"{conversion}_scoring_deals_raw", read.deals)


_PASSES = {
    # a missing value is in no list and outside every one, where SQL's NULL would drop the lead
    "one_of": "COALESCE({{ value }} IN UNNEST({{ wanted }}), FALSE)",
    "not_one_of": "COALESCE({{ value }} NOT IN UNNEST({{ wanted }}), TRUE)",
    "is_present": "{{ value }} IS NOT NULL",
    "is_missing": "{{ value }} IS NULL",
}


def _passes(filters: Iterable[LeadCondition], columns: Mapping[str, str]) -> Sql:
    """Whether `given` passes all filters; raises UserError for a column that no lead has."""
    listed = list(filters)
    parts = [Sql("TRUE")]
    for each, name in zip(listed, filtered(listed, columns), strict=True):
        value = fill(
            "NULLIF(LOWER(TRIM(CAST(given.{{ column }} AS STRING))), '')", column=identifier(name)
        )
        wanted = [text.strip().lower() for text in each.values]
        slots = {"wanted": bind(wanted, "ARRAY<STRING>")} if wanted else {}
        parts.append(fill(_PASSES[each.operator], value=value, **slots))
    return join(" AND ", parts)


def _written(warehouse: Warehouse, name: str, query: Sql) -> Raw:
    """The query's rows in a table: BigQuery takes recursion at the top of a statement alone."""
    warehouse.execute(create_table_as(warehouse.staging(name), query))
    schema = warehouse.schema_of(warehouse.staging_path(name)) or []
    columns = {column["name"]: column["type"] for column in schema}
    return Raw(warehouse.staging(name), columns, name)


def _answered(warehouses: Warehouses, conversion: str, query: str, sql: str, window: Window) -> Raw:
    """The rows of a user's query, judged again and run under the account that may read them."""
    # the guard's parser is imported only where SQL is judged, for quick cold starts
    from common import user_query

    field = f"{query}_sql"
    name = f"{conversion}_scoring_{query}_raw"
    answer = user_query.run(
        user_query.judged(sql, warehouses.warehouse.settings, field),
        warehouses.runner,
        window,
        name,
        field=field,
        labels={"conversion": conversion},
    )
    return Raw(answer.table, answer.types, name)


def _of_conversions(warehouse: Warehouse, target: str) -> Raw:
    conversions = warehouse.table(f"conversion_{target}")
    deals = template(__file__, "sources_predicted", conversions=conversions)
    columns = ("deal_id", "user_id", "deal_created", "outcome_at", "status", "deal_value")
    return Raw(fill("({{ query }})", query=deals), dict.fromkeys(columns, "STRING"))


_NAMES_OF_PERSON = ("id", "client_id", "user_id", "email", "phone")
_LEAD_NAMES = {"id": ("lead_id", "id")}
# a query without the deal's creation is credited by its end, the only time that it knows
_DEAL_NAMES = {"deal_created": ("deal_created", "created", "outcome_at")}


def _typed(
    columns: Mapping[str, str], wanted: Mapping[str, str], names: Mapping[str, Iterable[str]]
) -> Sql:
    """The wanted columns, NULL where there is none; a deal without an id is a deal of its own."""
    there = {name.lower(): name for name in columns}
    parts = []
    for name, type_ in wanted.items():
        present = next((each for each in names.get(name, (name,)) if each in there), None)
        value = Sql(f"CAST(NULL AS {type_})")
        if present:
            value = _form(name, type_, identifier(there[present]))
        if name == "deal_id":
            # deals without an id would share the partition of NULL, and all but one be lost
            value = fill("COALESCE({{ value }}, GENERATE_UUID())", value=value)
        parts.append(fill("{{ value }} AS {{ name }}", value=value, name=identifier(name)))
    return join(",\n    ", parts)


_FORMS = {
    # as ad platforms want it before it is hashed
    "email": "LOWER(TRIM(CAST({{ column }} AS STRING)))",
    # people write blanks, dots and brackets; what is no E.164 number then is not hashed
    "phone": "REGEXP_REPLACE(CAST({{ column }} AS STRING), r'[^0-9+]', '')",
    "status": "LOWER(TRIM(CAST({{ column }} AS STRING)))",
    "currency": "NULLIF(UPPER(TRIM(CAST({{ column }} AS STRING))), '')",
    "home_currency": "NULLIF(UPPER(TRIM(CAST({{ column }} AS STRING))), '')",
}
_TEXT = "NULLIF(TRIM(CAST({{ column }} AS STRING)), '')"


def _form(name: str, type_: str, column: Sql) -> Sql:
    given = fill("given.{{ column }}", column=column)
    if name in _FORMS or type_ == "STRING":
        return fill(_FORMS.get(name, _TEXT), column=given)
    return fill("CAST({{ column }} AS {{ type }})", column=given, type=type_)


def _attributes(names: Iterable[str]) -> Sql:
    parts = [fill("given.{{ column }} AS {{ column }}", column=identifier(name)) for name in names]
    if not parts:
        return Sql("'{}'")
    return fill("TO_JSON_STRING(STRUCT({{ parts }}))", parts=join(", ", parts))
