"""Who stays in an audience: a person is a member as long as any of their conversions is a reason.

Platforms know members by hashed identifiers and not by conversions, so a conversion that leaves
takes out only identifiers that no other conversion of the list holds. Pure but for what one run
remembers of its own decisions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from mmap import mmap

from functions.export.contract.base import Intent
from functions.export.reconcile.delivery_state import Candidate

PART = "\x1f"
"""Parts an identifier from the conversion that holds it."""


class Traces:
    """A set of texts in at most 16 MiB, however many they are (a Bloom filter with two hashes).
    Of three million, 2 in 1,000 others seem to be among them: such a person only waits for the next
    run, whose process hashes otherwise.
    """

    BITS = 27

    def __init__(self) -> None:
        self._bits: mmap | None = None

    def add(self, texts: Iterable[str]) -> None:
        """Put the texts in."""
        if self._bits is None:
            # pages that nothing was written to take no memory
            self._bits = mmap(-1, 1 << (self.BITS - 3))
        bits = self._bits
        for text in texts:
            # as in _places, whose call would cost as much as the rest
            number = hash(text)
            one, other = number & _MASK, number >> Traces.BITS & _MASK
            bits[one >> 3] |= 1 << (one & 7)
            bits[other >> 3] |= 1 << (other & 7)

    def __contains__(self, text: str) -> bool:
        bits = self._bits
        return bits is not None and all(
            bits[place >> 3] & 1 << (place & 7) for place in self._places(text)
        )

    def _places(self, text: str) -> tuple[int, int]:
        number = hash(text)
        return number & _MASK, number >> Traces.BITS & _MASK


_MASK = (1 << Traces.BITS) - 1


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
        if not candidate.members:
            return (), ()
        old = tuple(
            each for each in candidate.members if each not in members and each not in self.joining
        )
        others = identifiers_claimed(self.claimed(candidate)) if old else frozenset()
        return old, tuple(each for each in old if each not in others)

    def decided(self, candidate: Candidate, intent: Intent, members: tuple[str, ...]) -> None:
        """Remember what was decided."""
        if intent.op != "retract":
            self.joining.add(members)
            if not candidate.members:
                return
        holder = f"{self.conversion}/{candidate.conversion_id}"
        if intent.op == "retract":
            self.released.add(holder)
        else:
            old = (each for each in candidate.members if each not in members)
            self.released.update(f"{each}{PART}{holder}" for each in old)


def identifiers_claimed(candidate: Candidate) -> frozenset[str]:
    """Identifiers of the candidate that another conversion holds."""
    return frozenset(claim.partition(PART)[0] for claim in candidate.claims)
