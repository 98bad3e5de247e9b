"""The rules of a simple conversion one by one, to tell a dropped event which it failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from common.conversions import Simple
from common.filters import All, Any_, Condition, Filter
from common.sql import Sql, bind, fill, join


@dataclass(frozen=True)
class Rule:
    """One rule in words, and as a BOOL expression over the alias `event` of the stage."""

    text: str
    sql: Sql


def rules_of(conversion: Simple) -> list[Rule]:
    """Rule 1 is the event's name; the others are the parts of the filter that must all hold."""
    names = sorted(conversion.event_names)
    named = fill("event.event_name IN UNNEST({{ names }})", names=bind(names))
    parts = _parts(conversion.filters) if conversion.filters else ()
    return [
        Rule(f"event is {' or '.join(names)}", named),
        *(Rule(in_words(part), part.sql()) for part in parts),
    ]


def passed(rules: Iterable[Rule]) -> Sql:
    """An array of BOOL over the alias `event`: which rules it passes, in order."""
    return fill("[{{ rules }}]", rules=join(", ", (rule.sql for rule in rules)))


def in_words(filter: Filter) -> str:
    """A filter as a person says it: transaction_total greater than 100."""
    match filter:
        case All(all=parts):
            return " and ".join(_bracketed(part) for part in parts)
        case Any_(any=parts):
            return " or ".join(_bracketed(part) for part in parts)
        case Condition(dimension=dimension, operator=operator, value=value, products=products):
            words = operator.replace("_", " ")
            said = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            whose = f"{products} " if dimension.startswith("items.") else ""
            return f"{whose}{dimension} {words}{'' if value is None else f' {said}'}"


def _bracketed(filter: Filter) -> str:
    text = in_words(filter)
    return text if isinstance(filter, Condition) else f"({text})"


def _parts(filter: Filter) -> Iterator[Filter]:
    if isinstance(filter, All):
        for part in filter.all:
            yield from _parts(part)
    else:
        yield filter
