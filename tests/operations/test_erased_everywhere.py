"""A person whose canaries are everywhere is erased: nothing is found, and nothing comes back.

They are known to a website, a shop's orders, a CRM and its scores, an audience of Google's and one
of Meta's, and to Google Ads. Whoever asks gives one address; everything else is found from there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from common.bigquery.sql import Sql
from common.messaging.messages import ExportTick
from terraform.operations.erase_person import erase
from tests.destinations.harness import TestClock
from tests.export.shop import Shop, opened
from tests.materialize.world import QuickWorld

DAY = date(2026, 11, 19)
AT = datetime(2026, 11, 19, 9, tzinfo=UTC)
NOW = AT + timedelta(days=1)
ADDRESS = "jane.doe@canary.example"
OTHER_ADDRESS = "j.doe@canary.example"
PHONE = "+44 20 7946 0958"
CLIENT = "1834567890.1763550000"
CANARIES = [
    *("jane.doe@", "j.doe@", "79460958", "7946 0958", CLIENT, "USER-CANARY", "ORDER-CANARY"),
    *("LEAD-CANARY", "Janecanary", "jane.doe%40"),
]
ENCODED = f"https://shop.example/thanks?email={ADDRESS.replace('@', '%40')}&step=2"
HASHED = [ADDRESS, OTHER_ADDRESS, "+442079460958", "442079460958", "janecanary"]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


TRACES = [*CANARIES, *map(_hash, HASHED)]
TEXTS = ("id", "client_id", "user_id", "email", "phone", "first_name", "last_name", "note")
SIGNED = [
    *({"name": name, "type": "STRING"} for name in TEXTS),
    {"name": "value", "type": "FLOAT"},
    {"name": "currency", "type": "STRING"},
    {"name": "created", "type": "TIMESTAMP"},
    {"name": "date", "type": "DATE"},
]
DESTINATIONS: dict[str, dict[str, Any]] = {
    "google_customer_match": {"conversions": [{"conversion": "signed", "user_list_id": "777"}]},
    "meta_audience": {
        "conversions": [{"conversion": "signed", "audience_id": "23850000000000001"}]
    },
    "google_ads": {"conversions": [{"conversion": "signed", "conversion_action_id": "987654321"}]},
}


def signed(id: str, client: str | None, email: str | None, **more: Any) -> dict[str, Any]:
    names = dict.fromkeys(TEXTS) | {"id": id, "client_id": client, "email": email}
    return {**names, "value": 10.0, "currency": "USD", "created": AT, "date": DAY, **more}


JANE = [
    signed("LEAD-CANARY-1", CLIENT, f" {ADDRESS.title()} ", user_id="USER-CANARY-1"),
    signed(
        "LEAD-CANARY-2",
        None,
        _hash(ADDRESS),
        phone=PHONE,
        first_name="Janecanary",
        note=f"call {ADDRESS}",
    ),
    signed("LEAD-CANARY-3", None, OTHER_ADDRESS, phone="020 7946 0958"),
    signed("LEAD-CANARY-4", CLIENT, None, created=None),
]
LATER = [
    signed("fresh-1", None, f"{ADDRESS.upper()}"),
    signed("fresh-2", None, None, phone="+44 (0)20 7946-0958"),
    signed("fresh-3", None, None, phone="0044 20 79460958"),
    signed("fresh-4", CLIENT, None),
    signed("fresh-5", None, None, phone=_hash("+442079460958")),
    signed("fresh-6", None, OTHER_ADDRESS, created=None),
]
NAMED_ONLY_IN_TEXTS = [
    {"page_location": ENCODED},
    {"page_referrer": f"https://mail.example/to/{ADDRESS}"},
    {"contact": ADDRESS.upper()},
    {"note": f"for {OTHER_ADDRESS}, soon"},
    {"call": PHONE},
    {"page_location": "https://shop.example/call?tel=%2B44%2020%207946%200958"},
]
"""Parameters of later events, of devices that nobody knows to be the person's."""
BOB = signed("lead-bob", "bob.1", "bob@shop.example", phone="+44 20 7946 0111", note="call bob")


@dataclass
class Everywhere:
    """The world, export over it, and what was answered."""

    world: QuickWorld
    export: Shop

    def load(self, rows: list[dict[str, Any]]) -> None:
        self.world.replace(f"{self.world.dataset}_crm.signed", SIGNED, rows)

    def run(self, request: str) -> None:
        """A daily run, and what follows from it."""
        self.world.run(DAY, request_id=request)
        self.export.export("signed")

    def passes(self, **time: float) -> None:
        self.export.passes(**time)
        self.export.handle(ExportTick())

    def found(self) -> dict[str, list[str]]:
        """Table → the traces that stand in its rows, hashes in the list of erasures aside."""
        settings, warehouse = self.world.settings, self.world.warehouse
        seen = {}
        for dataset in (settings.dataset, settings.staging_dataset):
            for table in warehouse.tables_in(f"{settings.project}.{dataset}"):
                path = f"`{settings.project}.{dataset}.{table}`"
                text = str(list(warehouse.rows(Sql(f"SELECT * FROM {path}")))).lower()
                traces = CANARIES if table == "erasures" else TRACES
                if there := [trace for trace in traces if trace.lower() in text]:
                    seen[table] = there
        return seen

    def at_platforms(self) -> list[str]:
        """Traces among what the stand-ins still hold or list."""
        held = [
            str((getattr(each, "members", ()), list(each.held.values())))
            for each in self.export.stand_ins.values()
        ]
        return [trace for trace in TRACES if trace.lower() in " ".join(held).lower()]


def plant(here: Everywhere) -> None:
    """What tells of the person beside what the run itself writes."""
    world = here.world
    bought = {"name": "purchase", "value": 10.0, "currency": "USD", "gclid": "Cj0canary"}
    world.events(
        [
            {"key": 1, "at": AT, "client": CLIENT, "user": "USER-CANARY-1", "session": 1}
            | {"order": "ORDER-CANARY-1", "params": {"contact": ADDRESS}, **bought},
            {"key": 3, "at": AT, "client": "phone-of-jane", "session": 3, "order": "o-3"}
            | {"params": {"page_location": ENCODED}, **bought},
            {"key": 2, "at": AT, "client": "bob.1", "session": 2, "order": "order-bob", **bought},
        ]
    )
    lead = {"date": DAY, "conversion": "signed", "created": AT, "run_id": "r"}
    whose = {"id": "LEAD-CANARY-1", "email": _hash(ADDRESS), "phone": _hash("+442079460958")}
    scored = {"scored_at": NOW, "as_of": NOW, "model_id": "m", "definition_version": 1}
    scored |= {"probability": 0.5, "status": "open", "is_qualified": True, "grade": "A"}
    world.warehouse.append("lead_features", [{**lead, **whose, "first_seen_at": NOW}])
    world.warehouse.append("lead_scores", [{**lead, **whose, **scored}])
    told = {"date": DAY, "recorded_at": NOW, "incident_id": "i", "code": "c", "severity": "error"}
    words = {"detail": "The order ORDER-CANARY-1 comes twice.", "object": "ORDER-CANARY-1"}
    world.warehouse.append("incidents", [{**told, **words}])
    left = world.warehouse.staging("left_behind")
    rows = f"SELECT 'x' AS a, ['{ADDRESS}'] AS b UNION ALL SELECT 'y', ['z']"
    world.warehouse.execute(Sql(f"CREATE TABLE {left} AS {rows}"))


@pytest.fixture(scope="module")
def here() -> Iterator[Everywhere]:
    world = QuickWorld()
    with opened(world.warehouse, TestClock(NOW)) as export:
        found = Everywhere(world, export)
        found.load([*JANE, BOB])
        plant(found)
        crm = f"{world.dataset}_crm.signed"
        sql = f"SELECT * EXCEPT (date) FROM `{crm}` WHERE date BETWEEN @start_date AND @end_date"
        world.define(id="purchase", event_type="purchase")
        world.define(id="signed", kind="custom", sql=sql, reads=[crm])
        for kind, config in DESTINATIONS.items():
            export.add_destination(kind, default_country="GB", send_user_data=True, **config)
        found.run("first")
        yield found
    world.close()


def test_nothing_of_an_erased_person_is_found_or_comes_back(
    here: Everywhere, capsys: pytest.CaptureFixture[str]
) -> None:
    before = here.found()
    everywhere = {"conversion_purchase", "conversion_signed", "conversion_changes", "quarantine"}
    everywhere |= {"ga4_events", "ga4_visits", "ga4_clicks", "order_memory", "left_behind"}
    everywhere |= {"lead_features", "lead_scores", "incidents", "export_attempts"}
    assert everywhere <= before.keys()
    assert here.at_platforms()
    capsys.readouterr()
    here.export.passes(hours=1)
    list(erase(here.world.warehouse, [ADDRESS], here.export.clock.now()))
    # what the ledger keeps to take back goes once the platforms have said that they took it back
    assert here.found().keys() <= {"export_attempts", "audience_members"}
    here.passes(hours=1)
    assert here.at_platforms() == []
    here.passes(hours=1)
    assert here.found() == {}
    assert [row["id"] for row in here.world.rows("signed", "id")] == ["lead-bob"]
    here.load([*JANE[:3], *LATER, BOB])
    here.world.events(
        {"key": 10 + number, "at": AT, "client": f"later.{number}", "session": 10 + number}
        | {"name": name, "order": f"later-{number}", "value": 10.0, "currency": "USD"}
        | {"params": params}
        for number, params in enumerate(NAMED_ONLY_IN_TEXTS)
        for name in ("purchase", "page_view")
    )
    for request in ("a later load", "and another"):
        here.run(request)
        here.passes(hours=1)
    assert here.found() == {}
    assert here.at_platforms() == []
    assert [row["id"] for row in here.world.rows("signed", "id")] == ["lead-bob"]
    spoken = capsys.readouterr()
    assert [trace for trace in TRACES if trace in spoken.out + spoken.err] == []
