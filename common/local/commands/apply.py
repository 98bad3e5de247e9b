"""`apply FILE.yaml...`: definitions of files are saved; what is wrong is said of each.

Every definition stands for itself: the good ones are saved, and those that are refused change
nothing. A definition may name another that stands further down or in a later file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from common.local.commands import yaml_files
from common.local.stack.attach import CommandError
from common.untyped import JsonObject

Save = Callable[[JsonObject], JsonObject]
"""What the API answers to a definition; raises CommandError when it refuses it."""


@dataclass(frozen=True)
class Applied:
    """What became of the definitions: the API's answers, and one sentence on each refused."""

    saved: tuple[JsonObject, ...]
    refused: tuple[str, ...]


def apply(paths: Iterable[Path], save: Save) -> Applied:
    """Save the definitions of the files, in their order, until no further one can be saved."""
    unreadable, waiting = _read(paths)
    saved: list[JsonObject] = []
    while True:
        refused: list[tuple[Path, JsonObject, str]] = []
        before = len(saved)
        for path, definition in waiting:
            try:
                saved.append(save(definition))
            except CommandError as error:
                refused.append((path, definition, str(error)))
        waiting = [(path, definition) for path, definition, _ in refused]
        # one that was refused may have waited for one that is saved by now
        if not refused or len(saved) == before:
            break
    reasons = (f"{path}, definition {definition['id']}: {why}" for path, definition, why in refused)
    return Applied(tuple(saved), (*unreadable, *reasons))


def _read(paths: Iterable[Path]) -> tuple[list[str], list[tuple[Path, JsonObject]]]:
    unreadable: list[str] = []
    found: list[tuple[Path, JsonObject]] = []
    for path in paths:
        try:
            found += [(path, definition) for definition in yaml_files.definitions(path)]
        except CommandError as error:
            unreadable.append(str(error))
    return unreadable, found
