"""What warns, and what stops a runaway."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.terraform.plans import Plan, Resource, reference

ALERTS = {
    "dead-letter",
    "failing-requests",
    "incident",
    "late-message",
    "nothing-runs",
    "refused",
    "run-ended",
    "stale",
    "unexpected-error",
    "warning",
}

APIS = {
    "google_bigquery_": "bigquery",
    "google_artifact_registry_": "artifactregistry",
    "google_billing_": "billingbudgets",
    "google_cloud_quotas_": "cloudquotas",
    "google_cloud_run_": "run",
    "google_cloud_scheduler_": "cloudscheduler",
    "google_cloudfunctions2_": "cloudfunctions",
    "google_project_iam_": "cloudresourcemanager",
    "google_project_service": "serviceusage",
    "google_service_account": "iam",
    "google_iap_": "iap",
    "google_logging_": "logging",
    "google_monitoring_": "monitoring",
    "google_pubsub_": "pubsub",
    "google_secret_manager_": "secretmanager",
    "google_storage_": "storage",
}
PLATFORM_METRICS = ("pubsub.googleapis.com/", "run.googleapis.com/")
INDIRECT_APIS = {"artifactregistry", "cloudbuild", "datamanager", "iamcredentials"}
"""Needed to build functions, to export to Google Ads and to impersonate, without a resource."""


def every_alert_is_there_and_reaches_somebody(plan: Plan) -> Iterator[str]:
    alerts = plan.of("google_monitoring_alert_policy")
    names = {alert.values["display_name"].split(": ")[1] for alert in alerts}
    if names != ALERTS:
        yield f"missing or unknown: {sorted(names ^ ALERTS)}"
    for alert in alerts:
        if "local.channels" not in reference(alert.references, "notification_channels"):
            yield f"{alert.address} reaches nobody"
        if not alert.values["alert_strategy"]:
            yield f"{alert.address} stays open for a week"
    channels = plan.of("google_monitoring_notification_channel")
    mailed = {
        channel.values["labels"]["email_address"]
        for channel in channels
        if channel.values["type"] == "email"
    }
    if mailed != set(plan.variable("alert_emails") or ()):
        yield f"alerts are mailed to {sorted(mailed)}"


def an_alert_watches_what_is_measured(plan: Plan) -> Iterator[str]:
    metrics = {f"logging.googleapis.com/user/{m.values['name']}": m for m in _metrics(plan)}
    for alert in plan.of("google_monitoring_alert_policy"):
        condition = alert.values["conditions"][0]
        if condition["condition_matched_log"]:
            continue  # lines of the log themselves; the contracts know whether any code writes them
        watched = (condition["condition_threshold"] or condition["condition_absent"])[0]
        metric = re.findall(r'metric\.type="(.+?)"', watched["filter"])[0]
        if metric not in metrics:
            if not metric.startswith(PLATFORM_METRICS):
                yield f"{alert.address} watches {metric}, which nothing measures"
            continue
        known = {f"metric.label.{label}" for label in metrics[metric].values["label_extractors"]}
        named = watched["aggregations"][0]["group_by_fields"] or []
        named += re.findall(r"metric\.label\.\w+", watched["filter"])
        if unknown := {name for name in named if name.startswith("metric.")} - known:
            yield f"{alert.address} reads {sorted(unknown)}, which {metric} has not"


def a_chart_shows_what_is_measured(plan: Plan) -> Iterator[str]:
    for board in plan.of("google_monitoring_dashboard"):
        for widget in json.loads(board.values["dashboard_json"])["gridLayout"]["widgets"]:
            for shown in widget["xyChart"]["dataSets"]:
                for wrong in _unshown(plan, shown["timeSeriesQuery"]):
                    yield f"chart {widget['title']}: {wrong}"


def _unshown(plan: Plan, query: dict[str, Any]) -> Iterator[str]:
    """What keeps a line from showing the query."""
    measured = {m.values["name"]: m.values for m in _metrics(plan)}
    asked = query.get("prometheusQuery", "")
    if asked:
        known = {re.sub(r"\W", "_", name): values for name, values in measured.items()}
        found = re.findall(r"logging_googleapis_com:user_(\w+)_(?:sum|count)\b", asked)
        labels = set(re.findall(r"by \((\w+)\)", asked)) - {"service_name"}
    else:
        filter = query["timeSeriesFilter"]
        asked = filter["filter"]
        if re.findall(r'metric\.type="(.+?)"', asked)[0].startswith(PLATFORM_METRICS):
            return
        known = measured
        found = re.findall(r'metric\.type="logging\.googleapis\.com/user/(.+?)"', asked)
        labels = set(re.findall(r"metric\.label\.(\w+)", str(filter)))
    metric = known.get(found[0]) if found else None
    if metric is None:
        yield f"nothing measures {asked}"
        return
    is_distribution = metric["metric_descriptor"][0]["value_type"] == "DISTRIBUTION"
    if is_distribution != ("prometheusQuery" in query):
        yield "only the sum of a distribution, and nothing else, is asked for in PromQL"
    if unknown := labels - set(metric["label_extractors"]):
        yield f"there is no label {sorted(unknown)}"


def silence_is_watched_where_runs_are_counted(plan: Plan) -> Iterator[str]:
    for alert in plan.of("google_monitoring_alert_policy", "nothing_runs"):
        filter = alert.values["conditions"][0]["condition_absent"][0]["filter"]
        if f"conversions-{plan.variable('environment')}-watchdogs" not in filter:
            yield f"{alert.address} waits for {filter}"


def metrics_count_the_logs_of_every_function(plan: Plan) -> Iterator[str]:
    for metric in _metrics(plan):
        services = re.findall(r'service_name=~"(.+?)"', metric.values["filter"])
        for function in plan.functions():
            if not services or not re.search(services[0], function.values["name"]):
                yield f"{metric.address} leaves out {function.values['name']}"


def _metrics(plan: Plan) -> list[Resource]:
    return plan.of("google_logging_metric")


def the_daily_quota_of_queries_is_set(plan: Plan) -> Iterator[str]:
    wanted = plan.variable("daily_query_tebibytes")
    set_to = [
        quota.values["quota_config"][0]["preferred_value"]
        for quota in plan.of("google_cloud_quotas_quota_preference")
    ]
    if set_to != ([] if wanted is None else [str(int(wanted * 1024**2))]):
        yield f"the quota is {set_to} MiB"


def the_budget_is_the_one_asked_for(plan: Plan) -> Iterator[str]:
    wanted = plan.variable("budget")
    made = plan.of("google_billing_budget")
    amounts = [b.values["amount"][0]["specified_amount"][0]["units"] for b in made]
    if amounts != ([] if wanted is None else [str(wanted["amount"])]):
        yield f"the budget is {amounts}"


def every_api_in_use_is_enabled(plan: Plan) -> Iterator[str]:
    enabled = {api.values["service"].split(".")[0] for api in plan.of("google_project_service")}
    types = {resource.type for resource in plan.resources()}
    if unknown := {type for type in types if not type.startswith(tuple(APIS))}:
        yield f"nobody has said which API these need: {sorted(unknown)}"
    used = {api for prefix, api in APIS.items() if any(t.startswith(prefix) for t in types)}
    if missing := (used | INDIRECT_APIS) - enabled:
        yield f"not enabled: {sorted(missing)}"


POLICIES = (
    every_alert_is_there_and_reaches_somebody,
    an_alert_watches_what_is_measured,
    a_chart_shows_what_is_measured,
    silence_is_watched_where_runs_are_counted,
    metrics_count_the_logs_of_every_function,
    the_daily_quota_of_queries_is_set,
    the_budget_is_the_one_asked_for,
    every_api_in_use_is_enabled,
)
