"""Cron expressions of five fields: what is wrong with one, told to a person."""

from __future__ import annotations

from common.errors import UserError

FIELDS = {
    # name: smallest and largest number
    "minute": (0, 59),
    "hour": (0, 23),
    "day of the month": (1, 31),
    "month": (1, 12),
    "day of the week": (0, 7),
}
NAMES = {
    "month": "jan feb mar apr may jun jul aug sep oct nov dec".split(),
    "day of the week": "sun mon tue wed thu fri sat".split(),
}
MOST_AN_HOUR = 4
"""A run costs a scan of the late days, so nobody gets one a minute by mistake."""


def checked(text: str) -> str:
    """The same expression with single spaces; raises UserError that names the part at fault.

    Source: cloud.google.com/scheduler/docs/configuring/cron-job-schedules.
    """
    parts = text.lower().split()
    if len(parts) != len(FIELDS):
        raise _refused(f"{text!r} has {len(parts)} parts", "it needs five: " + ", ".join(FIELDS))
    numbers = {name: _numbers(name, part) for name, part in zip(FIELDS, parts, strict=True)}
    if len(numbers["minute"]) > MOST_AN_HOUR:
        raise _refused(
            f"{text!r} runs {len(numbers['minute'])} times an hour",
            f"at most {MOST_AN_HOUR} are allowed; for every quarter of an hour write */15",
        )
    return " ".join(parts)


def _numbers(name: str, part: str) -> set[int]:
    return {number for piece in part.split(",") for number in _range(name, piece)}


def _range(name: str, piece: str) -> range:
    spread, _, step = piece.partition("/")
    low, high = FIELDS[name]
    if spread != "*":
        first, dash, last = spread.partition("-")
        low = _number(name, first)
        high = _number(name, last) if dash else (FIELDS[name][1] if step else low)
    if "/" in piece and not (step.isascii() and step.isdigit() and int(step) > 0):
        raise _refused(f"the {name} has the step {step!r}", "write a number such as */6")
    if low > high:
        raise _refused(f"the {name} goes from {low} to {high}", "write the smaller number first")
    return range(low, high + 1, int(step or 1))


def _number(name: str, text: str) -> int:
    low, high = FIELDS[name]
    names = NAMES.get(name, [])
    if text in names:
        return names.index(text) + low
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise _refused(f"the {name} is {text!r}", f"it must be from {low} to {high}, or *")
    return int(text)


def _refused(what: str, fix: str) -> UserError:
    return UserError(
        f"The schedule cannot be read: {what}.",
        code="bad_cron",
        fix=f"{fix[0].upper()}{fix[1:]}. Every day at 5:30 is 30 5 * * *",
        field="cron",
    )
