"""What the rows of the last 30 days look like, read from a copy of the query's answer."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field

from common import user_query
from common.bigquery.sql import (
    Parameter,
    Sql,
    fill,
    identifier,
    join,
    template,
    with_parameters,
)
from common.bigquery.warehouse import Warehouse
from common.errors import ProductError
from common.ga4 import shards
from common.guard.judge import Verdict
from common.model import consent, event_source, placeholders
from common.model.contract import Kind, normal_type
from common.model.window import Window
from common.privacy import shown
from common.untyped import JsonObject

_READERS: dict[str, Callable[[Any], str]] = {
    **dict.fromkeys((*consent.COLUMNS, *consent.OPT_OUT_COLUMNS), consent.read),
    "event_source": event_source.read,
}
"""Keys of params whose values an export reads for their meaning."""
STITCH_DAYS = 60
"""How far before the profiled days a first visit is looked for."""
FUTURE = timedelta(hours=24)

_MOMENT: dict[Kind, str] = {"conversion": "created", "leads": "created", "deals": "outcome_at"}
_ID: dict[Kind, str] = {"conversion": "id", "leads": "lead_id", "deals": "lead_id"}


class Day(BaseModel):
    """Rows of one day in the project's time zone."""

    date: date
    conversions: int


class Clients(BaseModel):
    """Rows with a client id: how many GA4 knows, and the usual faults of format."""

    total: int = Field(description="Rows with a client id.")
    known: int = Field(description="Of these, found in the GA4 export at any time.")
    known_before: int = Field(description="Of these, seen by GA4 before the conversion.")
    with_cookie_prefix: int = Field(description="Written as in the cookie: GA1.1.123.456.")
    session_cookies: int = Field(0, description="Written as in the session's cookie: GS1.1.123.")
    addresses: int = Field(description="E-mail addresses.")
    placeholders: int = Field(description="undefined, null, (not set) and the like.")
    scientific: int = Field(description="Rounded by a spreadsheet: 1.83E+09.")
    without_dot: int = Field(description="Digits only, unknown to GA4.")
    well_formed_unknown: int = Field(description="Of the right format, unknown to GA4.")


class Profile(BaseModel):
    """The rows of the last 30 days; shares are of all rows, None where nothing is known."""

    start_date: date
    end_date: date
    rows: int
    days: list[Day] = Field(default_factory=list)
    null_share: dict[str, float] = Field(default_factory=dict)
    attributed_share: float | None = Field(
        None, description="Rows whose client id GA4 saw before the conversion."
    )
    clients: Clients | None = None
    moments: dict[str, int] = Field(
        default_factory=dict, description="Missing, invalid, outside and midnight times."
    )
    ids: dict[str, int] = Field(
        default_factory=dict, description="Missing, repeated and placeholder ids."
    )
    repeated_ids: list[str] = Field(
        default_factory=list, description="The ids that repeat most, masked."
    )
    negative_values: int = 0
    currencies: dict[str, int] = Field(default_factory=dict)
    statuses: dict[str, int] = Field(default_factory=dict)
    params_keys: dict[str, int] = Field(default_factory=dict)
    params_without_key: int = 0
    unknown_meanings: dict[str, dict[str, int]] = Field(
        default_factory=dict,
        description="Values, masked, of consent and event_source that nobody can read, by key.",
    )
    rows_with_repeated_params: int = 0
    is_complete: bool = Field(True, description="Whether there was time to look at everything.")
    sample: list[JsonObject] = Field(
        default_factory=list, description="Twenty rows; e-mails and telephone numbers are masked."
    )


@dataclass(frozen=True)
class Answer:
    """A copy of what the query returns: its table, columns, contract and days."""

    table: Sql
    types: dict[str, str]
    kind: Kind
    window: Window

    def has(self, column: str, *types: str) -> bool:
        """Whether there is such a column of one of these types."""
        return self.types.get(column) in types


@contextmanager
def answer(
    runner: Warehouse, own: Warehouse, verdict: Verdict, kind: Kind, window: Window
) -> Iterator[Answer]:
    """The query's answer for the window as a short-lived table; raises ProductError."""
    # a name of its own, so that two people who try at once do not read each other's rows
    name = f"validate_{uuid.uuid4().hex}"
    try:
        staged = user_query.run(verdict, runner, window, name, labels={"purpose": "validate"})
        types = {column["name"].lower(): _type(column) for column in staged.columns}
        yield Answer(staged.table, types, kind, window)
    finally:
        own.drop(runner.staging_path(name))


def profile(
    own: Warehouse, kept: Answer, now: datetime, is_over: Callable[[], bool] = lambda: False
) -> Profile:
    """The profile of an answer; each part is left empty where its column is missing or mistyped.

    No part begins when `is_over` says that the time is up.
    """
    counts = _counts(own, kept)
    found = Profile(start_date=kept.window.start, end_date=kept.window.end, rows=counts["total"])
    if not found.rows:
        return found
    columns = list(kept.types)
    filled = {name: counts[f"filled_{index}"] for index, name in enumerate(columns)}
    found.null_share = {name: 1 - count / found.rows for name, count in filled.items()}
    found.negative_values = counts.get("negative", 0)
    parts: tuple[Callable[[], None], ...] = (
        lambda: _add_sample(found, own, kept),
        lambda: _add_moments(found, own, kept, now),
        lambda: _add_ids(found, own, kept),
        lambda: _add_values(found, own, kept),
    )
    for part in parts:
        # what follows is judged by nobody, and the answer says so
        if is_over():
            found.is_complete = False
            break
        part()
    return found


def _add_sample(found: Profile, own: Warehouse, kept: Answer) -> None:
    found.sample = [
        {name: shown(value, name) for name, value in row.items()}
        for row in own.rows(template(__file__, "profile_sample", answer=kept.table))
    ]


_LOCAL = Sql(
    "PARSE_TIMESTAMP('%F %T', FORMAT_DATETIME('%F %T', CAST(answer.created AS DATETIME)), "
    "@timezone)"
)
_MOMENTS = {
    "TIMESTAMP": Sql("answer.created"),
    "DATETIME": _LOCAL,
    "DATE": _LOCAL,
    "STRING": Sql("SAFE_CAST(answer.created AS TIMESTAMP)"),
}
"""The moment of a row by the type of created, which may be one that the contract refuses."""


def stitch(own: Warehouse, kept: Answer) -> Clients | None:
    """How many client ids GA4 knows; None without a GA4 export, or when reading it failed."""
    if not kept.has("client_id", "STRING") or "created" not in kept.types:
        return None
    # the property's day may end after the project's
    first = kept.window.start - timedelta(days=STITCH_DAYS)
    last = kept.window.end + timedelta(days=1)
    visits = list(_visits(own, Window(first, last)))
    if not visits:
        return None
    sql = with_parameters(
        template(
            __file__,
            "profile_clients",
            answer=kept.table,
            moment=_MOMENTS.get(kept.types["created"], Sql("CAST(NULL AS TIMESTAMP)")),
            visits=join("\n    UNION ALL\n    ", visits),
        ),
        timezone=own.settings.timezone,
        nobody=Parameter("ARRAY<STRING>", placeholders.NOBODY),
    )
    try:
        return Clients(**next(iter(own.rows(sql, labels={"purpose": "validate"}))))
    except ProductError:
        return None


def _visits(own: Warehouse, window: Window) -> Iterator[Sql]:
    """Who was seen in the daily tables of these days, a query for each property that has any."""
    for dataset in own.settings.ga4_datasets:
        days = shards.shard_days(own.tables_in(dataset))
        names = [f"events_{day}" for day in days if date.fromisoformat(day) in window.dates]
        if names:
            export = shards.together(dataset, names, "user_pseudo_id", "event_timestamp")
            yield template(__file__, "profile_visits", export=export)


def _type(column: JsonObject) -> str:
    return "ARRAY" if column.get("mode") == "REPEATED" else normal_type(column)


def _counts(own: Warehouse, kept: Answer) -> dict[str, int]:
    counts = [
        fill(
            "COUNTIF(ARRAY_LENGTH(answer.{{ name }}) > 0) AS {{ alias }}"
            if type_ == "ARRAY"
            else "COUNTIF(answer.{{ name }} IS NOT NULL) AS {{ alias }}",
            name=identifier(name),
            alias=f"filled_{index}",
        )
        for index, (name, type_) in enumerate(kept.types.items())
    ]
    if kept.has("value", "FLOAT", "INTEGER", "NUMERIC", "BIGNUMERIC"):
        counts.append(Sql("COUNTIF(answer.value < 0) AS negative"))
    sql = template(__file__, "profile_columns", counts=join(",\n  ", counts), answer=kept.table)
    return next(iter(own.rows(sql)))


def _add_moments(found: Profile, own: Warehouse, kept: Answer, now: datetime) -> None:
    moment = _MOMENT[kept.kind]
    if not kept.has(moment, "TIMESTAMP"):
        return
    slots = {"answer": kept.table, "moment": identifier(moment)}
    days = with_parameters(
        template(__file__, "profile_days", **slots), timezone=own.settings.timezone
    )
    found.days = [Day(**row) for row in own.rows(days)]
    moments = with_parameters(
        template(__file__, "profile_moments", **slots),
        timezone=own.settings.timezone,
        latest=now + FUTURE,
        start_date=kept.window.start,
        end_date=kept.window.end,
    )
    found.moments = next(iter(own.rows(moments)))


def _add_ids(found: Profile, own: Warehouse, kept: Answer) -> None:
    id_ = _ID[kept.kind]
    if not kept.has(id_, "STRING"):
        return
    slots = {"answer": kept.table, "id": identifier(id_)}
    # an empty id is counted as missing
    nobody = Parameter("ARRAY<STRING>", [text for text in placeholders.NOBODY if text])
    counted, repeated = (
        with_parameters(template(__file__, name, **slots), nobody=nobody)
        for name in ("profile_ids", "profile_repeated")
    )
    found.ids = next(iter(own.rows(counted)))
    if found.ids["repeated"]:
        found.repeated_ids = [str(shown(row["id"], id_)) for row in own.rows(repeated)]


def _add_values(found: Profile, own: Warehouse, kept: Answer) -> None:
    if kept.has("currency", "STRING"):
        found.currencies = _values(own, kept, "currency")
    if kept.kind == "deals" and kept.has("status", "STRING"):
        found.statuses = _values(own, kept, "status")
    if kept.has("params", "ARRAY"):
        _add_params(found, own, kept)


def _add_params(found: Profile, own: Warehouse, kept: Answer) -> None:
    try:
        keys = list(own.rows(template(__file__, "profile_params", answer=kept.table)))
        repeated = template(__file__, "profile_repeated_params", answer=kept.table)
        found.rows_with_repeated_params = next(iter(own.rows(repeated)))["conversions"]
    except ProductError:
        return  # another shape than key and value; the contract tells so
    _add_unknown_meanings(found, own, kept)
    named = [row for row in keys if row["key"] is not None]
    found.params_keys = counted((row["key"], row["conversions"]) for row in named)
    found.params_without_key = sum(row["conversions"] for row in keys if row["key"] is None)


def _add_unknown_meanings(found: Profile, own: Warehouse, kept: Answer) -> None:
    """Values of consent and of event_source that an export could not read."""
    keys = Parameter("ARRAY<STRING>", sorted(_READERS))
    sql = with_parameters(template(__file__, "profile_read_params", answer=kept.table), keys=keys)
    unread: dict[str, list[tuple[Any, int]]] = {}
    for row in own.rows(sql):
        if _READERS[row["key"]](row["value"]) == "unknown":
            unread.setdefault(row["key"], []).append((row["value"], row["conversions"]))
    found.unknown_meanings = {key: counted(values, key) for key, values in unread.items()}


def _values(own: Warehouse, kept: Answer, column: str) -> dict[str, int]:
    sql = template(__file__, "profile_values", answer=kept.table, column=identifier(column))
    return counted((row["value"], row["conversions"]) for row in own.rows(sql))


def counted(numbers: Iterable[tuple[Any, int]], name: str = "") -> dict[str, int]:
    """Numbers of rows by value as it is shown; those that look alike behind their mask together."""
    found: dict[str, int] = {}
    for value, number in numbers:
        text = str(shown(value, name))
        found[text] = found.get(text, 0) + number
    return found
