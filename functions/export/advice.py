"""What to tell people about a destination before anything is sent. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from common.conversions import Combined, Conversion, Custom, LeadScoring, Simple
from functions.export.destinations.base import Destination, Problem


def advice(destination: Destination[Any], known: Mapping[str, Conversion]) -> list[Problem]:
    """Conversions that do not exist, and adjustment windows that the platform cannot honour.

    `known` maps ids of active conversions to their definitions.
    """
    return [
        problem
        for each in destination.config.conversions
        for problem in _about(destination, each.conversion, known)
    ]


def adjustment_days(conversion: Conversion, known: Mapping[str, Conversion]) -> int:
    """For how many days after a conversion its value may still change; 0 is never."""
    match conversion:
        case Simple():
            return conversion.refunds.days if conversion.refunds else 0
        case Custom() | LeadScoring():
            return conversion.adjustment_days or 0
        case Combined():
            parts = [known[id] for id in conversion.conversions if id in known]
            return max((adjustment_days(part, known) for part in parts), default=0)
    return 0


def _about(
    destination: Destination[Any], id: str, known: Mapping[str, Conversion]
) -> Iterator[Problem]:
    conversion = known.get(id)
    if conversion is None:
        yield Problem(
            "unknown_conversion",
            f"There is no active conversion {id!r}.",
            "Create it first, or take it out of this destination.",
        )
        return
    days = adjustment_days(conversion, known)
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
