"""GA4's entry in its own export log, forwarded by a log sink, as a run that is asked for once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from common.messaging.messages import MESSAGE, Ga4Exported, run_id_of

NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)
LOG = "projects/shop/logs/analyticsdata.googleapis.com%2Fbigquery_daily_export_status"


def entry(**changes: Any) -> dict[str, Any]:
    """A LogEntry as a sink publishes it (cloud.google.com/logging/docs/export/pubsub)."""
    return {
        "insertId": "1",
        "logName": LOG,
        "resource": {
            "type": "analyticsdata.googleapis.com/BigQueryDailyExport",
            "labels": {"resource_container": "shop", "location": "global", "property_id": "1"},
        },
        "timestamp": "2026-11-29T07:12:05.123Z",
        "severity": "INFO",
        "jsonPayload": {"exportDate": "20261128", "status": "COMPLETE", "eventCount": "81"},
        **changes,
    }


def read(document: dict[str, Any]) -> Ga4Exported:
    message = MESSAGE.validate_python(document)
    assert isinstance(message, Ga4Exported)
    return message


@pytest.mark.parametrize(
    "payload",
    [
        {"exportDate": "20261128", "status": "COMPLETE"},
        {"export_date": "20261128", "status": 1},
        {"exportDate": "2026-11-28", "status": "COMPLETE"},
    ],
)
def test_the_day_and_its_status_are_read(payload: dict[str, Any]) -> None:
    message = read(entry(jsonPayload=payload))
    assert (str(message.export_date), message.status) == ("2026-11-28", "COMPLETE")


def test_an_entry_that_holds_the_same_as_a_protocol_buffer_is_read() -> None:
    # the index of platform logs names the type of the payload, not the field that holds it
    held = entry()
    payload = held.pop("jsonPayload")
    kind = {"@type": "type.googleapis.com/google.analytics.cloud.ExportStatusLog"}
    assert read({**held, "protoPayload": {**kind, **payload}}) == read(entry())


def test_an_entry_without_a_status_says_that_nothing_is_known() -> None:
    # proto3 leaves its zero, UNKNOWN, out
    assert read(entry(jsonPayload={"exportDate": "20261128"})).status == "UNKNOWN"


def test_a_day_that_is_written_again_starts_at_most_one_run_an_hour() -> None:
    times = ("07:12:05", "07:59:00", "08:00:01")
    ids = [run_id_of(read(entry(timestamp=f"2026-11-29T{each}Z")).run(), NOW) for each in times]
    assert len(set(ids)) == 2
    other = read(entry(resource={"labels": {"property_id": "2"}}))
    assert run_id_of(other.run(), NOW) not in ids


@pytest.mark.parametrize(
    "broken", [{"status": "COMPLETE"}, {"exportDate": "soon", "status": "COMPLETE"}, {}]
)
def test_an_entry_that_cannot_be_read_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError)):
        read(entry(jsonPayload=broken))
