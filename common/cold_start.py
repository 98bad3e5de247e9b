"""Garbage is not collected while a function's modules load, for nearly all that they make stays.

Each collection on the way looks through it again for nothing: a twentieth of a cold start. What is
loaded is then put where later collections do not look (https://docs.python.org/3/library/gc.html,
gc.freeze).
"""

from __future__ import annotations

import gc

# an entry point imports this before the modules that it is about
gc.disable()


def loaded() -> None:
    """Collect again from here on; an entry point calls it after its last import."""
    gc.freeze()
    gc.enable()
