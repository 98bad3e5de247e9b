"""What Pub/Sub does under an account of its own: it signs pushes and gives messages up.

Without the rights to it, pushes carry no token and a spent message stays where it is.
Sources: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions, and
https://cloud.google.com/pubsub/docs/handling-failures#grant_forwarding_permissions
"""

from __future__ import annotations

from typing import Protocol

from google.pubsub_v1.types import Subscription


class Agent(Protocol):
    """Who may do what the service does by itself."""

    def may_sign(self, account: str) -> bool:
        """Whether it may make identity tokens of the account."""

    def may_give_up(self, subscription: Subscription) -> bool:
        """Whether it may take a message from here to the subscription's dead letters."""


class Almighty:
    """Of a server without grants."""

    def may_sign(self, account: str) -> bool:
        """Always."""
        return True

    def may_give_up(self, subscription: Subscription) -> bool:
        """Always."""
        return True
