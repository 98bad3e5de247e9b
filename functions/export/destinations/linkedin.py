"""LinkedIn: conversion events in batches.

API reference: learn.microsoft.com/linkedin/marketing/integrations/ads-reporting/conversions-api
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeVar

from pydantic import Field, StringConstraints

from common.untyped import JsonObject
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
from functions.export.destinations import codes
from functions.export.payload import countries, identifiers
from functions.export.payload.rows import ConversionRow
from functions.export.transport import foreign
from functions.export.transport.calls import Answer, Credential, Reply, Request, Unanswered
from functions.export.transport.results import Accepted, Cause, Halted, Result, Unknown

if TYPE_CHECKING:
    from functions.export.transport.wire import Wire

HOST = "https://api.linkedin.com"
TOKEN_URL = "https://www.linkedin.com/oauth/v2/accessToken"

_INDEXED = re.compile(r"Index: (\d+), ERROR :: ")
_TOO_OLD = re.compile(r"within 90 days.*indices \[([\d, ]+)\] \(0-indexed\)")

FIXES = {
    "": "Sign in to LinkedIn again and store the token.",
    "no_ad_accounts": "Correct the id of the conversion rule, or give the token's user a role on "
    "the rule's ad account: LinkedIn says the same of both.",
    "version_retired": "Set api_version to a version that LinkedIn still serves.",
    "VERSION_MISSING": "Report this: the request lacks its version.",
    "invalid_prefix": "Correct the id of the conversion rule.",
}


class LinkedInRule(Mapped):
    """A conversion and its conversion rule."""

    rule_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")] = Field(
        title="Conversion rule",
        description="Id of the conversion rule of type Conversions API.",
        examples=["104012"],
    )


class LinkedInAccess(DestinationConfig):
    """How LinkedIn's API is reached."""

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


class LinkedInConfig(LinkedInAccess):
    """A LinkedIn ad account's conversion rules."""

    kind: Literal["linkedin"] = Field(
        "linkedin", title="Kind", description="LinkedIn", examples=["linkedin"]
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


T = TypeVar("T", bound=LinkedInAccess)


class LinkedInApi(Destination[T]):
    """What conversions and audiences have in common: credentials, version, answers."""

    causes: ClassVar[Mapping[str, Cause]] = codes.LINKEDIN

    def cause(self, reason: str) -> Cause:
        status = foreign.whole(reason.removeprefix("status_"))
        if reason.startswith("status_") and (status is None or status >= 500):
            # an event in a batch that LinkedIn stumbled over, or said nothing of, may count
            return Cause.DOUBT
        return Cause.SLOW if reason == "status_429" else super().cause(reason)

    def asked(self, path: str, body: bytes = b"", method: str = "POST", act: str = "") -> Request:
        """A request of this version; `act` names what Rest.li cannot tell by the HTTP method."""
        named = {"X-RestLi-Method": act} if act else {}
        return Request(
            url=f"{HOST}/rest/{path}",
            body=body,
            credential=self._credential(),
            headers={
                "Content-Type": "application/json",
                "LinkedIn-Version": self.config.api_version,
                "X-Restli-Protocol-Version": "2.0.0",
                **named,
            },
            method=method,
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
        if reply.status in (200, 201):
            return _accepted(reply, len(batch))
        return self.refused(reply)

    def refused(self, reply: Answer) -> Result:
        """What an answer means that is no success."""
        body = reply.json()
        code, message = (foreign.inside(body, name) for name in ("code", "message"))
        reason, named = _refusal(reply.status, foreign.word(code), foreign.text(message))
        return codes.meaning(self.cause(reason), reason, FIXES.get(reason, FIXES[""]), named)

    def obstacles(self, reply: Reply) -> list[Problem]:
        """What stands in the way of a request that changes nothing."""
        if isinstance(reply, Unanswered):
            return [Problem(reply.reason, "LinkedIn did not answer.", "Try again later.")]
        result = self.read(reply, [])
        if isinstance(result, Halted):
            return [Problem(result.reason, "LinkedIn refuses the request.", result.fix)]
        return []


class LinkedIn(LinkedInApi[LinkedInConfig]):
    """Sends conversion events; nothing is adjusted. A repeat is documented to be noticed only
    between Insight Tag and API, so what is in doubt is left to a person.

    Limits: developer.salesforce.com/docs/data/data-cloud-int/guide/c360-a-linkedincapi-connector
    (600 requests a minute, 5,000 events a batch, 90 days).
    """

    kind: ClassVar[str] = "linkedin"
    Config: ClassVar[type[DestinationConfig]] = LinkedInConfig
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_batch=5000,
        usual_batch=1000,
        max_age={"": timedelta(days=90)},
        future_skew=timedelta(0),
        dedup_window=timedelta(0),
        repeats="keeps_first",
        names_bad_rows=True,
        # under the 600 a minute that the class names
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

    def _user(self, row: ConversionRow, intent: Intent) -> JsonObject:
        """Identifiers; `userIds` must be there even when empty (LinkedIn answers 422 without)."""
        ids = {"LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID": row.li_fat_id}
        if intent.with_person:
            ids = {"SHA256_EMAIL": identifiers.email(row.email), **ids}
        user: JsonObject = {
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
        return self.asked("conversionEvents", body("elements", batch), act="BATCH_CREATE")

    def check(self, wire: Wire) -> list[Problem]:
        """An empty batch is refused for being empty, once version and token are accepted."""
        return self.obstacles(wire.exchange(self._request([])))


def _accepted(reply: Answer, rows: int) -> Result:
    """One status for each event, in order; anything else is no proof."""
    elements = foreign.inside(reply.json(), "elements")
    if reply.status == 201 and not reply.body.strip() and rows == 1:
        return Accepted("")
    if not isinstance(elements, list) or len(elements) != rows:
        return Unknown("not_all_answered")
    statuses = [foreign.whole(foreign.inside(element, "status")) for element in elements]
    failures = {
        row: "invalid_event" if status in (400, 422) else f"status_{status}"
        for row, status in enumerate(statuses)
        if status not in (200, 201)
    }
    return Accepted("", failures)


def _refusal(status: int, code: str, message: str) -> tuple[str, dict[int, str]]:
    """The reason in a word, and the rows that the sentence names."""
    if status == 401:
        return "not_authorized", {}
    if status == 403:
        return "no_ad_accounts" if "No ad accounts" in message else "not_authorized", {}
    if status == 426:
        return "version_retired", {}
    if code == "VERSION_MISSING":
        return code, {}
    if "Invalid prefix" in message:
        return "invalid_prefix", {}
    if shown := _TOO_OLD.search(message):
        rows = [foreign.whole(row.strip()) for row in shown[1].split(",")]
        return "outside_90_days", {row: "outside_90_days" for row in rows if row is not None}
    indexes = [foreign.whole(row) for row in _INDEXED.findall(message)]
    named = {row: "invalid_event" for row in indexes if row is not None}
    return ("invalid_event" if named else f"http_{status}"), named
