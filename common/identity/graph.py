"""The identity graph: client ids and user ids that were seen together belong to one person."""

from __future__ import annotations

from collections.abc import Iterable

from common.bigquery.sql import Sql, join, template


def persons(previous: str, stage: Sql, sources: Iterable[Sql]) -> list[tuple[str, Sql]]:
    """Steps that end in `persons`: the rows of the step `previous` with person_id filled.

    A person is a connected component of the graph whose edges are pairs of client id and user id
    seen together in GA4 (`stage`) or in rows of the identity sources.
    """
    return [
        ("pairs", _pairs(stage, sources)),
        ("shared", template(__file__, "graph_shared")),
        ("links", template(__file__, "graph_links")),
        ("linked", template(__file__, "graph_linked")),
        ("recent", recent(previous)),
        ("persons", with_person(previous, "recent")),
    ]


def recent(previous: str) -> Sql:
    """The graph's edges that matter to the rows of the step `previous`; after `persons`."""
    return template(__file__, "graph_recent", previous=previous)


def with_person(previous: str, recent: str) -> Sql:
    """The rows of the step `previous` with person_id, by the edges of the step `recent`."""
    return template(__file__, "graph_persons", previous=previous, recent=recent)


def _pairs(stage: Sql, sources: Iterable[Sql]) -> Sql:
    seen = template(__file__, "graph_pairs", stage=stage)
    told = (template(__file__, "graph_source", source=table) for table in sources)
    return join("\n  UNION ALL\n", (seen, *told))
