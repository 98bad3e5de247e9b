"""Pinterest: events to the Conversions API.

API reference: developers.pinterest.com/docs/api/v5/events-create; its OpenAPI document, version 5,
is github.com/pinterest/api-description, of 2025-12-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from urllib.parse import parse_qs, urlencode, urlsplit

from pydantic import Field, StringConstraints

from common.model import event_source
from common.model.consent import word
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
from functions.export.contract.config import DestinationConfig, Mapped, SecretReference
from functions.export.destinations import codes
from functions.export.payload import countries, identifiers
from functions.export.payload.rows import ConversionRow
from functions.export.transport import foreign
from functions.export.transport.calls import Answer, Credential, Reply, Request, Unanswered
from functions.export.transport.results import (
    Accepted,
    Cause,
    Halted,
    Result,
    Retry,
    Unknown,
)

if TYPE_CHECKING:
    from functions.export.transport.wire import Wire

HOST = "https://api.pinterest.com"
TEST = "?test=true"
"""Such events are answered and not recorded (OpenAPI document)."""

ActionSource = Literal["web", "app_android", "app_ios", "offline"]
ACTION_SOURCES: Mapping[str, ActionSource] = {
    "web": "web",
    "store": "offline",
    "phone": "offline",
    "crm": "offline",
    "other": "offline",
}
"""By the row's own source; an app is Android or iOS, which a row may say by its word and the
destination's own action source says for those that do not."""
APPS: Mapping[str, ActionSource] = {"android": "app_android", "ios": "app_ios"}

CAUSES = codes.table(
    ACCOUNT=codes.numbered("pinterest_", (2, 3, 29)), SLOW="pinterest_8", AGAIN="pinterest_4197"
)
"""Codes of the OpenAPI document's examples; 4196 is what Pinterest says of any request."""

FIELDS = """event_name action_source event_time event_id event_source_url user_data em ph fn ln ct
st zp country db external_id client_ip_address client_user_agent click_id value currency
order_id""".split()
_FIELD = re.compile(rf"\b({'|'.join(FIELDS)})\b")

FIX = (
    "Renew the conversion token, or let its user have a role on the ad account: owner, admin, "
    "analyst, audience or campaign."
)


class PinterestEvent(Mapped):
    """A conversion and its event."""

    event_name: Literal[
        "add_payment_info",
        "add_to_cart",
        "add_to_wishlist",
        "app_install",
        "checkout",
        "custom",
        "initiate_checkout",
        "lead",
        "page_visit",
        "search",
        "signup",
        "subscribe",
        "view_category",
        "view_content",
        "watch_video",
    ] = Field(title="Event", description="Kind of event.", examples=["checkout"])


class PinterestConfig(DestinationConfig):
    """A Pinterest ad account."""

    kind: Literal["pinterest"] = Field(
        "pinterest", title="Kind", description="Pinterest", examples=["pinterest"]
    )
    ad_account_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{5,20}$")] = Field(
        title="Ad account",
        description="Id of the ad account.",
        examples=["549757463328"],
    )
    access_token: SecretReference = Field(
        title="Conversion token",
        description="Where the conversion token of Ads Manager lies: env:NAME or secret:...",
        examples=["env:PINTEREST_TOKEN"],
    )
    conversions: tuple[PinterestEvent, ...] = Field(
        min_length=1,
        max_length=200,
        title="Conversions",
        description="What to send, and as which event.",
        examples=[[{"conversion": "purchase", "event_name": "checkout"}]],
    )
    action_source: ActionSource = Field(
        "web",
        title="Action source",
        description="Where conversions happen when the row does not say.",
        examples=["web"],
    )


class Pinterest(Destination[PinterestConfig]):
    """Sends events; nothing is adjusted. A repeat is documented to be noticed only between tag and
    API, and never of offline events, so what is in doubt is left to a person. No document that was
    read names an age from which events are refused.

    Limits: 1,000 events a request, 5,000 requests a minute and ad account (OpenAPI document).
    """

    kind: ClassVar[str] = "pinterest"
    Config: ClassVar[type[DestinationConfig]] = PinterestConfig
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_batch=1000,
        usual_batch=500,
        max_age={},
        future_skew=timedelta(0),
        dedup_window=timedelta(0),
        repeats="keeps_first",
        names_bad_rows=True,
        partial=True,
        trial=Trial("validated"),
        requests_per_second=20.0,
    )
    causes: ClassVar[Mapping[str, Cause]] = CAUSES

    def account(self, conversion: str) -> str:
        return f"{self.config.ad_account_id}/{self.mapped[conversion].event_name}"

    def cause(self, reason: str) -> Cause:
        # a message that names a field is about the row; any other one may be about anything
        if reason.removeprefix("failed_") in FIELDS:
            return Cause.ROW
        return super().cause(reason)

    def action_source(self, row: ConversionRow) -> str:
        if event_source.read(row.event_source) != "app":
            known = ACTION_SOURCES.get(event_source.read(row.event_source))
            return known or self.config.action_source
        own = self.config.action_source if self.config.action_source in APPS.values() else ""
        return APPS.get(word(row.event_source), own)

    def build(self, conversion: str, row: ConversionRow, intent: Intent) -> Built | Rejected:
        source, people = self.action_source(row), self._user_data(row, intent)
        if not source:
            return Rejected("unknown_app_platform", "action_source")
        if not ("em" in people or {"client_ip_address", "client_user_agent"} <= people.keys()):
            return Rejected("no_identifier")
        money = intent.money
        event = present(
            event_name=self.mapped[conversion].event_name,
            action_source=source,
            event_time=int(intent.occurred.timestamp()),
            event_id=intent.key,
            event_source_url=row.page_location if source == "web" else None,
            user_data=people,
            custom_data=present(
                value=f"{money.amount:f}" if money else None,
                currency=money.currency if money else None,
                order_id=row.order_id,
            ),
        )
        return written(intent.key, event)

    def _user_data(self, row: ConversionRow, intent: Intent) -> JsonObject:
        """Everything that may tell Pinterest who it was; hashed where Pinterest wants it hashed."""
        click = present(click_id=click_id(row.page_location))
        if not intent.with_person:
            return click
        country = countries.code(row.country)
        hashes = {
            "em": identifiers.email(row.email),
            "ph": identifiers.phone(
                row.phone, row.phone_country(self.config.default_country), plus=False
            ),
            "fn": identifiers.name(row.first_name),
            "ln": identifiers.name(row.last_name),
            "ct": identifiers.place(row.city),
            # two letters are wanted, which nobody has but the states of the US
            "st": identifiers.state(row.region, country) if country == "US" else None,
            "zp": postal_code(row.postal_code, country),
            "country": identifiers.country_code(country),
            "db": identifiers.birth_date(row.birth_date),
            "external_id": identifiers.external_id(row.user_id),
        }
        people = {name: [value] for name, value in hashes.items() if value}
        browser = present(client_ip_address=row.ip_address, client_user_agent=row.user_agent)
        return click | people | browser

    def request(self, conversion: str, batch: Sequence[Built]) -> Request:
        return self._request(batch)

    def trial_request(self, conversion: str, built: Built, code: str) -> Request:
        return self._request([built], TEST)

    def _request(self, batch: Sequence[Built], query: str = "") -> Request:
        return self._asked(f"events{query}", body("data", batch))

    def _asked(self, path: str, said: bytes = b"", method: str = "POST") -> Request:
        return Request(
            url=f"{HOST}/v5/ad_accounts/{self.config.ad_account_id}/{path}",
            body=said,
            credential=Credential("bearer", reference=self.config.access_token),
            method=method,
        )

    def diagnose(self, day: date, wire: Wire) -> Mapping[str, Mapping[str, float]]:
        """How many events of the last 14 days carried each identifier, in percent, and for the
        account the event quality: 1 needs improvement, 2 is fair, 3 is good. A conversion token may
        not ask, only one of the scope ads:read.

        Source: conversion_eqs/list of the OpenAPI document.
        """
        reply = wire.exchange(self._asked(f"conversion_eqs?{QUALITY}", method="GET"))
        shown = reply.json() if isinstance(reply, Answer) and reply.status == 200 else None
        scores = list(foreign.objects(shown))
        states = [QUALITIES.get(foreign.text(each.get("overall_status"))) for each in scores]
        known = [state for state in states if state is not None]
        account = {"": {"event_quality": min(known)}} if known else {}
        events = {
            conversion: coverage_of(scores, each.event_name)
            for conversion, each in self.mapped.items()
        }
        return account | {conversion: found for conversion, found in events.items() if found}

    def verdict(self, reply: Reply, batch: Sequence[Built], now: datetime) -> Result:
        # the one server error that says that nothing was taken: the endpoint is ramped down
        if isinstance(reply, Answer) and reply.status == 503 and code_of(reply) == 4197:
            return Retry("pinterest_4197")
        return super().verdict(reply, batch, now)

    def read(self, reply: Answer, batch: Sequence[Built]) -> Result:
        shown = reply.json()
        # [doc] 422 is for some of the events, and says in its details what 200 says
        by_event = shown if reply.status < 300 else foreign.inside(shown, "details")
        if reply.status < 300 or reply.status == 422:
            return _by_event(by_event, len(batch))
        code = code_of(reply)
        reason = f"http_{reply.status}" if code is None else f"pinterest_{code}"
        if reply.status in (401, 403):
            return Halted(reason, FIX)
        return codes.meaning(self.cause(reason), reason, FIX)

    def check(self, wire: Wire) -> list[Problem]:
        """What Pinterest says of a sample event in test mode, which it does not record."""
        mail = identifiers.email("check@example.com") or ""
        sample = {
            "event_name": self.config.conversions[0].event_name,
            "action_source": self.config.action_source,
            "event_time": 0,
            "event_id": "check",
            "user_data": {"em": [mail]},
        }
        reply = wire.exchange(self._request([written("check", sample)], TEST))
        if isinstance(reply, Unanswered):
            return [Problem(reply.reason, "Pinterest did not answer.", "Try again later.")]
        result = self.read(reply, [])
        if isinstance(result, Halted):
            return [Problem(result.reason, "Pinterest refuses the credentials.", result.fix)]
        return []


QUALITY = urlencode({"lookback_period": "14d", "ingestion_source": "CONVERSIONS_API"})
QUALITIES = {"NEEDS_IMPROVEMENT": 1.0, "FAIR": 2.0, "GOOD": 3.0}


def coverage_of(scores: Sequence[Row], event: str) -> dict[str, float]:
    """The share of such events that carry each identifier, of several sources the lowest."""
    found: dict[str, float] = {}
    for score in scores:
        for name, by_event in foreign.mapping(score.get("quality_components")).items():
            for each, details in foreign.mapping(by_event).items():
                share = foreign.number(foreign.mapping(details).get("coverage"))
                measure = f"coverage_{foreign.word(name)}"
                if share is not None and foreign.text(each).casefold() == event:
                    found[measure] = min(share, found.get(measure, share))
    return found


def code_of(reply: Answer) -> int | None:
    """Pinterest's own number for what is wrong."""
    return foreign.whole(foreign.inside(reply.json(), "code"))


def click_id(page: str | None) -> str | None:
    """The parameter epik of the page's address, which Pinterest also keeps in a cookie."""
    try:
        found = parse_qs(urlsplit(page or "").query).get("epik", [])
    except ValueError:
        return None
    return identifiers.click_id(next(iter(found), None))


def postal_code(raw: str | None, country: str | None) -> str | None:
    """Hash of a postal code of digits; Pinterest knows no others."""
    if raw is None:
        return None
    digits = identifiers.plain_postal_code(raw, country)
    return identifiers.sha256(digits) if digits.isascii() and digits.isdigit() else None


def _by_event(shown: Any, rows: int) -> Result:
    """What became of each event: all of them are in the answer, in the request's order."""
    events = list(foreign.objects(foreign.inside(shown, "events")))
    states = [foreign.text(each.get("status")) for each in events]
    counted = foreign.whole(foreign.inside(shown, "num_events_processed"))
    # a row without a word, or with a new one, may count
    if len(events) != rows or set(states) - {"processed", "failed"}:
        return Unknown("unreadable_answer")
    if counted != states.count("processed"):
        return Unknown("not_all_processed")
    return Accepted("", dict(_failures(events)))


def _failures(events: Sequence[Row]) -> Iterator[tuple[int, str]]:
    """Events that failed; the message may hold what was sent, so only the field that it names is
    kept."""
    for row, event in enumerate(events):
        if event["status"] == "failed":
            named = _FIELD.search(foreign.text(event.get("error_message")))
            yield row, f"failed_{named[1]}" if named else "failed"
