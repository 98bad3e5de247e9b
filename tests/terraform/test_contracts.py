"""The configuration and the code agree on every name that both use."""

from __future__ import annotations

from tests.terraform.contracts import breaches, receivers
from tests.terraform.plans import Plan


def test_production_breaks_no_contract(prod: Plan) -> None:
    assert breaches(prod) == []


def test_development_breaks_no_contract(dev: Plan) -> None:
    assert breaches(dev) == []


def test_a_message_without_a_kind_is_nobodys_task(prod: Plan) -> None:
    assert receivers(prod, "tasks", {}) == []
