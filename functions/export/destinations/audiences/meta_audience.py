"""Meta custom audiences: qualified leads as the seed of lookalikes, and out of it again.

API reference: developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from urllib.parse import urlencode

from pydantic import Field, StringConstraints

from common.errors import UserError
from common.untyped import JsonObject, Row
from functions.export.contract.base import (
    Built,
    Capabilities,
    Destination,
    Intent,
    Lookalike,
    Problem,
    Rejected,
    body,
    canonical,
    fingerprint,
    written,
)
from functions.export.contract.config import DestinationConfig, SecretReference
from functions.export.destinations.audiences.lists import AudienceList, list_id, lists
from functions.export.destinations.audiences.members import stays
from functions.export.destinations.meta import (
    HOST,
    cause_of,
    code_of,
    credential,
    hashed_contact,
    node,
    problems,
    read,
    read_node,
)
from functions.export.payload import countries
from functions.export.payload.rows import ConversionRow
from functions.export.transport import foreign
from functions.export.transport.calls import Answer, Request
from functions.export.transport.results import Accepted, Cause, Refused, Result

if TYPE_CHECKING:
    from functions.export.transport.wire import Wire

COLUMNS = {
    "EMAIL": "em",
    "PHONE": "ph",
    "FN": "fn",
    "LN": "ln",
    "CT": "ct",
    "ST": "st",
    "ZIP": "zp",
    "COUNTRY": "country",
}
"""Meta's column of each identifier; EXTERN_ID comes first and is our own key of the person."""


VALUE = "LOOKALIKE_VALUE"
"""Column of what somebody is worth, a number that is not negative."""


class MetaAudience(AudienceList):
    """A conversion and the audience of its people."""

    audience_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{5,25}$")] | None = list_id(
        "Audience", "Id of a custom audience of subtype CUSTOM", "23850000000000001"
    )
    value_based: bool = Field(
        False,
        title="Value-based",
        description="Tell Meta what each person is worth, for value-based lookalikes: the audience "
        "must have been created for that.",
        examples=[False],
    )


class MetaAudienceConfig(DestinationConfig):
    """Custom audiences of a Meta ad account."""

    kind: Literal["meta_audience"] = Field(
        "meta_audience",
        title="Kind",
        description="Meta custom audience",
        examples=["meta_audience"],
    )
    access_token: SecretReference = Field(
        title="Access token",
        description="Where the system user's token lies: env:NAME or secret:projects/...",
        examples=["env:META_TOKEN"],
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
        description="Version of the Graph API.",
        examples=["v26.0"],
    )
    ad_account: Annotated[str, StringConstraints(pattern=r"^[0-9]{5,25}$")] | None = Field(
        None,
        title="Ad account",
        description="Digits of the ad account: needed to create audiences and lookalikes.",
        examples=["1234567890"],
    )
    conversions: tuple[MetaAudience, ...] = lists(
        "Audiences", "audience", audience_id="23850000000000001"
    )


class MetaAudiences(Destination[MetaAudienceConfig]):
    """Adds members under our own key of a person and removes them by it, so removal needs nothing
    that anybody else could read.

    Up to 10,000 users a request; changes show within a day.
    """

    kind: ClassVar[str] = "meta_audience"
    audience_field: ClassVar[str] = "audience_id"
    Config: ClassVar[type[DestinationConfig]] = MetaAudienceConfig
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_batch=10_000,
        usual_batch=5_000,
        max_age={},
        future_skew=timedelta(days=1),
        dedup_window=None,
        repeats="replaces",
        adjusts=frozenset({"restate", "retract"}),
        restores=True,
        audience=True,
        # a lookalike's seed
        smallest_audience=100,
        creates_audiences=True,
        creates_lookalikes=True,
        requests_per_second=2.0,
    )

    def cause(self, reason: str) -> Cause:
        return cause_of(reason.removeprefix("meta_"))

    def account(self, conversion: str) -> str:
        return f"audiences/{self.mapped[conversion].audience_id}"

    def build(self, conversion: str, row: ConversionRow, intent: Intent) -> Built | Rejected:
        people = hashed_contact(row, countries.code(row.country), self.config.default_country)
        known_by = people["em"] or people["ph"]
        person = (person_key(known_by),) if known_by else ()
        if intent.op == "retract":
            return self._leaving(intent, intent.members or person)
        if not person or not intent.with_person:
            return Rejected("no_identifier")
        values: list[str | float] = [people[field] or "" for field in COLUMNS.values()]
        if self.mapped[conversion].value_based:
            # 0 would say that this person is worth nothing, and lookalikes follow what is said
            if intent.money is None:
                return Rejected("no_value", "value")
            values.append(float(intent.money))
        return written(intent.key, [*person, *values], "add", person)

    def _leaving(self, intent: Intent, known_by: tuple[str, ...]) -> Built:
        """Takes the person out, unless another conversion is a reason to stay."""
        keys = [each for each in known_by if each not in intent.claimed]
        if known_by and not keys:
            return stays(intent.key)
        return removal(intent.key, keys or [intent.key])

    def leaving(self, key: str, members: Sequence[str]) -> Built | None:
        return removal(f"{key}-old", members)

    def request(self, conversion: str, batch: Sequence[Built]) -> Request:
        removing = bool(batch) and batch[0].group == "remove"
        mapped = self.mapped[conversion]
        worth = [VALUE] if mapped.value_based else []
        schema = ["EXTERN_ID"] if removing else ["EXTERN_ID", *COLUMNS, *worth]
        payload = body("data", batch, schema=schema)
        session = b"" if removing else b',"session":' + canonical(session_of(payload, len(batch)))
        return Request(
            url=f"{HOST}/{self.config.api_version}/{mapped.audience_id}/users",
            body=b'{"payload":' + payload + session + b"}",
            credential=credential(self.config),
            method="DELETE" if removing else "POST",
        )

    def read(self, reply: Answer, batch: Sequence[Built]) -> Result:
        result = read(reply, sum(map(users_of, batch)))
        if isinstance(result, Accepted) and foreign.inside(reply.json(), "num_invalid_entries"):
            # Meta counts invalid members and shows samples, never which they are
            return Refused("invalid_members")
        return result

    def diagnose(self, day: date, wire: Wire) -> Mapping[str, Mapping[str, float]]:
        """How many people Meta knows of each audience, roughly, and whether it is ready (1) to be
        used.

        Source: developers.facebook.com/docs/marketing-api/reference/custom-audience.
        """
        return {
            conversion: measures
            for conversion, each in self.mapped.items()
            if each.audience_id
            and (measures := size_of(read_node(self.config, f"{each.audience_id}?{SIZE}", wire)))
        }

    def check(self, wire: Wire) -> list[Problem]:
        return [
            problem
            for conversion in self.mapped
            if not self.lacks_audience(conversion)
            for problem in problems(wire, self.request(conversion, []))
        ]

    def create_audience(self, conversion: str, wire: Wire) -> str:
        """Source: developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences, and
        .../value-based-lookalike-audiences of 2026-05-21."""
        worth = {"is_value_based": True} if self.mapped[conversion].value_based else {}
        wanted = {
            "name": f"{self.config.name}: {conversion}",
            "subtype": "CUSTOM",
            "description": f"People of the conversion {conversion}, sent by {self.config.id}.",
            "customer_file_source": "USER_PROVIDED_ONLY",
        }
        return self._made(wanted | worth, wire)

    def create_lookalike(self, conversion: str, wanted: Lookalike, wire: Wire) -> str:
        """Source: developers.facebook.com/docs/marketing-api/audiences/guides/lookalike-audiences,
        and Meta's own SDK for Node.js 23.0.1, examples."""
        spec = {"type": "custom_ratio", "ratio": wanted.ratio, "country": wanted.country}
        seed = self.mapped[conversion].audience_id
        lookalike = {
            "name": wanted.name,
            "subtype": "LOOKALIKE",
            "description": f"The {wanted.ratio:.0%} of {wanted.country} most like audience {seed}.",
            "origin_audience_id": seed,
            "lookalike_spec": spec,
        }
        return self._made(lookalike, wire)

    def _made(self, wanted: Row, wire: Wire) -> str:
        """Id of the audience, which is made unless it was before: Meta would make another one of
        the same name each time."""
        if self.config.ad_account is None:
            raise UserError(
                "Meta makes audiences in an ad account, and none is named.",
                code="ad_account_required",
                fix="Set ad_account to the digits of the ad account.",
                field="ad_account",
            )
        audiences = f"act_{self.config.ad_account}/customaudiences"
        asked = node(self.config, f"{audiences}?{named(wanted['name'])}")
        found = self._answered(asked, "data", wire)
        # the description is ours: an audience of somebody else may have the name
        same = (
            each
            for each in foreign.objects(found.get("data"))
            if all(each.get(mark) == wanted[mark] for mark in MARKS)
        )
        id = foreign.whole(next(same, {}).get("id"))
        if id is None:
            post = Request(
                url=f"{HOST}/{self.config.api_version}/{audiences}",
                body=canonical(wanted),
                credential=credential(self.config),
            )
            id = foreign.whole(self._answered(post, "id", wire)["id"])
        return str(id)

    def _answered(self, request: Request, name: str, wire: Wire) -> Row:
        """The answer about audiences, which has this member; raises UserError for any other."""
        reply = wire.exchange(request)
        answer = foreign.mapping(reply.json() if isinstance(reply, Answer) else None)
        if isinstance(answer.get(name), list) or foreign.whole(answer.get(name)) is not None:
            return answer
        code = code_of(foreign.mapping(answer.get("error"))) or "no_answer"
        raise UserError(
            f"Meta made no audience: {code}.",
            code="audience_not_created",
            fix="Give the system user access to the ad account, accept Meta's terms for custom "
            "audiences there, and let at least 100 people join before a lookalike.",
        )


MARKS = ("name", "subtype", "description")
"""By what an audience that was made before is known again."""


def named(name: str) -> str:
    """The question for audiences of this name.

    Source: developers.facebook.com/docs/marketing-api/reference/ad-account/customaudiences.
    """
    wanted = [{"field": "name", "operator": "EQUAL", "value": name}]
    fields = ",".join(("id", *MARKS))
    return urlencode({"fields": fields, "filtering": canonical(wanted).decode(), "limit": 500})


SIZE = urlencode(
    {"fields": "approximate_count_lower_bound,approximate_count_upper_bound,delivery_status"}
)


def size_of(audience: Row) -> dict[str, float]:
    """Bounds of the size, and readiness; nothing where Meta tells no size."""
    bounds = {
        name: foreign.whole(audience.get(f"approximate_count_{bound}_bound"))
        for name, bound in (("size_from", "lower"), ("size_to", "upper"))
    }
    known: dict[str, float] = {
        name: size for name, size in bounds.items() if size is not None and size >= 0
    }
    ready = foreign.whole(foreign.inside(audience.get("delivery_status"), "code")) == READY
    return known | {"ready": float(ready)} if known else {}


READY = 200
"""Code of a delivery status that says so."""


def removal(key: str, people: Sequence[str]) -> Built:
    """Takes out everybody whom one conversion brought, also by what they were called before."""
    text = b",".join([canonical([each]) for each in people])
    return Built(key, text, fingerprint(text), "remove")


def users_of(built: Built) -> int:
    """How many rows of a request it is."""
    return int(built.payload.count(b"],[")) + 1 if built.group == "remove" else 1


def person_key(known_by: str) -> str:
    """Our key of a person at Meta, the same for each of their conversions: it follows from the
    hashed e-mail address, else the phone number, and tells neither."""
    return f"p{hashlib.sha256(known_by.encode()).hexdigest()[:31]}"


def session_of(payload: bytes, members: int) -> JsonObject:
    """An upload session of one batch; its id follows from the members, so a repeat is the same."""
    digest = hashlib.sha256(payload).digest()
    return {
        # Meta reads it as a signed 64-bit number
        "session_id": int.from_bytes(digest[:8], "big") >> 2,
        "batch_seq": 1,
        "last_batch_flag": True,
        "estimated_num_total": members,
    }
