"""Where the configuration and the code speak of the same thing, and must agree."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, cast

from google.cloud.bigquery import SchemaField
from pydantic import ValidationError

from common import schemas
from common.local.pubsub import filters
from common.local.stack import provision
from common.messaging import messages
from common.messaging.publisher import PubSubBus
from common.settings import PREFIX, Settings
from tests.terraform import code
from tests.terraform.offline import REPOSITORY
from tests.terraform.plans import Plan, service

DAY = date(2026, 11, 23)
TASK = {
    "run_id": "r",
    "conversion": "lead",
    "definition_version": 1,
    "tier": 0,
    "start_date": DAY,
    "end_date": DAY,
    "trigger": "manual",
}
DONE = {key: TASK[key] for key in ("run_id", "conversion", "start_date", "end_date")}
PUBLISHED: tuple[messages.Message, ...] = (
    messages.RunRequested(),
    messages.Watchdog(),
    messages.MaterializeTask.model_validate(TASK),
    messages.ScoreTask.model_validate(TASK),
    messages.Materialized.model_validate({**DONE, "definition_version": 1}),
    messages.ExportContinuation.model_validate({**DONE, "destination": "meta"}),
    messages.ReplayRequested(
        request_id="q", destination="meta", conversion="lead", start_date=DAY, end_date=DAY
    ),
)
"""One of each message that the code itself publishes."""


OF_THE_FRAMEWORK = {"THREADS"}
"""Variables that functions-framework reads itself."""


def environment_variables_are_the_settings(plan: Plan) -> Iterator[str]:
    wanted = {PREFIX + field.upper() for field in Settings.model_fields}
    for function in plan.functions():
        variables = service(function)["environment_variables"]
        if unequal := wanted ^ (set(variables) - OF_THE_FRAMEWORK):
            yield f"{function.address}: {sorted(unequal)} is only on one side"
        try:
            Settings.from_environment(variables)
        except ValidationError as error:
            yield f"{function.address}: {error}"


def settings_say_what_is_made(plan: Plan) -> Iterator[str]:
    made = _made(plan)
    for function in plan.functions():
        variables = service(function)["environment_variables"]
        known = {name: value for name, value in variables.items() if value is not None}
        try:
            settings = Settings.from_environment(known).model_dump()
        except ValidationError as error:
            yield f"{function.address} does not start: {error}"
            continue
        for name, value in made.items():
            if settings[name] != value:
                yield f"{function.address} is told that {name} is {settings[name]}, not {value}"


def _made(plan: Plan) -> dict[str, Any]:
    """Settings whose value follows from the plan: variables called alike, and what is made."""
    named = {n: plan.variable(n) for n in Settings.model_fields if n in plan.json["variables"]}
    alike = {n: tuple(sorted(v)) if isinstance(v, list) else v for n, v in named.items()}
    topics = {t.key: t.values["name"] for t in plan.of("google_pubsub_topic", "topics")}
    datasets = {d.name: d.values["dataset_id"] for d in plan.of("google_bigquery_dataset")}
    runner = plan.account("sql-runner") if plan.variable("sql_runner_impersonation") else ""
    return {
        **alike,
        **{f"topic_{name}": topics[name] for name in ("runs", "tasks", "materialized")},
        "dataset": datasets["conversions"],
        "staging_dataset": datasets["staging"],
        "scheduler_location": plan.variable("region"),
        "sql_runner": runner,
        "iap_audience": _assertions_for(plan),
    }


def _assertions_for(plan: Plan) -> str:
    """The audience that the proxy before the console writes into its assertions."""
    members = plan.of("google_iap_web_cloud_run_service_iam_member")
    if not members:
        return str(plan.variable("iap_audience"))
    (console,), number = plan.of("google_cloud_run_v2_service"), members[0].values["project"]
    place = f"/projects/{number}/locations/{console.values['location']}"
    return f"{place}/services/{console.values['name']}"


def entry_points_exist(plan: Plan) -> Iterator[str]:
    for function in plan.functions():
        source = plan.manifest["functions"][function.function]["source"]
        entry_point = function.values["build_config"][0]["entry_point"]
        if entry_point not in code.entry_points(source):
            yield f"functions/{source}/main.py has no HTTP function {entry_point}"


def functions_run_the_python_that_they_were_pinned_for(plan: Plan) -> Iterator[str]:
    command = (REPOSITORY / "Makefile").read_text()
    versions = set(re.findall(r"compile \$\$each --python-version (\S+)", command))
    for function in plan.functions():
        runtime = function.values["build_config"][0]["runtime"]
        if {f"python{version.replace('.', '')}" for version in versions} != {runtime}:
            yield f"{function.address} runs {runtime}, and its packages are pinned for {versions}"


def schedules_publish_messages(plan: Plan) -> Iterator[str]:
    for job in plan.of("google_cloud_scheduler_job"):
        target = job.values["pubsub_target"][0]
        try:
            message = messages.MESSAGE.validate_json(base64.b64decode(target["data"]))
        except ValidationError as error:
            yield f"{job.address} publishes no message of ours: {error}"
            continue
        kind = getattr(message, "kind", None)
        if target["attributes"] != {"kind": kind}:
            yield f"{job.address} publishes a {kind} with attributes {target['attributes']}"
        topic = plan.manifest["schedules"][job.key]["topic"]
        if len(receivers(plan, topic, target["attributes"])) != 1:
            yield f"{job.address} reaches {receivers(plan, topic, target['attributes'])}"


def every_message_reaches_one_function(plan: Plan) -> Iterator[str]:
    for message in PUBLISHED:
        topic, attributes = published(plan, message)
        if len(reached := receivers(plan, topic, attributes)) != 1:
            yield f"{type(message).__name__} on {topic} reaches {reached}"
    if receivers(plan, "crm-loads", {}) != ["materialize"]:
        yield "an announced CRM load without attributes does not reach materialize"


def receivers(plan: Plan, topic: str, attributes: dict[str, str]) -> list[str]:
    """Functions to which a message on the topic is pushed."""
    subscribed = plan.manifest["subscriptions"]
    return [
        subscribed[push.key]["function"]
        for push in plan.pushes()
        if subscribed[push.key]["topic"] == topic
        and filters.parse(push.values["filter"] or "")(attributes)
    ]


def published(plan: Plan, message: messages.Message) -> tuple[str, dict[str, str]]:
    """The topic, as the manifest names it, and the attributes with which the bus publishes."""
    recorder = Recorder()
    PubSubBus(cast(Any, recorder), _topics(plan)).publish(message)
    return recorder.topic.removeprefix(f"conversions-{plan.variable('environment')}-"), (
        recorder.attributes
    )


class Recorder:
    """A publisher that remembers where the last message went."""

    topic = ""
    attributes: dict[str, str]

    def topic_path(self, project: str, topic: str) -> str:
        return topic

    def publish(self, topic: str, data: bytes, ordering_key: str, **attributes: str) -> Recorder:
        self.topic, self.attributes = topic, attributes
        return self

    def result(self, timeout: float) -> None:
        return None


def the_local_run_delivers_as_the_cloud_does(plan: Plan) -> Iterator[str]:
    """A message is pushed, retried and given up at the same times on one machine."""
    local = {
        "ack_deadline_seconds": provision.PUSH_SECONDS,
        "message_retention_duration": _seconds(provision.KEPT),
        "minimum_backoff": _seconds(provision.LEAST_BACKOFF),
        "maximum_backoff": _seconds(provision.MOST_BACKOFF),
        "max_delivery_attempts": provision.MAXIMUM_ATTEMPTS,
    }
    for push in plan.pushes():
        blocks = [*push.values["retry_policy"], *push.values["dead_letter_policy"]]
        deployed = {
            name: value for values in (push.values, *blocks) for name, value in values.items()
        }
        for name, value in local.items():
            if deployed.get(name) != value:
                yield f"{push.address} has {name} {deployed.get(name)}, and {value} here"
    for job in plan.of("google_cloud_scheduler_job"):
        if [r["retry_count"] for r in job.values["retry_config"]] != [provision.SCHEDULE_RETRIES]:
            yield f"{job.address} is retried as {job.values['retry_config']}"


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.0f}s"


def functions_may_publish_what_they_publish(plan: Plan) -> Iterator[str]:
    granted = {
        (grant.values.get("member", ""), grant.values["topic"])
        for grant in plan.of("google_pubsub_topic_iam_member", "publishes")
    }
    for function in plan.functions():
        member = f"serviceAccount:{plan.account(function.function)}"
        made = code.called(plan.manifest["functions"][function.function]["source"])
        for message in PUBLISHED:
            topic = f"conversions-{plan.variable('environment')}-{published(plan, message)[0]}"
            if type(message).__name__ in made and (member, topic) not in granted:
                yield f"{function.address} makes {type(message).__name__}, but has no {topic}"


def functions_may_write_what_they_write(plan: Plan) -> Iterator[str]:
    """Functions that share their code share its writes; the planner's account may write all."""
    granted: dict[str, set[str]] = {}
    for grant in plan.of("google_bigquery_table_iam_member", "writes"):
        function, _, table = grant.key.partition("/")
        granted.setdefault(plan.manifest["functions"][function]["source"], set()).add(table)
    for source in {function["source"] for function in plan.manifest["functions"].values()}:
        may, does = granted.get(source, set()), code.written(source)
        # one bucket of a shape may be named by itself
        needs = {table for shape in does for table in schemas.buckets(shape) or (shape,)}
        if source not in _edits_the_dataset(plan) and may != needs:
            yield f"functions/{source} writes {sorted(needs)}, and is granted {sorted(may)}"


def _edits_the_dataset(plan: Plan) -> set[str]:
    return {
        plan.manifest["functions"][grant.key]["source"]
        for grant in plan.of("google_bigquery_dataset_iam_member", "conversions")
        if grant.values["role"] == "roles/bigquery.dataEditor"
    }


def tables_have_the_shape_that_the_code_expects(plan: Plan) -> Iterator[str]:
    tables = {table.key: table for table in plan.of("google_bigquery_table")}
    if unequal := set(tables) ^ set(schemas.fixed_tables()):
        yield f"{sorted(unequal)} is only on one side"
    for name in set(tables) & set(schemas.fixed_tables()):
        planned, expected = tables[name].values, schemas.load(name)
        if _fields(json.loads(planned["schema"])) != _fields(expected["schema"]):
            yield f"{name} has other columns"
        if [p["field"] for p in planned["time_partitioning"]] != _listed(expected["partition"]):
            yield f"{name} is partitioned by {planned['time_partitioning']}"
        if (planned["clustering"] or []) != expected["cluster"]:
            yield f"{name} is clustered by {planned['clustering']}"


def _fields(columns: list[dict[str, Any]]) -> list[SchemaField]:
    return [SchemaField.from_api_repr(column) for column in columns]


def _listed(name: str | None) -> list[str]:
    return [] if name is None else [name]


def metrics_read_what_the_code_logs(plan: Plan) -> Iterator[str]:
    for metric in plan.of("google_logging_metric"):
        values = metric.values
        read = f"{values['filter']} {values['value_extractor'] or ''}"
        yield from _unlogged(metric.address, read, values["label_extractors"])


def alerts_read_what_the_code_logs(plan: Plan) -> Iterator[str]:
    for alert in plan.of("google_monitoring_alert_policy"):
        for matched in alert.values["conditions"][0]["condition_matched_log"]:
            yield from _unlogged(alert.address, matched["filter"], matched["label_extractors"])


def _unlogged(address: str, filter: str, labels: Mapping[str, str]) -> Iterator[str]:
    """What a filter or a label reads that no code logs."""
    logged = code.logged()
    events = re.findall(r'jsonPayload\.event="(\w+)"', filter)
    if not events or not set(events) <= set(logged):
        yield f"{address} counts {events}, which no code logs"
        return
    fields = set.intersection(*(logged[event] for event in events))
    if unknown := set(re.findall(r"jsonPayload\.(\w+)", filter)) - fields - {"event"}:
        yield f"{address} reads {sorted(unknown)}, which {events} do not log"
    for label, extractor in labels.items():
        if (label, extractor) == ("severity", "EXTRACT(severity)"):
            continue  # every line of a log has one
        if extractor != f"EXTRACT(jsonPayload.{label})" or label not in fields:
            yield f"{address} reads {extractor}, which {events} do not log"


def alerts_name_incidents_that_the_code_reports(plan: Plan) -> Iterator[str]:
    for alert in plan.of("google_monitoring_alert_policy"):
        asked = json.dumps(alert.values["conditions"]).replace("\\", "")
        codes = set(re.findall(r'\.code!?="(\w+)"', asked))
        for listed in re.findall(r"\.code=\((.+?)\)", asked):
            codes |= set(re.findall(r'"(\w+)"', listed))
        if unknown := codes - code.reported():
            yield f"{alert.address} waits for {sorted(unknown)}, which no code reports"


def _topics(plan: Plan) -> Settings:
    """Settings that know where to publish, and no more."""
    variables = service(plan.functions()[0])["environment_variables"]
    topics = {name: variables[name] for name in variables if name.startswith(f"{PREFIX}TOPIC_")}
    return Settings.from_environment({f"{PREFIX}PROJECT": "any", **topics})


CONTRACTS = (
    environment_variables_are_the_settings,
    settings_say_what_is_made,
    entry_points_exist,
    functions_run_the_python_that_they_were_pinned_for,
    schedules_publish_messages,
    every_message_reaches_one_function,
    the_local_run_delivers_as_the_cloud_does,
    functions_may_publish_what_they_publish,
    functions_may_write_what_they_write,
    tables_have_the_shape_that_the_code_expects,
    metrics_read_what_the_code_logs,
    alerts_read_what_the_code_logs,
    alerts_name_incidents_that_the_code_reports,
)


def breaches(plan: Plan) -> list[str]:
    """Every breach of every contract, each with the contract's name."""
    return [f"{contract.__name__}: {found}" for contract in CONTRACTS for found in contract(plan)]
