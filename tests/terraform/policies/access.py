"""Who may do what: roles, callers and accounts."""

from __future__ import annotations

from collections.abc import Iterator

from tests.terraform.plans import Plan, service

PUBLIC = {"allUsers", "allAuthenticatedUsers"}

SENDERS = ("export", "export-preview")
"""Functions that speak to ad platforms."""

PROJECT_ROLES = {
    "build": {
        "roles/artifactregistry.writer",
        "roles/logging.logWriter",
        "roles/storage.objectViewer",
    },
    "api": {"roles/bigquery.jobUser", "roles/cloudscheduler.admin"},
}
"""What an account may hold on the whole project; all others may run queries and no more."""
RUNS_QUERIES = {"roles/bigquery.jobUser"}

ROLES = {
    "google_bigquery_dataset_iam_member": {
        "roles/bigquery.dataEditor",
        "roles/bigquery.dataViewer",
    },
    "google_bigquery_table_iam_member": {"roles/bigquery.dataEditor"},
    "google_cloud_run_v2_service_iam_member": {"roles/run.invoker"},
    "google_iap_web_cloud_run_service_iam_member": {"roles/iap.httpsResourceAccessor"},
    "google_pubsub_subscription_iam_member": {"roles/pubsub.subscriber"},
    "google_pubsub_topic_iam_member": {"roles/pubsub.publisher"},
    "google_secret_manager_secret_iam_member": {"roles/secretmanager.secretAccessor"},
    "google_service_account_iam_member": {"roles/iam.serviceAccountTokenCreator"},
}


def roles_are_on_the_allow_list(plan: Plan) -> Iterator[str]:
    for grant in plan.grants():
        if grant.type != "google_project_iam_member":
            allowed = ROLES.get(grant.type, set())
        elif grant.values["project"] != plan.variable("project"):
            allowed = set()  # datasets of a customer are granted, never the project
        else:
            name = grant.values.get("member", "").split(":")[1].split("@")[0]
            allowed = PROJECT_ROLES.get(name.split("-", 2)[2], RUNS_QUERIES)
        if grant.values["role"] not in allowed:
            yield f"{grant.address} grants {grant.values['role']}"


def every_function_may_run_queries(plan: Plan) -> Iterator[str]:
    runners = {
        grant.values.get("member", "")
        for grant in plan.of("google_project_iam_member")
        if grant.values["role"] in RUNS_QUERIES
    }
    for function in plan.functions():
        if f"serviceAccount:{plan.account(function.function)}" not in runners:
            yield f"{function.address} may not run queries"


def nobody_unknown_may_call(plan: Plan) -> Iterator[str]:
    invited = bool(plan.variable("allow_unauthenticated"))
    for grant in plan.grants():
        if grant.values.get("member", "") in PUBLIC and not (invited and grant.key == "everyone"):
            yield f"{grant.address} lets anyone in"


def browsers_are_let_in_only_with_a_verifier(plan: Plan) -> Iterator[str]:
    for function in plan.functions():
        audience = service(function)["environment_variables"].get("CONVERSIONS_TOKEN_AUDIENCE")
        if plan.variable("allow_unauthenticated") and not audience:
            yield f"{function.address} is open and verifies nobody"


def only_the_proxy_reaches_the_console(plan: Plan) -> Iterator[str]:
    for page in plan.of("google_cloud_run_v2_service"):
        callers = plan.of("google_cloud_run_v2_service_iam_member", "proxy")
        if not page.values["iap_enabled"]:
            yield f"{page.address} is open to whoever knows its address"
        if [
            c
            for c in callers
            if not c.values["member"].endswith("@gcp-sa-iap.iam.gserviceaccount.com")
        ]:
            yield f"{page.address} may be called past the proxy"
        variables = {
            v["name"]: v.get("value") for v in page.values["template"][0]["containers"][0]["env"]
        }
        if variables.get("CONVERSIONS_LOCAL_USER"):
            yield f"{page.address} takes everybody for {variables['CONVERSIONS_LOCAL_USER']}"
        audience = variables.get("CONVERSIONS_IAP_AUDIENCE", "")
        if not audience.endswith(f"/services/{page.values['name']}"):
            yield f"the functions demand assertions for {audience!r}"


def every_function_has_an_account_of_its_own(plan: Plan) -> Iterator[str]:
    used = [str(service(f).get("service_account_email")) for f in plan.functions()]
    made = [account.values["email"] for account in plan.of("google_service_account", "this")]
    if sorted(used) != sorted(made) or len(set(used)) < len(used):
        yield f"the functions run as {sorted(used)}"


def only_pubsub_reaches_a_push_function(plan: Plan) -> Iterator[str]:
    invokers = plan.of("google_cloud_run_v2_service_iam_member", "invokers")
    for function in plan.functions():
        pushed = plan.manifest["functions"][function.function]["trigger"] == "push"
        callers = {i.values["member"] for i in invokers if i.function == function.function}
        ingress = service(function)["ingress_settings"]
        if ingress != ("ALLOW_INTERNAL_ONLY" if pushed else "ALLOW_ALL"):
            yield f"{function.address} has ingress {ingress}"
        if pushed and callers != {f"serviceAccount:{plan.account('push')}"}:
            yield f"{function.address} may be called by {sorted(callers)}"


def only_export_reads_the_secrets_of_platforms(plan: Plan) -> Iterator[str]:
    for resource in plan.resources():
        if resource.type == "google_secret_manager_secret_version":
            yield f"{resource.address} would put a secret into the state"
    secrets = {secret.values["secret_id"] for secret in plan.of("google_secret_manager_secret")}
    allowed = {
        (secret, f"serviceAccount:{plan.account(name)}") for secret in secrets for name in SENDERS
    }
    readable = {
        (grant.values["secret_id"], grant.values.get("member", ""))
        for grant in plan.of("google_secret_manager_secret_iam_member")
    }
    if readable != allowed:
        yield f"secrets are read by {sorted(readable ^ allowed)}"


def users_sql_can_write_nowhere_but_to_staging(plan: Plan) -> Iterator[str]:
    runner = f"serviceAccount:{plan.account('sql-runner')}"
    for grant in plan.grants():
        if (
            grant.values.get("member", "") == runner
            and grant.values["role"] == "roles/bigquery.dataEditor"
        ):
            staging = grant.values.get("dataset_id", "").endswith("_staging")
            if not staging or "table_id" in grant.values:
                yield f"{grant.address} lets users' SQL write"


POLICIES = (
    roles_are_on_the_allow_list,
    every_function_may_run_queries,
    nobody_unknown_may_call,
    browsers_are_let_in_only_with_a_verifier,
    only_the_proxy_reaches_the_console,
    every_function_has_an_account_of_its_own,
    only_pubsub_reaches_a_push_function,
    only_export_reads_the_secrets_of_platforms,
    users_sql_can_write_nowhere_but_to_staging,
)
