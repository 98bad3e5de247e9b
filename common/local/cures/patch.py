"""The one way in which a cure changes the emulator: a name that must exist is given a new value."""

from __future__ import annotations

from typing import Any


def replace(owner: object, name: str, replacement: object) -> Any:
    """What the name meant before; raises AttributeError when the pinned version lacks it."""
    before = getattr(owner, name)
    setattr(owner, name, replacement)
    return before
