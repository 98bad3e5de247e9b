"""What a definition may say, and how a wrong one is explained."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from common.kinds import CONVERSION
from common.kinds.simple.definition import Simple
from common.model.filters import event_names

LEAD = {"dimension": "event", "operator": "equals", "value": "generate_lead"}


def simple(**changes: Any) -> Any:
    base = {"kind": "simple", "id": "lead", "name": "Lead", "event_type": "custom_event"}
    return CONVERSION.validate_python({**base, "filters": LEAD, **changes})


def fault(**changes: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        simple(**changes)
    return str(refused.value)


def test_an_id_cannot_name_a_table_of_the_product() -> None:
    assert "conversion_changes is a table of the product" in fault(id="changes")


def test_every_field_of_every_form_has_title_description_and_example() -> None:
    schema = CONVERSION.json_schema()
    for name, model in schema["$defs"].items():
        for field, facts in model.get("properties", {}).items():
            assert {"title", "description", "examples"} <= set(facts), f"{name}.{field}"


def test_a_custom_event_needs_its_event_name_in_every_branch() -> None:
    assert "needs its event name" in fault(filters=None)
    other = {"dimension": "country", "operator": "equals", "value": "France"}
    assert "needs its event name" in fault(filters={"any": [LEAD, other]})
    both = simple(filters={"all": [{"any": [LEAD, {**LEAD, "value": "sign_up"}]}, other]})
    assert both.events() == {"generate_lead", "sign_up"}


def test_names_that_contradict_each_other_leave_no_event() -> None:
    assert "needs its event name" in fault(filters={"all": [LEAD, {**LEAD, "value": "other"}]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "Lead"}, "should match pattern"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
        ({"deduplicate_by_user": True}, "go together"),
        ({"deduplication_days": 7}, "go together"),
        ({"refunds": {"days": 30}}, "refunds adjust purchases only"),
        ({"normalize": {"by": "lead"}}, "cannot be normalized by itself"),
        ({"value": {"type": "manual"}}, "Field required"),
        ({"value": {"type": "manual", "amount": -1}}, "greater than or equal to 0"),
        ({"filters": {**LEAD, "dimension": "countri"}}, "did you mean country"),
        ({"filters": {**LEAD, "operator": "greater_than"}}, "compares numbers"),
        ({"filters": {"dimension": "transaction_total", "operator": "contains", "value": "1"}},
         "compares text"),
        ({"filters": {"dimension": "transaction_total", "operator": "equals", "value": "1"}},
         "needs a number"),
        ({"filters": {"dimension": "event_params.plan", "operator": "not_contains", "value": 5}},
         "compares text: put it in quotes"),
        ({"filters": {"dimension": "event_params.paid", "operator": "equals", "value": True}},
         "valid string"),
        ({"filters": {**LEAD, "operator": "one_of"}}, "takes a list"),
        ({"filters": {**LEAD, "operator": "is_present"}}, "takes no value"),
        ({"filters": {"all": []}}, "at least 1 item"),
    ],
)  # fmt: skip
def test_a_wrong_definition_says_what_is_wrong(change: dict[str, Any], message: str) -> None:
    assert message in fault(**change)


def test_the_same_text_comes_back_after_a_round_trip() -> None:
    conversion = simple(value={"type": "manual", "amount": 5})
    assert CONVERSION.validate_python(conversion.model_dump(mode="json")) == conversion


def test_references_name_what_must_run_before() -> None:
    assert simple(normalize={"by": "purchase"}).references() == {"purchase"}
    combined = CONVERSION.validate_python(
        {"kind": "combined", "id": "all", "name": "All", "conversions": ["a", "b"]}
    )
    assert combined.references() == {"a", "b"}


def test_a_purchase_counts_the_purchase_event_whatever_its_filter() -> None:
    purchase = simple(event_type="purchase", filters={**LEAD, "dimension": "country"})
    assert isinstance(purchase, Simple)
    assert purchase.events() == {"purchase"}
    assert purchase.filters is not None
    assert event_names(purchase.filters) is None


def test_an_event_may_have_a_number_for_its_name() -> None:
    for value in (404, 404.0, "404"):
        filters = {"dimension": "event", "operator": "one_of", "value": [value]}
        assert simple(event_type="custom_event", filters=filters).events() == {"404"}
    with pytest.raises(ValidationError, match="finite"):
        simple(filters={**LEAD, "dimension": "transaction_total", "value": float("inf")})
