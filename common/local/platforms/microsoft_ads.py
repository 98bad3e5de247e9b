"""Stand-in for Microsoft Advertising's offline conversions over REST. Sources of the rules:
[apply]   learn.microsoft.com/advertising/campaign-management-service/applyofflineconversions
[object]  learn.microsoft.com/advertising/campaign-management-service/offlineconversion
[adjust]  learn.microsoft.com/advertising/campaign-management-service/offlineconversionadjustment
[codes]   learn.microsoft.com/advertising/guides/operation-error-codes
[people]  .../campaign-management-service/customerlistuserdata, .../customerlist, .../addaudiences
[report]  GetOfflineConversionReports of the WSDL of 2026-10-14
[limit]   github.com/BingAds/BingAds-Python-SDK, issue 176 (5601 over 1,000 conversions)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from common.local.platforms.standin import Call, Held, Reply, StandIn, utc_now

HASHED = re.compile(r"[0-9a-f]{64}")
UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
MAXIMUM_AGE = timedelta(days=90)
BASE = "/CampaignManagement/v13"
CODES = {
    "OfflineConversionNameInvalid": 5606,
    "OfflineConversionTimeInvalid": 5607,
    "OfflineConversionTimeOutOfWindow": 5609,
    "OfflineConversionMicrosoftClickIdInvalid": 5604,
    "OfflineConversionNotFound": 5620,
}
"""[codes] the number of each error; any other is 5602 here."""


class MicrosoftAds(StandIn):
    """Takes good rows beside bad ones; keeps the first of a goal, click or person, and time."""

    name = "microsoft_ads"
    hosts = (
        "https://campaign.api.bingads.microsoft.com",
        "https://login.microsoftonline.com",
    )

    def __init__(
        self,
        clock: Callable[[], datetime] = utc_now,
        *,
        developer_token: str = "microsoft-developer-token",
        refresh_token: str = "microsoft-refresh-token",
        goals: frozenset[str] = frozenset({"Offline purchase"}),
        audience: int = 800_000_001,
    ) -> None:
        super().__init__(clock)
        self.audiences: dict[int, dict[str, Any]] = {audience: {"Id": audience}}
        """[people] customer lists by id."""
        self.members: set[tuple[str, str]] = set()
        """List and hashed address."""
        self.developer_token = developer_token
        self.refresh_token = refresh_token
        self.goals = goals
        self.valid_token = "access-1"
        self._adjusted: dict[tuple[str, ...], str] = {}

    def expire_token(self) -> None:
        """From now on the access token that was handed out is refused."""
        self.valid_token = f"access-{int(self.valid_token.removeprefix('access-')) + 1}"

    def is_delivery(self, call: Call) -> bool:
        return call.path.startswith(BASE) and call.path.endswith("/Apply")

    def answer(self, call: Call) -> Reply:
        if call.path == "/common/oauth2/v2.0/token":
            if f"refresh_token={self.refresh_token}" not in call.body.decode():
                return Reply(400, {"error": "invalid_grant"})
            return Reply(200, {"access_token": self.valid_token, "expires_in": 3600})
        if call.headers.get("authorization") != f"Bearer {self.valid_token}":
            return fault(401, 109, "AuthenticationTokenExpired")
        if call.headers.get("developertoken") != self.developer_token:
            return fault(401, 105, "InvalidCredentials")
        if not (call.headers.get("customerid") and call.headers.get("customeraccountid")):
            return fault(400, 1001, "CustomerIdRequired")
        body = call.json() or {}
        match call.method, call.path:
            case "POST", path if path == f"{BASE}/OfflineConversions/Apply":
                return self._apply(body.get("OfflineConversions"), self._create)
            case "POST", path if path == f"{BASE}/OfflineConversionAdjustments/Apply":
                return self._apply(body.get("OfflineConversionAdjustments"), self._adjust)
            case "POST", path if path == f"{BASE}/CustomerListUserData/Apply":
                return self._people(body.get("CustomerListUserData") or {})
            case "POST", path if path == f"{BASE}/Audiences":
                return self._made(body.get("Audiences") or [])
            case "POST", path if path == f"{BASE}/Audiences/QueryByIds":
                return self._audiences(body)
            case "POST", path if path == f"{BASE}/OfflineConversionReports/Query":
                return self._report(str(body.get("StartDateUtc")), str(body.get("EndDateUtc")))
        return super().answer(call)

    def _people(self, data: Mapping[str, Any]) -> Reply:
        """[people] good items are taken beside bad ones, which the answer names by index."""
        if data.get("AudienceId") not in self.audiences:
            return fault(400, 8000, "CustomerListNotFound")
        if data.get("AcceptCustomerMatchTerm") is not True:
            return fault(400, 8003, "CustomerListTermsAndConditionsNotAccepted")
        if data.get("CustomerListItemSubType") != "Email":
            return fault(400, 201, "InvalidSubType")
        items, errors = data.get("CustomerListItems") or [], []
        for index, item in enumerate(items):
            key = (str(data["AudienceId"]), item)
            if not HASHED.fullmatch(item):
                errors.append({"Index": index, "Code": 8001, "ErrorCode": "InvalidItem"})
            elif data.get("ActionType") == "Add":
                self.members.add(key)
            else:
                self.members.discard(key)
        return Reply(200, {"PartialErrors": errors, "TrackingId": f"t-{len(self.calls)}"})

    def _made(self, wanted: list[dict[str, Any]]) -> Reply:
        [audience] = wanted
        named = [each.get("Name") for each in self.audiences.values()]
        sound = audience.get("Type") == "CustomerList" and audience.get("ParentId")
        if not sound or len(audience.get("Name", "")) > 128:
            errors = [{"Index": 0, "Code": 4800, "ErrorCode": "AudienceInvalid"}]
            return Reply(200, {"AudienceIds": [None], "PartialErrors": errors})
        if audience["Name"] in named:
            errors = [{"Index": 0, "Code": 4836, "ErrorCode": "AudienceNameDuplicate"}]
            return Reply(200, {"AudienceIds": [None], "PartialErrors": errors})
        id = max(self.audiences) + 1
        self.audiences[id] = {**audience, "Id": id}
        return Reply(200, {"AudienceIds": [id], "PartialErrors": []})

    def _audiences(self, body: Mapping[str, Any]) -> Reply:
        wanted = body.get("AudienceIds") or list(self.audiences)
        shown = []
        for id in wanted:
            size = sum(audience == str(id) for audience, _ in self.members)
            sizes = {"SearchSize": size, "AudienceNetworkSize": None}
            shown.append({**self.audiences[id], **sizes})
        return Reply(200, {"Audiences": shown, "PartialErrors": []})

    def _report(self, first: str, last: str) -> Reply:
        """[report] what was taken on each day."""
        taken = (each.received for each in self.held.values() if each.received)
        days = Counter(moment.date().isoformat() for moment in taken)
        shown = [
            {"UploadDate": day, "SuccessCount": count, "FailureCount": 0, "FileUrl": None}
            for day, count in sorted(days.items())
            if first <= day <= last
        ]
        return Reply(200, {"DailySummaries": shown})

    def _apply(self, rows: Any, each: Callable[[Mapping[str, Any]], str]) -> Reply:
        if not rows:
            return fault(400, 5600, "OfflineConversionsNotPassed")
        if len(rows) > 1000:  # [limit]
            return fault(400, 5601, "OfflineConversionsLimitExceeded")
        # [apply] errors are partial: one entry for each row at fault, the others are applied
        errors = [
            {
                "Index": index,
                "Code": CODES.get(code, 5602),
                "ErrorCode": code,
                "Message": code,
                "FieldPath": None,
            }
            for index, row in enumerate(rows)
            if (code := each(row))
        ]
        return Reply(200, {"PartialErrors": errors, "TrackingId": f"t-{len(self.calls)}"})

    def _common_fault(self, row: Mapping[str, Any]) -> str:
        if row.get("ConversionName") not in self.goals:
            return "OfflineConversionNameInvalid"
        time = str(row.get("ConversionTime", ""))
        if not UTC_TIME.fullmatch(time):  # [object] the value must be in UTC
            return "OfflineConversionTimeInvalid"
        if not timedelta(0) <= self.clock() - _moment(time) <= MAXIMUM_AGE:
            return "OfflineConversionTimeOutOfWindow"
        hashes = [row.get("HashedEmailAddress"), row.get("HashedPhoneNumber")]
        if not row.get("MicrosoftClickId") and not any(hashes):
            return "OfflineConversionMicrosoftClickIdInvalid"
        if any(value and not HASHED.fullmatch(value) for value in hashes):
            return "InvalidHash"
        return ""

    def _create(self, row: Mapping[str, Any]) -> str:
        if code := self._common_fault(row):
            return code
        key = _key(row)
        # [object] a second one with the same click and time is ignored, without an error
        if key not in self.held:
            self.held[key] = Held(
                key,
                row.get("ConversionValue"),
                row.get("ConversionCurrencyCode"),
                _moment(row["ConversionTime"]),
                received=self.clock(),
            )
        return ""

    def _adjust(self, row: Mapping[str, Any]) -> str:
        if code := self._common_fault(row):
            return code
        kind, time = row.get("AdjustmentType"), str(row.get("AdjustmentTime", ""))
        if kind not in ("Restate", "Retract"):
            return "InvalidAdjustmentType"
        # [adjust] it cannot be earlier than the conversion
        if not UTC_TIME.fullmatch(time) or time < row["ConversionTime"]:
            return "InvalidAdjustmentTime"
        key = _key(row)
        known = self.held.get(key)
        if known is None:
            return "OfflineConversionNotFound"
        if kind == "Restate" and row.get("AdjustmentValue") is None:
            return "AdjustmentValueRequired"
        if time < self._adjusted.get(key, ""):
            return "AdjustmentTimeTooEarly"
        self._adjusted[key] = time
        known.value = 0.0 if kind == "Retract" else row["AdjustmentValue"]
        known.count = 0 if kind == "Retract" else known.count
        return ""


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    who = row.get("MicrosoftClickId") or row.get("HashedEmailAddress") or row["HashedPhoneNumber"]
    return (row["ConversionName"], str(who), row["ConversionTime"])


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def fault(status: int, code: int, name: str) -> Reply:
    """The API's fault detail [codes]."""
    errors = [{"Code": code, "ErrorCode": name, "Message": name}]
    return Reply(status, {"Type": "AdApiFaultDetail", "TrackingId": "t", "Errors": errors})
