"""TikTok custom audiences: qualified leads as members of a segment, and out of it again.

API reference: business-api.tiktok.com/portal/docs?id=1739940506015746 (segments); the shapes as
github.com/segmentio/action-destinations, tiktok-audiences, sends and reads them (2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from urllib.parse import urlencode

from pydantic import Field, StringConstraints

from common.errors import UserError
from common.untyped import Row
from functions.export.contract.base import Built, Capabilities, Problem, body, canonical
from functions.export.contract.config import DestinationConfig, SecretReference
from functions.export.destinations.audiences.lists import AudienceList, list_id, lists
from functions.export.destinations.audiences.members import (
    Identifier,
    Members,
    Verb,
    not_made,
    short_name,
)
from functions.export.destinations.tiktok import TikTokApi
from functions.export.payload import identifiers
from functions.export.payload.rows import ConversionRow
from functions.export.transport import foreign
from functions.export.transport.calls import Answer, Reply, Request
from functions.export.transport.results import Accepted, Cause

if TYPE_CHECKING:
    from functions.export.transport.wire import Wire

EMAIL, PHONE = SCHEMA = ("EMAIL_SHA256", "PHONE_SHA256")
"""What the places of each member hold; an empty object where there is nothing."""

HERE = "@audience"
"""Stands in a member for the audience, which its conversion names: a hash never reads so."""

LONGEST_NAME = 128
"""Letters of an audience's name (LookalikeCreateBody and others of TikTok's own SDK)."""

PAGE = 100
"""Audiences in one answer."""

MOST_PAGES = 100
"""As many as are read: a platform that never ends must not hold up a run."""


class TikTokList(AudienceList):
    """A conversion and the audience of its people."""

    audience_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,25}$")] | None = list_id(
        "Audience", "Id of a custom audience that was created over the API", "7300000000000000001"
    )


class TikTokAudienceConfig(DestinationConfig):
    """Custom audiences of a TikTok advertiser."""

    kind: Literal["tiktok_audience"] = Field(
        "tiktok_audience",
        title="Kind",
        description="TikTok custom audience",
        examples=["tiktok_audience"],
    )
    advertiser_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,25}$")] = Field(
        title="Advertiser",
        description="Id of the advertiser that owns the audiences.",
        examples=["7100000000000000001"],
    )
    access_token: SecretReference = Field(
        title="Access token",
        description="Where a token lies whose app has the scope Audience Management.",
        examples=["env:TIKTOK_TOKEN"],
    )
    api_version: Annotated[str, StringConstraints(pattern=r"^v[0-9]\.[0-9]$")] = Field(
        "v1.3", title="API version", description="Version of the API.", examples=["v1.3"]
    )
    conversions: tuple[TikTokList, ...] = lists(
        "Audiences", "audience", audience_id="7300000000000000001"
    )


class TikTokAudience(Members[TikTokAudienceConfig], TikTokApi[TikTokAudienceConfig]):
    """Adds and removes members by hashed e-mail address and phone number. Requests are taken whole
    or not at all; sizes show after a day or two.

    Limits: 1,000 members a request (docs.tealium.com, TikTok Audiences connector); 1,000 matched
    people before an audience is used (platforms' own pages).
    """

    kind: ClassVar[str] = "tiktok_audience"
    Config: ClassVar[type[DestinationConfig]] = TikTokAudienceConfig
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_batch=1000,
        usual_batch=1000,
        max_age={},
        future_skew=timedelta(days=1),
        dedup_window=None,
        repeats="replaces",
        adjusts=frozenset({"restate", "retract"}),
        restores=True,
        audience=True,
        creates_audiences=True,
        smallest_audience=1000,
        requests_per_second=10.0,
    )

    def identifiers(self, row: ConversionRow) -> Mapping[str, str | None]:
        phone = identifiers.phone(row.phone, row.phone_country(self.config.default_country))
        return {EMAIL: identifiers.email(row.email), PHONE: phone}

    def member(self, known: Sequence[Identifier], verb: Verb) -> bytes:
        # who leaves by several old addresses fits into no schema: each is a member of its own
        people = [dict([each]) for each in known] if verb == "remove" else [dict(known)]
        return ",".join([_placed(each) for each in people]).encode()

    def request(self, conversion: str, batch: Sequence[Built]) -> Request:
        removing = bool(batch) and batch[0].group == "remove"
        users = body(
            "batch_data",
            batch,
            advertiser_ids=[self.config.advertiser_id],
            action="delete" if removing else "add",
            id_schema=SCHEMA,
        )
        audience: str = self.mapped[conversion].audience_id or ""
        return self.asked("segment/mapping/", users.replace(HERE.encode(), audience.encode()))

    def cause(self, reason: str) -> Cause:
        # an audience that is not there is a parameter error too, and no row's
        return Cause.UNLISTED if reason == "tiktok_40002" else super().cause(reason)

    def check(self, wire: Wire) -> list[Problem]:
        """What TikTok says when it is asked for its audiences."""
        return self.obstacles(wire.exchange(self._page(1)))

    def create_audience(self, conversion: str, wire: Wire) -> str:
        """Source: segment/audience of the segments page. TikTok takes a name any number of times,
        so one of our name is looked for first."""
        name = short_name(self.config.name, f"{conversion} ({self.config.id})", LONGEST_NAME)
        for each in self._audiences(wire):
            if each.get("name") == name and foreign.whole(each.get("audience_id")) is not None:
                return str(each["audience_id"])
        wanted = {
            "custom_audience_name": name,
            "advertiser_id": self.config.advertiser_id,
            "action": "create",
        }
        reply = wire.exchange(self.asked("segment/audience/", canonical(wanted)))
        shown = reply.json() if isinstance(reply, Answer) else None
        made = foreign.whole(foreign.inside(shown, "data", "audience_id"))
        if made is None:
            raise self._not_made(reply)
        return str(made)

    def _audiences(self, wire: Wire) -> Iterator[Row]:
        """All audiences of the advertiser; raises UserError where TikTok does not say."""
        for page in range(1, MOST_PAGES + 1):
            reply = wire.exchange(self._page(page))
            if not isinstance(reply, Answer) or not isinstance(self.read(reply, []), Accepted):
                raise self._not_made(reply)
            data = foreign.mapping(foreign.inside(reply.json(), "data"))
            yield from foreign.objects(data.get("list"))
            if page >= (foreign.whole(foreign.inside(data, "page_info", "total_page")) or 1):
                return

    def _page(self, page: int) -> Request:
        asked = {"advertiser_id": self.config.advertiser_id, "page": page, "page_size": PAGE}
        return self.asked(f"dmp/custom_audience/list/?{urlencode(asked)}", method="GET")

    def _not_made(self, reply: Reply) -> UserError:
        result = self.read(reply, []) if isinstance(reply, Answer) else None
        return not_made(
            "TikTok",
            getattr(result, "reason", "no_answer"),
            "Give the token's app the scope Audience Management and access to the advertiser.",
        )

    def diagnose(self, day: date, wire: Wire) -> Mapping[str, Mapping[str, float]]:
        """How many people TikTok covers of each audience that may be used.

        Source: dmp/custom_audience/list (cover_num, is_valid).
        """
        try:
            sizes = {str(each.get("audience_id")): size_of(each) for each in self._audiences(wire)}
        except UserError:
            return {}
        found = {
            conversion: sizes.get(mapped.audience_id or "", {})
            for conversion, mapped in self.mapped.items()
        }
        return {conversion: measures for conversion, measures in found.items() if measures}


def _placed(known: Mapping[str, str]) -> str:
    """The identifiers in their places, as JSON."""
    places = [
        f'{{"audience_ids":["{HERE}"],"id":"{known[kind]}"}}' if kind in known else "{}"
        for kind in SCHEMA
    ]
    return f"[{','.join(places)}]"


def size_of(audience: Row) -> dict[str, float]:
    """The size of an audience; nothing until TikTok has worked it out."""
    size = foreign.whole(audience.get("cover_num"))
    return {"size_to": float(size)} if audience.get("is_valid") is True and size else {}
