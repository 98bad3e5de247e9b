"""What a plan would make, on one page for a person.

    python -m tests.terraform.overview envs/prod.tfvars.example

Every argument of every resource is in `python -m tests.terraform.offline plan -var-file=...`.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from tests.terraform.grants import granted
from tests.terraform.offline import Terraform, TerraformMissing, copied, environment
from tests.terraform.plans import Plan, Resource, service
from tests.terraform.provider.server import serving

FUNCTION = ("function", "code", "memory", "CPU", "at once", "instances", "seconds", "called by")


def lines(plan: Plan) -> Iterator[str]:
    """The page, line by line."""
    says = plan.variable
    yield (
        f"{says('project')}, environment {says('environment')}: functions in {says('region')}, "
        f"data in {says('location')}, days in {says('timezone')}, money in {says('currency')}"
    )
    functions = [_function(plan, function) for function in plan.functions()]
    yield from _section("Functions", _table([FUNCTION, *functions]))
    yield from _section("Schedules", _table(list(_schedules(plan))))
    yield from _section("Tables", _tables(plan))
    yield from _section("Who may do what", _accounts(plan))
    yield from _section("Alerts", [_alerts(plan)])
    yield ""
    yield f"{len(list(plan.resources()))} resources in all."


def _function(plan: Plan, function: Resource) -> tuple[str, ...]:
    made, runs = plan.manifest["functions"][function.function], service(function)
    return (
        function.function,
        made["source"],
        runs["available_memory"],
        runs["available_cpu"],
        str(runs["max_instance_request_concurrency"]),
        str(runs["max_instance_count"]),
        str(runs["timeout_seconds"]),
        _callers(plan, function),
    )


def _callers(plan: Plan, function: Resource) -> str:
    subscribed = plan.manifest["subscriptions"].values()
    topics = [s["topic"] for s in subscribed if s["function"] == function.function]
    if topics:
        return "topics " + ", ".join(dict.fromkeys(topics))
    invokers = plan.of("google_cloud_run_v2_service_iam_member", "invokers")
    people = [i.values["member"] for i in invokers if i.function == function.function]
    return "HTTPS: " + (", ".join(people) or "nobody yet")


def _schedules(plan: Plan) -> Iterator[tuple[str, ...]]:
    for job in plan.of("google_cloud_scheduler_job"):
        message = base64.b64decode(job.values["pubsub_target"][0]["data"]).decode()
        topic = plan.manifest["schedules"][job.key]["topic"]
        yield job.key, job.values["schedule"], f"topic {topic}", message


def _tables(plan: Plan) -> Iterator[str]:
    for dataset in plan.of("google_bigquery_dataset"):
        yield f"dataset {dataset.values['dataset_id']}: {dataset.values['description']}"
    kept = "protected" if plan.variable("deletion_protection") else "not protected"
    yield f"{kept}: " + ", ".join(table.key for table in plan.of("google_bigquery_table"))


def _accounts(plan: Plan) -> Iterator[str]:
    shown = [line.split(" | ") for line in granted(plan)]
    for member, grants in groupby(shown, key=lambda grant: grant[0]):
        yield member
        for role, places in groupby(list(grants), key=lambda grant: grant[1]):
            yield f"  {role.removeprefix('roles/')}: {', '.join(place for *_, place in places)}"


def _alerts(plan: Plan) -> str:
    alerts = plan.of("google_monitoring_alert_policy")
    names = sorted(alert.values["display_name"].split(": ")[1] for alert in alerts)
    return f"{', '.join(names)}, mailed to {', '.join(plan.variable('alert_emails')) or 'nobody'}"


def _section(title: str, body: Iterator[str] | Sequence[str]) -> Iterator[str]:
    yield from ("", title)
    yield from (f"  {line}" for line in body)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def main(variables: str) -> int:
    try:
        with tempfile.TemporaryDirectory() as folder, serving() as providers:
            terraform = Terraform(copied(Path(folder), bundles=False), environment(providers))
            terraform("init", "-input=false")
            print(*lines(terraform.plan(Path(variables).name)), sep="\n")
    except TerraformMissing as missing:
        print(missing, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
