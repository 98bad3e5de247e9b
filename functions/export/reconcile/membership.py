"""Who stays in an audience: a person is a member as long as any of their conversions is a reason.

Platforms know members by hashed identifiers and not by conversions, so a conversion that leaves
takes out only identifiers that no other conversion of the list holds. Pure but for what one run
remembers of its own decisions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import combinations
from mmap import mmap

from functions.export.contract.base import Intent
from functions.export.reconcile.delivery_state import Candidate

PART = "\x1f"
"""Parts an identifier from the conversion that holds it."""


class Traces:
    """A set of texts in at most 16 MiB, however many they are (a blocked Bloom filter: three bits
    in one of 2^22 words). Of three million, 1 in 1,000 others seem to be among them: such a person
    only waits for the next run, whose process hashes otherwise.
    """

    def __init__(self) -> None:
        self._words: memoryview | None = None

    def add(self, texts: Iterable[str]) -> None:
        """Put the texts in."""
        if self._words is None:
            # pages that nothing was written to take no memory
            self._words = memoryview(mmap(-1, 4 << _WORD_BITS)).cast("I")
        words, patterns = self._words, _patterns()
        for text in texts:
            number = hash(text)
            words[number & _WORDS] |= patterns[(number >> _WORD_BITS) % _PATTERNS]

    def __contains__(self, text: str) -> bool:
        words, number = self._words, hash(text)
        if words is None:
            return False
        pattern = _patterns()[(number >> _WORD_BITS) % _PATTERNS]
        return words[number & _WORDS] & pattern == pattern


_WORD_BITS = 22
_WORDS = (1 << _WORD_BITS) - 1
_PATTERNS = 4960
"""Ways to set three bits of 32."""


@cache
def _patterns() -> list[int]:
    return [1 << one | 1 << two | 1 << three for one, two, three in combinations(range(32), 3)]


@dataclass
class Membership:
    """What one run has decided so far about the members of one audience."""

    conversion: str
    released: set[str] = field(default_factory=set)
    """Conversions that leave in this run, and claims on addresses that people no longer have, so
    that none of two waits for the other."""
    joining: Traces = field(default_factory=Traces)
    """Identifiers that are sent in this run and are not known to be taken yet."""

    def claimed(self, candidate: Candidate) -> Candidate:
        """The candidate with the claims that still hold."""
        if not candidate.claims:
            return candidate
        held = tuple(
            claim
            for claim in candidate.claims
            if claim not in self.released and claim.partition(PART)[2] not in self.released
        )
        return replace(candidate, claims=held) if held != candidate.claims else candidate

    def joins(self, candidate: Candidate) -> bool:
        """Whether the person joins by another conversion in this very run: then it is seen first
        what becomes of that."""
        return any(each in self.joining for each in candidate.members)

    def outdated(
        self, candidate: Candidate, members: tuple[str, ...]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Identifiers that were sent of the candidate and are not its own any more: all of them but
        those of whom it must first be seen whether they join, and those among them that have to
        leave because no other conversion holds them."""
        old = tuple(
            each for each in candidate.members if each not in members and each not in self.joining
        )
        others = identifiers_claimed(self.claimed(candidate)) if old else frozenset()
        return old, tuple(each for each in old if each not in others)

    def decided(self, candidate: Candidate, intent: Intent, members: tuple[str, ...]) -> None:
        """Remember what was decided."""
        holder = f"{self.conversion}/{candidate.conversion_id}"
        if intent.op == "retract":
            self.released.add(holder)
            return
        self.joining.add(members)
        old = (each for each in candidate.members if each not in members)
        self.released.update(f"{each}{PART}{holder}" for each in old)


def identifiers_claimed(candidate: Candidate) -> frozenset[str]:
    """Identifiers of the candidate that another conversion holds."""
    return frozenset(claim.partition(PART)[0] for claim in candidate.claims)
