"""TikTok: events to the Events API 2.0.

API reference: business-api.tiktok.com/portal/docs?id=1771100865818625
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import Field, StringConstraints

from common.model import event_source
from common.untyped import JsonObject
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
from functions.export.payload import identifiers
from functions.export.payload.rows import ConversionRow
from functions.export.transport import foreign
from functions.export.transport.calls import Answer, Credential, Reply, Request, Unanswered
from functions.export.transport.results import Accepted, Cause, Halted, Refused, Result, Unknown

if TYPE_CHECKING:
    from functions.export.transport.wire import Wire

HOST = "https://business-api.tiktok.com"

SERVER_FAULTS = 50_000
"""Codes from here on are the platform's own trouble."""


class TikTokEvent(Mapped):
    """A conversion and its event."""

    event: str = Field(
        min_length=1,
        max_length=50,
        title="Event",
        description="Standard event such as CompletePayment or SubmitForm.",
        examples=["CompletePayment"],
    )


class TikTokConfig(Tested):
    """A TikTok pixel, app or event set."""

    kind: Literal["tiktok"] = Field(
        "tiktok", title="Kind", description="TikTok", examples=["tiktok"]
    )
    mode: Mode = Field(
        "live",
        title="Mode",
        description="Test shows events in Events Manager.",
        examples=["live"],
    )
    event_source: Literal["web", "app", "offline", "crm"] = Field(
        "web", title="Event source", description="What kind of event set.", examples=["web"]
    )
    event_source_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{5,40}$")] = Field(
        title="Event set",
        description="Pixel code, app id or event set id.",
        examples=["COQDA8RC77U2TMR44LI0"],
    )
    access_token: SecretReference = Field(
        title="Access token",
        description="Where the Events API token lies.",
        examples=["env:TIKTOK_TOKEN"],
    )
    api_version: Annotated[str, StringConstraints(pattern=r"^v[0-9]\.[0-9]$")] = Field(
        "v1.3", title="API version", description="Version of the API.", examples=["v1.3"]
    )
    conversions: tuple[TikTokEvent, ...] = Field(
        min_length=1,
        max_length=200,
        title="Conversions",
        description="What to send, and as which event.",
        examples=[[{"conversion": "purchase", "event": "CompletePayment"}]],
    )
    lead_event_source: str | None = Field(
        None,
        max_length=100,
        title="CRM",
        description="Name of the CRM, for event source crm.",
        examples=["HubSpot"],
    )
    limited_data_use: bool = Field(
        False,
        title="Limited data use",
        description="Let TikTok process events under its limited terms.",
        examples=[False],
    )


T = TypeVar("T", bound=DestinationConfig)


class TikTokApi(Destination[T]):
    """What events and audiences have in common: credentials and answers."""

    def asked(self, path: str, body: bytes = b"", method: str = "POST") -> Request:
        """A request to an address of this version."""
        config: Any = self.config
        return Request(
            url=f"{HOST}/open_api/{config.api_version}/{path}",
            body=body,
            credential=Credential("header", "Access-Token", config.access_token),
            method=method,
        )

    def cause(self, reason: str) -> Cause:
        code = foreign.whole(reason.removeprefix("tiktok_"))
        # as with a 5xx, the work may have been done
        if code is not None and code >= SERVER_FAULTS:
            return Cause.DOUBT
        return codes.TIKTOK.get(str(code), Cause.UNLISTED)

    def read(self, reply: Answer, batch: Sequence[Built]) -> Result:
        # the HTTP status says little: 40100 and 40104 come with 401, most others with 200
        body = reply.json()
        code = foreign.whole(foreign.inside(body, "code"))
        if code is None:
            return Unknown("unreadable_answer") if reply.status < 400 else _plain(reply)
        # an answer that says yes and no at once is no proof
        if code == 0 and reply.status >= 400:
            return Unknown("contradictory_answer")
        if code == 0:
            return Accepted(foreign.word(foreign.inside(body, "request_id")))
        reason = f"tiktok_{code}"
        return codes.meaning(
            self.cause(reason), reason, "Renew the token, or give it access to the event set."
        )

    def obstacles(self, reply: Reply) -> list[Problem]:
        """What stands in the way of a request that changes nothing."""
        if isinstance(reply, Unanswered):
            return [Problem(reply.reason, "TikTok did not answer.", "Try again later.")]
        result = self.read(reply, [])
        if isinstance(result, Halted):
            return [Problem(result.reason, "TikTok refuses the credentials.", result.fix)]
        return []


class TikTok(TikTokApi[TikTokConfig]):
    """Sends events; the first of an event and event id within 48 hours counts.

    Source: ads.tiktok.com/help/article/event-deduplication. Ages: 28 days for offline and CRM
    events by the documentation of one vendor (Amperity), seven for the web, which is unproved.
    """

    kind: ClassVar[str] = "tiktok"
    Config: ClassVar[type[DestinationConfig]] = TikTokConfig
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_batch=1000,
        usual_batch=500,
        max_age={
            "": timedelta(days=7),
            "offline": timedelta(days=28),
            "crm": timedelta(days=28),
        },
        future_skew=timedelta(0),
        dedup_window=timedelta(hours=48),
        repeats="keeps_first",
        trial=Trial("shown", needs_code=True),
        requests_per_second=10.0,
    )

    @property
    def batch_size(self) -> int:
        # test events are taken one by one
        return 1 if self.config.mode == "test" else super().batch_size

    def action_source(self, row: ConversionRow) -> str:
        return self.config.event_source

    def account(self, conversion: str) -> str:
        # test events stay out of real data, so that they are no proof that it has them
        test = "/test" if self.config.mode == "test" else ""
        return f"{self.config.event_source_id}/{self.mapped[conversion].event}{test}"

    def build(self, conversion: str, row: ConversionRow, intent: Intent) -> Built | Rejected:
        if {event_source.read(row.event_source), self.config.event_source} == {"web", "app"}:
            return Rejected("event_source_mismatch", "event_source")
        user = self._user(row, intent)
        if not user:
            return Rejected("no_identifier")
        money, crm = intent.money, self.config.event_source == "crm"
        event = present(
            event=self.mapped[conversion].event,
            event_time=int(intent.occurred.timestamp()),
            event_id=intent.key,
            user=user,
            properties=present(
                value=float(money) if money else None,
                currency=money.currency if money else None,
                order_id=row.order_id,
            ),
            page={"url": row.page_location} if row.page_location else None,
            lead=present(
                lead_id=row.lead_id if crm else None,
                lead_event_source=self.config.lead_event_source if crm else None,
            ),
            limited_data_use=self.config.limited_data_use or None,
        )
        return written(intent.key, event)

    def _user(self, row: ConversionRow, intent: Intent) -> JsonObject:
        clicks = present(ttclid=row.ttclid, ttp=row.ttp)
        if not intent.with_person:
            return clicks
        hashes = {
            "email": identifiers.email(row.email),
            "phone": identifiers.phone(row.phone, row.phone_country(self.config.default_country)),
            "external_id": identifiers.external_id(row.user_id),
        }
        people = {name: [value] for name, value in hashes.items() if value}
        # an address or a browser alone names nobody
        if not people and not clicks:
            return {}
        return clicks | people | present(ip=row.ip_address, user_agent=row.user_agent)

    def request(self, conversion: str, batch: Sequence[Built]) -> Request:
        return self._request(batch, self.config.test_event_code)

    def trial_request(self, conversion: str, built: Built, code: str) -> Request:
        return self._request([built], code)

    def _request(self, batch: Sequence[Built], code: str | None) -> Request:
        where = present(
            event_source=self.config.event_source,
            event_source_id=self.config.event_source_id,
            test_event_code=code,
        )
        return self.asked("event/track/", body("data", batch, **where))

    def check(self, wire: Wire) -> list[Problem]:
        """An empty batch is refused for being empty, once the token is accepted."""
        return self.obstacles(wire.exchange(self._request([], self.config.test_event_code)))


def _plain(reply: Answer) -> Result:
    """What an answer without a code says."""
    if reply.status == 401:
        return Halted("http_401", "Renew the token, or give it access to the event set.")
    return Refused(f"http_{reply.status}")
