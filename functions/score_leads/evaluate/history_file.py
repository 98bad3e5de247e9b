"""A table of texts as leads with outcomes: which were won, when they came, what they brought."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from common.errors import UserError
from functions.score_leads.data.features import DAY, Index
from functions.score_leads.data.outcomes import Flags, Outcomes, final
from functions.score_leads.data.table_file import TableFile
from functions.score_leads.data.values import (
    Floats,
    clean,
    day_comes_first,
    moments,
    number,
    numbers,
)
from functions.score_leads.training.training import Leads

WON = frozenset({"1", "yes", "y", "true", "t", "won", "closed won", "closedwon", "converted"})
NOT_WON = frozenset(
    {"0", "no", "n", "false", "f", "lost", "closed lost", "closedlost", "not converted", "-1"}
)
TRAIN_SHARE = 0.8


@dataclass(frozen=True)
class Roles:
    """What each column is for, as asked for on the command line."""

    label: str
    time: str
    value: str | None = None
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    train_until: str | None = None
    positive: str | None = None
    won_at: str | None = None
    window: float | None = None


@dataclass(frozen=True)
class History:
    """Leads in the order of time, cut into an older and a newer part."""

    leads: Leads
    outcomes: Outcomes
    rows: Index
    """Each lead's row in the file, from 1."""
    cut: int
    """Leads before this one are trained on."""
    notes: tuple[str, ...] = field(default=())

    @property
    def training(self) -> tuple[Leads, Outcomes]:
        """The older leads, with what was known of them when the newer ones came."""
        older = np.arange(self.cut)
        known = self.outcomes.take(older)
        if np.isfinite(known.window):
            known = known.as_of(float(self.outcomes.age[self.cut - 1]))
        return self.leads.take(older), known

    @property
    def test(self) -> tuple[Leads, Outcomes, Index]:
        """The newer leads whose outcome is final, and their rows in the file."""
        newer = np.arange(self.cut, len(self.leads.placed))
        newer = newer[self.outcomes.mature[newer]]
        return self.leads.take(newer), self.outcomes.take(newer), self.rows[newer]


def history(table: TableFile, roles: Roles) -> History:
    """The table's leads, ordered and cut.

    Raises UserError when a column is missing or says nothing, or when one part would be empty.
    """
    _check_columns(table, roles)
    notes = [f"{table.skipped} lines skipped: their cells do not fit the header"]
    notes = notes if table.skipped else []
    times = table.columns[roles.time]
    placed, dated = _times(times, roles.time)
    won, labelled = _labels(table.columns[roles.label], roles)
    for lacking, missing in (("time", np.isnan(placed)), ("label", ~labelled)):
        if missing.any():
            notes.append(f"{missing.sum()} rows left out: no {lacking}")
    rows = np.flatnonzero(labelled & ~np.isnan(placed))
    rows = rows[np.argsort(placed[rows], kind="stable")]
    if len(rows) < 2:
        raise UserError("Fewer than two rows have a label and a time.", code="no_rows")
    leads = Leads(placed[rows], dated, _attributes(table, roles, rows))
    outcomes = _outcomes(table, roles, placed, dated, won).take(rows)
    if roles.won_at and (lacking_at := won[rows].sum() - outcomes.won.sum()):
        notes.append(f"{lacking_at} won rows have no {roles.won_at} within the window: not won")
    cut = _cut(leads, roles, _day_comes_first(times))
    return History(leads, outcomes, np.array(table.numbers)[rows], cut, tuple(notes))


def _check_columns(table: TableFile, roles: Roles) -> None:
    named = [roles.label, roles.time, roles.value, roles.won_at, *roles.drop, *roles.keep]
    for name in filter(None, named):
        if name not in table.columns:
            raise UserError(
                f"The file has no column {name!r}.",
                fix=f"Its columns are: {', '.join(table.columns)}.",
                code="no_column",
            )
    if (roles.won_at is None) != (roles.window is None):
        raise UserError("--won-at and --window go together.", code="bad_arguments")
    if roles.window is not None and roles.window <= 0:
        raise UserError("--window must be a positive number of days.", code="bad_arguments")


def _attributes(table: TableFile, roles: Roles, rows: Index) -> dict[str, list[str]]:
    spoken_for = {roles.label, roles.time, roles.value, roles.won_at}
    order = rows.tolist()
    return {
        name: [cells[row] for row in order]
        for name, cells in table.columns.items()
        if name not in spoken_for
    }


def _times(cells: Sequence[str], column: str) -> tuple[Floats, bool]:
    """Each row's place in time, and whether it is in seconds since 1970."""
    there = [cell for cell in cells if clean(cell) is not None]
    dates = moments(cells, _day_comes_first(cells))
    if there and np.isfinite(dates).sum() >= 0.95 * len(there):
        return dates, True
    order = numbers(cells)
    if there and np.isfinite(order).sum() >= 0.95 * len(there):
        return order, False
    raise UserError(
        f"Column {column!r} holds neither dates nor numbers, for example {there[:3]}.",
        fix="Name a column with ISO dates, 31/12/2024, epochs, or a number that grows with time.",
        code="no_time",
    )


def _day_comes_first(cells: Sequence[str]) -> bool:
    return day_comes_first(cell for cell in cells if clean(cell) is not None)


def _labels(cells: Sequence[str], roles: Roles) -> tuple[Flags, Flags]:
    """Whether each row was won, and whether its label says so at all."""
    texts = [_label(cell) for cell in cells]
    if roles.positive is not None:
        wanted = _label(roles.positive)
        if wanted not in texts:
            raise UserError(
                f"No row has {roles.positive!r} in {roles.label!r}.",
                fix=f"Its values are: {_examples(texts)}.",
                code="bad_label",
            )
        there = np.array([text is not None for text in texts])
        return np.array([text == wanted for text in texts]), there
    won = np.array([text in WON for text in texts])
    labelled = won | np.array([text in NOT_WON for text in texts])
    if not won.any() or won.sum() == labelled.sum():
        raise UserError(
            f"Column {roles.label!r} does not tell won from lost by itself: {_examples(texts)}.",
            fix="Say with --positive VALUE which value means won.",
            code="bad_label",
        )
    return won, labelled


def _label(cell: str) -> str | None:
    text = clean(cell)
    if text is None:
        return None
    as_number = number(text)
    if as_number.is_integer():
        return str(int(as_number))
    return str(text).lower().replace("_", " ")


def _examples(texts: Sequence[str | None]) -> str:
    return ", ".join(f"{text} ({count}x)" for text, count in Counter(texts).most_common(6))


def _outcomes(table: TableFile, roles: Roles, placed: Floats, dated: bool, won: Flags) -> Outcomes:
    unknown = np.full(len(won), np.nan)
    value = unknown if roles.value is None else _money(table.columns[roles.value], roles.value)
    value = np.where(won, value, np.nan)
    if roles.won_at is None or roles.window is None:
        return final(won, value)
    if not dated:
        raise UserError("--won-at needs dates in the time column.", code="bad_arguments")
    at, won_dated = _times(table.columns[roles.won_at], roles.won_at)
    # days to the win, taken for times, would make every win one of the first moment
    if not won_dated:
        raise UserError(
            f"--won-at needs dates, and column {roles.won_at!r} holds numbers.",
            code="bad_arguments",
        )
    after = np.where(won, np.maximum((at - placed) / DAY, 0), np.nan)
    newest = np.nanmax(np.concatenate([placed, at]))
    return Outcomes(after, unknown, (newest - placed) / DAY, value, roles.window)


def _money(cells: Sequence[str], column: str) -> Floats:
    read = numbers(cells)
    there = [cell for cell in cells if clean(cell) is not None]
    if np.isfinite(read).sum() < 0.5 * len(there) or not there:
        raise UserError(
            f"Column {column!r} holds no amounts of money, for example {there[:3]}.",
            fix="Name a column of numbers with --value, or leave it out.",
            code="no_value",
        )
    return read


def _cut(leads: Leads, roles: Roles, day_first: bool) -> int:
    count = len(leads.placed)
    if roles.train_until is None:
        cut = round(TRAIN_SHARE * count)
    else:
        until = _until(leads, roles.train_until, day_first)
        cut = int(np.searchsorted(leads.placed, until, side="right"))
    if not 0 < cut < count:
        raise UserError(
            f"--train-until {roles.train_until} leaves {cut} leads to train on and "
            f"{count - cut} to test on.",
            fix="Choose a time between the first and the last lead.",
            code="bad_split",
        )
    return cut


def _until(leads: Leads, written: str, day_first: bool) -> float:
    """The time itself; a day without an hour means all of that day."""
    # read as the file's own dates are: 05/06/2024 is a day of May in an American one
    at = moments([written], day_first)[0] if leads.dated else number(written)
    if np.isnan(at):
        raise UserError(
            f"--train-until {written!r} is no {'date' if leads.dated else 'number'}.",
            code="bad_arguments",
        )
    # ten digits are seconds since 1970, which name a moment
    whole_day = leads.dated and len(written.strip()) < (9 if written.strip().isdigit() else 11)
    return float(at + DAY - 1e-3 if whole_day else at)
