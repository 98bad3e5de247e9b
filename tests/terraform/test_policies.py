"""The example environments keep every policy, and grant exactly what was reviewed."""

from __future__ import annotations

from tests.terraform.grants import unreviewed
from tests.terraform.plans import Plan
from tests.terraform.policies import violations


def test_production_keeps_every_policy(prod: Plan) -> None:
    assert violations(prod) == []


def test_development_keeps_every_policy(dev: Plan) -> None:
    assert violations(dev) == []


def test_production_grants_exactly_what_was_reviewed(prod: Plan) -> None:
    assert unreviewed(prod) == []
