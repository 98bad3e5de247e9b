"""The candidate row: what every kind returns for each event or record, kept or removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from common import schemas
from common.bigquery.sql import Parameter, Sql, fill, join, table, with_parameters
from common.ga4 import rates
from common.ga4.clicks import PLATFORMS
from common.model.window import Window

STANDARD = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
PROVENANCE = frozenset(
    (
        "person_key client_key definition_version run_id fence row_hash first_seen_at updated_at"
    ).split()
)
"""Columns that follow from the others and from the write itself, and are no reason for one."""
COMPUTED = frozenset(
    [
        "date",
        "value",
        "value_project",
        "exchange_rate",
        "exchange_date",
        "rate_source",
        "normalization_factor",
        "normalization_as_of",
    ]
)
"""Columns that the common last step derives from a candidate."""

LENT = (
    *((f"{platform.name}_click_at", *platform.kinds) for platform in PLATFORMS),
    ("source", "medium", "campaign", "channel_group"),
    ("session_id",),
    ("page_location",),
)
"""Columns that a row takes over together or not at all: two clicks, or two visits, never mix."""


def lent(own: str, other: str) -> dict[str, str]:
    """Column → expression: what the alias `own` knows itself, else what `other` lends it."""
    # outside of the groups: a row of a CRM may say when its click was and not of which platform
    found = {"click_at": f"COALESCE({own}.click_at, {other}.click_at)"}
    for group in LENT:
        known = [f"{own}.{name}" for name in group if not name.endswith("_click_at")]
        is_lent = f"COALESCE({', '.join(known)}) IS NULL"
        for name in group:
            mine = f"{own}.{name}"
            if name.endswith("_click_at"):
                # a click whose own moment is not known has that of the row's click
                mine = f"COALESCE({mine}, {own}.click_at)"
            found[name] = f"IF({is_lent}, {other}.{name}, {mine})"
    return found


REMOVED = {
    "missing_order_id": "It has no order id, and the definition drops such purchases.",
    "duplicate_order": "An earlier purchase has the same order id.",
    "duplicate_session": "An earlier event of the same session counts already.",
    "duplicate_user": "An earlier conversion of the same user counts already.",
    "fully_refunded": "It was refunded in full, and the definition removes such purchases.",
    "unqualified_lead": "The model did not qualify this lead.",
}
"""Why a candidate is no conversion, in words for a person."""


def standard_types() -> dict[str, str]:
    """Column name → GoogleSQL type of everything in a conversion table, in order."""
    types: dict[str, str] = {}
    for column in schemas.load("conversion")["schema"]:
        # the files of schemas spell types as the API does, and statements as SQL does
        given: str = column["type"]
        type_ = STANDARD.get(given, given)
        if column["type"] == "RECORD":
            fields = ", ".join(f"{part['name']} {part['type']}" for part in column["fields"])
            type_ = f"STRUCT<{fields}>"
        types[column["name"]] = f"ARRAY<{type_}>" if column["mode"] == "REPEATED" else type_
    return types


def candidate_columns() -> list[str]:
    """The columns that a kind fills, `net_value` and `removed` last."""
    ours = [name for name in standard_types() if name not in PROVENANCE | COMPUTED]
    return [*ours, "net_value", "removed"]


def candidates(expressions: Mapping[str, str | Sql]) -> Sql:
    """A SELECT list of all candidate columns; those without an expression are NULL or empty.

    Raises KeyError for an expression of a column that no candidate has.
    """
    types = {**standard_types(), "net_value": "FLOAT64", "removed": "STRING"}
    if unknown := set(expressions) - set(candidate_columns()):
        raise KeyError(f"no candidate column: {sorted(unknown)}")
    return join(
        ",\n  ",
        (
            fill(
                "{{ value }} AS {{ name }}",
                value=expressions.get(name, _nothing(types[name])),
                name=name,
            )
            for name in candidate_columns()
        ),
    )


def _nothing(type_: str) -> str:
    return f"CAST({'[]' if type_.startswith('ARRAY') else 'NULL'} AS {type_})"


def chain(steps: list[tuple[str, Sql]], last: Sql) -> Sql:
    """WITH RECURSIVE step, step, ... and the closing SELECT; each step may read those before."""
    named = (fill("{{ name }} AS (\n{{ step }}\n)", name=name, step=step) for name, step in steps)
    # whether a step walks or not: identity and spaced days do, and the word changes nothing for the
    # others
    return fill("WITH RECURSIVE\n{{ steps }}\n{{ last }}", steps=join(",\n", named), last=last)


@dataclass(frozen=True)
class Context:
    """The tables and settings that a kind may read, as quoted names; no clients."""

    stage: Sql
    target: Sql
    raw: Sql
    """Staging table with the rows of the user's own query, for kinds that have one."""
    members: Mapping[str, Sql]
    """Tables of the conversions that this one refers to, by id."""
    identity: Sql
    """The edges of the identity graph: a table, or the query that derives them in brackets."""
    scores: Sql
    rates: Sql
    """A query of day, currency, rate to the project's currency, for every day of the window."""
    window: Window
    timezone: str
    currency: str
    raw_columns: frozenset[str] = frozenset()
    begins: date | None = None
    """The first day that the conversion was ever run for; None before its first run."""
    order_days: tuple[date, ...] | None = None
    """The days on which orders of the window that were seen on several were; None is unknown."""
    is_keyed: bool = False
    """Whether persons of the target are known by their keys alone, which whoever asks fills where
    rows lack them; else by the ids that the key is made of."""

    def on_order_days(self, day: str) -> Sql:
        """AND, and that the expression is such a day: of others no memory of orders is needed."""
        if self.order_days is None:
            return Sql("")
        condition = Sql(f"AND {day} IN UNNEST(@order_days)")
        return with_parameters(condition, order_days=Parameter("ARRAY<DATE>", [*self.order_days]))

    @property
    def dollars(self) -> Sql:
        """A query of day, dollars: US dollars a unit of the project's currency, as GA4 tells."""
        return rates.dollars(self.of_product("ga4_rates"), self.currency)

    def of_product(self, name: str) -> Sql:
        """Another table of the product, which lies in the same dataset as the scores."""
        # so that a context needs no more than the tables that every kind reads
        return table(f"{self.scores.text.strip('`').rsplit('.', 1)[0]}.{name}")
