"""People who stay in a list that a destination fills no more, because nobody takes them out."""

from __future__ import annotations

from typing import Any

from functions.export.contract.base import Destination, Problem
from functions.export.frontend.advice import accounts
from functions.export.send import incidents
from functions.export.services import Connection, has_table


def left_behind(before: Connection, after: Destination[Any] | None) -> list[Problem]:
    """What to know of lists that the version before filled and the new one, None when the
    destination is archived, neither fills nor leaves; each is an incident too, so that it is not
    known to the one person alone who saved it."""
    if not before.destination.capabilities.audience:
        return []
    kept = {account for each in after.mapped for account in accounts(after, each)} if after else ()
    found = [
        (_stay(before, after, conversion, people), conversion)
        for conversion in before.conversions
        if not before.destination.lacks_audience(conversion)
        and before.destination.account(conversion) not in kept
        and (people := _held(before, conversion))
    ]
    for each, conversion in found:
        incidents.incident(
            before.services,
            each.code,
            each.severity,
            f"{before.id}/{conversion}",
            "",
            each.message,
            each.fix,
        )
    return [each for each, _ in found]


def _held(found: Connection, conversion: str) -> int:
    """How many conversions put somebody into the list who is still there."""
    if not has_table(found, conversion):
        return 0
    return found.ledger(found.scope(conversion, "behind", 0)).census().held


def _is_reached(before: Connection, after: Destination[Any] | None, conversion: str) -> bool:
    """Whether the new version can take people out of the list, if it names it."""
    if after is None or conversion not in after.mapped:
        return True
    if after.kind != before.destination.kind:
        return False
    account = after.at_list(conversion, _list_of(before, conversion)).account(conversion)
    return account == before.destination.account(conversion)


def _list_of(found: Connection, conversion: str) -> str:
    id: str = getattr(found.destination.mapped[conversion], found.destination.audience_field)
    return id


def _stay(
    before: Connection, after: Destination[Any] | None, conversion: str, held: int
) -> Problem:
    list, is_reached = _list_of(before, conversion), _is_reached(before, after, conversion)
    still_sent = is_reached and after is not None and conversion in after.mapped
    who = "but for" if still_sent else "also"
    where = "" if is_reached else "with the account that it had before, "
    return Problem(
        "people_stay",
        f"{held:,} conversions of {conversion!r} have put people into {list}, which {before.id!r} "
        f"fills no more; they stay there, {who} those who ask to be forgotten.",
        f"To take them out, save the destination {where}so that {conversion!r} leaves {list}: name "
        "it among the lists to leave, with or without another list to fill. To keep them there, do "
        "nothing and resolve this.",
        "warning",
    )
