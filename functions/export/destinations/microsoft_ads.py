"""Microsoft Advertising: offline conversions, restated and retracted for real.

API reference: learn.microsoft.com/advertising/campaign-management-service/applyofflineconversions
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeVar

import orjson
from pydantic import Field, StringConstraints

from common.untyped import JsonObject, Row
from functions.export.contract.base import (
    Built,
    Capabilities,
    Destination,
    Intent,
    Problem,
    Rejected,
    body,
    canonical,
    fingerprint,
    written,
)
from functions.export.contract.config import DestinationConfig, Mapped, SecretReference
from functions.export.destinations import codes
from functions.export.payload import identifiers
from functions.export.payload.rows import ConversionRow
from functions.export.transport import foreign
from functions.export.transport.calls import Answer, Credential, Reply, Request, Unanswered
from functions.export.transport.results import Accepted, Cause, Halted, Result, Retry, Unknown

if TYPE_CHECKING:
    from functions.export.transport.wire import Wire

HOST = "https://campaign.api.bingads.microsoft.com"
TOKEN_URL = "https://login.microsoftonline.com/common/oauth2/v2.0/token"
SCOPE = "https://ads.microsoft.com/msads.manage offline_access"

FIX = "Sign in to Microsoft Advertising again and store the token, or mend what the code names."

GOAL_TOO_YOUNG = "5615"
GOAL_SECONDS = 7200.0
"""Age from which a goal takes conversions: longer than any run, so a run asks once."""

Number = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}$")]


class MicrosoftGoal(Mapped):
    """A conversion and its goal."""

    goal_name: str = Field(
        min_length=1,
        max_length=100,
        title="Goal",
        description="Name of the offline conversion goal, made at least two hours before.",
        examples=["Offline purchase"],
    )


class MicrosoftAccess(DestinationConfig):
    """How an account of Microsoft Advertising is reached."""

    customer_id: Number = Field(
        title="Customer", description="Id of the manager account.", examples=["1234567"]
    )
    account_id: Number = Field(
        title="Account", description="Id of the ad account.", examples=["7654321"]
    )
    developer_token: SecretReference = Field(
        title="Developer token",
        description="Where the developer token lies.",
        examples=["env:MICROSOFT_DEVELOPER_TOKEN"],
    )
    client_id: str = Field(
        pattern=r"^[0-9A-Fa-f-]{36}$",
        title="Client id",
        description="Of the app registered in Microsoft Entra.",
        examples=["00000000-0000-0000-0000-000000000000"],
    )
    client_secret: SecretReference = Field(
        title="Client secret",
        description="Where the secret of that app lies.",
        examples=["env:MICROSOFT_CLIENT_SECRET"],
    )
    refresh_token: SecretReference = Field(
        title="Refresh token",
        description="Where the refresh token of a user with access to the account lies.",
        examples=["secret:projects/my-project/secrets/microsoft-refresh/versions/1"],
    )
    api_version: Annotated[str, StringConstraints(pattern=r"^v[0-9]{2}$")] = Field(
        "v13", title="API version", description="Version of the API.", examples=["v13"]
    )


class MicrosoftAdsConfig(MicrosoftAccess):
    """A Microsoft Advertising account."""

    kind: Literal["microsoft_ads"] = Field(
        "microsoft_ads", title="Kind", description="Microsoft Ads", examples=["microsoft_ads"]
    )
    conversions: tuple[MicrosoftGoal, ...] = Field(
        min_length=1,
        max_length=200,
        title="Conversions",
        description="What to send, and for which goal.",
        examples=[[{"conversion": "purchase", "goal_name": "Offline purchase"}]],
    )


T = TypeVar("T", bound=MicrosoftAccess)


class MicrosoftApi(Destination[T]):
    """What conversions and audiences have in common: credentials and answers."""

    def asked(self, path: str, said: bytes) -> Request:
        """A request to an address of this version."""
        return Request(
            url=f"{HOST}/CampaignManagement/{self.config.api_version}/{path}",
            body=said,
            credential=Credential(
                "oauth",
                reference=self.config.refresh_token,
                details={
                    "token_url": TOKEN_URL,
                    "client_id": self.config.client_id,
                    "client_secret": self.config.client_secret,
                    "scope": SCOPE,
                },
            ),
            headers={
                "Content-Type": "application/json",
                "CustomerId": self.config.customer_id,
                "CustomerAccountId": self.config.account_id,
            },
            more={"DeveloperToken": Credential("header", reference=self.config.developer_token)},
        )

    def cause(self, reason: str) -> Cause:
        return codes.MICROSOFT.get(reason.partition("_")[0], Cause.UNLISTED)

    def read(self, reply: Answer, batch: Sequence[Built]) -> Result:
        return self.judged(reply, len(batch))

    def judged(self, reply: Answer, items: int) -> Result:
        """What the answer says of so many things sent: all but those in its list are taken."""
        body = foreign.mapping(reply.json())
        if reply.status >= 300:
            return self._refusal(reply.status, body)
        # an answer without the list is none that this API gives
        if "PartialErrors" not in body:
            return Unknown("no_partial_errors")
        found = body["PartialErrors"]
        errors = found if isinstance(found, list) else [found]
        failures = {
            foreign.whole(foreign.inside(error, "Index")): code_of(foreign.mapping(error))
            for error in errors
            if error is not None
        }
        # an error that tells of no row may be any row's
        if not set(failures) <= set(range(items)):
            return Unknown("unreadable_answer")
        named = {index: why for index, why in failures.items() if index is not None}
        return Accepted(foreign.word(body.get("TrackingId")), named)

    def _refusal(self, status: int, body: Row) -> Result:
        """What an error for the whole request says: the first of its errors that anyone listed."""
        errors = [*foreign.objects(body.get("Errors"))]
        errors += foreign.objects(body.get("OperationErrors"))
        found = [code_of(error) for error in errors]
        listed = [code for code in found if self.cause(code) is not Cause.UNLISTED]
        reason = next(iter([*listed, *found]), f"http_{status}")
        if status in (401, 403) and not listed:
            return Halted(reason, FIX)
        result = codes.meaning(self.cause(reason), reason, FIX)
        if not isinstance(result, Retry):
            return result
        # 117 asks for sixty seconds; a goal that is too young is not older by then
        return Retry(reason, GOAL_SECONDS if reason.startswith(GOAL_TOO_YOUNG) else 60.0)

    def obstacles(self, reply: Reply) -> list[Problem]:
        """What stands in the way of a request that changes nothing."""
        if isinstance(reply, Unanswered):
            return [Problem(reply.reason, "Microsoft did not answer.", "Try again later.")]
        result = self.read(reply, [])
        # the list is empty on purpose, which is our own mistake by its code
        if isinstance(result, Halted) and self.cause(result.reason) is not Cause.OURS:
            return [Problem(result.reason, "Microsoft refuses the credentials.", result.fix)]
        return []


class MicrosoftAds(MicrosoftApi[MicrosoftAdsConfig]):
    """Sends offline conversions. Microsoft knows a conversion by goal, click id and time: there
    is no order id, and the first of a pair counts.

    Source: learn.microsoft.com/advertising/campaign-management-service/offlineconversion.
    """

    kind: ClassVar[str] = "microsoft_ads"
    Config: ClassVar[type[DestinationConfig]] = MicrosoftAdsConfig
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_batch=1000,
        usual_batch=1000,
        max_age={"": timedelta(days=90)},
        click_window=timedelta(days=90),
        # the decimals of a time may lie up to a second after it
        future_skew=timedelta(seconds=-1),
        dedup_window=None,
        repeats="keeps_first",
        adjusts=frozenset({"restate", "retract"}),
        adjusts_within=timedelta(days=90),
        names_bad_rows=True,
        partial=True,
        requests_per_second=5.0,
    )
    payload_version: ClassVar[int] = 2
    kept: ClassVar[tuple[str, ...]] = ("msclkid",)
    clicks: ClassVar[tuple[str, ...]] = ("msclkid",)
    clicked_at: ClassVar[str] = "microsoft_click_at"

    def account(self, conversion: str) -> str:
        return f"{self.config.account_id}/{self.mapped[conversion].goal_name}"

    def build(self, conversion: str, row: ConversionRow, intent: Intent) -> Built | Rejected:
        who = self._who(row, intent)
        if not who:
            return Rejected("no_identifier")
        event: JsonObject = {
            "ConversionName": self.mapped[conversion].goal_name,
            "ConversionTime": distinct_time(intent.occurred, intent.key),
            **who,
        }
        if intent.op == "create":
            event |= _money("Conversion", intent)
            members = () if row.msclkid else (canonical(who).decode(),)
            return written(intent.key, event, "create", members)
        event["AdjustmentType"] = intent.op.capitalize()
        if intent.op == "restate":
            event |= _money("Adjustment", intent)
        # a second adjustment counts only when its time is later
        earliest = intent.occurred + timedelta(seconds=1)
        timed = event | {"AdjustmentTime": utc_seconds(max(intent.changed, earliest))}
        return Built(intent.key, canonical(timed), fingerprint(canonical(event)), "adjust")

    def _who(self, row: ConversionRow, intent: Intent) -> dict[str, str]:
        """Click id and hashes; without a click an adjustment repeats the hash that was sent first,
        which is the conversion's key."""
        if intent.op != "create" and not row.msclkid and intent.members:
            first: dict[str, str] = json.loads(intent.members[-1])
            return first
        who = {"MicrosoftClickId": row.msclkid} if row.msclkid else {}
        if not intent.with_person:
            return who
        country = row.phone_country(self.config.default_country)
        if address := identifiers.email(row.email, "microsoft"):
            who["HashedEmailAddress"] = address
        if number := identifiers.phone(row.phone, country):
            who["HashedPhoneNumber"] = number
        return who

    def request(self, conversion: str, batch: Sequence[Built]) -> Request:
        kind = "OfflineConversions"
        if batch and batch[0].group == "adjust":
            kind = "OfflineConversionAdjustments"
        return self._request(kind, batch)

    def diagnose(self, day: date, wire: Wire) -> Mapping[str, Mapping[str, float]]:
        """Conversions of the account that Microsoft took and refused on the day before.

        Source: GetOfflineConversionReports of the WSDL of 2026-10-14.
        """
        # the day itself is not over
        before = (day - timedelta(days=1)).isoformat()
        asked = canonical({"StartDateUtc": before, "EndDateUtc": before})
        reply = wire.exchange(self.asked("OfflineConversionReports/Query", asked))
        if not isinstance(reply, Answer) or reply.status >= 300:
            return {}
        days = [*foreign.objects(foreign.inside(reply.json(), "DailySummaries"))]
        counts = {
            measure: sum(max(0, foreign.whole(each.get(name)) or 0) for each in days)
            for measure, name in (("taken", "SuccessCount"), ("refused", "FailureCount"))
        }
        return {"": counts} if days else {}

    def _request(self, kind: str, batch: Sequence[Built]) -> Request:
        return self.asked(f"{kind}/Apply", body(kind, batch))

    def check(self, wire: Wire) -> list[Problem]:
        """An empty batch is refused for being empty, once credentials are accepted."""
        return self.obstacles(wire.exchange(self._request("OfflineConversions", [])))


def distinct_time(moment: datetime, key: str) -> str:
    """Time in UTC with seven decimals that follow from our key: Microsoft takes two conversions of
    one click in one second for one, and has no other key. Its own example has as many decimals."""
    decimals = int(key[-12:], 16) % 10_000_000
    return f"{utc_seconds(moment)[:-1]}.{decimals:07d}Z"


def utc_seconds(moment: datetime) -> str:
    """Time in UTC to the second: Microsoft has no other time zone here."""
    # a tenth of what isoformat takes, for each row
    return orjson.dumps(moment.astimezone(UTC), option=TO_THE_SECOND)[1:-1].decode()


TO_THE_SECOND = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS


def _money(prefix: str, intent: Intent) -> JsonObject:
    if intent.money is None:
        return {}
    return {
        f"{prefix}Value": float(intent.money),
        f"{prefix}CurrencyCode": intent.money.currency,
    }


def code_of(error: Row) -> str:
    """Number and name of an error in a word, such as 5609_OfflineConversionTimeOutOfWindow."""
    number, name = foreign.whole(error.get("Code")), foreign.word(error.get("ErrorCode"))
    return "_".join(part for part in ("" if number is None else str(number), name) if part) or "?"
