"""What to tell people about a destination before anything is sent. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from common.kinds.conversion import Conversion
from functions.export.contract.base import Destination, Problem

NOT_IN_GA4 = frozenset({"user_agent", "ip_address", "email", "phone"})
"""Columns that no row of GA4's export has.
Source: support.google.com/analytics/answer/7029846 (the export's schema)."""


def advice(destination: Destination[Any], known: Mapping[str, Conversion]) -> list[Problem]:
    """Conversions that do not exist, and adjustment windows that the platform cannot honour.

    `known` maps ids of active conversions to their definitions.
    """
    return [
        problem
        for each in destination.config.conversions
        for problem in _about(destination, each.conversion, known)
    ]


def twice(destination: Destination[Any], others: Iterable[Destination[Any]]) -> list[Problem]:
    """Conversions that another live destination sends to the same account already, and audiences
    that another one fills: it would take out whom this one has put in."""
    if destination.config.mode == "paused":
        return []
    return [
        Problem(
            "sent_by_another",
            f"{other.config.id!r} sends {theirs!r} to {account} already; two "
            "ledgers of one account contradict each other.",
            f"Take {theirs!r} out of one of them, or pause {other.config.id!r} first.",
        )
        for other in others
        if other.kind == destination.kind
        for own in destination.mapped
        for account in accounts(destination, own)
        for theirs in other.mapped
        if (destination.capabilities.audience or theirs == own) and other.account(theirs) == account
    ]


def accounts(destination: Destination[Any], conversion: str) -> Iterator[str]:
    """Where the destination puts people in or takes them out for a conversion."""
    if not destination.lacks_audience(conversion):
        yield destination.account(conversion)
    for each in left(destination, conversion):
        yield destination.at_list(conversion, each).account(conversion)


def left(destination: Destination[Any], conversion: str) -> Sequence[str]:
    """Lists that the config lets the people of a conversion leave."""
    leaves: Sequence[str] = getattr(destination.mapped[conversion], "leaves", ())
    return leaves


def value_days(id: str, known: Mapping[str, Conversion]) -> int:
    """For how many days after a conversion its value may still change; 0 is never."""
    return known[id].value_days(lambda member: value_days(member, known)) if id in known else 0


def is_measured(id: str, known: Mapping[str, Conversion]) -> bool:
    """Whether all of its rows come from GA4's export."""
    return id not in known or known[id].is_measured(lambda member: is_measured(member, known))


def _about(
    destination: Destination[Any], id: str, known: Mapping[str, Conversion]
) -> Iterator[Problem]:
    if destination.lacks_audience(id) and not left(destination, id):
        yield Problem(
            "no_audience",
            f"Nobody can be put anywhere for {id!r}: no list or audience is named.",
            "Create it from here, or fill in the id of one that the platform has.",
        )
    conversion = known.get(id)
    if conversion is None:
        near = get_close_matches(id, known, n=1)
        yield Problem(
            "unknown_conversion",
            f"There is no active conversion {id!r}.",
            f"Did you mean {near[0]!r}?"
            if near
            else "Create it first, or take it out of this destination.",
        )
        return
    missing = destination.needed & NOT_IN_GA4
    if missing and is_measured(id, known):
        yield Problem(
            "never_accepted",
            f"This platform refuses every row of {id!r}: it wants {', '.join(sorted(missing))}, "
            "which the export of GA4 does not have.",
            "Send a custom conversion that has it, or choose another action source if that is "
            "what these conversions are.",
            "warning",
        )
    days = value_days(id, known)
    can, within = destination.capabilities, destination.adjusts_within
    if days and "restate" not in can.adjusts:
        yield Problem(
            "adjustment_not_possible",
            f"{id!r} may change for {days} days, but this platform keeps what it got first; "
            "changes are recorded and not sent.",
            "Expect the platform's values to differ, or send the conversion when it is final.",
            "warning",
        )
    elif days and within is not None and timedelta(days=days) > within:
        yield Problem(
            "adjustment_window_too_long",
            f"{id!r} may change for {days} days, but changes reach this platform only within "
            f"{within.days}.",
            "Shorten the conversion's adjustment window, or expect later changes to be missing.",
            "warning",
        )
    if can.repeats == "counts":
        yield Problem(
            "no_deduplication",
            f"This platform would count {id!r} again if it were sent again, so what is in doubt "
            "is left to a person.",
            "Send only what the platform does not collect itself.",
            "warning",
        )
