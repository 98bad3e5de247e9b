"""A second and independent copy of the provider's schema: what Pulumi generates from it.

`google.json` is recorded from one package (cdktf-cdktf-provider-google), so a fault of that package
or of our reading would be believed. `python -m tests.terraform.provider.pulumi WHEEL` reads the
wheel of pulumi-gcp (Apache-2.0), without running it, into `pulumi.json`: names and which are
required, of the resources that google.json has. Types are Pulumi's own and are not compared.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from tests.terraform.provider import schema

RECORDED = Path(__file__).with_name("pulumi.json")
MODULES = {
    "artifact_registry_repository": "artifactregistry/repository",
    "bigquery_dataset": "bigquery/dataset",
    "bigquery_dataset_iam_member": "bigquery/dataset_iam_member",
    "bigquery_table": "bigquery/table",
    "bigquery_table_iam_member": "bigquery/iam_member",
    "billing_budget": "billing/budget",
    "cloud_quotas_quota_preference": "cloudquota/s_quota_preference",
    "cloud_run_v2_service": "cloudrunv2/service",
    "cloud_run_v2_service_iam_member": "cloudrunv2/service_iam_member",
    "cloud_scheduler_job": "cloudscheduler/job",
    "cloudfunctions2_function": "cloudfunctionsv2/function",
    "iap_web_cloud_run_service_iam_member": "iap/web_cloud_run_service_iam_member",
    "logging_metric": "logging/metric",
    "logging_project_sink": "logging/project_sink",
    "monitoring_alert_policy": "monitoring/alert_policy",
    "monitoring_dashboard": "monitoring/dashboard",
    "monitoring_notification_channel": "monitoring/notification_channel",
    "project_iam_member": "projects/iam_member",
    "project_service": "projects/service",
    "pubsub_subscription": "pubsub/subscription",
    "pubsub_subscription_iam_member": "pubsub/subscription_iam_member",
    "pubsub_topic": "pubsub/topic",
    "pubsub_topic_iam_member": "pubsub/topic_iam_member",
    "secret_manager_secret": "secretmanager/secret",
    "secret_manager_secret_iam_member": "secretmanager/secret_iam_member",
    "service_account": "serviceaccount/account",
    "service_account_iam_member": "serviceaccount/iam_member",
    "storage_bucket": "storage/bucket",
    "storage_bucket_object": "storage/bucket_object",
}
"""Resource without google_ → the module that Pulumi makes of it."""

Block = Mapping[str, Any]
"""{"arguments": {name: required}, "blocks": {name: Block}}."""


def recorded() -> dict[str, Any]:
    """The recorded copy: source, version, and {resource: Block}."""
    found: dict[str, Any] = json.loads(RECORDED.read_text("utf-8"))
    return found


def differences(google: Mapping[str, Any], other: Mapping[str, Block]) -> Iterator[str]:
    """One line for each argument that the other copy lacks, or requires when google.json does not.

    Computed attributes are no arguments. What the other has in addition and may be left out is no
    difference: nothing in the configuration can depend on it.
    """
    for name, block in google.items():
        yield from _block(name.removeprefix("google_"), block, other[name])


def compared(google: Mapping[str, Any]) -> int:
    """How many arguments and blocks `differences` looks at."""
    return sum(_size(block) for block in google.values())


def _size(block: Mapping[str, Any]) -> int:
    nested = sum(1 + _size(each) for each in block["blocks"].values())
    return nested + sum(1 for kind in block["attributes"].values() if kind[1] != "computed")


def _block(path: str, recorded: Mapping[str, Any], other: Block) -> Iterator[str]:
    shown = {**other["arguments"], **dict.fromkeys(other["blocks"])}
    matched = set()
    for name, (_, presence) in recorded["attributes"].items():
        found = _spelled(name, shown)
        if presence == "computed" or (name == "id" and presence == "optional"):
            continue
        matched.add(found)
        if found is None:
            yield f"{path}.{name}: not there"
        elif shown[found] is not None and shown[found] != (presence == "required"):
            yield f"{path}.{name}: {'required' if shown[found] else 'optional'} there"
    for name, nested in recorded["blocks"].items():
        found = _spelled(name, shown)
        matched.add(found)
        if found is None and name != "timeouts":
            yield f"{path}.{name}: not there"
        elif found in other["blocks"]:
            yield from _block(f"{path}.{name}", nested, other["blocks"][found])
    for name, required in other["arguments"].items():
        if required and name not in matched:
            yield f"{path}.{name}: required there and unknown here"


def _spelled(name: str, shown: Mapping[str, Any]) -> str | None:
    """The name as Pulumi has it, which writes lists in the plural and joins md5hash."""
    stem = re.sub(r"([^aeiou])y$", r"\1ie", name)
    spellings = (name, f"{name}s", f"{name}es", f"{stem}s", name.replace("_hash", "hash"))
    return next((each for each in spellings if each in shown), None)


def read(wheel: Path) -> dict[str, Any]:
    """What the wheel says of the resources of google.json, in the recorded form."""
    version = wheel.name.split("-")[1]
    with ZipFile(wheel) as files:
        resources = {f"google_{name}": _resource(files, module) for name, module in MODULES.items()}
    return {"source": "pulumi-gcp, Apache-2.0", "version": version, "resources": resources}


def _resource(files: ZipFile, module: str) -> dict[str, Any]:
    room = module.partition("/")[0]
    inputs = {**_classes(files, f"pulumi_gcp/{room}/_inputs.py")}
    own = _classes(files, f"pulumi_gcp/{module}.py")
    found = next(each for name, each in own.items() if name.endswith("Args"))
    return _arguments(found, inputs)


def _classes(files: ZipFile, name: str) -> dict[str, ast.ClassDef]:
    if name not in files.namelist():
        return {}
    tree = ast.parse(files.read(name))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _arguments(found: ast.ClassDef, inputs: Mapping[str, ast.ClassDef]) -> dict[str, Any]:
    constructor = next(
        node for node in found.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    )
    arguments: dict[str, bool] = {}
    blocks: dict[str, Any] = {}
    listed = zip(constructor.args.kwonlyargs, constructor.args.kw_defaults, strict=True)
    for argument, default in listed:
        arguments[argument.arg] = default is None
        kind = ast.unparse(argument.annotation) if argument.annotation else ""
        nested = re.search(r"(\w+Args)\b", kind)
        if nested and nested[1] in inputs and inputs[nested[1]] is not found:
            blocks[argument.arg] = _arguments(inputs[nested[1]], inputs)
    return {"arguments": dict(sorted(arguments.items())), "blocks": blocks}


def main(arguments: list[str]) -> None:
    """Writes pulumi.json from the wheel that is named; a person reviews the diff."""
    found = read(Path(arguments[0]))
    names = schema.google()["resources"]
    found["resources"] = {name: found["resources"][name] for name in sorted(names)}
    RECORDED.write_text(json.dumps(found, separators=(",", ":"), sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
