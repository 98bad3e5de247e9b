"""Every case folder: rows become exactly these requests, and the platform holds exactly this."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from common.local.platforms.standin import StandIn
from functions.export.contract.base import Built, chunks
from tests.destinations.harness import cases, destination_of, load, prepare, row_of, shown, world
from tests.expected import Expected


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.parent.name}/{case.name}")
def test_a_case_is_mapped_sent_and_kept_as_expected(case: Path, expecting: Expected) -> None:
    expecting.json(case / "expect.json", outcome_of(case))


def outcome_of(case: Path) -> dict[str, Any]:
    """What happens to the folder's rows, sent over the real wire, one operation after another."""
    destination = destination_of(case)
    conversion = destination.config.conversions[0].conversion
    verdicts: list[str] = []
    by_op: dict[str, list[Built]] = {}
    for step in load(case / "rows.json"):
        op = step.get("op", "create")
        built = prepare(destination, conversion, row_of(step["row"]), op)
        verdicts.append(built if isinstance(built, str) else op)
        if isinstance(built, Built):
            by_op.setdefault(op, []).append(built)
    with world() as earth:
        delivery = earth.delivery(destination, conversion)
        sent = []
        for rows in by_op.values():
            for batch in chunks(rows, destination.batch_size):
                request = destination.request(conversion, batch)
                assert {each.state for each in delivery.deliver(batch)} == {"accepted"}
                sent.append(shown(request))
        held = kept(earth.platform_of(request))
    return {"verdicts": verdicts, "requests": sent, "held": held}


def kept(platform: StandIn) -> list[Any]:
    """What a stand-in keeps, in order: conversions, or members of an audience."""
    members = getattr(platform, "members", None)
    if members:
        return sorted("/".join(key) if isinstance(key, tuple) else key for key in members)
    return [
        {"key": list(held.key), "value": held.value, "currency": held.currency}
        for held in platform.held.values()
    ]
