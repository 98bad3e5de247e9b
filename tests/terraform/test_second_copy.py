"""The recorded provider schema against an independent copy; a new difference is to be looked at."""

from __future__ import annotations

import copy

from tests.terraform.provider import pulumi, schema

FILLED_IN = """
cloud_run_v2_service.name cloud_run_v2_service_iam_member.name cloud_scheduler_job.name
cloudfunctions2_function.name logging_metric.name logging_project_sink.name
pubsub_subscription.name pubsub_topic.name secret_manager_secret.secret_id
service_account.account_id storage_bucket.name storage_bucket_object.name
""".split()
"""Names that Pulumi makes up where none is given."""
LATER = [
    "bigquery_table.view.use_legacy_sql",
    "storage_bucket.encryption.default_kms_key_name",
]
"""Required by the release that we deploy with, optional in a later one."""
KNOWN = sorted(f"{name}: optional there" for name in [*FILLED_IN, *LATER])


def test_both_copies_say_the_same_of_what_we_deploy() -> None:
    google = schema.google()["resources"]
    assert sorted(pulumi.differences(google, pulumi.recorded()["resources"])) == KNOWN
    assert pulumi.compared(google) > 900


def test_a_fault_of_our_recording_is_seen() -> None:
    """Each kind of fault: a name that nobody has, a demand that nobody makes, one that is lost."""
    google = copy.deepcopy(schema.google()["resources"])
    topic = google["google_pubsub_topic"]
    topic["attributes"]["invented"] = ["string", "optional"]
    topic["attributes"]["labels"] = [["map", "string"], "required"]
    google["google_bigquery_dataset"]["attributes"]["dataset_id"] = ["string", "optional"]
    del google["google_bigquery_table"]["attributes"]["table_id"]
    found = set(pulumi.differences(google, pulumi.recorded()["resources"]))
    assert found - set(KNOWN) == {
        "pubsub_topic.invented: not there",
        "pubsub_topic.labels: optional there",
        "bigquery_dataset.dataset_id: required there",
        "bigquery_table.table_id: required there and unknown here",
    }
