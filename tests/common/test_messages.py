"""What a person, or a script of theirs, may publish: days that cannot be meant are refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from common.messaging.messages import MESSAGE

REPLAY = {"kind": "replay", "request_id": "r", "destination": "ads", "conversion": "purchase"}


@pytest.mark.parametrize("sent", [{}, REPLAY], ids=["run", "replay"])
@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2026-11-10", "2026-11-01", "swap them"),
        ("0206-11-01", "2026-11-01", "the years 2000 to 2099"),
        ("2026-11-01", "2206-11-01", "the years 2000 to 2099"),
    ],
)
def test_days_that_nobody_means_are_refused(
    sent: dict[str, Any], start: str, end: str, said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        MESSAGE.validate_python({**sent, "start_date": start, "end_date": end})
    assert MESSAGE.validate_python({**sent, "start_date": "2026-11-01", "end_date": "2026-11-01"})
