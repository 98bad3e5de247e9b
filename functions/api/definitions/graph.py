"""What holds between conversions: they exist, wait for no circle, count nothing twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from common.catalog.definitions import DefinitionVersion
from common.catalog.soundness import stopped
from common.errors import ConflictError, UserError
from common.kinds.conversion import Conversion

Known = Mapping[str, Conversion]
MAXIMUM_INHERITANCE = 3
"""Steps along which a row may look for its attribution."""


def check(draft: Conversion, definitions: Mapping[str, DefinitionVersion]) -> None:
    """Raise UserError unless the draft fits among the definitions (newest version by id)."""
    _check_references(draft, definitions)
    active = {s.id: s.conversion for s in definitions.values() if _is_readable(s)}
    # a definition that this release cannot read must not keep others from being saved
    known = {**active, draft.id: draft}
    _check_cycle(draft, known)
    _check_inheritance(draft, known)
    _check_prediction(draft, known)
    # all of them: the draft may be a member, deep down, of one that was saved before
    for combined in known.values():
        if combined.members():
            _check_counted_once(combined, known, draft)


def check_archivable(id: str, referring: list[str]) -> None:
    """Raise ConflictError when anything still refers to the conversion."""
    if referring:
        raise ConflictError(
            f"{id!r} is still used by {', '.join(referring)}.",
            code="still_referenced",
            fix="Take it out of them or archive them first.",
        )


def referring(id: str, definitions: Mapping[str, DefinitionVersion]) -> list[str]:
    """Ids of the active definitions that refer to this one."""
    return sorted(
        stored.id
        for stored in definitions.values()
        if _is_readable(stored) and id in stored.conversion.references()
    )


def _is_readable(stored: DefinitionVersion) -> bool:
    return stored.status == "active" and not stored.unreadable


def _check_references(draft: Conversion, definitions: Mapping[str, DefinitionVersion]) -> None:
    waiting = stopped(stored for stored in definitions.values() if stored.status == "active")
    for id in sorted(draft.references() - {draft.id}):
        if id not in definitions:
            # most wrong references are slips of the keyboard
            near = get_close_matches(id, definitions, n=3)
            raise UserError(
                f"{draft.id!r} refers to {id!r}, which does not exist.",
                code="unknown_reference",
                fix=f"Did you mean {' or '.join(near)}?" if near else f"Create {id!r} first.",
                field=draft.named()[id],
            )
        # its table stands still, so that whatever is computed from it would too
        if definitions[id].status == "archived":
            raise UserError(
                f"{draft.id!r} refers to {id!r}, which is archived.",
                code="archived_reference",
                fix=f"Save {id!r} again to bring it back, or refer to another conversion.",
                field=draft.named()[id],
            )
        if definitions[id].unreadable:
            raise UserError(
                f"{draft.id!r} refers to {id!r}, whose definition cannot be read.",
                code="unreadable_reference",
                fix=f"Save {id!r} again in the present form first.",
                field=draft.named()[id],
            )
        # what waits for one that cannot be read would keep the draft waiting as well
        if id in waiting:
            raise UserError(
                f"{draft.id!r} refers to {id!r}, which cannot run. {waiting[id]}",
                code="unreadable_reference",
                fix="Save the one that cannot be read again in the present form first.",
                field=draft.named()[id],
            )


def _check_cycle(draft: Conversion, known: Known) -> None:
    if path := _path_back(draft.id, known):
        raise UserError(
            f"The conversions would wait for each other: {' → '.join(path)}.",
            code="cycle",
            fix=f"Take the reference to {path[1]!r} out of {draft.id!r}.",
            field=draft.named()[path[1]],
        )


def _path_back(id: str, known: Known) -> tuple[str, ...]:
    """The shortest way from a conversion along its references back to itself, or ()."""
    # breadth first, so that the circle named to the user is the shortest one
    paths: deque[tuple[str, ...]] = deque([(id,)])
    visited = {id}
    while paths:
        path = paths.popleft()
        for other in sorted(known[path[-1]].references()) if path[-1] in known else ():
            if other == id:
                return (*path, id)
            if other not in visited:
                visited.add(other)
                paths.append((*path, other))
    return ()


def _check_inheritance(draft: Conversion, known: Known) -> None:
    chain = [draft.id]
    # it ends: the check before this one refused every circle
    while (last := known.get(chain[-1])) and (parent := last.parent()):
        chain.append(parent)
    if len(chain) - 1 > MAXIMUM_INHERITANCE:
        raise UserError(
            f"Attribution would be inherited over {len(chain) - 1} steps: {' → '.join(chain)}.",
            code="inheritance_too_deep",
            fix=f"Inherit it from {chain[MAXIMUM_INHERITANCE]!r} or a conversion nearer to it.",
            field="inherit_attribution_from",
        )


def _check_prediction(draft: Conversion, known: Known) -> None:
    id = _predicted_by(draft)
    if id is None:
        return
    target = known[id]
    if id == draft.id:
        reason = "is the conversion itself"
    elif not target.tells_outcomes:
        reason = f"is a {target.kind} conversion"
    elif target.scoring():
        reason = "has a predicted value itself"
    else:
        return
    raise UserError(
        f"{id!r} cannot be the target of a prediction: it {reason}.",
        code="ineligible_target",
        fix="Choose a custom conversion with user ids and values of its own.",
        field=draft.named()[id],
    )


def _predicted_by(conversion: Conversion | None) -> str | None:
    """The conversion that its values are predicted by."""
    scoring = conversion.scoring() if conversion else None
    return scoring.target if scoring else None


def _check_counted_once(combined: Conversion, known: Known, draft: Conversion) -> None:
    leaves = list(_leaves(combined, known))
    # a conversion within two members brings each of its rows twice, under two ids
    if twice := sorted({id for id in leaves if leaves.count(id) > 1}):
        raise UserError(
            f"{combined.id!r} would count {twice[0]!r} twice, through two of its members.",
            code="counted_twice",
            fix=f"Leave {twice[0]!r} or the member that contains it out.",
            field="conversions" if draft.id == combined.id else None,
        )
    # a prediction is the target's money before it comes: both in one sum count it twice
    for id in leaves:
        target = _predicted_by(known.get(id))
        if target in leaves:
            raise UserError(
                f"{combined.id!r} would count the money of {target!r} twice: once when it"
                f" comes, and once as the prediction in {id!r}.",
                code="counted_twice",
                fix=f"Combine either {id!r} or {target!r}, not both.",
                field="conversions" if draft.id == combined.id else _TARGET,
            )


def _leaves(conversion: Conversion, known: Known) -> Iterator[str]:
    for id in conversion.members():
        member = known.get(id)
        if member and member.members():
            yield from _leaves(member, known)
        else:
            yield id


_TARGET = "predicted_value.target"
