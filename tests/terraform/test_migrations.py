"""A second apply: what Google keeps otherwise than it was asked for is left as it is."""

from __future__ import annotations

import json
from typing import Any

from tests.terraform.offline import Terraform
from tests.terraform.plans import Plan

GOOGLE = 'provider["registry.terraform.io/hashicorp/google"]'
TABLE = 'google_bigquery_table.tables["erasures"]'
QUOTA = "google_cloud_quotas_quota_preference.daily_query_bytes[0]"
NEWER = {"name": "requested_by", "type": "STRING", "mode": "NULLABLE"}


def state(plan: Plan, address: str, **told: Any) -> str:
    """A state in which only that resource exists, with what Google tells of it."""
    made = next(each for each in plan.resources() if each.address == address)
    attributes: dict[str, Any] = {**made.values, "id": "made", **told}
    key: str | int = 0 if address.endswith("[0]") else made.key
    instance = {"index_key": key, "schema_version": 0, "attributes": attributes}
    resource = {"mode": "managed", "type": made.type, "name": made.name, "provider": GOOGLE}
    stored = {"version": 4, "serial": 1, "lineage": "test", "outputs": {}}
    return json.dumps({**stored, "resources": [{**resource, "instances": [instance]}]})


def planned(outline: Terraform, kept: str, address: str) -> dict[str, Any]:
    """What the next apply would change of the resource, given the state."""
    file = outline.folder / "terraform.tfstate"
    file.write_text(kept)
    try:
        options = ("-input=false", "-refresh=false", "-lock=false", f"-target={address}")
        outline("plan", *options, "-var-file=envs/dev.tfvars.example", "-out=kept.tfplan")
        changes = json.loads(outline("show", "-json", "kept.tfplan"))["resource_changes"]
    finally:
        file.unlink()
    [change] = [each["change"] for each in changes if each["address"] == address]
    found: dict[str, Any] = change
    return found


def test_an_older_commit_takes_no_column_away(outline: Terraform, dev: Plan) -> None:
    table = next(each for each in dev.resources() if each.address == TABLE)
    columns = json.dumps([*json.loads(table.values["schema"]), NEWER])
    change = planned(outline, state(dev, TABLE, schema=columns), TABLE)
    assert change["after"]["schema"] == change["before"]["schema"]
    assert NEWER in json.loads(change["after"]["schema"])


def test_a_second_apply_asks_for_no_other_quota(outline: Terraform, dev: Plan) -> None:
    """Google does not tell back that a steep decrease was meant."""
    quota = next(each for each in dev.resources() if each.address == QUOTA)
    [wanted] = quota.values["quota_config"]
    told = dict.fromkeys(("granted_value", "request_origin", "state_detail", "trace_id"), "told")
    config = [{"annotations": None, **told, **wanted}]
    computed = dict.fromkeys(("create_time", "update_time", "etag"), "told") | {
        "reconciling": False
    }
    kept = state(dev, QUOTA, ignore_safety_checks=None, quota_config=config, **computed)
    assert planned(outline, kept, QUOTA)["actions"] == ["no-op"]
