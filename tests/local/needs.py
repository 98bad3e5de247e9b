"""What the calls of a whole demo need, and of a day's work beyond it: `make rights`.

    python -m tests.local.needs

Runs the demo, then on its data what a person and the clock do that a demo does not, notes each need
that the grants let through (needs.txt), and prints what each grant was there for.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from google.pubsub_v1.types import PubsubMessage
from rich.console import Console

from common.bigquery.sql import Sql, with_parameters
from common.local.demo import show
from common.local.iam import report, secrets
from common.local.iam.grants import ACCOUNTS, account, local_policy, recorded
from common.local.iam.policy import Need, Resource
from common.local.platforms import serving
from common.local.stack import provision
from common.local.stack.attach import ROOT, Attached
from common.local.stack.stack import PROJECT, REPORT, Stack, running
from common.messaging.messages import RunRequested
from terraform.operations import smoke_test

LISTED = Path(__file__).with_name("needs.txt")
GA4_SQL = f"""SELECT event_name AS id, user_pseudo_id AS client_id,
  TIMESTAMP_MICROS(event_timestamp) AS created
FROM `{PROJECT}.analytics_1.events_*`
WHERE event_name = 'purchase'
  AND _TABLE_SUFFIX BETWEEN FORMAT_DATE('%Y%m%d', @start_date)
    AND FORMAT_DATE('%Y%m%d', @end_date)"""
PAID_SQL = f"""SELECT order_id AS id, ga_client_id AS client_id, confirmed_at AS created,
  total AS value, currency
FROM `{PROJECT}.crm.orders`
WHERE confirmed_at IS NOT NULL AND date BETWEEN @start_date AND @end_date"""
CONTACTS_SQL = f"""SELECT CAST(id AS STRING) AS id, property_createdate AS created
FROM `{PROJECT}.hubspot.contact`
WHERE @start_date < @end_date"""
LEADS_SQL = f"""SELECT order_id AS lead_id, ga_client_id AS client_id, confirmed_at AS created,
  country
FROM `{PROJECT}.crm.orders`
WHERE confirmed_at IS NOT NULL AND date BETWEEN @start_date AND @end_date"""
DEALS_SQL = f"""SELECT order_id AS lead_id, confirmed_at AS outcome_at, 'won' AS status,
  total AS deal_value, currency
FROM `{PROJECT}.crm.orders`
WHERE confirmed_at IS NOT NULL AND date BETWEEN @start_date AND @end_date"""
ANALYTICS: dict[str, Any] = {
    "kind": "google_analytics",
    "id": "analytics",
    "name": "Analytics",
    "measurement_id": "G-ABC1234567",
    "api_secret": f"secret:projects/{PROJECT}/secrets/ga4-api-secret/versions/latest",
    "default_consent": "granted",
    "eea_default_consent": "granted",
    "conversions": [{"conversion": "purchase", "event_name": "purchase_again"}],
}


def line(email: str, need: Need) -> str:
    """As needs.txt has it."""
    own = f"@{PROJECT}.{ACCOUNTS}"
    return f"{email.removesuffix(own)} | {need.permission} | {need.resource}"


def parsed(line: str) -> tuple[str, Need]:
    """The account's e-mail, and the need, of a line."""
    name, permission, on = line.split(" | ")
    kind, _, resource = on.partition(" ")
    return (name if "@" in name else account(name, PROJECT)), Need(
        permission, Resource(kind, resource)
    )


def listed() -> list[str]:
    """The recorded lines."""
    return LISTED.read_text("utf-8").splitlines()


def beyond(stack: Stack, found: Attached, today: date) -> Iterator[Callable[[], object]]:
    """What a demo leaves out, step by step; each is waited for."""
    call = found.call
    days = {"start_date": f"{today - timedelta(days=9)}", "end_date": f"{today}"}
    yield lambda: walked(found)
    # a second walk brings back what the first one archived
    yield lambda: walked(found)
    yield lambda: call("PUT", "/api/schedules/purchase", {"cron": "15 9 * * *"})
    yield lambda: call("GET", "/api/schedules")
    yield lambda: call("DELETE", "/api/schedules/purchase")
    yield lambda: call("POST", "/validate-sql", {"sql": GA4_SQL})
    yield lambda: call("POST", "/validate-sql", {"sql": PAID_SQL})
    yield lambda: call("POST", "/validate-sql", {"sql": CONTACTS_SQL})
    paid = {"kind": "custom", "id": "paid", "name": "Paid", "sql": PAID_SQL}
    yield lambda: call("POST", "/api/conversions:backtest", {"definition": paid, **days})
    yield lambda: acknowledge(found)
    source = {"type": "query", "leads_sql": LEADS_SQL, "deals_sql": DEALS_SQL}
    scored: dict[str, Any] = {"kind": "lead_scoring", "id": "own_leads", "name": "Own leads"}
    # so short that months of the demo are over
    scored |= {"source": source, "conversion_window_days": 7}
    yield lambda: call("PUT", "/api/conversions/own_leads", scored)
    yield lambda: found.wait_for(
        call("POST", "/api/runs", {"conversions": ["own_leads"]})["run_id"]
    )
    yield lambda: found.wait_for(call("POST", "/api/runs", {})["run_id"])
    yield lambda: call("PUT", "/export-preview/destinations/analytics", ANALYTICS)
    for kind, conversion in (("meta", "qualified_lead"), ("analytics", "purchase")):
        path, one = f"/export-preview/destinations/{kind}", {"conversion": conversion}
        yield partial(call, "POST", f"{path}/test", {**one, "test_event_code": "TEST12345"})
        yield partial(call, "POST", f"{path}/replay", {**one, **days})
        yield partial(call, "POST", f"{path}/run", {})
    locked = f"secret:projects/{PROJECT}/secrets/of-nobody/versions/latest"
    closed = {**ANALYTICS, "id": "locked", "measurement_id": "G-XYZ7654321", "api_secret": locked}
    yield lambda: call("PUT", "/export-preview/destinations/locked", closed)
    yield lambda: call("POST", "/export-preview/destinations/locked/run", {})
    yield lambda: settle(found)
    yield lambda: unread(stack)
    yield lambda: forgotten_run(found, "stopped")
    yield lambda: call("POST", "/api/runs/stopped:cancel", {})
    yield lambda: forgotten_run(found, "left")
    yield lambda: stack.tick("hourly-watchdog")
    yield lambda: stack.tick("hourly-export")


def walked(found: Attached) -> None:
    """The walk through a fresh deployment, here: each answer is as it is written down."""
    names = ("api", "export-preview", "validate-sql")
    urls = smoke_test.Urls(*(f"{found.url}/{name}" for name in names))
    steps = smoke_test.walk(urls, smoke_test.asking({}), time.sleep)
    assert {title: wrong for title, wrong in steps if wrong} == {}


class Ahead:
    """The clock of Pub/Sub, which may run ahead of the others."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return time.time() + self.seconds


CLOCK = Ahead()
UNREAD = (
    ("runs", ""),
    ("crm-loads", ""),
    ("tasks", "materialize"),
    ("tasks", "score"),
    ("materialized", ""),
)
"""Topic, and the attribute `kind` by which a subscription chooses."""


def unread(stack: Stack) -> None:
    """A message of each subscription that no function can read, until Pub/Sub gives it up."""
    for topic, kind in UNREAD:
        message = PubsubMessage(data=b"no JSON", attributes={"kind": kind})
        stack.pubsub.publish(f"projects/{PROJECT}/topics/{topic}", [message])
    for _ in range(provision.MAXIMUM_ATTEMPTS):
        stack.pubsub.pushes.push_until_idle()
        CLOCK.seconds += provision.MOST_BACKOFF.total_seconds()
    assert stack.dead_letters() == len(UNREAD)


def acknowledge(found: Attached) -> None:
    """A person has seen the newest incident."""
    newest = found.call("GET", "/api/incidents")["incidents"][0]
    found.call("POST", f"/api/incidents/{newest['incident_id']}:acknowledge", {})


def settle(found: Attached) -> None:
    """A delivery of which the platform never said what became of it; a person found out."""
    attempts = found.warehouse.path("export_attempts")
    sent = f"SELECT * FROM `{attempts}` WHERE state IN ('accepted', 'ambiguous') AND op IS NOT NULL"
    newest = f"{sent} ORDER BY recorded_at DESC, seq DESC LIMIT 1"
    told = "UNNEST(['unknown', 'ambiguous']) AS told WITH OFFSET AS place"
    doubt = "told AS state, CURRENT_TIMESTAMP() AS recorded_at, seq + 1 + place AS seq"
    rows = f"SELECT sent.* REPLACE ({doubt}) FROM ({newest}) AS sent CROSS JOIN {told}"
    found.warehouse.execute(Sql(f"INSERT INTO `{attempts}` {rows}"))
    (row,) = found.warehouse.rows(Sql(newest))
    path = f"/export-preview/destinations/{row['destination']}/settle"
    one = {"conversion": row["conversion"], "ids": [row["conversion_id"]], "verdict": "delivered"}
    found.call("POST", path, one)


def forgotten_run(found: Attached, run_id: str) -> None:
    """One that a crash left behind half an hour ago: the watchdog asks for it again."""
    asked = RunRequested(trigger="manual", request_id=run_id, conversions=("purchase",))
    sql = Sql(
        f"INSERT INTO `{found.warehouse.path('runs')}`"
        " (date, recorded_at, run_id, conversion, status, message)"
        " VALUES (CURRENT_DATE(), TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 30 MINUTE),"
        " @run_id, '', 'requested', @message)"
    )
    found.warehouse.execute(with_parameters(sql, run_id=run_id, message=asked.model_dump_json()))


@contextmanager
def recording(file: Path, directory: Path) -> Iterator[tuple[Stack, Attached]]:
    """A stack on the demo's data, whose needs go to the file."""
    with serving() as platforms:
        held = {
            **show.variables(platforms.endpoints),
            REPORT: str(file),
            secrets.variable("ga4-api-secret"): "ga4-secret",
        }
        with running(ROOT, directory, held, schedules=False, clock=CLOCK) as stack:
            yield (
                stack,
                Attached(
                    stack.url,
                    stack.environment["BIGQUERY_EMULATOR_HOST"],
                    stack.environment["PUBSUB_EMULATOR_HOST"],
                    stack.settings,
                ),
            )


def main() -> None:
    """Writes needs.txt; exits with a message when the demo is not as it should be."""
    with tempfile.TemporaryDirectory() as home:
        file, directory = Path(home) / "used.txt", Path(home) / "data"
        with patch.dict("os.environ", {REPORT: str(file)}):
            if show.show(directory, Console(), "http://localhost:8080"):
                raise SystemExit("The demo is wrong; nothing was written.")
        with recording(file, directory) as (stack, found):
            for step in beyond(stack, found, datetime.now(UTC).date()):
                step()
                stack.wait_until_idle(300)
        keep(file.read_text("utf-8").splitlines())


def keep(lines: Iterable[str]) -> None:
    """The needs in needs.txt, and on the screen what each grant was there for."""
    found = report.used(lines)
    needs = {line(grant.account, need) for grant, held in found.items() for need in held}
    LISTED.write_text("".join(f"{each}\n" for each in sorted(needs)), "utf-8")
    policy = local_policy(report.settings(PROJECT), recorded(ROOT))
    print("\n".join(report.told(policy.grants, found)))


if __name__ == "__main__":
    main()
