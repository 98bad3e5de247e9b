"""No field of a definition is accepted and does nothing: it changes an answer, or is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from common import kinds
from common.bigquery.sql import table
from common.catalog.definitions import DefinitionVersion
from common.kinds import CONVERSION
from common.kinds.candidate.shape import Context
from common.kinds.conversion import Conversion
from common.model.fields import SAVED
from common.model.window import Window

FOR_PEOPLE = ("name", "description")
EVENT = {"dimension": "event", "operator": "equals", "value": "sign_up"}
CRM = {"type": "crm", "crm": "hubspot", "dataset": "my-project.hubspot"}
QUERIES = {"type": "query", "leads_sql": "SELECT 1", "deals_sql": "SELECT 2"}
REACHED = {"column": "status", "values": ["won"]}
STEPS = [{"at_least": 0, "value": 5}, {"at_least": 12.5, "value": 20}]
FULL: dict[str, dict[str, Any]] = {
    "purchase": {
        "kind": "simple", "event_type": "purchase", "refunds": {"days": 20},
        "normalize": {"by": "other"}, "value": {"type": "manual", "amount": 5, "currency": "USD"},
    },
    "event": {
        "kind": "simple", "event_type": "custom_event", "filters": EVENT,
        "deduplicate_by_user": True, "deduplication_days": 3, "value": {"type": "event"},
    },
    "combined": {"kind": "combined", "conversions": ["a", "b"], "deduplication_days": 3},
    "custom": {
        "kind": "custom", "sql": "SELECT 1", "adjustment_days": 3,
        "predicted_value": {"target": "deal", "window_days": 30},
    },
    "leads of a CRM": {
        "kind": "lead_scoring",
        "source": {**CRM, "columns": {"won": REACHED, "lost": REACHED, "value": "amount"}},
        "milestone": {"type": "lead", **REACHED, "at": "since"},
        "lead_filters": [{"column": "country", "operator": "one_of", "values": ["AT"]}],
        "qualification": {"mode": "top_share", "threshold": 0.2},
        "value_map": {"steps": STEPS, "floor": 6, "cap": 19},
    },
    "leads of queries": {"kind": "lead_scoring", "source": QUERIES},
}  # fmt: skip
"""A definition of each kind, with as many of its fields in use as go together."""


def of(definition: dict[str, Any]) -> Conversion:
    return CONVERSION.validate_python({"id": "one", "name": "One", **definition})


def answers(conversion: Conversion) -> dict[str, Any]:
    """What a definition answers to all who ask it: its SQL, and each of its questions."""
    tables: dict[str, Any] = {
        name: table(f"my-project.d.{name}")
        for name in ("stage", "target", "raw", "scores", "rates", "identity")
    }
    context = Context(
        **tables,
        members={id: table(f"my-project.d.{id}") for id in conversion.references()},
        window=Window(date(2026, 11, 1), date(2026, 11, 5)),
        timezone="Europe/Berlin",
        currency="EUR",
    )
    questions = (
        "named members parent events names_events event_filter queries scoring normalization"
        " unit_value silences begins_with_oldest counts_persons tells_persons"
    ).split()
    return {
        "select": kinds.select(conversion, context),
        "open_days": conversion.open_days(lambda member: 4),
        "value_days": conversion.value_days(lambda member: 0),
        **{question: getattr(conversion, question)() for question in questions},
    }


def other_values(field: FieldInfo, value: Any) -> Iterator[Any]:
    """Values that the field may have instead: every choice, or that of its description."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield type(value)(value * 1.5 + 1)
        yield value / 2
    elif choices := [one for one in get_args(field.annotation) if get_origin(one) is Literal]:
        yield from (choice for one in choices for choice in get_args(one))
    elif get_origin(field.annotation) is Literal:
        yield from get_args(field.annotation)
    else:
        yield from field.examples or ()


def changed(model: BaseModel, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each field of the model and of its parts, with each value that it may have instead."""
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if not path and name in (*FOR_PEOPLE, "id", "kind"):
            continue
        yield from (((*path, name), other) for other in other_values(field, value))
        if isinstance(value, BaseModel):
            yield from changed(value, (*path, name))


def with_value(definition: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    name, *rest = path
    inner = with_value(definition.get(name) or {}, tuple(rest), value) if rest else value
    return {**definition, name: inner}


@pytest.mark.parametrize("base", FULL)
def test_no_field_is_accepted_and_does_nothing(base: str) -> None:
    conversion = of(FULL[base])
    before, idle, tried = answers(conversion), set(), 0
    for path, value in changed(conversion):
        try:
            other = of(with_value(FULL[base], path, value))
        except ValidationError:
            continue
        tried += 1
        if other != conversion and answers(other) == before:
            idle.add((".".join(path), str(value)))
    assert not idle
    assert tried


def test_what_an_earlier_release_saved_goes_on() -> None:
    definition = {
        "id": "one", "name": "One", **FULL["event"], "missing_order_id": "drop",
    }  # fmt: skip
    at = datetime(2026, 11, 1, tzinfo=UTC)
    saved = DefinitionVersion(
        "conversion", "one", 1, "simple", "active", definition, "", (), at, None
    )
    assert not saved.unreadable
    with pytest.raises(ValidationError, match="only purchases have order ids"):
        of(definition)


def test_a_currency_that_nobody_uses_is_refused_and_what_was_saved_still_read() -> None:
    worth = {"type": "manual", "amount": 5, "currency": "EUX"}
    definition = {"id": "one", "name": "One", **FULL["purchase"], "value": worth}
    with pytest.raises(ValidationError, match="EUX is no currency of ISO 4217"):
        CONVERSION.validate_python(definition)
    assert CONVERSION.validate_python(definition, context=SAVED)
