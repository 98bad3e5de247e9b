"""`demo`: a shop of which the truth is known, and the whole product over several of its days."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

import yaml
from rich.console import Console

from common.local.demo import readings
from common.local.demo.report import page, shown
from common.local.iam import secrets
from common.local.platforms import Platforms, serving
from common.local.shop.load import Datasets, load
from common.local.shop.orders.rates import CURRENCY
from common.local.shop.shop import generate
from common.local.shop.truth.answers import Truth
from common.local.stack.attach import ROOT, Attached, CommandError, attached, environment
from common.local.stack.ports import Ports
from common.local.stack.serve import serve as run_stack
from common.local.terminal import plain_table, show_run, show_totals, totals
from common.messaging.messages import CrmLoaded
from common.untyped import JsonObject

HERE = Path(__file__).parent
ZONE = "Europe/Berlin"
GA4_DAYS = 35
META_TOKEN = "meta-token"
MORNINGS = 3
"""Days that the demo lives through, one daily run each."""


@dataclass(frozen=True)
class Report:
    """Where the report is written, and where the console that its numbers lead to will answer."""

    file: Path
    console: str


@dataclass
class Steps:
    """Numbers what happens and tells how long it took."""

    console: Console
    number: int = 0

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Shows the title while the block runs, then how many seconds it took."""
        self.number += 1
        started = time.monotonic()
        with self.console.status(f"{self.number}. {title} ..."):
            yield
        took = time.monotonic() - started
        self.console.print(f"[bold]{self.number}. {title}[/] [dim]{took:.1f} s[/]")


def show(directory: Path, console: Console, address: str) -> int:
    """Run the demo with its data in `directory`, its report beside it; numbers of the report lead
    to the console at the address, which `serve` opens.

    0 when every answer equals the known truth.
    """
    # the days of an earlier demo would stand beside the new ones
    shutil.rmtree(directory, ignore_errors=True)
    # the shop's day, which may not be this machine's
    today = datetime.now(ZoneInfo(ZONE)).date()
    steps = Steps(console)
    started = time.monotonic()
    with ExitStack() as parts:
        with steps.step("Start BigQuery, Pub/Sub, Scheduler and the functions on this machine"):
            platforms = parts.enter_context(serving())
            stack = parts.enter_context(attached(directory, variables(platforms.endpoints)))
        report = Report(directory.parent / "report.html", address)
        status = _live(stack, platforms, today, steps, report)
    console.print(f"\nDone in {time.monotonic() - started:.0f} s.")
    return status


def serve(directory: Path, ports: Ports, out: IO[str]) -> None:
    """The shop of the demo that ran in `directory`, until Ctrl-C."""
    with serving() as platforms:
        run_stack(ROOT, directory, variables(platforms.endpoints), ports, out)


def variables(endpoints: Mapping[str, str]) -> dict[str, str]:
    """The demo's own settings; nothing of the caller's environment leaks into it."""
    clean = {name: value for name, value in os.environ.items() if "CONVERSIONS_" not in name}
    own = environment(clean, timezone=ZONE, currency=CURRENCY)
    return {
        **own,
        "CONVERSIONS_RATES_TABLE": f"{own['CONVERSIONS_PROJECT']}.crm.rates",
        "CONVERSIONS_PLATFORM_ENDPOINTS": ",".join(f"{a}={b}" for a, b in endpoints.items()),
        secrets.variable("meta-access-token"): META_TOKEN,
    }


def _live(stack: Attached, platforms: Platforms, today: date, steps: Steps, report: Report) -> int:
    console, project = steps.console, stack.settings.project
    first = today - timedelta(days=MORNINGS - 1)
    with steps.step("Invent a shop: GA4 days, a HubSpot CRM, orders; its true answers are known"):
        shop = generate(start=today - timedelta(days=GA4_DAYS), days=GA4_DAYS)
    datasets = Datasets(*(f"{project}.{name}" for name in ("analytics_1", "hubspot", "crm")))
    with steps.step(f"Load it as it was on {first}"):
        loaded = load(shop, stack.client, datasets, first)
    console.print(f"   {len(loaded)} tables, {sum(loaded.values()):,} rows")
    _validate(stack, steps)
    ids = _define(stack, steps, project, first_day=today - timedelta(days=GA4_DAYS))
    before = first
    for day in (first + timedelta(days=number) for number in range(MORNINGS)):
        if day > first:
            with steps.step(f"A night passes; GA4 and the CRM change ({day})"):
                load(shop, stack.client, datasets, day, since=before)
        before = day
        _morning(stack, steps, day)
    with steps.step("The CRM loads once more at noon; only what reads it runs"):
        _noon(stack, project)
    rows = totals(stack.warehouse, ids)
    show_totals(console, rows, stack.settings.currency)
    known = shop.truth(today)
    right = _compare(stack, known, console)
    with steps.step("Wait until the ad platforms have what the warehouse says"):
        _delivered(stack)
    _show_deliveries(stack, platforms, console)
    with steps.step("Draw the report"):
        _draw(stack, known, shop.period.start, report)
    _where_next(console, report.file)
    return 0 if right else 1


def _validate(stack: Attached, steps: Steps) -> None:
    with steps.step("Validate SQL: what an analyst pastes, and what is saved"):
        pasted = stack.call("POST", "/validate-sql", {"sql": (HERE / "script.sql").read_text()})
    table = plain_table("What validate_sql says to a pasted script")
    table.leading = 1
    for name in ("line", "what is wrong", "what to write"):
        table.add_column(name, overflow="fold")
    for issue in pasted["issues"]:
        table.add_row(str(issue.get("line") or ""), issue["message"], issue.get("fix") or "")
    steps.console.print(table)


def _define(stack: Attached, steps: Steps, project: str, first_day: date) -> list[str]:
    text = (HERE / "definitions.yaml").read_text(encoding="utf-8").replace("{project}", project)
    definitions: list[JsonObject] = yaml.safe_load(text)
    with steps.step(f"Define {len(definitions)} conversions through the API"):
        for definition in definitions:
            stack.call("PUT", f"/api/conversions/{definition['id']}", definition)
    text = (HERE / "destinations.yaml").read_text(encoding="utf-8")
    with steps.step("Name the ad platforms to keep up to date"):
        for target in yaml.safe_load(text):
            # a destination sends nothing of the days before it unless it is set to
            target["start_date"] = first_day.isoformat()
            stack.call("PUT", f"/export-preview/destinations/{target['id']}", target)
    return [definition["id"] for definition in definitions]


def _delivered(stack: Attached) -> None:
    """Return once every message is handled: what a run leads to, exports too, comes by one."""
    if stack.idle is None or not stack.idle(600):
        raise CommandError("The deliveries did not end within 600 s; see functions.log.")


def _show_deliveries(stack: Attached, platforms: Platforms, console: Console) -> None:
    table = plain_table("At the ad platforms")
    for name in ("destination", "state", "why", "conversions", "held there"):
        table.add_column(name, justify="right" if name in ("conversions", "held there") else "left")
    held = {
        "google_ads": len(platforms.stand_ins["google"].held),
        "meta": len(platforms.stand_ins["meta"].held),
    }
    for row in readings.deliveries(stack):
        there = f"{held[row['destination']]:,}" if row["state"] == "accepted" else ""
        table.add_row(row["destination"], row["state"], row["reason"], f"{row['rows_']:,}", there)
    console.print(table)


def _morning(stack: Attached, steps: Steps, day: date) -> None:
    last = day - timedelta(days=1)
    with steps.step(f"Daily run of {day}: everything up to {last}"):
        asked = stack.call("POST", "/api/runs", {"end_date": last.isoformat()})
        done = stack.wait_for(asked["run_id"])
    show_run(steps.console, done)


def _noon(stack: Attached, project: str) -> None:
    """The message that a loader sends when it has written crm.orders."""
    from common.local.commands.publish import publish

    message = CrmLoaded(
        source="erp", table=f"{project}.crm.orders", load_id=datetime.now(UTC).isoformat()
    )
    publish(stack, "crm-loads", message)
    stack.wait_until(lambda: readings.runs_on_load(stack) > 0)


def _compare(stack: Attached, known: Truth, console: Console) -> bool:
    """Ours beside the generator's own answers, which it computed without SQL."""
    counted = {
        row["conversion"]: row for row in totals(stack.warehouse, ["purchase", "first_purchase"])
    }
    expected = {
        "purchase": (len(known.purchases), sum(p.value_project or 0 for p in known.purchases)),
        "first_purchase": (len(known.first_purchases), None),
    }
    table = plain_table("Beside the known truth")
    for name in ("conversion", "rows", "true rows", "value", "true value"):
        table.add_column(name, justify="left" if name == "conversion" else "right")
    right = True
    for id, (rows, value) in expected.items():
        ours = counted[id]
        right &= ours["rows_"] == rows
        # below a cent: sums of floats depend on their order
        right &= value is None or abs((ours["value"] or 0) - value) < 0.01
        true_value = "" if value is None else f"{value:,.2f}"
        table.add_row(
            id, f"{ours['rows_']:,}", f"{rows:,}", f"{ours['value'] or 0:,.2f}", true_value
        )
    console.print(table)
    console.print("Equal to the truth." if right else "[bold red]Not equal to the truth.[/]")
    return right


def _draw(stack: Attached, known: Truth, first_day: date, report: Report) -> None:
    drawn = page(shown(stack, known, first_day.isoformat(), report.console))
    if drawn is None:
        raise CommandError("The page of the console is not built: make console.")
    report.file.write_text(drawn, encoding="utf-8")


def _where_next(console: Console, report: Path) -> None:
    console.print(
        f"\nWhere to look next:\n  {report}  the report, in a browser\n"
        "  python -m common.local --help\n"
    )
