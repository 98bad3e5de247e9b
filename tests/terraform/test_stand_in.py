"""The stand-in providers refuse what the real ones refuse, and know no more than they do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.terraform.offline import Terraform, TerraformError, environment
from tests.terraform.provider import record, schema

SUBSCRIPTION = """
terraform {{
  required_providers {{
    google = {{ source = "hashicorp/google" }}
  }}
}}

resource "google_pubsub_subscription" "this" {{
  name  = "pushes"
  topic = "runs"
  {argument}
}}
"""


@pytest.fixture
def subscription(providers: dict[str, str], tmp_path: Path) -> Terraform:
    return Terraform(tmp_path, environment(providers))


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ('acknowledge = "60s"', "Unsupported argument"),
        ("ack_deadline_seconds = [60]", "Incorrect attribute value type"),
        ("ack_deadline_seconds = 700", "must lie between 10 and 600"),
        ('message_retention_duration = "40d"', "must be a duration from 600s to 2678400s"),
        ("dead_letter_policy {\n max_delivery_attempts = 2\n}", "must lie between 5 and 100"),
        ("push_config {\n}", "push_endpoint"),
        ("expiration_policy {\n ttl = 1\n}\nexpiration_policy {\n ttl = 2\n}", "Too many"),
    ],
)
def test_a_wrong_argument_is_refused(
    subscription: Terraform, argument: str, complaint: str
) -> None:
    (subscription.folder / "main.tf").write_text(SUBSCRIPTION.format(argument=argument))
    subscription("init", "-input=false")
    with pytest.raises(TerraformError, match=complaint):
        subscription("validate", "-no-color")


def test_what_the_real_provider_knows_only_after_apply_is_unknown(subscription: Terraform) -> None:
    topics = """resource "google_pubsub_topic" "each" {
      for_each = toset([google_pubsub_subscription.this.id])
      name     = each.key
    }"""
    (subscription.folder / "main.tf").write_text(SUBSCRIPTION.format(argument="") + topics)
    subscription("init", "-input=false")
    with pytest.raises(TerraformError, match="Invalid for_each argument"):
        subscription("plan", "-no-color", "-input=false")


def test_the_recording_covers_every_type_in_use() -> None:
    recorded = schema.google()
    assert set(record.used("resource")) == set(recorded["resources"])
    assert set(record.used("data")) == set(recorded["data_sources"])
