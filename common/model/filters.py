"""Filters over GA4 events: an AND/OR tree of conditions that renders itself to GoogleSQL.

Every condition is either true or false, never NULL: a missing value fails each positive operator
and passes its negative twin, which is what "is not" means to a person.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from common.bigquery.sql import Sql, bind, fill, join
from common.model import dimensions

TEXT_OPERATORS = {
    "equals": "{{ left }} = {{ right }}",
    "contains": "STRPOS(LOWER({{ left }}), LOWER({{ right }})) > 0",
    "starts_with": "STARTS_WITH(LOWER({{ left }}), LOWER({{ right }}))",
    "ends_with": "ENDS_WITH(LOWER({{ left }}), LOWER({{ right }}))",
    "matches_regex": "REGEXP_CONTAINS({{ left }}, {{ right }})",
    "one_of": "{{ left }} IN UNNEST({{ right }})",
}
NUMBER_OPERATORS = {
    "equals": "{{ left }} = {{ right }}",
    "greater_than": "{{ left }} > {{ right }}",
    "greater_or_equal": "{{ left }} >= {{ right }}",
    "less_than": "{{ left }} < {{ right }}",
    "less_or_equal": "{{ left }} <= {{ right }}",
    "one_of": "{{ left }} IN UNNEST({{ right }})",
}
NEGATIVE_OPERATORS = {
    "not_equals": "equals",
    "not_contains": "contains",
    "not_starts_with": "starts_with",
    "not_ends_with": "ends_with",
    "not_matches_regex": "matches_regex",
    "not_one_of": "one_of",
}

Operator = Literal[
    "equals",
    "not_equals",
    "contains",
    "not_contains",
    "starts_with",
    "not_starts_with",
    "ends_with",
    "not_ends_with",
    "matches_regex",
    "not_matches_regex",
    "one_of",
    "not_one_of",
    "greater_than",
    "greater_or_equal",
    "less_than",
    "less_or_equal",
    "is_missing",
    "is_present",
]
# true is no 1: GA4 writes it as the text 'true', and a comparison with a number would never hold
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Value = str | Number | list[str] | list[Number] | None


class Condition(BaseModel):
    """One comparison of a dimension or metric with a value."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Condition")

    dimension: str = Field(
        title="Dimension or metric",
        description=(
            "A built-in name such as event, transaction_total or country; event_params.<key>, "
            "user_properties.<key>, or items.<field> for products."
        ),
        examples=["transaction_total", "event_params.plan", "items.item_category"],
    )
    operator: Operator = Field(
        title="Operator",
        description="Negative operators are also true where the value is missing.",
        examples=["greater_than"],
    )
    value: Value = Field(
        None,
        title="Value",
        description="Text or a number; a list for one_of; none for is_missing and is_present.",
        examples=[100],
    )
    products: Literal["any", "all"] = Field(
        "any",
        title="Products",
        description="For items.*: whether any or all products of the event must match.",
        examples=["any"],
    )

    # each field says by itself what is wrong with it, so that two wrong words are told at once
    @field_validator("dimension")
    @classmethod
    def _is_known(cls, name: str) -> str:
        dimensions.type_of(name)
        return name

    @field_validator("value")
    @classmethod
    def _is_number(cls, value: Value, info: ValidationInfo) -> Value:
        name, operator = info.data.get("dimension"), info.data.get("operator")
        # of one that compares text it is said that it does
        if operator and NEGATIVE_OPERATORS.get(operator, operator) not in NUMBER_OPERATORS:
            return value
        is_text = any(isinstance(part, str) for part in _listed(value))
        if name and is_text and dimensions.type_of(name) == "number":
            raise ValueError(f"{name} needs a number, not text")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Condition:
        kind = dimensions.type_of(self.dimension)
        operator = NEGATIVE_OPERATORS.get(self.operator, self.operator)
        # a value here would be kept, shown and never compared
        if operator in ("is_missing", "is_present"):
            if self.value is not None:
                raise ValueError(f"{self.operator} takes no value")
            return self
        if kind == "number" and operator not in NUMBER_OPERATORS:
            raise ValueError(f"{self.dimension} is a number; {self.operator} compares text")
        if kind == "text" and operator not in TEXT_OPERATORS:
            raise ValueError(f"{self.dimension} is text; {self.operator} compares numbers")
        if (operator == "one_of") != isinstance(self.value, list):
            raise ValueError(
                f"{self.operator} takes {'a list' if operator == 'one_of' else 'one value'}"
            )
        if self.value is None or self.value == []:
            raise ValueError(f"{self.operator} needs a value")
        numeric = not any(isinstance(part, str) for part in _listed(self.value))
        if not numeric and operator not in TEXT_OPERATORS:
            raise ValueError(f"{self.operator} on {self.dimension} needs a number, not text")
        if numeric and operator not in NUMBER_OPERATORS:
            raise ValueError(f'{self.operator} compares text: put it in quotes, such as "5"')
        return self

    def sql(self) -> Sql:
        """A BOOL expression over the alias `event` of the stage, never NULL."""
        if self.dimension.startswith("items."):
            return self._over_items()
        return self._compare(dimensions.text(self.dimension), dimensions.number(self.dimension))

    def _over_items(self) -> Sql:
        test = self._compare(dimensions.text(self.dimension), dimensions.number(self.dimension))
        if self.products == "any":
            return fill(
                "EXISTS (SELECT 1 FROM UNNEST(event.items) AS item WHERE {{ test }})", test=test
            )
        return fill(
            # of an event without products all products would match
            "(ARRAY_LENGTH(event.items) > 0 AND NOT EXISTS ("
            "SELECT 1 FROM UNNEST(event.items) AS item WHERE NOT {{ test }}))",
            test=test,
        )

    def _compare(self, text: Sql, number: Sql) -> Sql:
        if self.operator == "is_missing":
            return fill("{{ left }} IS NULL", left=text)
        if self.operator == "is_present":
            return fill("{{ left }} IS NOT NULL", left=text)
        positive = NEGATIVE_OPERATORS.get(self.operator, self.operator)
        compared = _comparison(positive, self.value, text, number)
        if positive != self.operator:
            return fill("NOT COALESCE({{ test }}, FALSE)", test=compared)
        return fill("COALESCE({{ test }}, FALSE)", test=compared)


class All(BaseModel):
    """True when every part is true."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="All of")

    all: list[Filter] = Field(
        min_length=1,
        max_length=100,
        title="All of",
        description="Conditions or groups that must all hold.",
        examples=[[{"dimension": "event", "operator": "equals", "value": "generate_lead"}]],
    )

    def sql(self) -> Sql:
        """The parts joined by AND, in brackets."""
        return fill("({{ parts }})", parts=join(" AND ", (part.sql() for part in self.all)))


class Any_(BaseModel):
    """True when at least one part is true."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Any of")

    any: list[Filter] = Field(
        min_length=1,
        max_length=100,
        title="Any of",
        description="Conditions or groups of which at least one must hold.",
        examples=[[{"dimension": "country", "operator": "equals", "value": "France"}]],
    )

    def sql(self) -> Sql:
        """The parts joined by OR, in brackets."""
        return fill("({{ parts }})", parts=join(" OR ", (part.sql() for part in self.any)))


def _shape(value: Any) -> str:
    # what is no object at all is refused as a condition would be
    names = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    return next((shape for shape in ("all", "any") if shape in names), "condition")


Filter = Annotated[
    Annotated[All, Tag("all")]
    | Annotated[Any_, Tag("any")]
    | Annotated[Condition, Tag("condition")],
    Discriminator(_shape),
]
All.model_rebuild()
Any_.model_rebuild()


def event_names(filter: Filter) -> frozenset[str] | None:
    """The event names that can pass the filter, or None when it does not limit them."""
    if isinstance(filter, Condition):
        pinned = filter.dimension in ("event", "event_action") and filter.operator in (
            "equals",
            "one_of",
        )
        # a prefix or a pattern limits them too, but names none that a stage could be filled with
        return frozenset(map(_name, _listed(filter.value))) if pinned else None
    if isinstance(filter, All):
        limits = [names for part in filter.all if (names := event_names(part)) is not None]
        # an event has one name, so each part limits it further
        return frozenset.intersection(*limits) if limits else None
    branches = [event_names(part) for part in filter.any]
    limited = [names for names in branches if names is not None]
    # one branch without a name lets any event in
    return frozenset.union(*limited) if len(limited) == len(branches) else None


def _name(value: str | float) -> str:
    # an event called 404 may have been sent as a number
    return value if isinstance(value, str) else f"{value:.17g}"


def _comparison(operator: str, value: Value, text: Sql, number: Sql) -> Sql:
    numeric = not any(isinstance(part, str) for part in _listed(value))
    # the value decides and not the dimension: a parameter's type is known per event only
    shape = (NUMBER_OPERATORS if numeric else TEXT_OPERATORS)[operator]
    if isinstance(value, list):
        right = bind(value, "ARRAY<FLOAT64>" if numeric else "ARRAY<STRING>")
    else:
        right = bind(value, "FLOAT64" if numeric else "STRING")
    return fill(shape, left=number if numeric else text, right=right)


def _listed(value: Value) -> list[Any]:
    return value if isinstance(value, list) else [value]
