"""What must hold of every plan, whoever changes the configuration: a policy yields violations."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.terraform.plans import Plan
from tests.terraform.policies import access, data, messages, watch

Policy = Callable[[Plan], Iterator[str]]

POLICIES: tuple[Policy, ...] = (
    *access.POLICIES,
    *messages.POLICIES,
    *data.POLICIES,
    *watch.POLICIES,
)


def violations(plan: Plan) -> list[str]:
    """Every violation of every policy, each with the policy's name."""
    return [f"{policy.__name__}: {found}" for policy in POLICIES for found in policy(plan)]
