"""Shops of a few sizes; drawing one takes about as long as reading it."""

from __future__ import annotations

from datetime import date

import pytest

from common.local.shop.shop import Shop, generate

START = date(2026, 3, 1)


@pytest.fixture(scope="session")
def shop() -> Shop:
    """Five weeks with both changes to summer time, and half a year of leads."""
    return generate(seed=5, start=START, visits_per_day=90, crm_days=180, leads_per_day=8)


@pytest.fixture(scope="session")
def tokyo() -> Shop:
    """A property whose days begin seven hours before the project's."""
    return generate(
        seed=6,
        start=START,
        days=9,
        visits_per_day=80,
        property_time_zone="Asia/Tokyo",
        crm_days=30,
    )
