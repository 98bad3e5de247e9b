"""The one way in which a patch meets the emulator's insides: by names that must exist."""

from __future__ import annotations

from typing import Any


def private(owner: object, name: str) -> Any:
    """What the name means in the pinned version; raises AttributeError when it is gone."""
    return getattr(owner, name)


def replace(owner: object, name: str, replacement: object) -> Any:
    """What the name meant before it got its new meaning; raises AttributeError likewise."""
    before = private(owner, name)
    setattr(owner, name, replacement)
    return before
