"""Rights at the wire: what the recorded grants do not give is refused as Google refuses it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from google.api_core import exceptions
from google.cloud import bigquery
from google.pubsub_v1.types import Subscription
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Response

from common import schemas
from common.bigquery.sql import Sql
from common.bigquery.warehouse import Warehouse
from common.errors import AccessError
from common.local.functions import manifest
from common.local.functions.gateway import guarded
from common.local.iam import messages, report, secrets
from common.local.iam.grants import account, local_policy, recorded
from common.local.iam.policy import Grant, Need, Policy, Resource, line
from common.local.iam.requests import Request, request_needs
from common.local.iam.statements import statement_needs
from common.local.iam.tokens import access_token
from common.local.stack.bigquery import EmbeddedBigQuery
from common.local.stack.stack import PROJECT as PROJECT_OF_DEMO
from common.settings import Settings
from tests.expected import Expected
from tests.local import needs

ROOT = Path(__file__).parents[2]
PROJECT = "shop"
SETTINGS = Settings(
    project=PROJECT,
    location="US",
    ga4_datasets=(f"{PROJECT}.analytics_1",),
    source_datasets=(f"{PROJECT}.crm", "elsewhere.salesforce"),
    rates_table=f"{PROJECT}.finance.rates",
)
POLICY = local_policy(SETTINGS, recorded(ROOT))
LISTED = Path(__file__).with_name("rights.txt")


@pytest.fixture(scope="module")
def engine() -> Iterator[EmbeddedBigQuery]:
    """An engine under the recorded grants, with the product's tables and some sources."""
    with EmbeddedBigQuery(policy=POLICY) as running:
        owner = Warehouse(running.client(PROJECT), SETTINGS)
        owner.ensure_tables()
        for path in (*SETTINGS.ga4_datasets, *SETTINGS.source_datasets, f"{PROJECT}.private"):
            owner.ensure_dataset(path)
            owner.execute(Sql(f"CREATE TABLE {path}.orders AS SELECT 1 AS id"))
        view = f"CREATE VIEW {PROJECT}.crm.v AS SELECT id FROM {PROJECT}.private.orders"
        owner.execute(Sql(view))
        yield running


def client(engine: EmbeddedBigQuery, name: str) -> bigquery.Client:
    return engine.client(PROJECT, account(name, PROJECT))


def warehouse(engine: EmbeddedBigQuery, name: str) -> Warehouse:
    return Warehouse(client(engine, name), SETTINGS)


INCIDENT = {
    "date": "2026-11-29",
    "recorded_at": "2026-11-29T00:00:00Z",
    "incident_id": "i",
    "code": "c",
    "severity": "warning",
}


COHORT = {
    "date": "2026-10-01",
    "recorded_at": "2026-11-29T00:00:00Z",
    "conversion": "c",
    "leads": 9,
    "predicted_wins": 3.5,
    "actual_wins": 4,
}


@pytest.mark.parametrize("name", ["export", "score-leads", "materialize"])
def test_who_reports_incidents_may_write_them(engine: EmbeddedBigQuery, name: str) -> None:
    warehouse(engine, name).append("incidents", [INCIDENT])


def test_who_closes_a_month_of_leads_may_write_it(engine: EmbeddedBigQuery) -> None:
    warehouse(engine, "score-leads").append("lead_calibration", [COHORT])


def test_a_load_that_might_create_its_table_is_refused(engine: EmbeddedBigQuery) -> None:
    path = f"{PROJECT}.conversions.incidents"
    with client(engine, "export") as export:
        config = bigquery.LoadJobConfig(schema=export.get_table(path).schema)
        with pytest.raises(exceptions.Forbidden) as refused:
            export.load_table_from_json([INCIDENT], path, job_config=config)
    assert refused.value.errors[0]["reason"] == "accessDenied"
    assert refused.value.errors[0]["message"] == (
        "Access Denied: Dataset shop:conversions: Permission bigquery.tables.create denied on "
        "dataset shop:conversions (or it may not exist)."
    )


def test_whoever_may_not_read_a_table_is_refused_as_bigquery_refuses(
    engine: EmbeddedBigQuery,
) -> None:
    with pytest.raises(AccessError, match="does not have permission to query table shop:private"):
        list(warehouse(engine, "api").rows(Sql("SELECT id FROM private.orders")))


def test_a_plain_view_takes_the_right_to_what_is_under_it(engine: EmbeddedBigQuery) -> None:
    assert list(warehouse(engine, "sql-runner").rows(Sql("SELECT id FROM crm.orders")))
    with pytest.raises(AccessError, match=r"query table shop:private\.orders"):
        list(warehouse(engine, "sql-runner").rows(Sql("SELECT id FROM crm.v")))


def test_sources_of_another_project_are_read_without_any_right_on_that_project(
    engine: EmbeddedBigQuery,
) -> None:
    assert list(
        warehouse(engine, "sql-runner").rows(Sql("SELECT id FROM elsewhere.salesforce.orders"))
    )
    with pytest.raises(AccessError, match=r"bigquery\.datasets\.create"):
        warehouse(engine, "sql-runner").ensure_dataset("elsewhere.mine")


def test_a_transaction_takes_the_rights_of_each_of_its_statements(
    engine: EmbeddedBigQuery,
) -> None:
    allowed, refused = (
        Sql(f"DELETE FROM `{PROJECT}.conversions.{table}` WHERE run_id = 'none'")
        for table in ("incidents", "runs")
    )
    warehouse(engine, "export").execute_together([allowed, allowed], job_id="by_export")
    with pytest.raises(AccessError, match=r"conversions\.runs"):
        warehouse(engine, "export").execute_together([allowed, refused], job_id="by_export_too")
    warehouse(engine, "materialize").execute_together([allowed, refused], job_id="by_materialize")


WRITES = [
    "CREATE TABLE {0}.mine AS SELECT 1 AS id",
    "INSERT INTO {0}.orders (id) VALUES (2)",
    "DELETE FROM {0}.orders WHERE TRUE",
    "UPDATE {0}.orders SET id = 3 WHERE TRUE",
    "DROP TABLE {0}.orders",
    "CREATE OR REPLACE VIEW {0}.v2 AS SELECT 1 AS id",
    "ALTER TABLE {0}.orders ADD COLUMN more INT64",
]


@pytest.mark.parametrize("sql", WRITES)
def test_users_sql_can_write_nothing_but_staging(engine: EmbeddedBigQuery, sql: str) -> None:
    datasets = ["analytics_1", "crm", "private", "conversions", "elsewhere.salesforce"]
    for dataset in datasets:
        with pytest.raises(AccessError, match="Access Denied"):
            warehouse(engine, "sql-runner").execute(Sql(sql.format(dataset)))
    staged = "CREATE OR REPLACE TABLE conversions_staging.mine AS SELECT 1 AS id"
    warehouse(engine, "sql-runner").execute(Sql(staged))


def test_a_job_of_another_account_is_not_to_be_read(engine: EmbeddedBigQuery) -> None:
    with client(engine, "api") as api, client(engine, "export") as export:
        job = api.query("SELECT 1 AS one", job_id="of_api", job_retry=None)
        job.result()
        assert api.get_job("of_api").state == "DONE"
        with pytest.raises(exceptions.Conflict):
            export.query("SELECT 1 AS one", job_id="of_api", job_retry=None)
        with pytest.raises(exceptions.Forbidden, match=r"bigquery\.jobs\.get"):
            export.get_job("of_api")


def test_a_call_without_credentials_is_nobodys(engine: EmbeddedBigQuery) -> None:
    path = f"projects/{PROJECT}/datasets/crm/tables/orders"
    answer = requests.get(f"{engine.host}/bigquery/v2/{path}", timeout=60)
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_what_no_row_of_the_table_knows_is_never_let_in() -> None:
    for sql in ("GRANT `roles/x` ON TABLE a.b TO 'user:me'", "CREATE SCHEMA mine"):
        with pytest.raises(ValueError, match="No row of the permission table"):
            list(statement_needs(sql, PROJECT, lambda path: None))
    for method, path in (("POST", "/bigquery/v2/projects/p/models"), ("GET", "/elsewhere")):
        with pytest.raises(ValueError, match="No row"):
            list(request_needs(Request(method, path, {}, "a"), lambda path: None))


@pytest.mark.parametrize(
    ("sql", "rights"),
    [
        ("SELECT * FROM d.t", {"getData t"}),
        ("WITH t AS (SELECT 1) SELECT * FROM t", set()),
        ("SELECT x FROM d.t, t.items AS x", {"getData t"}),
        ("SELECT * FROM `p.d.events_*`", {"getData d"}),
        ("SELECT * FROM `p.d.INFORMATION_SCHEMA.PARTITIONS`", {"get d", "list d", "getData d"}),
        ("SELECT * FROM d.INFORMATION_SCHEMA.TABLES", {"get d", "list d", "getData d"}),
        ("CREATE TABLE d.n AS SELECT * FROM d.t", {"create d", "getData t"}),
        ("CREATE OR REPLACE TABLE d.n (a INT64)", {"create d", "update n", "updateData n"}),
        (
            "CREATE TABLE d.n (a INT64) OPTIONS (expiration_timestamp = CURRENT_TIMESTAMP())",
            {"create d", "delete n"},
        ),
        ("CREATE OR REPLACE VIEW d.v AS SELECT 1 AS a", {"create d", "update v"}),
        ("ALTER TABLE d.t ADD COLUMN a INT64", {"get t", "update t"}),
        ("INSERT INTO d.t (a) SELECT a FROM d.s", {"updateData t", "getData s"}),
        ("UPDATE d.t SET a = 1 WHERE TRUE", {"updateData t", "getData t"}),
        (
            "MERGE d.t AS t USING d.s AS s ON t.a = s.a WHEN MATCHED THEN DELETE",
            {"updateData t", "getData t", "getData s"},
        ),
        (
            "BEGIN TRANSACTION; INSERT INTO d.t (a) VALUES (1); COMMIT TRANSACTION",
            {"updateData t"},
        ),
    ],
)
def test_each_statement_takes_its_rights(sql: str, rights: set[str]) -> None:
    needs = statement_needs(sql, "p", lambda path: None)
    assert {shown(need) for need in needs} == rights


def shown(need: Need) -> str:
    return f"{need.permission.rpartition('.')[2]} {need.resource.name.rpartition('.')[2]}"


DEMO = local_policy(report.settings(PROJECT_OF_DEMO), recorded(ROOT))
GRANTS = sorted(DEMO.grants)
LEASES = {f"{PROJECT_OF_DEMO}.conversions.{name}" for name in schemas.buckets("leases")}


def needs_of(email: str) -> set[Need]:
    """What calls of this account needed in a demo and the day after it; which of its tables a lease
    stands in is a matter of its name."""
    found = {need for each, need in map(needs.parsed, needs.listed()) if each == email}
    found |= {need for name, need in ON_THE_WIRE if email == holder(name)}
    spread = {
        Need(need.permission, Resource("table", table))
        for need in found
        if need.resource.name in LEASES
        for table in LEASES
    }
    return found | spread


def holder(name: str) -> str:
    """The account's e-mail in the demo."""
    return account(name, PROJECT_OF_DEMO)


ON_THE_WIRE = {
    (name, Need("bigquery.tables.updateData", Resource("table", f"{PROJECT_OF_DEMO}.{path}")))
    for name, path in (
        ("export", "conversions.incidents"),
        ("score-leads", "conversions.lead_calibration"),
    )
}
"""What a demo comes to only where something goes wrong, or after months: asked for by tests above
and below, on the wire."""


def lost(grant: Grant) -> list[Need]:
    """What whoever has the grant could do before and cannot do without it."""
    less: Policy = replace(DEMO, grants=DEMO.grants - {grant})
    wanted = needs_of(grant.account)
    if report.document(grant):
        wanted = {Need(OF_DOCUMENTS[grant.role], grant.resource)}
    return [
        need
        for need in sorted(wanted)
        if DEMO.missing(grant.account, [need]) is None
        and less.missing(grant.account, [need]) is not None
    ]


OF_DOCUMENTS = {
    "roles/pubsub.publisher": "pubsub.topics.publish",
    "roles/run.invoker": "run.routes.invoke",
    # asked for by Google's proxy, https://cloud.google.com/iap/docs/managing-access
    "roles/iap.httpsResourceAccessor": "iap.webServiceVersions.accessViaIAP",
    # what the build of a function does
    "roles/artifactregistry.writer": "artifactregistry.repositories.uploadArtifacts",
    "roles/logging.logWriter": "logging.logEntries.create",
    "roles/storage.objectViewer": "storage.objects.get",
}
"""Role → the right for which Google's documents ask for it, of grants that no call here needs."""


@pytest.mark.parametrize("grant", GRANTS, ids=lambda grant: f"{grant.account}-{grant.resource}")
def test_one_grant_less_refuses_a_call_that_a_function_made(grant: Grant) -> None:
    """A grant that nothing needs is one too many: remove it in iam.tf, or name the document."""
    assert lost(grant)


def test_all_that_calls_needed_is_granted() -> None:
    lacking = [
        line
        for line in needs.listed()
        for email, need in [needs.parsed(line)]
        if DEMO.missing(email, [need]) is not None
    ]
    assert lacking == []


def test_each_seeded_fault_is_listed_with_what_is_refused_then(expecting: Expected) -> None:
    """rights.txt: one grant removed, and what whoever had it is refused then."""
    lines = []
    for grant in GRANTS:
        first, *more = lost(grant)
        found = f"{first.permission} on {first.resource}" + (
            f" and {len(more)} more" if more else ""
        )
        asked = report.document(grant) or "called"
        lines.append(f"{line(grant)} | without it: {found} | {asked}\n")
    expecting.text(LISTED, "".join(lines))


SECRET = f"/v1/projects/{PROJECT}/secrets/meta-access-token/versions/latest:access"


def test_a_secret_is_read_by_whom_it_is_granted() -> None:
    held = {secrets.variable("meta-access-token"): "meta-token"}
    client = Client(secrets.versions(POLICY, held))

    def asked(name: str, path: str = SECRET) -> TestResponse:
        token = access_token(account(name, PROJECT))
        return client.get(path, headers={"Authorization": f"Bearer {token}"})

    assert base64.b64decode(asked("export").get_json()["payload"]["data"]) == b"meta-token"
    assert asked("api").status_code == 403
    assert asked("api").get_json()["error"]["message"] == (
        "Permission 'secretmanager.versions.access' denied for resource "
        "'projects/shop/secrets/meta-access-token/versions/latest' (or it may not exist)."
    )
    assert asked("export", SECRET.replace("meta", "other")).status_code == 403
    missing = SECRET.replace("meta-access-token", "ga4-api-secret")
    assert asked("export", missing).status_code == 404
    assert asked("export", "/v1/projects").status_code == 404


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("", "push", 200),
        ("push", "", 200),
        ("push", "api", 200),
        ("api", "push", 403),
        ("", "", 403),
    ],
)
def test_cloud_run_looks_at_one_of_two_headers(first: str, second: str, status: int) -> None:
    function = manifest.read(ROOT).functions["materialize"]
    client = Client(guarded("materialize", function, Response("in"), POLICY))
    sent = {"X-Serverless-Authorization": first, "Authorization": second}
    headers = {
        name: f"Bearer {access_token(account(who, PROJECT))}" for name, who in sent.items() if who
    }
    assert client.post("/", headers=headers).status_code == status


def test_pubsub_pushes_and_gives_up_with_the_rights_of_its_own_account() -> None:
    bare = replace(POLICY, grants=frozenset())
    for policy, may in ((POLICY, True), (bare, False)):
        agent = messages.PubsubAgent(policy)
        assert agent.may_sign(f"push@{PROJECT}.iam.gserviceaccount.com") is may
        assert agent.may_give_up(subscription("materialize-runs")) is may
    assert not messages.PubsubAgent(POLICY).may_sign(account("api", PROJECT))
    assert not messages.PubsubAgent(POLICY).may_give_up(subscription("of-nobody"))


def subscription(name: str) -> Subscription:
    topic = f"projects/{PROJECT}/topics/dead-letters"
    return Subscription(
        name=f"projects/{PROJECT}/subscriptions/{name}",
        dead_letter_policy={"dead_letter_topic": topic, "max_delivery_attempts": 5},
    )
