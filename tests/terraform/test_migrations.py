"""Terraform makes a table once: whatever columns it has later are none of its business."""

from __future__ import annotations

import json
from typing import Any

from tests.terraform.offline import Terraform
from tests.terraform.plans import Plan

GOOGLE = 'provider["registry.terraform.io/hashicorp/google"]'
TABLE = 'google_bigquery_table.tables["erasures"]'
NEWER = {"name": "requested_by", "type": "STRING", "mode": "NULLABLE"}


def state(plan: Plan) -> str:
    """A state in which only that table exists, with a column more than the configuration names."""
    table = next(each for each in plan.resources() if each.address == TABLE)
    columns = json.dumps([*json.loads(table.values["schema"]), NEWER])
    made: dict[str, Any] = {**table.values, "schema": columns, "id": "made"}
    instance = {"index_key": table.key, "schema_version": 0, "attributes": made}
    resource = {"mode": "managed", "type": table.type, "name": table.name, "provider": GOOGLE}
    stored = {"version": 4, "serial": 1, "lineage": "test", "outputs": {}}
    return json.dumps({**stored, "resources": [{**resource, "instances": [instance]}]})


def test_an_older_commit_takes_no_column_away(outline: Terraform, dev: Plan) -> None:
    kept = outline.folder / "terraform.tfstate"
    kept.write_text(state(dev))
    try:
        options = ("-input=false", "-refresh=false", "-lock=false", f"-target={TABLE}")
        outline("plan", *options, "-var-file=envs/dev.tfvars.example", "-out=kept.tfplan")
        changes = json.loads(outline("show", "-json", "kept.tfplan"))["resource_changes"]
    finally:
        kept.unlink()
    [change] = [each["change"] for each in changes if each["address"] == TABLE]
    assert change["after"]["schema"] == change["before"]["schema"]
    assert NEWER in json.loads(change["after"]["schema"])
