"""The rules of a simple conversion one by one, to tell a dropped event which it failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from common.bigquery.sql import Sql, bind, fill, join
from common.kinds.conversion import Conversion
from common.model.filters import All, Any_, Condition, Filter
from common.untyped import Row

IDS = Sql(
    "[event.order_id, event.purchase_id, CONCAT('ga4-', event.event_key),"
    " CONCAT(COALESCE(event.purchase_id, event.order_id), '@', event.client_id)]"
)
"""What a person may call an event by, over the alias `event` of the stage: its order, with the
property or the client where definitions count it so, and the id of an event without any."""


@dataclass(frozen=True)
class Rule:
    """One rule in words, and as a BOOL expression over the alias `event` of the stage."""

    text: str
    sql: Sql


def rules_of(conversion: Conversion) -> list[Rule]:
    """Rule 1 is the event's name; the others are the parts of the filter that must all hold."""
    # sorted, so that a rule is worded the same each time
    names = sorted(conversion.events())
    named = fill("event.event_name IN UNNEST({{ names }})", names=bind(names))
    filters = conversion.event_filter()
    parts = _parts(filters) if filters else ()
    return [
        Rule(f"event is {' or '.join(names)}", named),
        *(Rule(in_words(part), part.sql()) for part in parts),
    ]


def columns(rules: Iterable[Rule]) -> Sql:
    """The columns rule_1, rule_2, ... over the alias `event`: whether it passes each."""
    numbered = enumerate(rules, 1)
    return join(
        ", ",
        (fill("{{ rule }} AS {{ name }}", rule=rule.sql, name=f"rule_{n}") for n, rule in numbered),
    )


def failed(rules: Iterable[Rule], row: Row) -> list[tuple[int, Rule]]:
    """The rules that an event did not pass, with their numbers."""
    return [(n, rule) for n, rule in enumerate(rules, 1) if not row[f"rule_{n}"]]


def in_words(filter: Filter) -> str:
    """A filter as a person says it: transaction_total greater than 100."""
    match filter:
        case All(all=parts):
            return " and ".join(_bracketed(part) for part in parts)
        case Any_(any=parts):
            return " or ".join(_bracketed(part) for part in parts)
        case Condition(dimension=dimension, operator=operator, value=value, products=products):
            # the operators are named so that they read as words
            words = operator.replace("_", " ")
            listed = value if isinstance(value, list) else [value]
            said = ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in listed)
            whose = f"{products} " if dimension.startswith("items.") else ""
            return f"{whose}{dimension} {words}{'' if value is None else f' {said}'}"


def _bracketed(filter: Filter) -> str:
    # brackets as in the form: without them "a and b or c" may mean two things
    text = in_words(filter)
    return text if isinstance(filter, Condition) else f"({text})"


def _parts(filter: Filter) -> Iterator[Filter]:
    # a group that must hold is taken apart, so that the one part that failed can be named
    if isinstance(filter, All):
        for part in filter.all:
            yield from _parts(part)
    else:
        yield filter
