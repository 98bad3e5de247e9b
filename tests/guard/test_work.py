"""Whatever a text looks like, the largest of its shape that is read is bounded work."""

from __future__ import annotations

from common.guard.judge import judge
from common.guard.reading import lexer, nesting
from common.guard.reading.text import Source
from tests.bench.guard import side_by_side
from tests.guard.corpus import SCOPE
from tests.guard.work import work

WORDS = 100
MAXIMUM_CALLS = 12_000_000
"""What a processor of 2025 makes in about a second, in pure Python."""


def test_the_largest_text_of_each_shape_takes_a_bounded_number_of_calls() -> None:
    """A shape repeated twice as often is twice the work, and longer ones are refused in time."""
    once, twice = (dict(side_by_side(words)) for words in (WORDS, 2 * WORDS))
    small, large = (
        dict(zip(texts, work([*texts.values()]), strict=True)) for texts in (once, twice)
    )
    for name, sql in twice.items():
        tokens, _ = lexer.tokens(Source(sql))
        counted = sum(nesting.works(tokens)) << (sql.count("JOIN crm.p ") if "bare" in name else 0)
        longest = min(lexer.MAXIMUM_TOKENS, nesting.MAXIMUM_WORK * len(tokens) // counted)
        assert large[name] / len(tokens) * longest < MAXIMUM_CALLS, name
        words = len(lexer.tokens(Source(once[name]))[0])
        assert large[name] / len(tokens) < 1.3 * small[name] / words, name


def test_what_nests_too_much_for_its_length_is_refused_with_its_true_reason() -> None:
    for name, sql in side_by_side(lexer.MAXIMUM_TOKENS - 1_000):
        if name in ("structs x 8", "derived x 15 in FROM", "3 bare joins"):
            (finding,) = judge(sql, SCOPE).findings
            assert finding.code == "too_deep"
