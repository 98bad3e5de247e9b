"""Words that a person says of a CRM and that none of its rows has: a misspelt stage, a status."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from common.bigquery.sql import Sql, fill, join, table
from common.bigquery.warehouse import Warehouse
from common.crm.canonical import Loaded
from common.crm.connector import Canonical
from common.crm.preferences import Placed, Preferences
from common.errors import NotFoundError

MOST_WORDS, LISTED = 500, 10


@dataclass(frozen=True)
class Unheard:
    """Words that were named and are nowhere, and those that are there instead."""

    name: str
    """stages, won, lost, reached."""
    place: str
    """Where they were looked for."""
    words: tuple[str, ...]
    there: tuple[str, ...]

    @property
    def message(self) -> str:
        """What is missing where, as a sentence."""
        listed = " or ".join(self.words)
        if self.name == "stages":
            return f"No deal of {self.place} has come into a stage {listed}, and none is called so."
        return f"No row of {self.place} holds {listed}."

    @property
    def fix(self) -> str:
        """What may be meant."""
        near = {each.lower(): each for each in self.there}
        alike = get_close_matches(self.words[0].strip().lower(), near, n=1)
        if alike:
            return f"Did you mean {near[alike[0]]}?"
        listed = ", ".join(self.there[:LISTED])
        return f"There are: {listed}." if len(self.there) <= LISTED else f"The commonest: {listed}."


def unheard(
    warehouse: Warehouse,
    loaded: Mapping[Canonical, Loaded],
    preferences: Preferences,
    placed: Iterable[Placed],
) -> tuple[Unheard, ...]:
    """What was named and is nowhere; raises NotFoundError where no stage is known of those named.

    A table without rows says nothing against a word.
    """
    stages = list(_stages(warehouse, loaded, preferences))
    for each in stages:
        if len(each.words) == len(preferences.stages):
            raise NotFoundError(each.message, code="crm_stage_unknown", fix=each.fix)
    return (*stages, *_values(warehouse, loaded, preferences, placed))


def _stages(
    warehouse: Warehouse, loaded: Mapping[Canonical, Loaded], preferences: Preferences
) -> Iterator[Unheard]:
    if not preferences.stages:
        return
    columns: tuple[tuple[Canonical, str], ...] = (
        ("deal", "stage_id"), ("entered", "stage_id"), ("stage", "id"), ("stage", "label"),
    )  # fmt: skip
    parts = [
        fill(
            f"SELECT one.{column} AS word FROM {{{{ rows }}}} AS one",
            rows=loaded[canonical].subquery({}),
        )
        for canonical, column in columns
        if canonical in loaded
    ]
    there = _commonest(warehouse, fill("({{ all }})", all=join("\nUNION ALL\n", parts)), "word")
    yield from _missing("stages", loaded["deal"].path, preferences.stages, there)


def _values(
    warehouse: Warehouse,
    loaded: Mapping[Canonical, Loaded],
    preferences: Preferences,
    placed: Iterable[Placed],
) -> Iterator[Unheard]:
    for place in placed:
        wanted = preferences.columns[place.name].values
        value = loaded[place.canonical].value_of(place.column) if wanted else None
        if value is not None:
            path = loaded[place.canonical].path
            there = _commonest(warehouse, table(path), value.sql)
            where = f"{path.rsplit('.', 1)[-1]}.{place.column}"
            yield from _missing(place.name, where, wanted, there)


def _commonest(warehouse: Warehouse, rows: Sql, value: Sql | str) -> tuple[str, ...]:
    query = fill(
        "SELECT NULLIF(TRIM(CAST({{ value }} AS STRING)), '') AS word, COUNT(*) AS size"
        " FROM {{ rows }} AS raw GROUP BY word ORDER BY size DESC, word LIMIT {{ most }}",
        value=value if isinstance(value, Sql) else Sql(value),
        rows=rows,
        most=Sql(str(MOST_WORDS)),
    )
    return tuple(str(row["word"]) for row in warehouse.rows(query) if row["word"] is not None)


def _missing(
    name: str, place: str, wanted: Iterable[str], there: tuple[str, ...]
) -> Iterator[Unheard]:
    known = {each.lower() for each in there}
    words = tuple(each for each in wanted if each.strip().lower() not in known)
    if words and there and len(there) < MOST_WORDS:
        yield Unheard(name, place, words, there)
