"""The identity graph: client ids and user ids that were seen together belong to one person.

It is derived once for all conversions of a run (`edges`), and read by each that counts persons.
"""

from __future__ import annotations

from collections.abc import Iterable

from common.bigquery.sql import Sql, fill, join, template


def edges(stage: Sql, sources: Iterable[Sql]) -> Sql:
    """A query of the graph's edges as of the parameter @end_date: kind, client_id, user_id, since.

    Edges are pairs seen together in GA4 (`stage`) or in rows of the identity sources in the 180
    days before. `only` names the one user of a client, `one_of` each user of a client that several
    share and when it was seen, `shared` a user id that stands for too many clients to be a person.
    """
    return template(__file__, "graph_edges", pairs=_pairs(stage, sources))


def narrowed(stage: Sql, sources: Iterable[Sql]) -> Sql:
    """The edges that can decide whose the events of some days are, and whether their persons have
    counted before: those of the days' clients, and of all clients of these clients' users.

    The days are @start_date to @end_date, their events @event_names, before @late_start only the
    @lasting_names of these. A client keeps all its edges
    or none, so that the latest user of a shared one stays who it was.
    """
    return template(__file__, "graph_narrowed", edges=edges(stage, sources), stage=stage)


def derived(stage: Sql, sources: Iterable[Sql]) -> Sql:
    """The edges as a query in brackets, for a statement that no run keeps a table for."""
    return fill("({{ edges }})", edges=edges(stage, sources))


def persons(previous: str, edges: Sql) -> list[tuple[str, Sql]]:
    """Steps that end in `persons`: the rows of the step `previous` with person_id filled.

    A person is a connected component of the graph; `edges` is a table of them, or a query in
    brackets.
    """
    return [
        ("edges", template(__file__, "graph_read", edges=edges)),
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
    # a CRM's pairs count as well: on the site not everybody signs in
    in_crm = (template(__file__, "graph_source", source=table) for table in sources)
    return join("\n  UNION ALL\n", (seen, *in_crm))
