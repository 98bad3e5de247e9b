"""Combined conversions: every row of the members counts, one client id once per window of days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common import schemas
from common.bigquery.sql import Sql, bind, fill, join, template
from common.kinds.candidate.shape import COMPUTED, PROVENANCE, Context, candidates, chain
from common.kinds.dedup import dedup

if TYPE_CHECKING:
    from common.kinds.combined.definition import Combined

OWN = frozenset({"id", "component", "person_id"})


def select(conversion: Combined, context: Context) -> Sql:
    """The members' rows in the window, each with `removed` NULL or the reason."""
    steps = [("members", _members(conversion, context))]
    if conversion.deduplication_days:
        steps += dedup.every_days("members", "client_id", conversion.deduplication_days, context)
    last = fill("SELECT last.* EXCEPT (event_key) FROM {{ last }} AS last", last=steps[-1][0])
    return chain(steps, last)


def _members(conversion: Combined, context: Context) -> Sql:
    rows = join(
        "\n  UNION ALL\n",
        (
            template(
                __file__,
                columns=candidates(_columns(member)),
                # at the same moment the member that is listed first wins
                order=f"'{position:03d}'",
                member=context.members[member],
            )
            for position, member in enumerate(conversion.conversions)
        ),
    )
    return fill(
        "  -- the rows of its members, by the order in which they are listed\n{{ rows }}", rows=rows
    )


def _columns(member: str) -> dict[str, str | Sql]:
    shared = set(schemas.columns("conversion")) - PROVENANCE - COMPUTED - OWN
    carried: dict[str, str | Sql] = {name: f"member.{name}" for name in shared}
    return carried | {
        # two members may use one id, and each row has to keep its own
        "id": fill("CONCAT({{ member }}, '/', member.id)", member=bind(member)),
        "component": bind(member),
        # what is left after refunds: the member has taken them off already
        "net_value": "member.value",
    }
