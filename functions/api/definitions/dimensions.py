"""What a filter can ask for: names of dimensions, and the values that they take."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from common.bigquery.sql import Sql, fill, template, with_parameters
from common.ga4 import stage
from common.http.model import Model
from common.http.request import Ask
from common.model import dimensions
from common.model.filters import NEGATIVE_OPERATORS, NUMBER_OPERATORS, TEXT_OPERATORS
from common.model.window import Window
from functions.api.definitions import events
from functions.api.services import Services

STAGE_DAYS = 30
# a choice cannot show more, and a shop may name a parameter by what it holds
MAXIMUM_KEYS = 1000
"""Of parameters, and of user properties: each list has its own."""

Group = Literal["event", "product", "event_params", "user_properties"]


class DimensionsQuery(Model):
    """For which event."""

    event: str = Field(
        "", description="Only parameters that came with this event; any event unless given."
    )


class ValuesQuery(DimensionsQuery):
    """Which values."""

    search: str = Field("", max_length=200, description="Only values that contain this text.")
    limit: int = Field(100, ge=1, le=1000, description="At most so many, the most frequent first.")


class Dimension(Model):
    """Something that a filter can compare."""

    name: str = Field(description="As `dimension` in a filter.")
    title: str
    group: Group
    type: dimensions.Type = Field(description="either: the filter's value decides.")
    operators: list[str]
    events: int | None = Field(
        None, description="How many recent events had it; null for built-in ones."
    )


class Dimensions(Model):
    """All dimensions: built-in, of products, and those that the property's events bring along."""

    dimensions: list[Dimension]


class Value(Model):
    """A value and how often it came."""

    value: str
    events: int


class Values(Model):
    """Values of a dimension, the most frequent first."""

    dimension: str
    values: list[Value]


def list_dimensions(ask: Ask[DimensionsQuery, None], services: Services) -> Dimensions:
    """List what a filter can compare."""
    return Dimensions(dimensions=[*_built_in(), *_seen(ask.query.event, services)])


def list_values(ask: Ask[ValuesQuery, None], services: Services) -> Values:
    """List the values that a dimension takes, with how often they came lately."""
    name = dimensions.checked(ask.path["name"])
    # the stage holds only the events that somebody counts, and a choice needs all
    if name in ("event", "event_action"):
        found = _event_names(ask.query, services)
    else:
        found = _values(name, ask.query, services)
    return Values(dimension=name, values=found)


def operators_of(type_: dimensions.Type) -> list[str]:
    """The operators that fit a dimension of this type."""
    fitting = {
        "text": [*TEXT_OPERATORS],
        "number": [*NUMBER_OPERATORS],
        "either": [*TEXT_OPERATORS, *(set(NUMBER_OPERATORS) - set(TEXT_OPERATORS))],
    }[type_]
    negative = [name for name, positive in NEGATIVE_OPERATORS.items() if positive in fitting]
    return [*sorted(fitting), *negative, "is_missing", "is_present"]


def _built_in() -> list[Dimension]:
    return [
        *(
            _dimension(name, title, "event", type_)
            for name, (type_, _, title) in dimensions.BUILT_IN.items()
        ),
        *(
            _dimension(f"items.{name}", title, "product", type_)
            for name, (type_, title) in dimensions.ITEMS.items()
        ),
    ]


def _dimension(
    name: str, title: str, group: Group, type_: dimensions.Type, events: int | None = None
) -> Dimension:
    return Dimension(
        name=name,
        title=title,
        group=group,
        type=type_,
        operators=operators_of(type_),
        events=events,
    )


def _seen(event: str, services: Services) -> list[Dimension]:
    source = recent(event, services)
    if source is None:
        return []
    sql = template(__file__, events=source)
    rows = services.warehouse.rows(with_parameters(sql, event=event, limit=MAXIMUM_KEYS))
    return [
        _dimension(
            f"{row['list']}.{row['key']}",
            row["key"],
            row["list"],
            # one event with a text is enough: GA4 types each value of a parameter by itself
            "number" if row["events"] == row["numbers"] else "either",
            row["events"],
        )
        for row in rows
    ]


def _event_names(query: ValuesQuery, services: Services) -> list[Value]:
    seen = events.seen(services.warehouse)
    fitting = [name for name in seen if query.search.lower() in name.lower()]
    ordered = sorted(fitting, key=lambda name: (-seen[name], name))
    return [Value(value=name, events=seen[name]) for name in ordered[: query.limit]]


def _values(name: str, query: ValuesQuery, services: Services) -> list[Value]:
    source = recent(query.event, services)
    if source is None:
        return []
    of_products = name.startswith("items.")
    sql = template(
        __file__,
        "dimensions_values",
        value=dimensions.text(name),
        events=source,
        products="CROSS JOIN UNNEST(event.items) AS item" if of_products else "",
    )
    bound = with_parameters(sql, event=query.event, search=query.search, limit=query.limit)
    return [Value(**row) for row in services.warehouse.rows(bound)]


def recent(event: str, services: Services) -> Sql | None:
    """Recent events in the shape of the stage: a table or a query in brackets, with its days bound.

    The stage where it holds the event, else the newest day of the exports; None when there are
    neither.
    """
    newest = events.newest_stage_day(services.warehouse, event)
    if newest is not None:
        window = Window.ending(newest, STAGE_DAYS)
        source = services.warehouse.table("ga4_events")
        return with_parameters(source, start_date=window.start, end_date=window.end)
    last = events.newest_export_day(services.warehouse)
    if last is None:
        return None
    # the scan of an export asks for events by name, so that BigQuery can leave out the others
    names = [event] if event else list(events.seen(services.warehouse))
    # a property's day is not the project's day, so a whole one takes two
    span = stage.Span(Window.ending(last, 2), frozenset(names))
    scan = stage.scan(services.warehouse, span, services.yesterday)
    return fill("({{ scan }})", scan=scan) if scan else None
