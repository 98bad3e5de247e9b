"""Steps that remove duplicates: each reads candidates and says why a row no longer counts.

What counted before the window is the memory of every step, which makes an incremental run equal to
a full one. Published rows are that memory, unless a later step may have taken some of them away:
then a step `past` holds, as candidates from the stage, what counted before the window.
"""

from __future__ import annotations

from common.bigquery.sql import Sql, bind, join, template, with_parameters
from common.identity import graph, keys
from common.kinds.candidate.shape import Context

SESSION_DAYS = 93
"""How long before a window a session may have begun: GA4 sets its sessions no limit, but a visitor
who was never idle for hours in three months is a screen that reloads itself, and counts again."""
DAYS_OF_SESSIONS = (
    f"BETWEEN DATE_SUB(@start_date, INTERVAL {SESSION_DAYS} DAY)"
    " AND DATE_SUB(@start_date, INTERVAL 1 DAY)"
)


def by_order(previous: str, context: Context, *, past: bool, known: str) -> Sql:
    """The earliest of each id over all history stays.

    `known` is the id that a row of order_memory has, over the alias `memory`.
    """
    # over all history: crawlers open thank-you pages again months later (dbt-ga4#193)
    return _first(previous, context, "order", "id", past, known)


def by_session(previous: str, context: Context, *, past: bool) -> Sql:
    """The earliest of each session stays; rows without a session are never duplicates."""
    return _first(previous, context, "session", "session_id", past)


def _first(
    previous: str, context: Context, of: str, key: str, past: bool, id_known: str = ""
) -> Sql:
    # published rows alone would forget what a later step took away
    memory = [template(__file__, "dedup_past", key=key)] if past else []
    if of == "order":
        orders = context.of_product("order_memory")
        # a backfill of days before the first run makes those days the conversion's own
        begins = min(context.begins or context.window.start, context.window.start)
        days = context.on_order_days("memory.date")
        known = template(__file__, "dedup_history", id=id_known, orders=orders, days=days)
        memory.append(with_parameters(known, begins=begins))
    return template(
        __file__,
        f"dedup_{of}",
        previous=previous,
        target=context.target,
        past=join("\n      ", memory),
        days=context.on_order_days("target.date") if of == "order" else DAYS_OF_SESSIONS,
    )


def persons(previous: str, context: Context) -> list[tuple[str, Sql]]:
    """`persons`: the candidates with person_id filled from connected client ids and user ids."""
    return graph.persons(previous, context.identity)


def first_of_person(previous: str, context: Context, *, past: bool) -> list[tuple[str, Sql]]:
    """`first_of_person`: the first ever candidate of each person stays; after `persons`."""
    first = template(
        __file__, "dedup_first", previous=previous, key=keys.of_person("previous.person_id")
    )
    published = _counted_before(context)
    if not past:
        return [("earlier", published), ("first_of_person", first)]
    returned = template(
        __file__,
        "dedup_past_person",
        published=published,
        key=keys.of_person("past_persons.person_id"),
    )
    return [
        ("past_visits", template(__file__, "dedup_past_visits")),
        ("past_recent", graph.recent("past_visits")),
        ("past_persons", graph.with_person("past_visits", "past_recent")),
        ("earlier", returned),
        ("first_of_person", first),
    ]


def _counted_before(context: Context) -> Sql:
    """A query of `key`, of each person who counted before the window."""
    if context.is_keyed:
        return keys.before(context.target)
    published = _published(context, since="")
    return template(
        __file__, "dedup_published_key", published=published, key=keys.of_person("known.key")
    )


def _published(context: Context, since: str) -> Sql:
    """A query of `key` and `created`: persons who counted before the window, and when last."""
    return template(
        __file__,
        "dedup_published_person",
        target=context.target,
        is_own=keys.is_own("target"),
        since=since,
    )


def every_days(previous: str, key: str, days: int, context: Context) -> list[tuple[str, Sql]]:
    """`spaced`: anchored windows; after a kept row the next at least `days` x 24 h later counts.

    Rows whose key is NULL are never duplicates. `key` is person_id or client_id.
    """
    # anchored on the last row that counts: chained from row to row an active user would be silent
    # for ever, and in fixed buckets two rows an hour apart could both count
    # elapsed time: a day with a change of the clock is no longer and no shorter than others
    gap = bind(days * 86_400_000_000)
    # who counted longer ago silences nobody; a day more, as one with a change of the clock has 25 h
    since = f" AND target.date >= DATE_SUB(@start_date, INTERVAL {days + 1} DAY)"
    if key == "person_id":
        earlier = _published(context, since)
    else:
        earlier = template(__file__, "dedup_published_client", target=context.target, since=since)
    return [
        ("earlier", earlier),
        ("numbered", template(__file__, "dedup_numbered", previous=previous, key=key, gap=gap)),
        ("kept", template(__file__, "dedup_kept")),
        ("spaced", template(__file__, "dedup_spaced", previous=previous)),
    ]
