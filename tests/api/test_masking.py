"""Values of rows in which people are named: masked for all but operators, at one door."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask, request

from functions.api.main import answer
from functions.api.services import Services
from tests.api.conftest import PURCHASE, House

CANARY = "jane.doe@canary.example"
AT = datetime(2026, 11, 19, 10, tzinfo=UTC)
ASKED = (
    "/conversions/purchase/records",
    f"/conversions/purchase/history?id={CANARY}",
    f"/conversions/purchase/explain?order_id={CANARY}",
    "/dimensions/page_location/values",
)


@pytest.fixture(scope="module")
def shop(open_house: Any) -> House:
    """A shop whose order id and page address name a person."""
    house: House = open_house()
    page = f"https://shop.example/thanks?email={CANARY}"
    house.world.events(
        [{"name": "purchase", "at": AT, "client": "1.1", "order": CANARY, "value": 9, "page": page}]
    )
    house.harness.save(PURCHASE)
    house.world.run(AT.date())
    return house


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("role", ["viewers", "editors", "operators"])
def test_only_operators_see_who_a_row_names(shop: House, role: str, path: str) -> None:
    services = shop.harness.services
    changes: dict[str, Any] = {role: ("domain:shop.example",)}
    settings = services.settings.model_copy(update=changes)
    lower = Services(**{**vars(services), "settings": settings})
    claims = "eyJlbWFpbCI6ICJhQHNob3AuZXhhbXBsZSIsICJoZCI6ICJzaG9wLmV4YW1wbGUifQ"
    headers = {"Authorization": f"Bearer e.{claims}.SIGNATURE_REMOVED_BY_GOOGLE"}
    with Flask("test").test_request_context(path, headers=headers):
        shown = answer(request, lower)
    assert shown.status_code == 200, shown.get_data(as_text=True)
    text = json.dumps(shown.get_json(), ensure_ascii=False)
    assert (CANARY in text) == (role == "operators"), text
    assert "canary" not in text or role == "operators"
