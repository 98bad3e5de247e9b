"""Google's own client against a server that refuses as BigQuery does: what we make of it.

The table is Google's page "Error messages" and how the client of 3.47 raises each reason.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from google.api_core import exceptions as google_errors
from google.auth.exceptions import RefreshError, TransportError

from common.bigquery import warehouse as rooms
from common.bigquery.refusals import Caller, translate
from common.bigquery.sql import Sql
from common.bigquery.warehouse import Warehouse
from common.errors import ProductError
from common.local.stack.bigquery import client as connect
from common.settings import Settings

SETTINGS = Settings(project="shop", maximum_bytes_billed=10**9)

RIGHT, QUOTA, RETRY, QUERY, MISSING = 403, 429, 503, 422, 404

REFUSALS = [
    # reason, HTTP, message, status of ours, code of ours
    (
        "accessDenied",
        403,
        "Access Denied: Dataset p:d: Permission x denied",
        RIGHT,
        "access_denied",
    ),
    ("billingNotEnabled", 403, "Billing", RIGHT, "billing_not_enabled"),
    ("policyViolation", 403, "Org policy", RIGHT, "policy_violation"),
    ("blocked", 403, "Blocked", RIGHT, "blocked"),
    ("quotaExceeded", 403, "Quota exceeded: Your table exceeded it", RETRY, "quota_exceeded"),
    ("quotaExceeded", 403, "Custom quota exceeded: QueryUsagePerDay", QUOTA, "quota_exceeded"),
    ("rateLimitExceeded", 403, "Exceeded rate limits: too many updates", RETRY, "rate_limited"),
    ("jobRateLimitExceeded", 400, "Exceeded rate limits", RETRY, "rate_limited"),
    ("jobBackendError", 400, "Try again", RETRY, "backend_error"),
    ("jobInternalError", 400, "Try again", RETRY, "backend_error"),
    ("backendError", 503, "Try again", RETRY, "backend_error"),
    ("internalError", 500, "Try again", RETRY, "backend_error"),
    ("tableUnavailable", 400, "Suspended", RETRY, "table_unavailable"),
    (
        "bytesBilledLimitExceeded",
        500,
        "Query exceeded limit for bytes billed: 1000000000. 2199023255552 or higher required.",
        QUERY,
        "bytes_cap",
    ),
    ("billingTierLimitExceeded", 400, "Too much", QUERY, "billing_tier_limit_exceeded"),
    ("resourcesExceeded", 400, "Resources exceeded", QUERY, "resources_exceeded"),
    ("responseTooLarge", 403, "Response too large", QUERY, "response_too_large"),
    ("timeout", 400, "Job timed out", QUERY, "timeout"),
    ("invalidQuery", 400, "Unrecognized name: x at [1:8]", QUERY, "query_failed"),
    ("invalidQuery", 400, "due to concurrent update", RETRY, "contention"),
    ("invalidQuery", 400, "Could not serialize access to table", RETRY, "contention"),
    ("invalid", 400, "rows in the streaming buffer", RETRY, "streaming_buffer"),
    ("notFound", 404, "Not found: Table", MISSING, "not_found"),
    ("somethingNew", 400, "Novel", QUERY, "query_failed"),
    ("somethingNew", 503, "Novel", RETRY, "bigquery_unavailable"),
]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """A test's output is its verdict."""


class Refusing:
    """BigQuery's jobs, each refused: in the HTTP answer, or as a finished job with an error."""

    def __init__(self, code: int, reason: str, message: str, *, as_job: bool) -> None:
        self.error = {"reason": reason, "message": message, "domain": "global"}
        self.code = code
        self.as_job = as_job
        self.jobs: list[str] = []

    def __call__(self, environ: Any, respond: Any) -> Iterable[bytes]:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = json.loads(environ["wsgi.input"].read(size) or b"{}")
        given = body.get("jobReference", {}).get("jobId")
        if given:
            self.jobs.append(given)
        if not self.as_job:
            error = {"code": self.code, "message": self.error["message"], "errors": [self.error]}
            return _json(respond, self.code, {"error": error})
        job = {
            "jobReference": {"projectId": "shop", "jobId": given or "j", "location": "EU"},
            "configuration": {"query": {"query": "SELECT 1"}, "jobType": "QUERY"},
            "status": {"state": "DONE", "errorResult": self.error, "errors": [self.error]},
            "statistics": {},
        }
        return _json(respond, 200, job)


def _json(respond: Any, code: int, document: Any) -> Iterable[bytes]:
    respond(f"{code} x", [("Content-Type", "application/json")])
    return [json.dumps(document).encode()]


@contextmanager
def asking(app: Refusing) -> Iterator[Warehouse]:
    """A warehouse whose BigQuery is the app."""
    with make_server("127.0.0.1", 0, app, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        with connect(f"http://127.0.0.1:{server.server_port}", "shop") as client:
            yield Warehouse(client, SETTINGS)
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client and the warehouse give up at once instead of after a minute."""
    brief = {"_initial": 0.001, "_maximum": 0.001, "_timeout": 0.01, "_deadline": 0.01}
    for retry in (rooms.RETRY, rooms.JOB_RETRY):
        for name, value in brief.items():
            if hasattr(retry, name):
                monkeypatch.setattr(retry, name, value)
    monkeypatch.setattr("time.sleep", lambda seconds: None)


@pytest.mark.parametrize("as_job", [False, True], ids=["http", "job"])
@pytest.mark.parametrize(("reason", "code", "message", "status", "ours"), REFUSALS)
def test_the_reason_says_what_to_do_next(
    reason: str, code: int, message: str, status: int, ours: str, as_job: bool
) -> None:
    if as_job and reason == "somethingNew":
        pytest.skip("the client makes 500 of a job's unknown reason, whatever its HTTP status was")
    app = Refusing(code, reason, message, as_job=as_job)
    with asking(app) as warehouse, pytest.raises(ProductError) as refused:
        warehouse.execute(Sql("SELECT 1"), job_id="mine")
    assert (refused.value.status, refused.value.code) == (status, ours)
    if ours in ("rate_limited", "backend_error") and as_job:
        assert len(set(app.jobs)) == len(app.jobs) > 1, "a job's failure needs a new job id"


def test_a_quota_of_a_day_is_known_by_its_place_and_not_by_its_words() -> None:
    for place, status in (("load_job_per_table.long", QUOTA), ("somewhere", RETRY)):
        refused = {"reason": "quotaExceeded", "message": "Quota exceeded", "location": place}
        error = google_errors.Forbidden("x", errors=[refused])  # type: ignore[no-untyped-call]
        ours = translate(error)
        assert ours is not None
        assert ours.status == status


def test_a_cap_says_how_to_raise_it_and_what_that_costs() -> None:
    text = "Query exceeded limit for bytes billed: 1000. 2199023255552 or higher required."
    error = google_errors.InternalServerError(  # type: ignore[no-untyped-call]
        text, errors=[{"reason": "bytesBilledLimitExceeded", "message": text}]
    )
    ours = translate(error, Caller("me@x", 1000, 6.25))
    assert ours is not None
    assert "1,000 bytes" in ours.fix
    assert "maximum_bytes_billed = 2199023255552" in ours.fix
    assert "12.50 USD" in ours.fix


GRANTS = [
    (
        "Access Denied: Dataset p:d: Permission bigquery.tables.create denied on dataset p:d (or "
        "it may not exist).",
        'GRANT `roles/bigquery.dataEditor` ON SCHEMA `p.d` TO "serviceAccount:me@x"',
    ),
    (
        "Access Denied: Table p:d.t: User does not have permission to query table p:d.t, or "
        "perhaps it does not exist in location EU.",
        'GRANT `roles/bigquery.dataViewer` ON SCHEMA `p.d` TO "serviceAccount:me@x"',
    ),
    (
        "Access Denied: Project p: User does not have bigquery.jobs.create permission in project "
        "p.",
        "gcloud projects add-iam-policy-binding p --member=serviceAccount:me@x "
        "--role=roles/bigquery.jobUser --condition=None",
    ),
    (
        "Access Denied: Table p:d.t: Permission bigquery.tables.updateData denied on table p:d.t "
        "(or it may not exist).",
        'GRANT `roles/bigquery.dataEditor` ON TABLE `p.d.t` TO "serviceAccount:me@x"',
    ),
]


@pytest.mark.parametrize(("text", "command"), GRANTS)
def test_a_missing_right_names_the_command_that_grants_it(text: str, command: str) -> None:
    error = google_errors.Forbidden(text)  # type: ignore[no-untyped-call]
    error._errors = [{"reason": "accessDenied", "message": text}]
    ours = translate(error, Caller("me@x"))
    assert ours is not None
    assert ours.fix == command


def test_an_impersonation_that_is_refused_is_a_missing_right() -> None:
    ours = translate(RefreshError("Unable to acquire impersonated credentials"), Caller("r@x"))  # type: ignore[no-untyped-call]
    assert ours is not None
    assert (ours.status, ours.code) == (403, "impersonation_denied")
    assert "roles/iam.serviceAccountTokenCreator" in ours.fix
    later = translate(TransportError("no network"))  # type: ignore[no-untyped-call]
    assert later is not None
    assert later.status == 503
