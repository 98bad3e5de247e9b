"""Batches: bad rows alone are refused, waiting is bounded, and silence stops a run."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import RetryableError
from functions.export.contract.base import Built, chunks
from functions.export.send.delivery import CANARIES, Delivery
from functions.export.transport.calls import Answer, Reply, Request, Unanswered
from functions.export.transport.clock import Deadline, Pace
from functions.export.transport.results import Accepted, Cause, Result
from functions.export.transport.retries import LONGEST_WAIT, retry_after, unhappy, wait_before
from tests.destinations.harness import plain, prepare, sample_row
from tests.export.simulation import (
    CONVERSION,
    Carried,
    Google,
    Platform,
    Simulated,
    SimulatedConfig,
    TikTok,
    VirtualClock,
    simulated_config,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Wide(TikTok):
    """Names no bad row, takes 200 at a time."""

    capabilities = replace(TikTok.capabilities, max_batch=200, usual_batch=200)


class Nameless(Google):
    """Accepts without a request id."""

    def read(self, reply: Answer, batch: Sequence[Built]) -> Result:
        result = super().read(reply, batch)
        return replace(result, request_id="") if isinstance(result, Accepted) else result


class OneReason(Platform):
    """Refuses every bad row for the same reason, which the table of codes lists."""

    def why(self, built: Built) -> str:
        return "bad"


class Harness:
    """A platform, a clock, and a delivery that counts its requests."""

    def __init__(self, kind: type[Simulated], poison: set[str], *, seconds: float = 1e6) -> None:
        self.destination = kind(SimulatedConfig(**simulated_config()))
        self.platform = OneReason(kind.capabilities, poison)
        self.clock = VirtualClock()
        self.replies: list[Reply] = []
        self.requests = 0
        self.delivery = Delivery(
            self.destination,
            CONVERSION,
            "run",
            self.send,
            self.clock,
            Deadline(self.clock, seconds),
            random.Random(1),
        )

    def send(self, request: Request) -> Reply:
        self.requests += 1
        if self.replies:
            return self.replies.pop(0)
        assert isinstance(request, Carried)
        return self.platform.take(request.batch, self.clock.time)

    def deliver(self, rows: Sequence[Built]) -> list[str]:
        """States of the rows, in order."""
        return [
            outcome.state
            for batch in chunks(rows, self.destination.batch_size)
            for outcome in self.delivery.deliver(batch)
        ]


def rows(count: int) -> list[Built]:
    return [Built(f"k{number}", (f"k{number}", "create", 1.0), "f") for number in range(count)]


def test_one_bad_row_in_a_thousand_costs_no_other_row_wherever_it_stands() -> None:
    for position in range(0, 1000, 7):
        harness = Harness(Wide, {f"k{position}"})
        states = harness.deliver(rows(1000))
        assert states.count("rejected") == 1
        assert states[position] == "rejected"
        assert len(harness.platform.kept) == 999
        # five batches, canaries, and a search: two halves at each of log2(200) levels
        assert harness.requests <= 5 + CANARIES + 2 * 8


@given(st.sets(st.integers(0, 199), max_size=4))
def test_a_few_bad_rows_of_one_batch_are_all_found(bad: set[int]) -> None:
    harness = Harness(Wide, {f"k{position}" for position in bad})
    states = harness.deliver(rows(200))
    assert {place for place, state in enumerate(states) if state == "rejected"} == bad
    assert len(harness.platform.kept) == 200 - len(bad)


def test_requests_are_distinguished_where_the_platform_gives_no_id() -> None:
    harness = Harness(Nameless, set())
    harness.deliver(rows(7))
    ids = [exchange.request_id for exchange in harness.delivery.exchanges]
    assert len(set(ids)) == len(ids) == 3


def test_where_bad_rows_are_named_two_requests_are_enough() -> None:
    harness = Harness(Google, {"k1"})
    assert harness.deliver(rows(3)) == ["accepted", "rejected", "accepted"]
    assert harness.requests == 2


def test_a_batch_that_is_bad_throughout_is_the_accounts_fault() -> None:
    harness = Harness(Wide, {f"k{number}" for number in range(200)})
    states = harness.deliver(rows(200))
    assert harness.requests == 1 + CANARIES
    assert set(states) == {"retry"}
    assert harness.delivery.stopped == "halted:bad"


class Unlisted(Wide):
    """Refuses for a reason that no table lists."""

    causes: ClassVar[dict[str, Cause]] = {}


class UnlistedGoogle(Google):
    """Names the bad row, and a reason that no table lists."""

    causes: ClassVar[dict[str, Cause]] = {}


def test_an_unknown_refusal_of_one_row_parks_it_and_costs_no_other_one() -> None:
    harness = Harness(Unlisted, {"k7"})
    states = harness.deliver(rows(200))
    assert states[7] == "parked"
    assert states.count("accepted") == 199


@pytest.mark.parametrize("kind", [Unlisted, UnlistedGoogle])
def test_an_unknown_refusal_of_all_rows_halts_and_keeps_them_due(kind: type[Simulated]) -> None:
    size = kind.capabilities.max_batch
    harness = Harness(kind, {f"k{number}" for number in range(size)})
    assert set(harness.deliver(rows(size))) <= {"retry", "parked"}
    assert "rejected" not in harness.deliver(rows(size))


def test_a_refused_row_that_stands_alone_stays_due() -> None:
    harness = Harness(Unlisted, {"k0"})
    assert harness.deliver(rows(1)) == ["retry"]
    assert not harness.delivery.halted


def test_half_of_a_days_rows_refused_for_one_reason_are_the_accounts_fault() -> None:
    harness = Harness(Google, {f"k{number}" for number in (0, 2, 4, 6, 8, 10)})
    states = harness.deliver(rows(12))
    assert harness.delivery.halted
    assert harness.delivery.blamed == {"bad"}
    assert states[-3:] == ["retry"] * 3


def test_behind_a_bad_row_that_waited_for_the_account_no_good_one_waits() -> None:
    harness = Harness(Google, {"k0"})
    harness.delivery.halted_for = {"bad"}
    first, *others = rows(4)
    assert harness.deliver([first]) == ["parked"]
    assert harness.deliver(others) == ["accepted"] * 3


def test_a_row_that_is_refused_alone_is_refused_for_good_once_that_is_its_own_fault() -> None:
    harness = Harness(Google, {"k0"})
    [odd] = rows(1)
    assert harness.deliver([odd]) == ["parked"]
    harness.delivery.at_fault.add(odd.key)
    assert harness.deliver([odd]) == ["rejected"]


@pytest.mark.parametrize("body", [b"<html>502</html>", b"[]", b'{"error":"text"}', b""])
def test_a_proxy_that_refuses_everything_costs_no_row(body: bytes) -> None:
    destination, conversion = plain("meta")
    built = [prepare(destination, conversion, sample_row(id=f"o{n}")) for n in range(8)]
    clock = VirtualClock()
    delivery = Delivery(
        destination,
        conversion,
        "run",
        lambda _: Answer(403, body),
        clock,
        Deadline(clock, 1e6),
        random.Random(1),
    )
    outcomes = delivery.deliver([each for each in built if isinstance(each, Built)])
    assert {outcome.state for outcome in outcomes} == {"retry"}


def test_a_named_row_that_is_not_in_the_batch_is_no_name() -> None:
    harness = Harness(Google, set())
    harness.replies = [Answer(400, b"[7]")]
    assert harness.deliver(rows(2)) == ["accepted", "accepted"]


def test_too_many_requests_waits_as_long_as_asked() -> None:
    harness = Harness(Google, set())
    harness.replies = [Answer(429, b"", {"retry-after": "17"})]
    before = harness.clock.time
    assert harness.deliver(rows(1)) == ["accepted"]
    assert harness.clock.time - before == timedelta(seconds=17)


def test_a_wait_that_is_too_long_is_left_to_the_next_run() -> None:
    harness = Harness(Google, set())
    harness.replies = [Answer(429, b"", {"retry-after": "3600"})]
    assert harness.deliver(rows(1)) == ["retry"]
    assert harness.requests == 1


def test_after_three_batches_without_an_answer_the_platform_is_left_alone() -> None:
    harness = Harness(Google, set())
    harness.replies = [Unanswered("unreachable", reached=False)] * 100
    assert harness.deliver(rows(30)) == ["retry"] * 30
    assert harness.requests == 9
    assert harness.delivery.stopped == "platform_unavailable"


def test_what_may_have_been_taken_stays_in_doubt_though_a_later_try_surely_was_not() -> None:
    harness = Harness(Google, set())
    lost, busy = Unanswered("connection_lost", reached=True), Answer(429, b"")
    harness.replies = [lost, busy, busy]
    assert harness.deliver(rows(1)) == ["unknown"]


def test_when_time_is_up_the_rest_is_surely_not_sent() -> None:
    harness = Harness(Google, set(), seconds=10)
    assert harness.deliver(rows(3)) == ["accepted"] * 3
    harness.clock.sleep(11)
    assert harness.deliver(rows(3)) == ["retry"] * 3
    assert harness.requests == 1


@given(st.floats(0.1, 50), st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_no_second_sees_more_requests_than_the_rate_allows(rate: float, gaps: list[float]) -> None:
    clock = VirtualClock()
    pace = Pace(clock, rate)
    times: list[float] = []
    for gap in gaps:
        clock.sleep(gap)
        pace.wait()
        times.append(clock.elapsed())
    for first in range(len(times)):
        for last in range(first, len(times)):
            span = times[last] - times[first]
            assert last - first + 1 <= max(1.0, rate) + span * rate + 1e-3


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12", 12),
        ("Fri, 20 Nov 2026 12:00:30 GMT", 30),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}, NOW) == seconds


@given(st.integers(0, 20), st.randoms(use_true_random=False))
def test_waiting_unasked_is_bounded_and_random(attempt: int, chance: random.Random) -> None:
    assert 0 <= wait_before(attempt, chance) <= LONGEST_WAIT


@pytest.mark.parametrize("status", [200, 204, 400, 401, 403, 404, 422])
def test_only_what_every_platform_means_alike_is_judged_before_its_body(status: int) -> None:
    assert unhappy(Answer(status, b""), NOW) is None


def test_a_secret_that_cannot_be_fetched_now_halts_nothing() -> None:
    clock = VirtualClock()

    def send(request: Request) -> Reply:
        raise RetryableError("No answer.", code="secrets_unreachable", fix="Wait.")

    destination = Wide(SimulatedConfig(**simulated_config()))
    delivery = Delivery(
        destination, CONVERSION, "r", send, clock, Deadline(clock, 1e6), random.Random(1)
    )
    outcomes = delivery.deliver([Built("k", ("k", "create", 1.0), "f")])
    assert [(each.state, each.reason) for each in outcomes] == [("retry", "secrets_unreachable")]
    assert delivery.halted is None
