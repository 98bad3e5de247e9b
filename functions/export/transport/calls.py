"""One request to a platform and its reply, as data: what destinations say and the wire carries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Credential:
    """Where the secret goes, and its reference; the secret itself is put in on the wire."""

    place: Literal["bearer", "header", "query", "body", "google", "oauth"]
    name: str = ""
    reference: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """One request, byte for byte, but for its secret."""

    url: str
    body: bytes
    credential: Credential
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    method: str = "POST"
    more: Mapping[str, Credential] = field(default_factory=dict)
    """Further secrets by header name."""

    @property
    def sha256(self) -> str:
        """Fingerprint of the body: a dry run's equals the real run's."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a platform answered."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The parsed body, or None when it is no JSON."""
        try:
            return json.loads(self.body)
        # a proxy's HTML, or brackets nested without end: no answer may stop a run
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer came. `reached` says that the platform may have the request all the same."""

    reason: str
    reached: bool


Reply = Answer | Unanswered
