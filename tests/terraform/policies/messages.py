"""How messages travel: pushes, retries, dead letters, schedules."""

from __future__ import annotations

from collections.abc import Iterator

from croniter import croniter

from tests.terraform.plans import Plan, reference, references, service
from tests.terraform.provider.values import PROJECT_NUMBER

AGENT = f"serviceAccount:service-{PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"
WEEK = "604800s"
MONTH = "2678400s"
DEAD_LETTERS = "google_pubsub_topic.dead_letters.id"
MARGIN_SECONDS = 60
OWN_FUNCTION = {"module.function", "each.value.function"}
"""What a subscription refers to by the function that the manifest gives it."""
TARGETS = ("pubsub_target", "http_target", "app_engine_http_target")


def every_subscription_of_the_manifest_is_made(plan: Plan) -> Iterator[str]:
    made = {
        push.key: (push.values["filter"] or "", push.values["enable_message_ordering"])
        for push in plan.pushes()
    }
    for name, wanted in plan.manifest["subscriptions"].items():
        if made.get(name) != (wanted["filter"], wanted["ordering"]):
            yield f"{name} has filter and ordering {made.get(name)}"


def every_push_has_a_dead_letter(plan: Plan) -> Iterator[str]:
    for push in plan.pushes():
        target = reference(push.references, "dead_letter_policy", "dead_letter_topic")
        if not push.values["dead_letter_policy"] or target != DEAD_LETTERS:
            yield f"{push.address} sends dead letters to {target or 'nowhere'}"


def dead_letters_can_be_written(plan: Plan) -> Iterator[str]:
    granted = {
        (grant.name, grant.key, grant.values["role"])
        for grant in plan.grants()
        if grant.values.get("member") == AGENT
    }
    if ("pubsub_writes_dead_letters", "", "roles/pubsub.publisher") not in granted:
        yield "Pub/Sub may not publish dead letters"
    for push in plan.pushes():
        forwards = ("pubsub_forwards_dead_letters", push.key, "roles/pubsub.subscriber")
        if forwards not in granted:
            yield f"Pub/Sub may not take dead letters from {push.address}"


def dead_letters_are_kept_for_a_month(plan: Plan) -> Iterator[str]:
    kept = plan.of("google_pubsub_subscription", "dead_letters")
    if [reference(s.references, "topic") for s in kept] != [DEAD_LETTERS]:
        yield "no subscription keeps the dead letters"
    for subscription in kept:
        if subscription.values["message_retention_duration"] != MONTH:
            yield f"{subscription.address} forgets dead letters early"


def a_push_is_signed_for_the_function_that_it_reaches(plan: Plan) -> Iterator[str]:
    signs = "roles/iam.serviceAccountTokenCreator"
    if not any(
        g.values.get("member") == AGENT and g.values["role"] == signs for g in plan.grants()
    ):
        yield "Pub/Sub may not sign as the push account"
    for push in plan.pushes():
        token = push.values["push_config"][0]["oidc_token"]
        if [t["service_account_email"] for t in token] != [plan.account("push")]:
            yield f"{push.address} is not signed by the push account"
        endpoint = references(push.references, "push_config", "push_endpoint")
        audience = references(push.references, "push_config", "oidc_token", "audience")
        # the endpoint has a path, so that Pub/Sub's default audience would not be the function
        if not endpoint >= OWN_FUNCTION or not audience >= OWN_FUNCTION:
            yield f"{push.address} is sent to {sorted(endpoint)} and signed for {sorted(audience)}"


def a_push_waits_longer_than_its_function_runs(plan: Plan) -> Iterator[str]:
    timeouts = {f.function: service(f)["timeout_seconds"] for f in plan.functions()}
    for push in plan.pushes():
        function = plan.manifest["subscriptions"][push.key]["function"]
        if push.values["ack_deadline_seconds"] < timeouts[function] + MARGIN_SECONDS:
            yield f"{push.address} waits {push.values['ack_deadline_seconds']} s for {function}"


def messages_outlive_a_week_of_failure(plan: Plan) -> Iterator[str]:
    for push in plan.pushes():
        if push.values["message_retention_duration"] != WEEK:
            yield f"{push.address} keeps messages {push.values['message_retention_duration']}"
        if not push.values["retry_policy"]:
            yield f"{push.address} retries without backoff"
    for subscription in plan.of("google_pubsub_subscription"):
        if [policy["ttl"] for policy in subscription.values["expiration_policy"]] != [""]:
            yield f"{subscription.address} is deleted when idle"


def schedules_publish_in_the_projects_time_zone(plan: Plan) -> Iterator[str]:
    for job in plan.of("google_cloud_scheduler_job"):
        if [target for target in TARGETS if job.values[target]] != ["pubsub_target"]:
            yield f"{job.address} has another target than a topic"
        if job.values["time_zone"] != plan.variable("timezone"):
            yield f"{job.address} runs in {job.values['time_zone']}"
        if not croniter.is_valid(job.values["schedule"]):
            yield f"{job.address} runs at {job.values['schedule']!r}, which is no time"
        if job.values["attempt_deadline"]:
            yield f"{job.address} sets attempt_deadline: a diff without end for this target"


def an_instance_has_a_thread_for_each_request(plan: Plan) -> Iterator[str]:
    # functions-framework starts 4 a processor unless THREADS says otherwise
    for function in plan.functions():
        config = service(function)
        threads = config["environment_variables"].get("THREADS", "4")
        requests = str(config["max_instance_request_concurrency"])
        if threads != requests:
            yield f"{function.address} has {threads} threads for {requests} requests at once"


POLICIES = (
    an_instance_has_a_thread_for_each_request,
    every_subscription_of_the_manifest_is_made,
    every_push_has_a_dead_letter,
    dead_letters_can_be_written,
    dead_letters_are_kept_for_a_month,
    a_push_is_signed_for_the_function_that_it_reaches,
    a_push_waits_longer_than_its_function_runs,
    messages_outlive_a_week_of_failure,
    schedules_publish_in_the_projects_time_zone,
)
