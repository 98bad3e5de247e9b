"""What the ledger says, for people: entries, where things stand, and a report per day."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from common.bigquery.sql import Parameter, Sql, template, with_parameters
from common.untyped import JsonObject, Row
from functions.export.send.diagnose import DIAGNOSED
from functions.export.services import Connection

Place = tuple[datetime, str]
"""Where in the order of the ledger an entry stands: `recorded_at` and `place`."""


def entries(
    connection: Connection,
    *,
    conversion: str = "",
    state: str = "",
    conversion_id: str = "",
    search: str = "",
    newest_first: bool = True,
    after: Place | None = None,
    limit: int,
) -> list[JsonObject]:
    """Entries of the ledger, beginning behind the place `after`; empty texts do not narrow. An
    accepted one says when some of its request were refused later: the platform tells how many,
    never which."""
    warehouse = connection.services.warehouse
    sql = template(
        __file__,
        "reads_entries",
        requests=warehouse.table("export_requests"),
        attempts=warehouse.table("export_attempts"),
        beyond=Sql("<" if newest_first else ">"),
        direction=Sql("DESC" if newest_first else "ASC"),
    )
    bound = with_parameters(
        sql,
        destination=connection.id,
        conversion=Parameter("STRING", conversion),
        state=Parameter("STRING", state),
        conversion_id=Parameter("STRING", conversion_id),
        search=Parameter("STRING", search),
        last=Parameter("TIMESTAMP", after[0] if after else None),
        last_place=Parameter("STRING", after[1] if after else ""),
        limit=limit,
    )
    return [_with_later(entry) for entry in warehouse.rows(bound)]


def _with_later(entry: Row) -> JsonObject:
    counts: dict[str, int] = json.loads(entry.get("refused_later") or "{}")
    shown = {
        name: value
        for name, value in entry.items()
        if name not in ("refused_later", "request_rows")
    }
    if entry["state"] != "accepted" or not counts:
        return shown
    reasons = ", ".join(sorted(counts, key=lambda reason: (-counts[reason], reason)))
    given = f"{sum(counts.values())} of {entry['request_rows']} of this request refused later"
    return shown | {"reason": f"{given}: {reasons}"}


def delivery_states(connection: Connection, *, conversion: str) -> list[JsonObject]:
    """How many conversions are in which state for which reason."""
    return _rows(connection, "delivery_states", conversion=conversion)


def conversions_between(
    connection: Connection, conversion: str, start_date: date, end_date: date
) -> int:
    """How many conversions the table has in these days, both included."""
    warehouse = connection.services.warehouse
    table = warehouse.table(f"conversion_{conversion}")
    sql = template(__file__, "reads_between", conversions=table)
    [row] = warehouse.rows(with_parameters(sql, start_date=start_date, end_date=end_date))
    return int(row["conversions"])


def requests_of(connection: Connection, start_date: date, end_date: date) -> list[JsonObject]:
    """The requests of these days, each as it stands now, and what platforms said of the days."""
    return _rows(connection, "requests", start_date=start_date, end_date=end_date)


def match_report(
    connection: Connection, requests: Iterable[Row], start_date: date, end_date: date
) -> list[JsonObject]:
    """For each day of sending and each conversion: rows sent, accepted, refused, and refused later
    by reason; newest day first. A row that was refused later is among the accepted ones."""
    later = _later(request for request in requests if request["state"] != DIAGNOSED)
    days = _rows(connection, "report", start_date=start_date, end_date=end_date)
    empty: Row = {"refused_later": {}, "waiting_for_answer": 0}
    return [row | later.get((row["date"], row["conversion"]), dict(empty)) for row in days]


def diagnoses(requests: Iterable[Row]) -> list[JsonObject]:
    """What platforms said of the quality of what they got, the newest day first."""
    found = [request for request in requests if request["state"] == DIAGNOSED]
    found.sort(key=lambda request: (-request["date"].toordinal(), request["conversion"]))
    return [
        {
            "date": request["date"],
            "conversion": request["conversion"],
            "measures": json.loads(request["counts"]),
        }
        for request in found
    ]


def _later(requests: Iterable[Row]) -> dict[tuple[date, str], JsonObject]:
    """What became of requests afterwards, by day and conversion."""
    given: dict[tuple[date, str], JsonObject] = defaultdict(
        lambda: {"refused_later": {}, "waiting_for_answer": 0}
    )
    for request in requests:
        day = given[request["date"], request["conversion"]]
        if request["next_poll_at"]:
            day["waiting_for_answer"] += request["row_count"]
        for reason, count in json.loads(request["counts"] or "{}").items():
            day["refused_later"][reason] = day["refused_later"].get(reason, 0) + count
    return dict(given)


def _rows(connection: Connection, name: str, **bound: Any) -> list[JsonObject]:
    warehouse = connection.services.warehouse
    tables: dict[str, Sql] = {
        "requests": {"requests": warehouse.table("export_requests")},
    }.get(name, {"attempts": warehouse.table("export_attempts")})
    sql = template(__file__, f"reads_{name}", **tables)
    texts = {
        key: Parameter("STRING", value) if isinstance(value, str) else value
        for key, value in bound.items()
    }
    return list(warehouse.rows(with_parameters(sql, destination=connection.id, **texts)))
