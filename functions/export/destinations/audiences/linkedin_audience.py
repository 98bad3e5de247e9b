"""LinkedIn matched audiences: qualified leads as members of a DMP segment, and out of it again.

API reference: learn.microsoft.com/linkedin/marketing/matched-audiences/create-and-manage-segments
and .../create-and-manage-segment-users (views of 2026-08 and 2024-11)
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
from functions.export.contract.config import DestinationConfig
from functions.export.destinations.audiences.lists import AudienceList, list_id, lists
from functions.export.destinations.audiences.members import Identifier, Members, Verb, not_made
from functions.export.destinations.linkedin import LinkedInAccess, LinkedInApi
from functions.export.payload import identifiers
from functions.export.payload.rows import ConversionRow
from functions.export.transport import foreign
from functions.export.transport.calls import Answer, Reply, Request
from functions.export.transport.results import Halted

if TYPE_CHECKING:
    from functions.export.transport.wire import Wire

PAGE = 100
"""Segments in one answer."""

MOST_PAGES = 100
"""As many as are read: a platform that never ends must not hold up a person."""


class LinkedInSegment(AudienceList):
    """A conversion and the segment of its people."""

    segment_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")] | None = list_id(
        "Segment", "Id of a DMP segment of users", "10804"
    )


class LinkedInAudienceConfig(LinkedInAccess):
    """DMP segments of a LinkedIn ad account."""

    kind: Literal["linkedin_audience"] = Field(
        "linkedin_audience",
        title="Kind",
        description="LinkedIn matched audience",
        examples=["linkedin_audience"],
    )
    conversions: tuple[LinkedInSegment, ...] = lists("Segments", "segment", segment_id="10804")
    ad_account: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")] | None = Field(
        None,
        title="Ad account",
        description="Id of the sponsored account: needed to create segments.",
        examples=["518121035"],
    )
    source_platform: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{1,60}$")] | None = (
        Field(
            None,
            title="Source platform",
            description="The word that LinkedIn gave your application with its access to "
            "audiences: needed to create segments.",
            examples=["ACME"],
        )
    )


class LinkedInAudience(Members[LinkedInAudienceConfig], LinkedInApi[LinkedInAudienceConfig]):
    """Adds and removes members by hashed e-mail address; to add or remove somebody twice is the
    same as once. Only applications that LinkedIn has approved for audiences may do it.

    Limits: 600 requests a minute and member (page of 2024-11); an audience is used from 300 people
    on (matched audiences page).
    """

    kind: ClassVar[str] = "linkedin_audience"
    audience_field: ClassVar[str] = "segment_id"
    Config: ClassVar[type[DestinationConfig]] = LinkedInAudienceConfig
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_batch=5000,
        usual_batch=1000,
        max_age={},
        future_skew=timedelta(days=1),
        dedup_window=None,
        repeats="replaces",
        adjusts=frozenset({"restate", "retract"}),
        restores=True,
        names_bad_rows=True,
        partial=True,
        audience=True,
        creates_audiences=True,
        smallest_audience=300,
        requests_per_second=8.0,
    )

    def identifiers(self, row: ConversionRow) -> Mapping[str, str | None]:
        return {"SHA256_EMAIL": identifiers.email(row.email)}

    def member(self, known: Sequence[Identifier], verb: Verb) -> bytes:
        ids = ",".join([f'{{"idType":"{kind}","idValue":"{text}"}}' for kind, text in known])
        return f'{{"action":"{verb.upper()}","userIds":[{ids}]}}'.encode()

    def request(self, conversion: str, batch: Sequence[Built]) -> Request:
        segment = self.mapped[conversion].segment_id
        users = body("elements", batch)
        return self.asked(f"dmpSegments/{segment}/users", users, act="BATCH_CREATE")

    def check(self, wire: Wire) -> list[Problem]:
        return [
            problem
            for mapped in self.mapped.values()
            if mapped.segment_id
            for problem in self._obstacles(mapped.segment_id, wire)
        ]

    def _obstacles(self, segment: str, wire: Wire) -> list[Problem]:
        reply = self._segment(segment, wire)
        if isinstance(reply, Answer) and reply.status == 404:
            fix = "Correct the segment's id, or create the segment from here."
            return [Problem("segment_unknown", f"LinkedIn has no segment {segment}.", fix)]
        return self.obstacles(reply)

    def create_audience(self, conversion: str, wire: Wire) -> str:
        """Source: create-and-manage-segments, view of 2026-08. A new segment takes people after
        some five seconds."""
        if not (self.config.ad_account and self.config.source_platform):
            raise UserError(
                "LinkedIn makes segments in an ad account and for a source platform.",
                code="ad_account_required",
                fix="Set ad_account, and source_platform to the word that LinkedIn gave you.",
                field="ad_account",
            )
        name = f"{self.config.name}: {conversion}"
        wanted = {
            "name": name,
            "description": f"People of the conversion {conversion}, sent by {self.config.id}.",
        }
        for each in self._segments(wire):
            ours = all(each.get(mark) == text for mark, text in wanted.items())
            if ours and placed_at(each).get("status") not in ENDED:
                return str(foreign.whole(each.get("id")))
        place = {**self._place(), "type": "USER", "destinations": [{"destination": "LINKEDIN"}]}
        reply = wire.exchange(self.asked("dmpSegments", canonical(wanted | place)))
        # the id stands in a header, as Rest.li has it
        made = reply.headers.get("x-restli-id") if isinstance(reply, Answer) else None
        if foreign.whole(made) is None:
            raise self._not_made(reply)
        return str(made)

    def _place(self) -> dict[str, str | None]:
        account = f"urn:li:sponsoredAccount:{self.config.ad_account}"
        return {"account": account, "sourcePlatform": self.config.source_platform}

    def _segments(self, wire: Wire) -> Iterator[Row]:
        """All segments of the account; raises UserError where LinkedIn does not say."""
        for page in range(MOST_PAGES):
            place = {"q": "account", **self._place(), "start": page * PAGE, "count": PAGE}
            reply = wire.exchange(self.asked(f"dmpSegments?{urlencode(place)}", method="GET"))
            if not isinstance(reply, Answer) or reply.status != 200:
                raise self._not_made(reply)
            found = list(foreign.objects(foreign.inside(reply.json(), "elements")))
            yield from found
            if len(found) < PAGE:
                return

    def _not_made(self, reply: Reply) -> UserError:
        result = self.refused(reply) if isinstance(reply, Answer) else None
        reason = getattr(result, "reason", "no_answer")
        fix = "Give the token's user a role on the ad account, and the scope rw_dmp_segments."
        return not_made("LinkedIn", reason, result.fix if isinstance(result, Halted) else fix)

    def diagnose(self, day: date, wire: Wire) -> Mapping[str, Mapping[str, float]]:
        """Members that LinkedIn knows of each segment that is ready, and how many of a hundred
        people of the last seven days it knew.

        Source: create-and-manage-segment-destinations.
        """
        sizes = {
            conversion: self._size(mapped.segment_id, wire)
            for conversion, mapped in self.mapped.items()
            if mapped.segment_id
        }
        return {conversion: measures for conversion, measures in sizes.items() if measures}

    def _size(self, segment: str, wire: Wire) -> dict[str, float]:
        reply = self._segment(segment, wire)
        if not isinstance(reply, Answer) or reply.status != 200:
            return {}
        return size_of(foreign.mapping(reply.json()))

    def _segment(self, segment: str, wire: Wire) -> Reply:
        return wire.exchange(self.asked(f"dmpSegments/{segment}", method="GET"))


ENDED = ("EXPIRED", "FAILED", "ARCHIVED")
"""States of a segment that nobody joins any more."""


def placed_at(segment: Row) -> Row:
    """What LinkedIn says of the segment where it is used: at LinkedIn, the only place there is."""
    return next(foreign.objects(segment.get("destinations")), {})


def size_of(segment: Row) -> dict[str, float]:
    """The size and the match rate of a segment; nothing until it is ready."""
    placed = placed_at(segment)
    if placed.get("status") != "READY":
        return {}
    size, matched, given = (
        foreign.whole(found)
        for found in (
            placed.get("audienceSize"),
            placed.get("matchedCount"),
            segment.get("inputCount"),
        )
    )
    known = {} if size is None or size < 0 else {"size_to": float(size)}
    if matched is None or matched < 0 or not given or given < 0:
        return known
    return known | {"match_rate": min(100.0, 100.0 * matched / given)}
