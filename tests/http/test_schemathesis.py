"""schemathesis asks all three interfaces a little of anything; `make fuzz-api` asks a lot."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.http.fuzz import NAMES, Answer, answers, judged, served


@pytest.fixture(scope="module")
def functions() -> Iterator[dict[str, Answer]]:
    with answers() as opened:
        yield opened


@pytest.mark.parametrize("name", NAMES)
def test_no_answer_breaks_its_document(functions: dict[str, Answer], name: str) -> None:
    with served(functions[name]) as address:
        well, words = judged(address, name, examples=1, seed=7, phases="fuzzing")
    assert well, words
