"""Google Customer Match: qualified leads as members of a user list, and out of it again.

API reference: developers.google.com/data-manager/api/reference/rest/v1/audienceMembers
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from urllib.parse import urlencode

from pydantic import Field, StringConstraints

from common.untyped import Row
from functions.export.contract.base import (
    Built,
    Capabilities,
    Intent,
    Problem,
    Rejected,
    Trial,
    body,
    canonical,
    present,
)
from functions.export.contract.config import DestinationConfig
from functions.export.destinations import data_manager
from functions.export.destinations.audiences.lists import (
    AudienceList,
    list_id,
    lists,
    membership_days,
)
from functions.export.destinations.audiences.members import stays, to_leave
from functions.export.destinations.data_manager import DataManager
from functions.export.destinations.google_ads import AccountNumber
from functions.export.payload.identifiers import sha256
from functions.export.payload.rows import ConversionRow
from functions.export.transport import foreign
from functions.export.transport.calls import Answer, Request

if TYPE_CHECKING:
    from functions.export.transport.wire import Wire

LONGEST_MEMBERSHIP = 540
"""Days, since 2025-04-07.
Source: ads-developers.googleblog.com, Customer Match membership duration."""

FRESH = 0.8
"""Share of a membership after which it is renewed: Google counts from the last time that somebody
was put in."""

ACCEPTED = 1
"""TermsOfServiceStatus as google.ads.datamanager.v1 numbers it."""


class UserList(AudienceList):
    """A conversion and the list of its people."""

    user_list_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")] | None = list_id(
        "User list", "Id of a Customer Match list of contact information", "777"
    )
    membership_days: int = membership_days(LONGEST_MEMBERSHIP)


class GoogleCustomerMatchConfig(DestinationConfig):
    """User lists of a Google Ads account."""

    kind: Literal["google_customer_match"] = Field(
        "google_customer_match",
        title="Kind",
        description="Google Customer Match",
        examples=["google_customer_match"],
    )
    operating_account: AccountNumber = Field(
        title="Account",
        description="Ten digits: the account that owns the lists.",
        examples=["1234567890"],
    )
    login_account: AccountNumber | None = Field(
        None,
        title="Manager account",
        description="Ten digits: the manager account that has access, if any.",
        examples=["9876543210"],
    )
    conversions: tuple[UserList, ...] = lists("Lists", "list", user_list_id="777")
    # Google takes no contact data without the flag, which only the advertiser can answer for
    terms_accepted: Literal[True] = Field(
        title="Customer Match terms",
        description="The advertiser has accepted Google's Customer Match terms of service.",
        examples=[True],
    )
    quota_project: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9:.-]{4,60}$",
        title="Quota project",
        description="Google Cloud project whose quota is used; the function's own unless given.",
        examples=["my-project"],
    )


class GoogleCustomerMatch(DataManager[GoogleCustomerMatchConfig]):
    """Adds and removes members. Google knows a member by hashed contact data only, so what was sent
    is kept until the person has left: also by an address that the row no longer has.

    Limits: developers.google.com/data-manager/api/limits.
    """

    kind: ClassVar[str] = "google_customer_match"
    audience_field: ClassVar[str] = "user_list_id"
    Config: ClassVar[type[DestinationConfig]] = GoogleCustomerMatchConfig
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_batch=10_000,
        usual_batch=5_000,
        max_age={},
        future_skew=timedelta(days=1),
        dedup_window=None,
        repeats="replaces",
        adjusts=frozenset({"restate", "retract"}),
        restores=True,
        names_bad_rows=True,
        trial=Trial("validated"),
        asynchronous=True,
        audience=True,
        creates_audiences=True,
        # active within 30 days: support.google.com/google-ads/answer/7558048
        smallest_audience=100,
        requests_per_second=5.0,
    )

    def account(self, conversion: str) -> str:
        return f"{self.config.operating_account}/{self.mapped[conversion].user_list_id}"

    def build(self, conversion: str, row: ConversionRow, intent: Intent) -> Built | Rejected:
        people = data_manager.user_identifiers(row, self.config.default_country)
        leaving = intent.op == "retract"
        if leaving and intent.members:
            # an address that the row has by now and that never was sent is somebody else's to leave
            texts = to_leave(intent)
            if not texts:
                return stays(intent.key)
            people = data_manager.kept_people(texts)
        if not people or not intent.with_person:
            return Rejected("no_identifier")
        named = {"userData": {"userIdentifiers": people}}
        if leaving:
            return data_manager.built(intent.key, named, "remove")
        joining = named | {"consent": data_manager.consent(intent.consent)}
        return data_manager.built(intent.key, joining, "add", data_manager.known_by(people))

    def leaving(self, key: str, members: Sequence[str]) -> Built | None:
        people = {"userData": {"userIdentifiers": data_manager.kept_people(members)}}
        return data_manager.built(f"{key}-old", people, "remove")

    def request(self, conversion: str, batch: Sequence[Built]) -> Request:
        user_list = self.mapped[conversion].user_list_id
        if batch[0].group != "remove":
            return self._joining(user_list, batch)
        return self._request("remove", user_list, batch)

    def trial_request(self, conversion: str, built: Built, code: str) -> Request:
        return self._joining(self.mapped[conversion].user_list_id, [built], validate=True)

    def _joining(
        self, user_list: str, batch: Sequence[Built], *, validate: bool = False
    ) -> Request:
        terms = {"customerMatchTermsOfServiceStatus": ACCEPTED}
        others = present(validateOnly=validate or None, termsOfService=terms)
        return self._request("ingest", user_list, batch, **others)

    def _request(self, verb: str, user_list: str, batch: Sequence[Built], **others: Any) -> Request:
        text = body(
            "audienceMembers",
            batch,
            destinations=[data_manager.destination(self.config, user_list)],
            encoding=data_manager.HEX,
            **others,
        )
        return data_manager.request(f"/v1/audienceMembers:{verb}", text, self.config.quota_project)

    def check(self, wire: Wire) -> list[Problem]:
        return [
            problem
            for mapped in self.config.conversions
            if mapped.user_list_id
            for problem in self._check_list(mapped.user_list_id, wire)
        ]

    def joins_again_after(self, conversion: str) -> timedelta | None:
        return FRESH * timedelta(days=self.mapped[conversion].membership_days)

    def create_audience(self, conversion: str, wire: Wire) -> str:
        """Source: developers.google.com/data-manager/api/reference/rest/v1/accountTypes.accounts.
        userLists/create, of 2026-02-17 (release 1.5)."""
        mapped = self.mapped[conversion]
        wanted = {
            "displayName": f"{self.config.name}: {conversion}",
            "description": f"People of the conversion {conversion}, sent by {self.config.id}.",
            "membershipDuration": f"{mapped.membership_days * DAY_SECONDS}s",
            "ingestedUserListInfo": {
                "uploadKeyTypes": ["CONTACT_ID"],
                "contactIdInfo": {"dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY"},
            },
        }
        if made := self._made_before(wanted, wire):
            return made
        reply = wire.exchange(self._lists("", "POST", canonical(wanted)))
        found = reply.json() if isinstance(reply, Answer) and reply.status == 200 else None
        id = foreign.whole(foreign.inside(found, "id"))
        if id is None:
            raise data_manager.not_created(reply)
        return str(id)

    def _made_before(self, wanted: Row, wire: Wire) -> str | None:
        """Id of the list that an earlier request made, whose answer may not have arrived; raises
        UserError where Google does not say.

        Source: ListUserListsRequest of the client, 0.9.4 (filter, as in google.aip.dev/160).
        """
        marks = ("displayName", "description")
        filter = " AND ".join(f"{mark} = {quoted(wanted[mark])}" for mark in marks)
        reply = wire.exchange(self._lists(f"?{urlencode({'filter': filter})}", "GET"))
        if not isinstance(reply, Answer) or reply.status != 200:
            raise data_manager.not_created(reply)
        listed = foreign.objects(foreign.inside(reply.json(), "userLists"))
        # nobody joins a list that Google has closed, as it closes those that nobody uses
        same = (
            each
            for each in listed
            if each.get("membershipStatus") != "CLOSED"
            and all(each.get(mark) == wanted[mark] for mark in marks)
        )
        id = foreign.whole(next(same, {}).get("id"))
        return None if id is None else str(id)

    def diagnose(self, day: date, wire: Wire) -> Mapping[str, Mapping[str, float]]:
        """Members of each list that Google counts by network, the largest count as the list's, and
        how many of a hundred uploaded people it knows.

        Source: developers.google.com/data-manager/api/reference/rest/v1/accountTypes.accounts.
        userLists (SizeInfo, ContactIdInfo).
        """
        sizes = {
            conversion: self._sizes(mapped.user_list_id, wire)
            for conversion, mapped in self.mapped.items()
            if mapped.user_list_id
        }
        return {conversion: measures for conversion, measures in sizes.items() if measures}

    def _sizes(self, user_list: str, wire: Wire) -> dict[str, float]:
        reply = wire.exchange(self._lists(f"/{user_list}", "GET"))
        if not isinstance(reply, Answer) or reply.status != 200:
            return {}
        return size_of(foreign.mapping(reply.json()))

    def _lists(self, path: str, method: str, body: bytes = b"") -> Request:
        """A request about lists of the account; the manager that has access stands in a header."""
        account = f"accountTypes/GOOGLE_ADS/accounts/{self.config.operating_account}"
        login = self.config.login_account
        asked = data_manager.request(
            f"/v1/{account}/userLists{path}", body, self.config.quota_project, method
        )
        manager = {"login-account": f"accountTypes/GOOGLE_ADS/accounts/{login}"} if login else {}
        return replace(asked, headers={**asked.headers, **manager})

    def _check_list(self, user_list: str, wire: Wire) -> list[Problem]:
        """Problems of one list, by a request that Google validates and does not execute."""
        person = {"userData": {"userIdentifiers": [{"emailAddress": sha256("check")}]}}
        nobody = data_manager.built("check", person)
        reply = self.send(self._joining(user_list, [nobody], validate=True), wire)
        return data_manager.refusals(reply, f"User list {user_list}")


def quoted(text: str) -> str:
    """The text as a filter of Google's APIs holds it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


DAY_SECONDS = 86_400

NETWORKS = {
    "display": "displayNetworkMembersCount",
    "search": "searchNetworkMembersCount",
    "youtube": "youtubeMembersCount",
    "gmail": "gmailMembersCount",
}
"""Where Google counts members, and under which name."""


def size_of(user_list: Row) -> dict[str, float]:
    """Members by network, the most of them as `size_to`, and the match rate in percent."""
    sizes = foreign.mapping(user_list.get("sizeInfo"))
    counts = {f"size_{name}": foreign.number(sizes.get(field)) for name, field in NETWORKS.items()}
    known = {name: count for name, count in counts.items() if count is not None and count >= 0}
    largest = {"size_to": max(known.values())} if known else {}
    contacts = foreign.inside(user_list, "ingestedUserListInfo", "contactIdInfo")
    rate = foreign.number(foreign.mapping(contacts).get("matchRatePercentage"))
    return known | largest | ({} if rate is None else {"match_rate": rate})
