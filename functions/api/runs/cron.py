"""Cron expressions of five fields: what is wrong with one, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from common.errors import UserError

FIELDS = {
    # name: smallest and largest number
    "minute": (0, 59),
    "hour": (0, 23),
    "day of the month": (1, 31),
    "month": (1, 12),
    # 0 and 7 are both Sunday
    "day of the week": (0, 7),
}
NAMES = {
    "month": "jan feb mar apr may jun jul aug sep oct nov dec".split(),
    "day of the week": "sun mon tue wed thu fri sat".split(),
}
MOST_AN_HOUR = 4
"""A run costs a scan of the late days, so nobody gets one a minute by mistake."""


def checked(text: str) -> str:
    """The same expression as Cloud Scheduler documents it; raises UserError for a part at fault.

    Single spaces, names in capital letters, and a step of a single number written as the range that
    it begins.
    Source: cloud.google.com/scheduler/docs/configuring/cron-job-schedules.
    """
    parts = text.lower().split()
    if len(parts) != len(FIELDS):
        many = "1 part" if len(parts) == 1 else f"{len(parts)} parts"
        raise _refused(f"{text!r} has {many}", "it needs five: " + ", ".join(FIELDS))
    numbers = {name: _numbers(name, part) for name, part in zip(FIELDS, parts, strict=True)}
    if len(numbers["minute"]) > MOST_AN_HOUR:
        raise _refused(
            f"{text!r} runs {len(numbers['minute'])} times an hour",
            f"at most {MOST_AN_HOUR} are allowed; for every quarter of an hour write */15",
        )
    days, months = numbers["day of the month"], numbers["month"]
    # a day of the week comes whatever the day of the month
    every_day = {number % 7 for number in numbers["day of the week"]} == set(range(7))
    if every_day and all(min(days) > _LENGTHS.get(month, 31) for month in months):
        raise _refused(f"{text!r} never comes", "name a day that one of its months has")
    return " ".join(map(_documented, FIELDS, parts)).upper()


_LENGTHS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
"""Days of the months that have no 31st."""


def _documented(name: str, part: str) -> str:
    pieces = []
    for piece in part.split(","):
        spread, slash, step = piece.partition("/")
        is_open = slash and spread != "*" and "-" not in spread
        pieces.append(f"{spread}-{FIELDS[name][1]}/{step}" if is_open else piece)
    return ",".join(pieces)


@dataclass(frozen=True)
class ClockChange:
    """A time of a schedule that a day does not have, or has twice."""

    day: date
    at: time
    is_skipped: bool
    """Else it comes twice."""


def clock_changes(text: str, timezone: str, today: date) -> list[ClockChange]:
    """The times of the schedule in the year from today that the clocks jump over or repeat.

    A schedule of every hour has none: an hour later it runs again. Source: PEP 495 (the offsets of
    both folds differ in a gap and in a repeated hour).
    """
    minutes, hours, days, months, weekdays = (
        _numbers(name, part) for name, part in zip(FIELDS, text.lower().split(), strict=True)
    )
    if len(hours) == 24:
        return []
    # cron takes either day where both are named
    either = len(days) < 31 and len(weekdays) < 7
    times = [time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes)]
    found = []
    # a year has each change of the clocks, whichever zone it is
    for day in (today + timedelta(days=number) for number in range(366)):
        # Sunday is 7 to isoweekday, and 0 or 7 to cron
        of_week = bool({day.isoweekday(), day.isoweekday() % 7} & weekdays)
        of_month = day.day in days
        runs = of_week or of_month if either else of_week and of_month
        if day.month in months and runs:
            found += [_change(day, at, ZoneInfo(timezone)) for at in times]
    return [change for change in found if change]


def _change(day: date, at: time, zone: ZoneInfo) -> ClockChange | None:
    first, second = (
        datetime.combine(day, at.replace(fold=fold), zone).utcoffset() or timedelta()
        for fold in (0, 1)
    )
    return None if first == second else ClockChange(day, at, is_skipped=first < second)


def warnings(text: str, timezone: str, today: date) -> list[str]:
    """What the changes of the clocks do to the schedule, with an hour that is safe.

    Of a schedule in another form than that of `checked`, which Terraform may have made, nothing.
    """
    try:
        # Cloud Scheduler takes a job without a time zone for one in UTC
        changes = clock_changes(checked(text), timezone or "UTC", today)
    except (UserError, ZoneInfoNotFoundError):
        return []
    if not changes:
        return []
    shown = " and ".join(
        f"{it.at:%H:%M} {'does not exist' if it.is_skipped else 'comes twice'} on {it.day}"
        for it in changes[:4]
    )
    minutes, hours, *days = checked(text).split()
    broken = {it.at.hour for it in changes}
    first = changes[0].at
    safe = next(
        hour % 24
        for hour in range(first.hour, first.hour + 24)
        if not clock_changes(f"{minutes} {hour % 24} * * *", timezone, today)
    )
    # the days stay, and so do the other hours
    moved = ",".join(map(str, sorted(_numbers("hour", hours) - broken | {safe})))
    return [
        f"The clocks of {timezone} change in this hour: {shown}. Cloud Scheduler may leave such a"
        f" run out or start it twice; {safe:02}:{first.minute:02}"
        f" ({' '.join([minutes, moved, *days])}) is safe."
    ]


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
        # turned round it would be other hours: over the end it is written in two parts
        least, most = FIELDS[name]
        parts = f"write it in two parts: {low}-{most},{least}-{high}"
        raise _refused(f"the {name} goes from {low} to {high}", parts)
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
