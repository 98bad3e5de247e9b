"""Who is granted what by a plan, as sorted lines that a person can review."""

from __future__ import annotations

from common.local.iam.grants import RECORDED
from tests.terraform.plans import Plan, Resource, reference

REVIEWED = RECORDED
"""The grants of envs/prod.tfvars.example; a change to who may do what is a change to this file."""

OBJECTS = {
    "google_bigquery_dataset_iam_member": "dataset {project}.{dataset_id}",
    "google_bigquery_table_iam_member": "table {project}.{dataset_id}.{table_id}",
    "google_cloud_run_v2_service_iam_member": "function {name}",
    "google_iap_web_cloud_run_service_iam_member": "page {cloud_run_service_name}",
    "google_project_iam_member": "project {project}",
    "google_pubsub_subscription_iam_member": "subscription {subscription}",
    "google_pubsub_topic_iam_member": "topic {topic}",
    "google_secret_manager_secret_iam_member": "secret {secret_id}",
    "google_service_account_iam_member": "account {service_account_id}",
}


def granted(plan: Plan) -> list[str]:
    """`member | role | on what`, sorted."""
    return sorted(_line(grant) for grant in plan.grants())


def unreviewed(plan: Plan) -> list[str]:
    """How the plan's grants differ from the reviewed ones: lines with + and -."""
    now, reviewed = set(granted(plan)), set(REVIEWED.read_text().splitlines())
    return [f"+ {line}" for line in sorted(now - reviewed)] + [
        f"- {line}" for line in sorted(reviewed - now)
    ]


def _line(grant: Resource) -> str:
    # the name of an account is known only once it exists
    account = reference(grant.references, "service_account_id").removesuffix(".name")
    # that of a log sink too
    writer = "serviceAccount:writer-of-the-sink"
    known = {"service_account_id": account, "member": writer, **grant.values}
    return f"{known['member']} | {known['role']} | {OBJECTS[grant.type].format_map(known)}"
