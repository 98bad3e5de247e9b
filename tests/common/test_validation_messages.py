"""A person is told which field of what was sent is wrong, in plain words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from common.kinds import CONVERSION
from common.model.validation_messages import FieldMessage, messages_of

CONDITION = {"dimension": "event", "operator": "equals", "value": "x"}


def faults(sent: Any) -> list[FieldMessage]:
    with pytest.raises(ValidationError) as refusal:
        CONVERSION.validate_python(sent)
    return messages_of(refusal.value, sent, CONVERSION)


def purchase(**changes: Any) -> dict[str, Any]:
    return {"kind": "simple", "id": "a", "name": "A", "event_type": "purchase", **changes}


def leads(**source: Any) -> dict[str, Any]:
    return {"kind": "lead_scoring", "id": "a", "name": "A", "source": {"type": "crm", **source}}


@pytest.mark.parametrize(
    ("sent", "field", "message"),
    [
        (purchase(nam="B"), "nam", "there is no such field; did you mean name?"),
        (purchase(qqq=1), "qqq", "there is no such field; GET /api/schemas lists them"),
        (
            purchase(operator="is"),
            "operator",
            "there is no such field; GET /api/schemas lists them",
        ),
        (purchase(id="A B"), "id", "must be lower case letters, digits and _"),
        ({"kind": "simple", "id": "a"}, "name", "is missing and required"),
        ({"kind": "simpel"}, "", "'kind' must be one of 'simple', 'combined'"),
        ({"kind": "Simpel"}, "", "; did you mean simple?"),
        (purchase(event_type="purchases"), "event_type", "; did you mean purchase?"),
        (
            purchase(filters={**CONDITION, "operator": "start_with"}),
            "filters.operator",
            "; did you mean starts_with?",
        ),
        ({}, "", "needs the field 'kind'"),
        (
            purchase(filters={"any": [CONDITION, {**CONDITION, "value": {"a": 1}}]}),
            "filters.any.1.value",
            "must be text or a number or a list",
        ),
        # YAML reads a bare true as what it looks like
        (
            purchase(filters={**CONDITION, "value": True}),
            "filters.value",
            "must be text in quotes or a number or a list",
        ),
        (purchase(name=2026), "name", "must be text in quotes"),
        (
            purchase(filters={"all": [{"any": [{**CONDITION, "operatr": 1}]}]}),
            "filters.all.0.any.0.operatr",
            "did you mean operator?",
        ),
        (purchase(value={"type": "manual"}), "value.amount", "is missing and required"),
        (
            leads(crm="hubspot", dataset="hubspot"),
            "source.dataset",
            "must be project.dataset, such as my-project.hubspot",
        ),
        (leads(crm="hubspt", dataset="a.b"), "source.crm", "hubspot"),
        (leads(crm="hubspot"), "source.dataset", "is missing and required"),
    ],
)
def test_a_fault_has_the_senders_path_and_says_what_to_write(
    sent: Any, field: str, message: str
) -> None:
    found = {fault["field"]: fault["message"] for fault in faults(sent)}
    assert message in found[field]


def test_all_wrong_words_of_a_condition_are_told_at_once() -> None:
    wrong = {"dimension": "transaction_totl", "operator": "greater_then", "value": "100"}
    near = {**wrong, "dimension": "transaction_total"}
    found = {
        fault["field"]: fault["message"]
        for fault in faults(purchase(filters={"all": [wrong, near]}))
    }
    assert "did you mean transaction_total" in found["filters.all.0.dimension"]
    assert "did you mean greater_than?" in found["filters.all.0.operator"]
    assert "did you mean greater_than?" in found["filters.all.1.operator"]
    assert "needs a number, not text" in found["filters.all.1.value"]


def test_the_value_that_was_sent_is_never_repeated() -> None:
    sent = purchase(name=["ann@shop.example"], event_type="ann@shop.example")
    assert "ann@shop.example" not in str(faults(sent))


def test_the_schema_of_a_type_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    faults(purchase(nam="B"))
    monkeypatch.delattr(type(CONVERSION), "json_schema")
    assert faults(purchase(nam="B"))[0]["message"].endswith("did you mean name?")
