"""`apply FILE.yaml...`: definitions of files are saved; what is wrong is said of each.

Every definition stands for itself: the good ones are saved, and those that are refused change
nothing, as do several of one id. A definition may name another that stands further down or in a
later file.
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
    unreadable, found = _read(paths)
    twice, waiting = _apart(found)
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
    return Applied(tuple(saved), (*unreadable, *twice, *reasons))


Found = tuple[Path, JsonObject]
"""A definition with the file that it stands in."""


def _apart(found: list[Found]) -> tuple[list[str], list[Found]]:
    """One sentence on each definition whose id another one has, and all the others."""
    versions: dict[str, list[Found]] = {}
    for path, definition in found:
        known = versions.setdefault(definition["id"], [])
        # a file that is named twice says the same twice
        if all(definition != other for _, other in known):
            known.append((path, definition))
    # nobody knows which of them is meant, and the last one saved would take the place of the first
    refused = [
        f"{path}, definition {id}: {len(listed)} definitions have this id, and none is saved; give "
        "each an id of its own, or delete all but one."
        for id, listed in versions.items()
        if len(listed) > 1
        for path, _ in listed
    ]
    return refused, [listed[0] for listed in versions.values() if len(listed) == 1]


def _read(paths: Iterable[Path]) -> tuple[list[str], list[Found]]:
    unreadable: list[str] = []
    found: list[Found] = []
    for path in paths:
        try:
            found += [(path, definition) for definition in yaml_files.definitions(path)]
        except CommandError as error:
            unreadable.append(str(error))
    return unreadable, found
