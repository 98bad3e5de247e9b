"""Custom conversions: the rows of the user's own query, brought into the shape of a candidate."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from common.bigquery.sql import Sql, bind, fill, identifier, template
from common.ga4 import clicks
from common.kinds.candidate import money
from common.kinds.candidate.shape import Context, candidates, chain, lent, standard_types
from common.model import placeholders
from common.model.contract import contract

if TYPE_CHECKING:
    from common.kinds.custom.definition import Custom

PLACEHOLDERS: dict[Callable[[str | Sql], Sql], tuple[str, ...]] = {
    placeholders.somebody: ("client_id", "user_id", "lead_id", "order_id"),
    placeholders.click: (*clicks.TAKEN, "fbc", "fbp", "ttp"),
    placeholders.source: ("source", "medium", "campaign"),
    placeholders.something: (
        "country", "region", "city", "postal_code", "first_name", "last_name", "email", "phone",
    ),
}  # fmt: skip
"""How a text that stands for nothing is recognised, column by column."""

INHERITED = ("client_id user_id fbc fbp ttp").split()
"""What a row takes from its lead when it has none of its own, beside clicks and the visit."""


def select(conversion: Custom, context: Context) -> Sql:
    """The query's rows, each as a candidate; broken ones are judged by the common last step."""
    steps = [("answered", _answered(context))]
    if conversion.inherit_attribution_from:
        parent = context.members[conversion.inherit_attribution_from]
        steps.append(("inherited", _inherited(parent)))
    if conversion.predicted_value:
        scores = template(
            __file__,
            "custom_predicted",
            previous=steps[-1][0],
            scores=context.scores,
            conversion=bind(conversion.id),
            own=bind(context.currency),
        )
        steps.append(("predicted", scores))
    last = fill("SELECT last.* EXCEPT (event_key) FROM {{ last }} AS last", last=steps[-1][0])
    return chain(steps, last)


def _answered(context: Context) -> Sql:
    types = standard_types()
    columns: dict[str, str | Sql] = {}
    for column in contract().columns:
        name = column.name
        if name in context.raw_columns:
            columns[name] = _PARAMS if name == "params" else _cast(name, types[name])
        elif "params" in context.raw_columns and column.group == "identifier":
            columns[name] = _from_params(name, types[name])
    # what the contract calls value is the gross and the net one of a candidate
    value = columns.pop("value", "CAST(NULL AS FLOAT64)")
    currency = columns.get("currency", "CAST(NULL AS STRING)")
    code = fill(
        # no currency is the project's; one that cannot be read is nobody's, for 100 JPY taken as
        # 100 EUR would be sent to bidding
        "COALESCE(UPPER({{ currency }}), {{ own }})",
        currency=placeholders.something(currency),
        own=bind(context.currency),
    )
    columns |= {
        "value_gross": money.value(value),
        "net_value": money.value(value),
        "value_kind": fill("IF({{ value }} IS NULL, 'none', 'actual')", value=money.value(value)),
        "currency": money.currency(code),
        "value_problem": money.problem(value, code),
    }
    columns |= {
        name: read(columns[name])
        for read, names in PLACEHOLDERS.items()
        for name in names
        if name in columns
    }
    # a query without the column says that every row is qualified
    columns.setdefault("is_qualified", "TRUE")
    return template(__file__, columns=candidates(columns), raw=context.raw)


def _cast(name: str, type_: str) -> Sql:
    return fill("CAST(answer.{{ name }} AS {{ type }})", name=identifier(name), type=type_)


_PARAMS = """ARRAY(
    SELECT AS STRUCT parameter.key AS key, parameter.value AS value
    FROM UNNEST(answer.params) AS parameter WITH OFFSET AS position
    WHERE
      parameter.key IS NOT NULL
      AND parameter.value IS NOT NULL
      -- of a key that is there twice the first one counts
      AND NOT EXISTS (
        SELECT 1
        FROM UNNEST(answer.params) AS earlier WITH OFFSET AS place
        WHERE earlier.key = parameter.key AND earlier.value IS NOT NULL AND place < position
      )
    ORDER BY position
  )"""


def _from_params(name: str, type_: str) -> Sql:
    return fill(
        "(SELECT SAFE_CAST(parameter.value AS {{ type }}) FROM UNNEST(answer.params) AS parameter"
        " WITH OFFSET AS position WHERE parameter.key = {{ key }} AND parameter.value IS NOT NULL"
        " ORDER BY position LIMIT 1)",
        key=bind(name),
        type=type_,
    )


def _inherited(parent: Sql) -> Sql:
    taken = {name: f"COALESCE(previous.{name}, lead.{name})" for name in INHERITED}
    taken |= lent("previous", "lead")
    replaced = ",\n    ".join(f"{value} AS {name}" for name, value in taken.items())
    return template(__file__, "custom_inherited", replaced=replaced, parent=parent)
