"""Two, three and ten instances of every function: messages end, and each conversion counts once."""

from __future__ import annotations

import pytest

from tests.local.instances import simulate

CONVERSIONS = 4


@pytest.mark.parametrize("instances", [2, 3, 10])
def test_messages_end_and_nothing_is_delivered_twice(instances: int) -> None:
    result = simulate(CONVERSIONS, instances, seed=instances)
    assert result.outcome.dead == []
    # where few instances are, some messages find none and come again
    assert (result.outcome.refused > 0) == (instances < 10)
    assert result.outcome.most_at_once > 1
    assert result.outcome.published.total() <= 3 * result.tasks
    assert result.outcome.pushes <= 3 * result.tasks
    assert result.deliveries == [1] * result.tasks
    for states in result.states.values():
        assert list(states.values()) == ["accepted"] * CONVERSIONS
