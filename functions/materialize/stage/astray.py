"""Events whose time cannot be, which a scan sets aside: somebody is told how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from common.bigquery.sql import Sql, template
from common.incidents.incidents import Incident
from common.model.window import Window
from common.untyped import Row
from functions.materialize.ledger import Ledger

CODE = "event_time_impossible"
SHOWN = 5
"""Tables that an incident names."""


def counted(scanned: Sql) -> Sql:
    """A query of how many events of each property and table the scan has set aside."""
    return template(__file__, scanned=scanned)


def report(
    ledger: Ledger, found: Iterable[Row], window: Window, run_id: str, *, subject: str
) -> None:
    """Report what the scan of the window has set aside, and resolve what is over."""
    for incident in incidents(found, subject):
        ledger.report(incident, run_id=run_id)
    ledger.resolve_gone(subject, run_id, codes=[CODE], until=window.end)


def incidents(found: Iterable[Row], subject: str) -> Iterator[Incident]:
    """One incident a property."""
    for property, tables in groupby(found, key=lambda row: row["property"]):
        yield _incident(property, list(tables), subject)


def _incident(property: str, tables: Sequence[Row], subject: str) -> Incident:
    events, staged = (sum(row[name] for row in tables) for name in ("events", "staged"))
    named = [f"{row['events']:,} in events_{row['day']}" for row in tables[:SHOWN]]
    if len(tables) > SHOWN:
        named.append(f"others in {len(tables) - SHOWN} tables more")
    example = tables[0]["example"]
    return Incident(
        CODE,
        f"{events:,} events of {property} ({', '.join(named)}) have a time that lies days before or"
        f" after the day of their table, such as {example['event_name']} at"
        f" {moment(example['micros'])}. They are set aside and counted nowhere; {staged:,} of them"
        " are events that definitions or orders are made of.",
        fix="Look who sends them: a server whose timestamp_micros is in another unit or older than"
        " 72 hours, a device whose clock is wrong, or a table that was put together by hand. What"
        " GA4 writes anew with a possible time is counted.",
        subject=subject,
        object=property,
        severity="error" if staged else "warning",
    )


def moment(micros: int | None) -> str:
    """The time in words, as a number where no calendar has it."""
    if micros is None:
        return "no time at all"
    try:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    except OverflowError:
        return f"event_timestamp {micros}"
    return f"{at:%Y-%m-%d %H:%M} UTC"
