"""Meta: server events to the Conversions API, for the web shop and for stages of a CRM.

API reference: developers.facebook.com/docs/marketing-api/conversions-api
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from urllib.parse import urlencode

from pydantic import Field, StringConstraints

from common.model import event_source
from common.untyped import JsonObject, Row
from functions.export.contract.base import (
    Built,
    Capabilities,
    Destination,
    Intent,
    Problem,
    Rejected,
    Trial,
    body,
    present,
    written,
)
from functions.export.contract.config import (
    DestinationConfig,
    Mapped,
    Mode,
    SecretReference,
    Tested,
)
from functions.export.destinations import codes
from functions.export.payload import countries, identifiers
from functions.export.payload.rows import ConversionRow
from functions.export.transport import foreign
from functions.export.transport.calls import Answer, Credential, Request, Unanswered
from functions.export.transport.results import Accepted, Cause, Halted, Refused, Result, Unknown

if TYPE_CHECKING:
    from functions.export.transport.wire import Wire

HOST = "https://graph.facebook.com"

ActionSource = Literal[
    "website",
    "app",
    "phone_call",
    "physical_store",
    "system_generated",
    "email",
    "chat",
    "business_messaging",
    "other",
]
ACTION_SOURCES: Mapping[str, ActionSource] = {
    "web": "website",
    "app": "app",
    "store": "physical_store",
    "phone": "phone_call",
    "crm": "system_generated",
    "other": "other",
}

TOO_WEAK = (
    {"ct", "country", "st", "zp", "ge", "client_user_agent"},
    {"db", "client_user_agent"},
    {"fn", "ge"},
    {"ln", "ge"},
)
"""Identifiers that are not enough by themselves: Meta rejects the event.
Source: developers.facebook.com/docs/marketing-api/conversions-api/best-practices."""


class MetaEvent(Mapped):
    """A conversion and its event."""

    event_name: str = Field(
        min_length=1,
        max_length=50,
        title="Event",
        description="Standard event such as Purchase or Lead, or the name of a CRM stage.",
        examples=["Purchase"],
    )


class MetaConfig(Tested):
    """A Meta pixel or dataset."""

    kind: Literal["meta"] = Field("meta", title="Kind", description="Meta", examples=["meta"])
    mode: Mode = Field(
        "live",
        title="Mode",
        description="Test shows events in Events Manager; Meta counts them all the same.",
        examples=["live"],
    )
    pixel_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{5,20}$")] = Field(
        title="Pixel or dataset",
        description="Id of the pixel or dataset in Events Manager.",
        examples=["123456789012345"],
    )
    access_token: SecretReference = Field(
        title="Access token",
        description="Where the system user's token lies: env:NAME or secret:projects/...",
        examples=["secret:projects/my-project/secrets/meta-token/versions/1"],
    )
    app_secret: SecretReference | None = Field(
        None,
        title="App secret",
        description="Where the secret of the app lies whose settings require proof of it "
        "(appsecret_proof) with each request.",
        examples=["env:META_APP_SECRET"],
    )
    api_version: Annotated[str, StringConstraints(pattern=r"^v[0-9]{1,3}\.[0-9]$")] = Field(
        "v26.0",
        title="API version",
        description="Version of the Graph API; each is served for at least two years.",
        examples=["v26.0"],
    )
    conversions: tuple[MetaEvent, ...] = Field(
        min_length=1,
        max_length=200,
        title="Conversions",
        description="What to send, and as which event.",
        examples=[[{"conversion": "purchase", "event_name": "Purchase"}]],
    )
    action_source: ActionSource = Field(
        "website",
        title="Action source",
        description="Where conversions happen when the row does not say.",
        examples=["website"],
    )
    lead_event_source: str | None = Field(
        None,
        max_length=100,
        title="CRM",
        description="Name of the CRM, for conversions with action source system_generated.",
        examples=["HubSpot"],
    )
    event_source_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s]+$",
        max_length=500,
        title="Website",
        description="Page address for website events whose row has none.",
        examples=["https://shop.example.com/"],
    )
    limited_data_use: bool = Field(
        False,
        title="Limited data use",
        description="Let Meta process events under its Limited Data Use terms.",
        examples=[False],
    )


class Meta(Destination[MetaConfig]):
    """Sends server events; nothing can be adjusted afterwards. A repeat is documented to be
    noticed only between a browser and a server, so what is in doubt is left to a person.

    Limits and windows: developers.facebook.com/docs/marketing-api/conversions-api/using-the-api.
    """

    kind: ClassVar[str] = "meta"
    Config: ClassVar[type[DestinationConfig]] = MetaConfig
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_batch=1000,
        # one bad row has the whole batch refused, and a small one is searched in fewer requests
        usual_batch=200,
        max_age={"": timedelta(days=7), "physical_store": timedelta(days=62)},
        future_skew=timedelta(minutes=1),
        # promised between browser and server only, so nothing in doubt is sent a second time
        dedup_window=timedelta(0),
        repeats="keeps_first",
        trial=Trial("counts", needs_code=True),
        requests_per_second=10.0,
    )

    def cause(self, reason: str) -> Cause:
        return cause_of(reason.removeprefix("meta_"))

    def account(self, conversion: str) -> str:
        return f"{self.config.pixel_id}/{self.mapped[conversion].event_name}"

    def action_source(self, row: ConversionRow) -> str:
        return ACTION_SOURCES.get(event_source.read(row.event_source), self.config.action_source)

    @property
    def needed(self) -> frozenset[str]:
        # [event] client_user_agent and event_source_url are required for website events
        return frozenset({"user_agent"} if self.config.action_source == "website" else ())

    def build(self, conversion: str, row: ConversionRow, intent: Intent) -> Built | Rejected:
        source = self.action_source(row)
        event_name = self.mapped[conversion].event_name
        people = user_data(row, intent, self.config.default_country, source)
        event = present(
            event_name=event_name,
            # seconds: milliseconds would lie in the far future and have the whole batch refused
            event_time=int(intent.occurred.timestamp()),
            event_id=intent.key,
            action_source=source,
            event_source_url=self._page(row, source),
            user_data=people,
            custom_data=self._custom_data(row, intent, source),
        )
        if self.config.limited_data_use:
            # country and state 0 ask Meta to find them out
            event["data_processing_options"] = ["LDU"]
            event["data_processing_options_country"] = 0
            event["data_processing_options_state"] = 0
        # judged here, because Meta refuses the whole batch for one such event
        if fault := _fault(event):
            return fault
        return written(intent.key, event)

    def _page(self, row: ConversionRow, source: str) -> str | None:
        return (row.page_location or self.config.event_source_url) if source == "website" else None

    def _custom_data(self, row: ConversionRow, intent: Intent, source: str) -> JsonObject:
        money = intent.money
        crm = source == "system_generated" and self.config.lead_event_source
        return present(
            value=float(money) if money else None,
            currency=money.currency if money else None,
            order_id=row.order_id,
            event_source="crm" if crm else None,
            lead_event_source=self.config.lead_event_source if crm else None,
        )

    def request(self, conversion: str, batch: Sequence[Built]) -> Request:
        return self._request(batch, self.config.test_event_code)

    def trial_request(self, conversion: str, built: Built, code: str) -> Request:
        return self._request([built], code)

    def _request(self, batch: Sequence[Built], code: str | None) -> Request:
        return Request(
            url=f"{HOST}/{self.config.api_version}/{self.config.pixel_id}/events",
            body=body("data", batch, **present(test_event_code=code)),
            credential=credential(self.config),
        )

    def read(self, reply: Answer, batch: Sequence[Built]) -> Result:
        return read(reply, len(batch))

    def check(self, wire: Wire) -> list[Problem]:
        """An empty batch is refused for being empty, once token and pixel are accepted."""
        return problems(wire, self._request([], self.config.test_event_code))

    def diagnose(self, day: date, wire: Wire) -> Mapping[str, Mapping[str, float]]:
        """Event match quality (0 to 10), and how many events carry each identifier, in percent.

        Source: developers.facebook.com/docs/marketing-api/conversions-api/dataset-quality-api.
        """
        fields = "web{event_name,event_match_quality{composite_score,match_key_feedback}}"
        asked = urlencode({"dataset_id": self.config.pixel_id, "fields": fields})
        body = read_node(self.config, f"dataset_quality?{asked}", wire)
        found = {
            foreign.text(each.get("event_name")): match_quality(each)
            for each in foreign.objects(body.get("web"))
        }
        named = {conversion: each.event_name for conversion, each in self.mapped.items()}
        return {conversion: found[event] for conversion, event in named.items() if found.get(event)}


def read_node(config: Any, path: str, wire: Wire) -> Row:
    """What a node of the Graph API says; empty where it says nothing, or not now."""
    reply = wire.exchange(node(config, path))
    if not isinstance(reply, Answer) or reply.status >= 300:
        return {}
    return foreign.mapping(reply.json())


def node(config: Any, path: str) -> Request:
    """A request to read a node of the Graph API."""
    return Request(
        url=f"{HOST}/{config.api_version}/{path}",
        body=b"",
        credential=replace(credential(config), place="bearer"),
        method="GET",
    )


def match_quality(event: Row) -> dict[str, float]:
    """The score and the coverage of each identifier, as far as Meta has them."""
    quality = foreign.mapping(event.get("event_match_quality"))
    measures = {"event_match_quality": foreign.number(quality.get("composite_score"))}
    for each in foreign.objects(quality.get("match_key_feedback")):
        if identifier := foreign.word(each.get("identifier")):
            share = foreign.number(foreign.inside(each.get("coverage"), "percentage"))
            measures[f"coverage_{identifier}"] = share
    return {name: value for name, value in measures.items() if value is not None}


def credential(config: Any) -> Credential:
    """The token in the body, where no proxy's log has it, with proof of the app's secret."""
    details = {"proof_secret": config.app_secret} if config.app_secret else {}
    return Credential("body", "access_token", config.access_token, details)


def user_data(
    row: ConversionRow, intent: Intent, default_country: str | None, source: str
) -> JsonObject:
    """Everything that may tell Meta who it was; hashed where Meta wants it hashed."""
    clicks = present(
        fbc=identifiers.facebook_click(row.fbc, row.fbclid, row.meta_click_at or row.click_at),
        fbp=identifiers.facebook_cookie(row.fbp),
    )
    if not intent.with_person:
        return clicks
    country = countries.code(row.country)
    return clicks | present(
        **hashed_person(row, country, default_country),
        client_ip_address=row.ip_address,
        client_user_agent=row.user_agent,
        lead_id=lead_id(row) if source == "system_generated" else None,
    )


def hashed_person(
    row: ConversionRow, country: str | None, default_country: str | None
) -> dict[str, list[str]]:
    """Hashed identifiers by Meta's field names, each in a list."""
    hashes = hashed_contact(row, country, default_country) | {
        "db": identifiers.birth_date(row.birth_date),
        "external_id": identifiers.external_id(row.user_id),
    }
    return {name: [value] for name, value in hashes.items() if value}


def hashed_contact(
    row: ConversionRow, country: str | None, default_country: str | None
) -> dict[str, str | None]:
    """Hashed ways to reach the person, by Meta's field names; None where there is none."""
    return {
        "em": identifiers.email(row.email),
        "ph": identifiers.phone(row.phone, row.phone_country(default_country), plus=False),
        "fn": identifiers.name(row.first_name),
        "ln": identifiers.name(row.last_name),
        "ct": identifiers.place(row.city),
        "st": identifiers.state(row.region, country),
        "zp": identifiers.postal_code(row.postal_code, country),
        "country": identifiers.country_code(country),
    }


def lead_id(row: ConversionRow) -> int | None:
    """Meta's own lead id, 15 to 17 digits and never hashed; another one rejects the event.

    Source: developers.facebook.com/docs/marketing-api/conversions-api/conversion-leads-integration.
    """
    text = row.lead_id or ""
    return int(text) if text.isascii() and text.isdigit() and 15 <= len(text) <= 17 else None


def _fault(event: Row) -> Rejected | None:
    """Why Meta would refuse the event, and with it every other one of its batch."""
    people = event.get("user_data", {})
    if not people:
        return Rejected("no_identifier")
    if any(set(people) <= weak for weak in TOO_WEAK):
        return Rejected("weak_identifiers", "user_data")
    if event["action_source"] == "website":
        if "client_user_agent" not in people:
            return Rejected("missing_user_agent", "client_user_agent")
        if "event_source_url" not in event:
            return Rejected("missing_page", "event_source_url")
    if event["action_source"] == "app":
        # [app] what the app may track and extinfo are required, and no row knows them
        return Rejected("missing_app_data", "app_data")
    if event["event_name"] == "Purchase" and "value" not in event.get("custom_data", {}):
        return Rejected("value_required", "value")
    return None


FIX = "Renew the token, or give its system user access to the pixel; Meta's code says which."


def read(reply: Answer, rows: int) -> Result:
    """What Meta says of a whole request: it takes all rows or none, and names no bad one."""
    body = reply.json()
    if reply.status < 400 and not foreign.inside(body, "error"):
        received = foreign.whole(
            foreign.inside(body, "events_received")
            if "events_received" in foreign.mapping(body)
            else foreign.inside(body, "num_received")
        )
        trace = foreign.inside(body, "fbtrace_id") or foreign.inside(body, "session_id")
        # fewer than were sent: nobody says which of them
        return Accepted(foreign.word(trace)) if received == rows else Unknown("not_all_received")
    code = code_of(foreign.mapping(foreign.inside(body, "error")))
    if not code:
        return Refused(f"http_{reply.status}")
    return codes.meaning(cause_of(code), f"meta_{code}", FIX)


def code_of(error: Row) -> str:
    """Code and subcode in a word; of a transient error the code that stands for any of them."""
    code, subcode = foreign.whole(error.get("code")), foreign.whole(error.get("error_subcode"))
    # "(#4) Application request limit reached" says is_transient too, and nothing of it was taken
    throttled = code is not None and cause_of(str(code)) is Cause.SLOW
    transient = error.get("is_transient") is True and not throttled
    if transient or (code is not None and code < 0):
        return "2"
    if code == 100 and "appsecret_proof" in foreign.text(error.get("message")):
        return "100_appsecret_proof"
    if code is None:
        return ""
    return f"{code}_{subcode}" if subcode else str(code)


def cause_of(code: str) -> Cause:
    """By code and subcode, else by the code alone; 100 means nothing by itself."""
    alone = code.partition("_")[0]
    return codes.META.get(code) or codes.META.get(alone, Cause.UNLISTED)


def problems(wire: Wire, request: Request) -> list[Problem]:
    """What stands in the way of a request, judged by sending one without rows."""
    reply = wire.exchange(request)
    if isinstance(reply, Unanswered):
        return [Problem(reply.reason, "Meta did not answer.", "Try again later.")]
    result = read(reply, 0)
    if isinstance(result, Halted):
        return [Problem(result.reason, "Meta refuses the credentials.", result.fix)]
    return []
