"""Microsoft customer match: qualified leads as members of a customer list, and out of it again.

API reference: learn.microsoft.com/advertising/campaign-management-service/customerlist,
.../customerlistuserdata, .../addaudiences, .../getaudiencesbyids; addresses by the pattern of the
API's other ones, WSDL of 2026-10-14.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints

from common.errors import UserError
from common.untyped import Row
from functions.export.contract.base import Built, Capabilities, Problem, body, canonical
from functions.export.contract.config import DestinationConfig
from functions.export.destinations.audiences.lists import (
    AudienceList,
    list_id,
    lists,
    membership_days,
)
from functions.export.destinations.audiences.members import (
    Identifier,
    Members,
    Verb,
    not_made,
    short_name,
)
from functions.export.destinations.microsoft_ads import MicrosoftAccess, MicrosoftApi
from functions.export.payload import identifiers
from functions.export.payload.rows import ConversionRow
from functions.export.transport import foreign
from functions.export.transport.calls import Answer, Reply, Request
from functions.export.transport.results import Accepted, Result

if TYPE_CHECKING:
    from functions.export.transport.wire import Wire

LONGEST_MEMBERSHIP = 390
"""Days, as MembershipDuration of an audience has them at most."""

LONGEST_NAME = 128
"""Letters of an audience's name (Audience data object)."""

FRESH = 0.8
"""Share of a membership after which it is renewed, as at Google."""

NETWORKS = {"search": "SearchSize", "audience_network": "AudienceNetworkSize"}
"""Where Microsoft counts members, and under which name."""


class MicrosoftList(AudienceList):
    """A conversion and the list of its people."""

    audience_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}$")] | None = list_id(
        "Customer list", "Id of a customer list", "800000001"
    )
    membership_days: int = membership_days(LONGEST_MEMBERSHIP)


class MicrosoftAudienceConfig(MicrosoftAccess):
    """Customer lists of a Microsoft Advertising account."""

    kind: Literal["microsoft_audience"] = Field(
        "microsoft_audience",
        title="Kind",
        description="Microsoft customer match",
        examples=["microsoft_audience"],
    )
    conversions: tuple[MicrosoftList, ...] = lists("Lists", "list", audience_id="800000001")
    # Microsoft takes no contact data without them, which only the advertiser can answer for
    terms_accepted: Literal[True] = Field(
        title="Customer Match terms",
        description="The advertiser has accepted Microsoft's Customer Match terms.",
        examples=[True],
    )


class MicrosoftAudience(Members[MicrosoftAudienceConfig], MicrosoftApi[MicrosoftAudienceConfig]):
    """Adds and removes members by hashed e-mail address. A list is used from 300 people on."""

    kind: ClassVar[str] = "microsoft_audience"
    Config: ClassVar[type[DestinationConfig]] = MicrosoftAudienceConfig
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_batch=1000,
        usual_batch=500,
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
        requests_per_second=5.0,
    )

    def identifiers(self, row: ConversionRow) -> Mapping[str, str | None]:
        return {"Email": identifiers.email(row.email)}

    def member(self, known: Sequence[Identifier], verb: Verb) -> bytes:
        return ",".join([f'"{text}"' for _, text in known]).encode()

    def request(self, conversion: str, batch: Sequence[Built]) -> Request:
        removing = bool(batch) and batch[0].group == "remove"
        data = body(
            "CustomerListItems",
            batch,
            AcceptCustomerMatchTerm=True,
            ActionType="Remove" if removing else "Add",
            AudienceId=int(self.mapped[conversion].audience_id or 0),
            CustomerListItemSubType="Email",
        )
        return self.asked("CustomerListUserData/Apply", b'{"CustomerListUserData":%s}' % data)

    def read(self, reply: Answer, batch: Sequence[Built]) -> Result:
        # Microsoft counts addresses, of which somebody who leaves may have several
        owners = [row for row, built in enumerate(batch) for _ in range(_addresses(built))]
        result = self.judged(reply, len(owners))
        if not isinstance(result, Accepted):
            return result
        return replace(result, failures={owners[at]: why for at, why in result.failures.items()})

    def check(self, wire: Wire) -> list[Problem]:
        """What Microsoft says when it is asked for the lists."""
        return self.obstacles(wire.exchange(self._query([])))

    def joins_again_after(self, conversion: str) -> timedelta | None:
        return FRESH * timedelta(days=self.mapped[conversion].membership_days)

    def create_audience(self, conversion: str, wire: Wire) -> str:
        """Source: addaudiences, customerlist; a list of ours is looked for first."""
        wanted: dict[str, Any] = {
            "Name": short_name(self.config.name, conversion, LONGEST_NAME),
            "Description": f"People of the conversion {conversion}, sent by {self.config.id}.",
        }
        reply = wire.exchange(self._query([]))
        listed = foreign.mapping(reply.json() if isinstance(reply, Answer) else None)
        if not isinstance(listed.get("Audiences"), list):
            raise self._not_made(reply)
        for each in foreign.objects(listed["Audiences"]):
            if all(each.get(mark) == text for mark, text in wanted.items()):
                return str(foreign.whole(each.get("Id")))
        rest = {
            "Type": "CustomerList",
            "MembershipDuration": self.mapped[conversion].membership_days,
            "ParentId": int(self.config.account_id),
            "Scope": "Account",
        }
        reply = wire.exchange(self.asked("Audiences", canonical({"Audiences": [wanted | rest]})))
        shown = foreign.mapping(reply.json() if isinstance(reply, Answer) else None)
        ids = shown.get("AudienceIds")
        made = foreign.whole(ids[0]) if isinstance(ids, list) and ids else None
        if made is None:
            raise self._not_made(reply)
        return str(made)

    def _query(self, ids: Sequence[int]) -> Request:
        """A question for lists: without ids for all of the account."""
        asked = {"AudienceIds": list(ids) or None, "Type": "CustomerList"}
        return self.asked("Audiences/QueryByIds", canonical(asked))

    def _not_made(self, reply: Reply) -> UserError:
        result = self.judged(reply, 1) if isinstance(reply, Answer) else None
        failures = result.failures if isinstance(result, Accepted) else {}
        reason = failures.get(0) or str(getattr(result, "reason", "no_answer"))
        return not_made(
            "Microsoft",
            reason,
            "Accept the Customer Match terms in Microsoft Advertising, where the first list is "
            "made by hand, and give the user access to the account.",
        )

    def diagnose(self, day: date, wire: Wire) -> Mapping[str, Mapping[str, float]]:
        """Members that Microsoft counts of each list by network, the larger count as the list's.

        Source: Audience data object (SearchSize, AudienceNetworkSize); sizes come after 48 hours.
        """
        ids = [int(each.audience_id) for each in self.mapped.values() if each.audience_id]
        reply = wire.exchange(self._query(ids)) if ids else None
        shown = reply.json() if isinstance(reply, Answer) and reply.status < 300 else None
        sizes = {
            str(foreign.whole(each.get("Id"))): size_of(each)
            for each in foreign.objects(foreign.inside(shown, "Audiences"))
        }
        found = {
            conversion: sizes.get(mapped.audience_id or "", {})
            for conversion, mapped in self.mapped.items()
        }
        return {conversion: measures for conversion, measures in found.items() if measures}


def _addresses(built: Built) -> int:
    """How many items of a request it is; hashes hold no comma."""
    return int(built.payload.count(b",")) + 1


def size_of(audience: Row) -> dict[str, float]:
    """Members by network, and the most of them as `size_to`."""
    counts = {name: foreign.whole(audience.get(field)) for name, field in NETWORKS.items()}
    known = {f"size_{name}": float(n) for name, n in counts.items() if n is not None and n >= 0}
    return known | ({"size_to": max(known.values())} if known else {})
