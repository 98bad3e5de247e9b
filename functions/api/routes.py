"""Every address of the API."""

from __future__ import annotations

from common.http.routing import Interface, Route
from functions.api.definitions import definitions, dimensions, listing, prediction_targets, schemas
from functions.api.definitions import history as history_of_versions
from functions.api.reporting import (
    figures,
    history,
    incidents,
    leads,
    records,
    report,
    scores,
)
from functions.api.runs import run_requests, runs, schedules
from functions.api.setup import configuration, freshness, me, tables
from functions.api.trial import backtest, diff, explain, forecast

VERSION = "1"
ONE = "/conversions/<id>"
SCHEDULE = "/schedules/<name>"
KNOWN = ("If-None-Match",)
"""What is asked for often and changes seldom."""


ROUTES = (
    Route("GET", "/conversions", listing.list_all, headers=KNOWN),
    Route("POST", "/conversions", definitions.create, 201),
    Route("GET", ONE, definitions.get),
    Route("PUT", ONE, definitions.update, headers=("If-Match",)),
    Route("DELETE", ONE, definitions.archive, headers=("If-Match",)),
    Route("GET", f"{ONE}/versions", definitions.versions),
    Route("GET", f"{ONE}/versions/<version>", history_of_versions.one_version),
    Route(
        "POST",
        f"{ONE}/versions/<version>:restore",
        history_of_versions.restore,
        headers=("If-Match",),
    ),
    Route("GET", f"{ONE}/compare", history_of_versions.compare),
    Route("GET", f"{ONE}/statistics", figures.statistics),
    Route("GET", f"{ONE}/by-country", figures.by_country),
    Route("GET", f"{ONE}/by-channel", figures.by_channel),
    Route("GET", f"{ONE}/records", records.records, shows_rows=True),
    Route("GET", f"{ONE}/history", history.history, shows_rows=True),
    Route("GET", f"{ONE}/explain", explain.explain, shows_rows=True),
    Route("POST", "/conversions:backtest", backtest.backtest, shows_rows=True),
    Route("POST", "/conversions:diff", diff.diff, shows_rows=True),
    Route("POST", "/conversions:forecast", forecast.forecast_one),
    Route("GET", "/forecast", forecast.forecast_all),
    Route("GET", "/report", report.report),
    Route("GET", "/schemas", schemas.all_schemas, headers=KNOWN),
    Route("GET", "/schemas/<kind>", schemas.one_schema, headers=KNOWN),
    Route("GET", "/dimensions", dimensions.list_dimensions),
    Route("GET", "/dimensions/<name>/values", dimensions.list_values, shows_rows=True),
    Route("GET", "/eligible-targets", prediction_targets.eligible_targets),
    Route("GET", "/scores/<conversion>", scores.scoring_model),
    Route("GET", "/scores/<conversion>/leads", leads.scored_leads, shows_rows=True),
    Route("GET", "/scores/<conversion>/thresholds", leads.thresholds),
    # a path of any depth: ids of a CRM may hold a slash
    Route("GET", "/scores/<conversion>/<path:lead_id>", scores.lead_score, shows_rows=True),
    Route("GET", "/runs", runs.list_runs),
    # 202: the run is only asked for, and GET /runs/{run_id} tells how it fares
    Route("POST", "/runs", run_requests.run_now, 202, ("Idempotency-Key",), role="operator"),
    Route("GET", "/runs/<run_id>", runs.get_run),
    Route("GET", "/runs/<run_id>/forecast", forecast.forecast_run),
    Route("POST", "/runs/<run_id>:cancel", runs.cancel, role="operator"),
    Route("POST", "/backfills", run_requests.backfill, 202, ("Idempotency-Key",), role="operator"),
    Route("GET", "/incidents", incidents.list_incidents),
    Route("POST", "/incidents/<incident_id>:acknowledge", incidents.acknowledge),
    Route("POST", "/incidents/<incident_id>:resolve", incidents.resolve),
    Route("GET", "/me", me.me),
    Route("GET", "/settings", configuration.settings),
    Route("GET", "/freshness", freshness.freshness),
    Route("GET", "/tables", tables.list_tables, headers=KNOWN),
    Route("GET", "/schedules", schedules.list_schedules),
    Route("GET", SCHEDULE, schedules.get_schedule),
    Route("PUT", SCHEDULE, schedules.put_schedule, role="operator"),
    Route("DELETE", SCHEDULE, schedules.delete_schedule, 204, role="operator"),
)
INTERFACE = Interface("Conversions", "api", VERSION, ROUTES)
