"""The stand-in providers refuse what the real ones refuse, and know no more than they do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.terraform.offline import Terraform, TerraformError, environment
from tests.terraform.provider import record, schema
from tests.terraform.provider.compare import GOOGLE, differences

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


@pytest.fixture(scope="module")
def served(outline: Terraform) -> dict[str, Any]:
    """The schema that terraform got from the stand-in, as `providers schema -json` prints it."""
    printed: dict[str, Any] = json.loads(outline("providers", "schema", "-json"))
    return printed


def test_terraform_reads_the_recording_as_it_was_recorded(served: dict[str, Any]) -> None:
    assert list(differences(served)) == []


def test_a_provider_that_moved_on_is_distinguished(served: dict[str, Any]) -> None:
    moved = json.loads(json.dumps(served))
    topic = moved["provider_schemas"][GOOGLE]["resource_schemas"]["google_pubsub_topic"]["block"]
    del topic["attributes"]["labels"]
    topic["attributes"]["name"] = {"type": "number", "required": True}
    topic["attributes"]["region"] = {"type": "string", "required": True}
    topic["block_types"]["timeouts"]["nesting_mode"] = "list"
    assert sorted(differences(moved)) == [
        "google_pubsub_topic.labels: gone",
        "google_pubsub_topic.name: string required is now number required",
        "google_pubsub_topic.region: new and required",
        "google_pubsub_topic.timeouts: single is now list",
    ]
