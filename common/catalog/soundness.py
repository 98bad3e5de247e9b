"""Which definitions can run: one that cannot must never stop the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from common.catalog.definitions import DefinitionVersion


def sound(active: Iterable[DefinitionVersion]) -> list[DefinitionVersion]:
    """Those of the active definitions that can be read, and all that they refer to can be too."""
    listed = list(active)
    broken = stopped(listed)
    return [stored for stored in listed if stored.id not in broken]


def stopped(active: Iterable[DefinitionVersion]) -> dict[str, str]:
    """Id → why it cannot run, of the active definitions that cannot."""
    listed = {stored.id: stored for stored in active}
    needed = {
        id: stored.conversion.references() for id, stored in listed.items() if not stored.unreadable
    }
    # from the bottom up: a circle, which may lie in the table, never becomes runnable
    runnable: set[str] = set()
    while grown := {id for id, others in needed.items() if others <= runnable} - runnable:
        runnable |= grown
    return {
        id: stored.unreadable or _why(needed[id], runnable, listed)
        for id, stored in sorted(listed.items())
        if id not in runnable
    }


def _why(
    references: frozenset[str], runnable: set[str], listed: Mapping[str, DefinitionVersion]
) -> str:
    missing = sorted(references - set(listed))
    if missing:
        return f"It refers to {missing[0]!r}, which is not active."
    unreadable = sorted(id for id in references - runnable if listed[id].unreadable)
    if unreadable:
        return f"It refers to {unreadable[0]!r}, whose definition cannot be read."
    waits = sorted(references - runnable)
    return f"It refers to {waits[0]!r}, which cannot run either."
