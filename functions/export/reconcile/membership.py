"""Who stays in an audience: a person is a member as long as any of their conversions is a reason.

Platforms know members by hashed identifiers and not by conversions, so a conversion that leaves
takes out only identifiers that no other conversion of the list holds. Pure but for what one run
remembers of its own decisions.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from functions.export.contract.base import Intent
from functions.export.reconcile.delivery_state import Candidate

PART = "\x1f"
"""Parts an identifier from the conversion that holds it."""


@dataclass
class Membership:
    """What one run has decided so far about the members of one audience."""

    conversion: str
    released: set[str] = field(default_factory=set)
    """Conversions that leave in this run, so that none of two waits for the other."""
    joining: set[int] = field(default_factory=set)
    """Hashes of identifiers that are sent in this run and are not known to be taken yet: a run may
    bring a million of them, and a false hit only waits for the next run."""

    def claimed(self, candidate: Candidate) -> Candidate:
        """The candidate with the claims that still hold."""
        held = tuple(
            claim for claim in candidate.claims if claim.partition(PART)[2] not in self.released
        )
        return replace(candidate, claims=held) if held != candidate.claims else candidate

    def joins(self, candidate: Candidate) -> bool:
        """Whether the person joins by another conversion in this very run: then it is seen first
        what becomes of that."""
        return any(hash(each) in self.joining for each in candidate.members)

    def outdated(self, candidate: Candidate, members: tuple[str, ...]) -> tuple[str, ...]:
        """Identifiers that were sent of the candidate, are not its own any more, and are no other
        conversion's."""
        old = [each for each in candidate.members if each not in members]
        others = identifiers_claimed(self.claimed(candidate)) if old else frozenset()
        return tuple(each for each in old if each not in others and hash(each) not in self.joining)

    def decided(self, candidate: Candidate, intent: Intent, members: tuple[str, ...]) -> None:
        """Remember what was decided."""
        if intent.op == "retract":
            self.released.add(f"{self.conversion}/{candidate.conversion_id}")
        else:
            self.joining.update(map(hash, members))


def identifiers_claimed(candidate: Candidate) -> frozenset[str]:
    """Identifiers of the candidate that another conversion holds."""
    return frozenset(claim.partition(PART)[0] for claim in candidate.claims)
