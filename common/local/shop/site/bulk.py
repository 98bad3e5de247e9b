"""GA4 events by the million, vectorised, in the full export schema: parquet, one file a day.

Simpler than the shop (UTC, one currency), and with known totals all the same. Equal arguments give
equal events; the bytes also depend on the pinned DuckDB that writes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from common.local.shop.site.export import SCHEMA
from common.untyped import JsonObject

Columns = dict[str, NDArray[Any]]
KINDS: dict[str, float] = {
    # what happens in a visit after its first page, and the share of such visits
    "": 0.42,
    "view_item scroll page_view view_item user_engagement add_to_cart": 0.45,
    "form_start generate_lead": 0.06,
    "view_item add_to_cart begin_checkout purchase purchase refund": 0.07,
}
VISITS = [["session_start", "page_view", *rest.split()] for rest in KINDS]
NAMES = sorted({name for events in VISITS for name in events})
PURCHASE, REFUND, LEAD = map(NAMES.index, ("purchase", "refund", "generate_lead"))
RELOAD = 6
"""Place in the visit of the purchase that is only the thank-you page loaded again."""
DAY = 86_400_000_000
PAUSE = 17_000_000


@dataclass(frozen=True)
class Totals:
    """What a purchase conversion with refunds, and a lead conversion, must count."""

    events: int
    purchase_events: int
    purchases: int
    value_gross: float
    value: float
    leads: int


def write(
    directory: Path, events: int = 1_000_000, *, seed: int = 1, start: date, days: int = 30
) -> tuple[list[Path], Totals]:
    """The files events_YYYYMMDD.parquet, about that many events in all, and the totals."""
    drawn = _draw(np.random.default_rng(seed), events, start, days)
    directory.mkdir(parents=True, exist_ok=True)
    flat = Path(__file__).with_suffix(".sql").read_text("utf-8")
    with duckdb.connect() as connection:
        connection.execute("SET VARIABLE names = ?", [NAMES])
        files = [
            _write_day(connection, flat, _day(drawn, day), directory, start + timedelta(days=day))
            for day in range(days)
        ]
    return files, _totals(drawn)


def _day(drawn: Columns, day: int) -> Columns:
    """The events of one day; events come in order of time, so they lie together."""
    first, end = np.searchsorted(drawn["day"], [day, day + 1])
    return {column: values[first:end] for column, values in drawn.items()}


def _draw(generator: np.random.Generator, events: int, start: date, days: int) -> Columns:
    """One array a column, one element an event, in order of time."""
    lengths = np.array([len(names) for names in VISITS])
    shares = np.array(list(KINDS.values()))
    visits = max(1, round(events / float(shares @ lengths)))
    kind = generator.choice(len(KINDS), visits, p=shares)
    visit = np.repeat(np.arange(visits), lengths[kind])
    place = np.arange(len(visit)) - np.repeat(
        np.cumsum(lengths[kind]) - lengths[kind], lengths[kind]
    )
    name = _codes(int(lengths.max()))[kind[visit], place]
    of_visits = _of_visits(generator, visits, start, days)
    drawn = {"visit": visit, "place": place, "name": name}
    drawn |= {column: values[visit] for column, values in of_visits.items()}
    drawn["at"] = drawn["at"] + place * PAUSE
    drawn["paid"] = (name == PURCHASE) | (name == REFUND)
    drawn["refunds"] = name == REFUND
    # drawn for every visit first, as a column has one element an event
    left_out = (drawn["refunds"] & ~drawn["returns"]) | (
        (name == PURCHASE) & (place == RELOAD) & ~drawn["reloads"]
    )
    kept = np.flatnonzero(~left_out)
    # events of one moment stay in the order of their visit
    order = kept[np.argsort(drawn["at"][kept], kind="stable")]
    return {column: values[order] for column, values in drawn.items()}


def _codes(longest: int) -> NDArray[np.int64]:
    """For each kind of visit the codes of its events, filled up with -1."""
    rows = [[NAMES.index(name) for name in names] for names in VISITS]
    return np.array([row + [-1] * (longest - len(row)) for row in rows])


def _of_visits(generator: np.random.Generator, visits: int, start: date, days: int) -> Columns:
    """One element a visit; visits end on the day on which they begin."""
    day = generator.integers(0, days, visits)
    within = generator.integers(0, DAY - 60 * PAUSE, visits)
    signed_in = generator.random(visits) < 0.3
    identified = generator.random(visits) < 0.92
    return {
        "day": day,
        "at": ((start - date(1970, 1, 1)).days + day) * DAY + within,
        "client": (visits * generator.power(1.6, visits)).astype(np.int64),
        "account": np.where(signed_in, generator.integers(0, visits, visits), -1),
        "channel": generator.integers(0, 6, visits),
        "country": generator.integers(0, 5, visits),
        "device": generator.integers(0, 3, visits),
        "sale": np.where(identified, np.arange(visits), -1),
        "total": np.round(generator.lognormal(4.4, 1.0, visits), 2),
        "refund": np.round(generator.lognormal(3.0, 1.0, visits), 2),
        "reloads": generator.random(visits) < 1 / 12,
        "returns": generator.random(visits) < 1 / 20,
    }


def _totals(drawn: Columns) -> Totals:
    purchases = drawn["name"] == PURCHASE
    usable = drawn["sale"] >= 0
    # without an order id nothing says that the page was only loaded again
    counted = purchases & ((drawn["place"] < RELOAD) | ~usable)
    refunded = drawn["refunds"] & usable
    gross = float(drawn["total"][counted].sum())
    given = float(np.minimum(drawn["refund"], drawn["total"])[refunded].sum())
    return Totals(
        events=len(purchases),
        purchase_events=int(purchases.sum()),
        purchases=int(counted.sum()),
        value_gross=gross,
        value=gross - given,
        leads=int((drawn["name"] == LEAD).sum()),
    )


def _write_day(
    connection: duckdb.DuckDBPyConnection, flat: str, drawn: Columns, directory: Path, day: date
) -> Path:
    path = directory / f"events_{day:%Y%m%d}.parquet"
    connection.register("drawn", drawn)
    described = connection.execute(f"DESCRIBE {flat}").fetchall()
    known = frozenset(name for name, *_ in described)
    select = ", ".join(f'{_nested(column, known)} AS "{column["name"]}"' for column in SCHEMA)
    connection.execute(f"COPY (SELECT {select} FROM ({flat})) TO '{path}' (FORMAT PARQUET)")
    return path


def _nested(column: JsonObject, known: frozenset[str], above: str = "") -> str:
    """The column out of the flat ones whose names are paths; what is not there is a typed NULL."""
    path = above + column["name"]
    if path in known:
        return f'CAST("{path}" AS {duckdb_type(column)})'
    if any(name.startswith(f"{path}.") for name in known):
        inside = (
            f'"{field["name"]}" := {_nested(field, known, f"{path}.")}'
            for field in column["fields"]
        )
        return f"struct_pack({', '.join(inside)})"
    return f"CAST({'[]' if column['mode'] == 'REPEATED' else 'NULL'} AS {duckdb_type(column)})"


def duckdb_type(column: JsonObject) -> str:
    """The column as DuckDB declares it."""
    plain = {"STRING": "VARCHAR", "INTEGER": "BIGINT", "FLOAT": "DOUBLE", "BOOLEAN": "BOOLEAN"}
    if "fields" not in column:
        return plain[column["type"]]
    fields = ", ".join(f'"{field["name"]}" {duckdb_type(field)}' for field in column["fields"])
    return f"STRUCT({fields})" + ("[]" if column["mode"] == "REPEATED" else "")
