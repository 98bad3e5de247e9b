"""Google Analytics 4: events to the Measurement Protocol, one visitor a request.

API reference: developers.google.com/analytics/devguides/collection/protocol/ga4
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from common.model import event_source
from common.untyped import JsonObject
from functions.export.contract.base import (
    Built,
    Capabilities,
    Consent,
    Destination,
    Intent,
    Problem,
    Rejected,
    Trial,
    canonical,
    fingerprint,
    present,
)
from functions.export.contract.config import DestinationConfig, Mapped, SecretReference
from functions.export.payload.rows import ConversionRow
from functions.export.transport import foreign
from functions.export.transport.calls import Answer, Credential, Reply, Request, Unanswered
from functions.export.transport.results import Accepted, Refused, Result, Unknown
from functions.export.transport.retries import unhappy

if TYPE_CHECKING:
    from functions.export.transport.wire import Wire

HOST = "https://www.google-analytics.com"
EU_HOST = "https://region1.google-analytics.com"
COLLECT = "/mp/collect"
DEBUG = "/debug/mp/collect"
"""The validation server: it records nothing, and judges neither secret nor stream.
Source: developers.google.com/analytics/devguides/collection/protocol/ga4/validating-events."""


class AnalyticsEvent(Mapped):
    """A conversion and its event."""

    event_name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")] = Field(
        title="Event", description="Name of the GA4 event.", examples=["close_convert_lead"]
    )


class GoogleAnalyticsConfig(DestinationConfig):
    """A GA4 web stream."""

    kind: Literal["google_analytics"] = Field(
        "google_analytics",
        title="Kind",
        description="Google Analytics 4",
        examples=["google_analytics"],
    )
    measurement_id: Annotated[str, StringConstraints(pattern=r"^G-[A-Z0-9]{4,12}$")] = Field(
        title="Measurement id",
        description="Id of the web stream.",
        examples=["G-ABC1234567"],
    )
    api_secret: SecretReference = Field(
        title="API secret",
        description="Where the stream's Measurement Protocol secret lies.",
        examples=["env:GA4_API_SECRET"],
    )
    conversions: tuple[AnalyticsEvent, ...] = Field(
        min_length=1,
        max_length=200,
        title="Conversions",
        description="What to send, and as which event; never one that GA4 collected itself.",
        examples=[[{"conversion": "deal_closed", "event_name": "close_convert_lead"}]],
    )
    region: Literal["global", "eu"] = Field(
        "global",
        title="Region",
        description="Where Google receives the events.",
        examples=["eu"],
    )


class GoogleAnalytics(Destination[GoogleAnalyticsConfig]):
    """Sends events. GA4 always answers 204 and knows no key, so nothing in doubt is sent again;
    a purchase can be taken back by its refund event, anything else cannot.

    Limits: .../protocol/ga4/sending-events (25 events, 130 kB, backdated up to 72 hours).
    """

    kind: ClassVar[str] = "google_analytics"
    Config: ClassVar[type[DestinationConfig]] = GoogleAnalyticsConfig
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_batch=25,
        usual_batch=25,
        max_age={"": timedelta(hours=72)},
        future_skew=timedelta(0),
        dedup_window=timedelta(0),
        repeats="counts",
        trial=Trial("validated"),
        adjusts=frozenset({"retract"}),
        requests_per_second=20.0,
    )
    kept: ClassVar[tuple[str, ...]] = ("client_id", "order_id")

    def account(self, conversion: str) -> str:
        return f"{self.config.measurement_id}/{self.mapped[conversion].event_name}"

    def build(self, conversion: str, row: ConversionRow, intent: Intent) -> Built | Rejected:
        if not row.client_id:
            return Rejected("no_identifier")
        if intent.op == "create" and event_source.read(row.event_source) == "app":
            # an app's stream wants firebase_app_id and app_instance_id; as the client of a web
            # stream the instance would be a visitor whom nobody has seen
            return Rejected("app_stream_required", "event_source")
        name = self.mapped[conversion].event_name
        if intent.op == "retract" and name != "purchase":
            return Rejected("only_purchases_can_be_refunded", "event_name")
        visitor = present(
            client_id=row.client_id,
            user_id=row.user_id if intent.with_person else None,
            consent=consent(intent.consent),
        )
        text, event = canonical(visitor), canonical(self._event(name, row, intent))
        # one request carries one visitor
        return Built(intent.key, (text, event), fingerprint(event), text)

    def _event(self, name: str, row: ConversionRow, intent: Intent) -> JsonObject:
        refund = intent.op == "retract"
        money = None if refund else intent.money
        # GA4's own are seconds since 1970: no other text is one of its sessions
        session = row.session_id if row.session_id and row.session_id.isdigit() else None
        return present(
            name="refund" if refund else name,
            # a refund is stamped when it arrives: GA4 drops in silence what is stamped 72 hours
            # back, as a change is that was held, paused or retried since
            timestamp_micros=None if refund else micros(intent.occurred),
            params=present(
                transaction_id=row.order_id or row.id,
                value=float(money) if money else None,
                currency=intent.money.currency if intent.money else None,
                session_id=None if refund else session,
                # without it reports such as Realtime leave the user out (sending-events page)
                engagement_time_msec=1,
            ),
        )

    def request(self, conversion: str, batch: Sequence[Built]) -> Request:
        return self._request(COLLECT, batch)

    def trial_request(self, conversion: str, built: Built, code: str) -> Request:
        # strict, because what the address for real events drops it drops without a word
        return self._request(DEBUG, [built], validation_behavior="ENFORCE_RECOMMENDATIONS")

    def trial_verdict(self, reply: Reply, built: Built, now: datetime) -> Result:
        early = unhappy(reply, now)
        if early is not None:
            return early
        assert isinstance(reply, Answer)
        if reply.status >= 300 or "validationMessages" not in foreign.mapping(reply.json()):
            return Unknown("unreadable_answer")
        found = problems(reply)
        return Refused(found[0].code) if found else Accepted("")

    def _request(self, path: str, batch: Sequence[Built], **others: str) -> Request:
        visitor, events = batch[0].payload[0], b",".join([built.payload[1] for built in batch])
        marks = canonical(others)[1:-1] + b"," if others else b""
        text = b'{"events":[%s],%s%s' % (events, marks, visitor[1:])
        return Request(self._addresses[path], text, self._credential)

    # made once: most visitors have one event, so that nearly each row is a request
    @cached_property
    def _addresses(self) -> dict[str, str]:
        host = EU_HOST if self.config.region == "eu" else HOST
        stream = f"measurement_id={self.config.measurement_id}"
        return {path: f"{host}{path}?{stream}" for path in (COLLECT, DEBUG)}

    @cached_property
    def _credential(self) -> Credential:
        return Credential("query", "api_secret", self.config.api_secret)

    def read(self, reply: Answer, batch: Sequence[Built]) -> Result:
        # there is no better proof: GA4 tells only its debug address what is wrong with an event
        if 200 <= reply.status < 300:
            return Accepted("")
        return Refused(f"http_{reply.status}")

    def check(self, wire: Wire) -> list[Problem]:
        """What the validation server says of a sample event; it checks no secret."""
        event = {"name": self.config.conversions[0].event_name, "params": {}}
        sample = Built("check", (canonical({"client_id": "1.1"}), canonical(event)), "")
        reply = wire.exchange(self._request(DEBUG, [sample]))
        if isinstance(reply, Unanswered):
            return [Problem(reply.reason, "Google Analytics did not answer.", "Try again later.")]
        return problems(reply)


def problems(reply: Answer) -> list[Problem]:
    """What the validation server found wrong."""
    return [
        Problem(
            foreign.word(message.get("validationCode")).lower() or "invalid",
            foreign.text(message.get("description")),
            "Mend the event name in the destination.",
        )
        for message in foreign.objects(foreign.inside(reply.json(), "validationMessages"))
    ]


@cache
def consent(given: Consent) -> Mapping[str, str]:
    """Both consents as the protocol spells them."""
    return {
        "ad_user_data": "GRANTED" if given.user_data else "DENIED",
        "ad_personalization": "GRANTED" if given.personalization else "DENIED",
    }


def micros(moment: datetime) -> int:
    """Unix time in microseconds."""
    return round(moment.timestamp() * 1_000_000)
