"""LinkedIn: conversion events in batches.

API reference: learn.microsoft.com/linkedin/marketing/integrations/ads-reporting/conversions-api
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints

from functions.export.contract.base import (
    Built,
    Capabilities,
    Destination,
    Intent,
    Problem,
    Rejected,
    body,
    present,
    written,
)
from functions.export.contract.config import DestinationConfig, Mapped, SecretReference
from functions.export.payload import countries, identifiers
from functions.export.payload.rows import ConversionRow
from functions.export.transport.calls import Answer, Credential, Request, Unanswered
from functions.export.transport.results import Accepted, Halted, Refused, Result, Unknown

if TYPE_CHECKING:
    from functions.export.transport.wire import Wire

HOST = "https://api.linkedin.com"
TOKEN_URL = "https://www.linkedin.com/oauth/v2/accessToken"

_INDEXED = re.compile(r"Index: (\d+), ERROR :: ([^\n]*)")


class LinkedInRule(Mapped):
    """A conversion and its conversion rule."""

    rule_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")] = Field(
        title="Conversion rule",
        description="Id of the conversion rule of type Conversions API.",
        examples=["104012"],
    )


class LinkedInTarget(DestinationConfig):
    """A LinkedIn ad account's conversion rules."""

    kind: Literal["linkedin"] = Field(
        "linkedin", title="Kind", description="LinkedIn", examples=["linkedin"]
    )
    token: SecretReference = Field(
        title="Token",
        description="Where the access token lies; with a client id, the refresh token.",
        examples=["secret:projects/my-project/secrets/linkedin-token/versions/1"],
    )
    client_id: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9]{6,40}$",
        title="Client id",
        description="Of the LinkedIn app, when tokens are renewed with a refresh token.",
        examples=["78abcdefghijkl"],
    )
    client_secret: SecretReference | None = Field(
        None,
        title="Client secret",
        description="Where the secret of that app lies.",
        examples=["env:LINKEDIN_CLIENT_SECRET"],
    )
    api_version: Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}(0[1-9]|1[0-2])$")] = Field(
        "202610",
        title="API version",
        description="Year and month; LinkedIn retires each about a year later.",
        examples=["202610"],
    )
    conversions: tuple[LinkedInRule, ...] = Field(
        min_length=1,
        max_length=200,
        title="Conversions",
        description="What to send, and as which conversion rule.",
        examples=[[{"conversion": "lead", "rule_id": "104012"}]],
    )
    send_names: bool = Field(
        False,
        title="Send names",
        description="Send first and last name, which LinkedIn takes only unhashed.",
        examples=[False],
    )


class LinkedIn(Destination[LinkedInTarget]):
    """Sends conversion events; the first of a rule and event id counts, nothing is adjusted.

    Limits: developer.salesforce.com/docs/data/data-cloud-int/guide/c360-a-linkedincapi-connector
    (600 requests a minute, 5,000 events a batch, 90 days).
    """

    kind: ClassVar[str] = "linkedin"
    Config: ClassVar[type[DestinationConfig]] = LinkedInTarget
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_batch=5000,
        usual_batch=1000,
        max_age={"": timedelta(days=90)},
        future_skew=timedelta(0),
        dedup_window=None,
        repeats="keeps_first",
        names_bad_rows=True,
        requests_per_second=8.0,
    )

    def account(self, conversion: str) -> str:
        return f"rules/{self.mapped[conversion].rule_id}"

    def build(self, conversion: str, row: ConversionRow, intent: Intent) -> Built | Rejected:
        user = self._user(row, intent)
        if not user["userIds"] and "userInfo" not in user:
            return Rejected("no_identifier")
        money = intent.money
        rule = self.mapped[conversion].rule_id
        event = present(
            conversion=f"urn:lla:llaPartnerConversion:{rule}",
            conversionHappenedAt=round(intent.occurred.timestamp() * 1000),
            conversionValue={"currencyCode": money.currency, "amount": f"{money.amount:f}"}
            if money
            else None,
            eventId=intent.key,
            user=user,
        )
        return written(intent.key, event)

    def _user(self, row: ConversionRow, intent: Intent) -> dict[str, Any]:
        """Identifiers; `userIds` must be there even when empty (LinkedIn answers 422 without)."""
        ids = {"LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID": row.li_fat_id}
        if intent.with_person:
            ids = {"SHA256_EMAIL": identifiers.email(row.email), **ids}
        user: dict[str, Any] = {
            "userIds": [{"idType": kind, "idValue": value} for kind, value in ids.items() if value]
        }
        if self.config.send_names and intent.with_person and row.first_name and row.last_name:
            user["userInfo"] = present(
                firstName=row.first_name,
                lastName=row.last_name,
                countryCode=countries.code(row.country),
            )
        return user

    def request(self, conversion: str, batch: Sequence[Built]) -> Request:
        return self._request(batch)

    def _request(self, batch: Sequence[Built]) -> Request:
        return Request(
            url=f"{HOST}/rest/conversionEvents",
            body=body("elements", batch),
            credential=self._credential(),
            headers={
                "Content-Type": "application/json",
                "LinkedIn-Version": self.config.api_version,
                "X-Restli-Protocol-Version": "2.0.0",
                "X-RestLi-Method": "BATCH_CREATE",
            },
        )

    def _credential(self) -> Credential:
        if self.config.client_id is None:
            return Credential("bearer", reference=self.config.token)
        details = {
            "token_url": TOKEN_URL,
            "client_id": self.config.client_id,
            "client_secret": self.config.client_secret or "",
        }
        return Credential("oauth", reference=self.config.token, details=details)

    def read(self, reply: Answer, batch: Sequence[Built]) -> Result:
        body = reply.json()
        message = str(body.get("message", "")) if isinstance(body, Mapping) else ""
        match reply.status:
            case 200 | 201:
                return _accepted(body, len(batch))
            case 401 | 403:
                return Halted("not_authorized", "Sign in to LinkedIn again and store the token.")
            case 426:
                return Halted(
                    "version_retired", "Set api_version to a version that LinkedIn still serves."
                )
            case _:
                named = {int(row): "invalid_event" for row, _ in _INDEXED.findall(message)}
                return Refused(f"http_{reply.status}", named)

    def check(self, wire: Wire) -> list[Problem]:
        """An empty batch is refused for being empty, once version and token are accepted."""
        reply = wire.exchange(self._request([]))
        if isinstance(reply, Unanswered):
            return [Problem(reply.reason, "LinkedIn did not answer.", "Try again later.")]
        result = self.read(reply, [])
        if isinstance(result, Halted):
            return [Problem(result.reason, "LinkedIn refuses the request.", result.fix)]
        return []


def _accepted(body: Any, rows: int) -> Result:
    """One status for each event, in order; anything else is no proof."""
    elements = body.get("elements") if isinstance(body, Mapping) else None
    if not isinstance(elements, list) or len(elements) != rows:
        return Unknown("not_all_answered")
    failures = {
        row: f"status_{element.get('status')}"
        for row, element in enumerate(elements)
        if element.get("status") not in (200, 201)
    }
    return Accepted("", failures)
