"""Rights of calls to Pub/Sub, Scheduler, secrets, accounts and functions, by name of the method.

Sources: the method map of iann0036/iam-dataset, and the pages "Access control with IAM" of Pub/Sub,
Cloud Scheduler, Secret Manager and Cloud Run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.pubsub_v1.types import Subscription

from common.local.iam.policy import Need, Policy, Resource
from common.local.iam.tokens import caller
from common.local.rpc.wire import Authorize, RpcError

PUBSUB = {
    "Publish": ("pubsub.topics.publish", "topic"),
    "CreateTopic": ("pubsub.topics.create", "project"),
    "GetTopic": ("pubsub.topics.get", "topic"),
    "ListTopics": ("pubsub.topics.list", "project"),
    "ListTopicSubscriptions": ("pubsub.topics.get", "topic"),
    "DeleteTopic": ("pubsub.topics.delete", "topic"),
    "CreateSubscription": ("pubsub.subscriptions.create", "project"),
    "GetSubscription": ("pubsub.subscriptions.get", "subscription"),
    "UpdateSubscription": ("pubsub.subscriptions.update", "subscription"),
    "ListSubscriptions": ("pubsub.subscriptions.list", "project"),
    "DeleteSubscription": ("pubsub.subscriptions.delete", "subscription"),
    "Pull": ("pubsub.subscriptions.consume", "subscription"),
    "Acknowledge": ("pubsub.subscriptions.consume", "subscription"),
    "ModifyAckDeadline": ("pubsub.subscriptions.consume", "subscription"),
}
SCHEDULER = {
    "CreateJob": ("create",),
    "UpdateJob": ("get", "update"),
    "GetJob": ("get",),
    "ListJobs": ("list",),
    "DeleteJob": ("delete",),
    "PauseJob": ("pause",),
    "ResumeJob": ("enable",),
    "RunJob": ("run",),
}


def pubsub_needs(rpc: str, request: Any, project: str) -> list[Need]:
    """What a call to Pub/Sub takes; raises KeyError for a method that no row names."""
    permission, kind = PUBSUB[rpc]
    if kind == "project":
        return [Need(permission, Resource(kind, project))]
    return [Need(permission, Resource(kind, _last(_named(request, kind))))]


def _named(request: Any, kind: str) -> str:
    given = getattr(request, kind, None) or request.name
    return given if isinstance(given, str) else str(given.name)


def scheduler_needs(rpc: str, request: Any, project: str) -> list[Need]:
    """What a call to Cloud Scheduler takes; grants are on the project only."""
    on = Resource("project", project)
    return [Need(f"cloudscheduler.jobs.{verb}", on) for verb in SCHEDULER[rpc]]


def function_needs(function: str) -> list[Need]:
    """What an HTTP request to a function takes (https://cloud.google.com/run/docs/securing)."""
    return [Need("run.routes.invoke", Resource("function", function))]


def token_needs(account: str) -> list[Need]:
    """What an access token of another account takes."""
    return [Need("iam.serviceAccounts.getAccessToken", Resource("account", account))]


def secret_needs(secret: str) -> list[Need]:
    """What the value of a secret takes."""
    return [Need("secretmanager.versions.access", Resource("secret", secret))]


@dataclass(frozen=True)
class PubsubAgent:
    """The account under which Pub/Sub acts by itself, by the grants that it has."""

    policy: Policy

    def may_sign(self, account: str) -> bool:
        """Whether it may make identity tokens of the account."""
        right = "iam.serviceAccounts.getOpenIdToken"
        return self._may([Need(right, Resource("account", account))])

    def may_give_up(self, subscription: Subscription) -> bool:
        """Whether it may take a message from the subscription to its dead letters."""
        topic = subscription.dead_letter_policy.dead_letter_topic
        return self._may(
            [
                Need("pubsub.topics.publish", Resource("topic", _last(topic))),
                Need(
                    "pubsub.subscriptions.consume",
                    Resource("subscription", _last(subscription.name)),
                ),
            ]
        )

    def _may(self, needs: list[Need]) -> bool:
        agents = {it.account for it in self.policy.grants if it.account.endswith(_AGENT)}
        return any(self.policy.missing(agent, needs) is None for agent in agents)


_AGENT = "@gcp-sa-pubsub.iam.gserviceaccount.com"


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def authorized(policy: Policy, needs: Callable[[str, Any, str], list[Need]]) -> Authorize:
    """Refuses calls as Google's gRPC services do: UNAUTHENTICATED, or PERMISSION_DENIED."""

    def authorize(rpc: str, request: Any, authorization: str) -> None:
        account = caller(authorization)
        if not account:
            raise RpcError(
                grpc.StatusCode.UNAUTHENTICATED,
                "Request is missing required authentication credential.",
            )
        missing = policy.missing(account, needs(rpc, request, policy.project))
        if missing is not None:
            raise RpcError(grpc.StatusCode.PERMISSION_DENIED, denied(missing))

    return authorize


def denied(missing: Need) -> str:
    """The text of Pub/Sub, Scheduler and IAM."""
    return (
        f"Permission '{missing.permission}' denied on resource '{missing.resource.name}' "
        "(or it may not exist)."
    )
