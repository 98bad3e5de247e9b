"""What holds data, and what holds code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.terraform.plans import Plan

WEEK_IN_MILLISECONDS = 7 * 24 * 3600 * 1000


PROTECTED = ("google_bigquery_table", "google_secret_manager_secret")


def history_and_secrets_are_protected(plan: Plan) -> Iterator[str]:
    for kept in (each for type in PROTECTED for each in plan.of(type)):
        if kept.values["deletion_protection"] != plan.variable("deletion_protection"):
            yield f"{kept.address} is not protected as the variable says"


def data_stays_where_the_sources_are(plan: Plan) -> Iterator[str]:
    for dataset in plan.of("google_bigquery_dataset"):
        if dataset.values["location"] != plan.variable("location"):
            yield f"{dataset.address} lies in {dataset.values['location']}"
        if dataset.values["access"]:
            yield f"{dataset.address} sets access, which takes away what the grants give"


def staging_cleans_itself(plan: Plan) -> Iterator[str]:
    for dataset in plan.of("google_bigquery_dataset", "staging"):
        if dataset.values["default_table_expiration_ms"] != WEEK_IN_MILLISECONDS:
            yield f"{dataset.address} keeps what jobs left behind"
    for dataset in plan.of("google_bigquery_dataset", "conversions"):
        if dataset.values["default_table_expiration_ms"]:
            yield f"{dataset.address} forgets its tables"


def bundles_are_private(plan: Plan) -> Iterator[str]:
    for bucket in plan.of("google_storage_bucket"):
        public = bucket.values["public_access_prevention"] != "enforced"
        if public or not bucket.values["uniform_bucket_level_access"]:
            yield f"{bucket.address} could be opened to the public"


def a_bundle_is_named_by_its_content(plan: Plan) -> Iterator[str]:
    uploads = {o.folder: o.values["name"] for o in plan.of("google_storage_bucket_object")}
    for source, name in uploads.items():
        if not re.fullmatch(rf"{source}-[0-9a-f]{{64}}\.zip", name):
            yield f"the bundle {name} keeps its name when the code changes"
    for function in plan.functions():
        built_from = function.values["build_config"][0]["source"][0]["storage_source"][0]
        source = plan.manifest["functions"][function.function]["source"]
        if built_from["object"] != uploads.get(source):
            yield f"{function.address} is built from {built_from['object']}"


def a_bundle_exports_the_entry_points_of_its_functions(plan: Plan) -> Iterator[str]:
    functions = plan.manifest["functions"].values()
    for source, bundle in plan.bundles().items():
        names = sorted(f["entry_point"] for f in functions if f["source"] == source)
        if bundle["main.py"] != f"from functions.{source}.main import {', '.join(names)}\n":
            yield f"main.py of {source} is {bundle['main.py']!r}"


def bundles_hold_no_local_engine(plan: Plan) -> Iterator[str]:
    for source, bundle in plan.bundles().items():
        foreign = {
            path
            for path in bundle
            if not path.startswith(("common/", f"functions/{source}/"))
            or path.startswith("common/local/")
        }
        if foreign != {"main.py", "requirements.txt"}:
            yield f"the bundle of {source} holds {sorted(foreign)}"


def everything_is_labelled(plan: Plan) -> Iterator[str]:
    provider = plan.json["configuration"]["provider_config"]["google"]["expressions"]
    if provider.get("default_labels", {}).get("references") != ["local.labels"]:
        yield "the provider does not label what it makes"


POLICIES = (
    history_and_secrets_are_protected,
    data_stays_where_the_sources_are,
    staging_cleans_itself,
    bundles_are_private,
    a_bundle_is_named_by_its_content,
    a_bundle_exports_the_entry_points_of_its_functions,
    bundles_hold_no_local_engine,
    everything_is_labelled,
)
