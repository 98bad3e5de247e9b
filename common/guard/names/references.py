"""What a query really reads, views opened to any depth, held against what it may read.

Two sources are judged, for each knows what the other cannot: the texts of the views, and
BigQuery's own list of referenced tables.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from common.guard.judge import Query, judge
from common.guard.names.scope import MAXIMUM_TABLES, Scope
from common.model.findings import Finding, found


class Info(Protocol):
    """Of what is known of a table, the part that tells whether it is a view, and of what."""

    @property
    def kind(self) -> str:
        """What BigQuery calls it: TABLE, VIEW, MATERIALIZED_VIEW, ..."""

    @property
    def view_sql(self) -> str:
        """The query of a view; empty for anything else."""


Lookup = Callable[[str], Info | None]
"""What BigQuery's catalogue says of a table, by its full path; None when it may not be seen."""
References = Callable[[str], Collection[str]]
"""The tables that BigQuery would read for SELECT * FROM the view of this path."""


@dataclass(frozen=True)
class Opened:
    """The tables that a query names, and what the views among them are made of."""

    paths: frozenset[str] = frozenset()
    """Every table and view reached."""
    views: Mapping[str, Query] = field(default_factory=dict)
    """The views whose text can be read, by full path."""
    behind: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Every view with the tables and views that it reads itself."""

    def all_behind(self, view: str) -> frozenset[str]:
        """Everything behind a view, to any depth."""
        seen: set[str] = set()
        waiting = [view]
        while waiting:
            fresh = self.behind.get(waiting.pop(), frozenset()) - seen
            seen |= fresh
            waiting += fresh
        return frozenset(seen)


def opened(
    paths: Iterable[str], lookup: Lookup, references: References, listed: Collection[str] = ()
) -> Opened:
    """The tables of these paths, opened through views until only stored tables are left.

    Stops once there are more than a query may read at all. A wildcard never reads a view. What lies
    behind the `listed` views only BigQuery can tell: their makers may read more than the runner.
    """
    seen: set[str] = set()
    views: dict[str, Query] = {}
    behind: dict[str, frozenset[str]] = {}
    waiting = sorted(set(paths))
    # each look-up is a request, and a view may name thousands of tables
    while waiting and len(seen) <= MAXIMUM_TABLES:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        # a wildcard that would match a view fails in BigQuery itself
        info = None if path.endswith("*") else lookup(path)
        if info is None or info.kind not in ("VIEW", "MATERIALIZED_VIEW"):
            continue
        if query := _query_of(path, info):
            views[path] = query
        inside = set(_paths(query) if query else ())
        # a text that this guard cannot read says nothing of what lies behind it
        if query is None or path in listed:
            inside |= set(references(path))
        behind[path] = frozenset(inside)
        waiting += sorted(behind[path])
    return Opened(frozenset(seen), views, behind)


def check(
    written: Collection[str], referenced: Collection[str], opened: Opened, allowed: Scope
) -> list[Finding]:
    """Why the query may not run, by what it reads beyond the tables that it names itself.

    `written` are the paths that stand in its text, which the guard has judged, `referenced` those
    of BigQuery's list.
    """
    if _is_beyond_the_list(written, referenced, opened):
        text = f"The query reads more than {MAXIMUM_TABLES} tables, views included."
        return [found("too_many_tables", text, "Read a view or a table that unites them.")]
    # our own tables are never excused: a conversion made of conversions would depend on their order
    opening = frozenset[str]().union(*(opened.all_behind(view) for view in allowed.views))
    excused = {path for path in opening if _dataset(path) not in allowed.own} | set(written)
    reads = dict.fromkeys(_through(written, opened, allowed))
    reads |= {("", path): None for path in referenced if path not in excused}
    # one is enough: the first to mend, and no inventory of what others own
    findings = (_finding(view, path, allowed) for view, path in reads)
    return [finding for finding in findings if finding][:1]


def _is_beyond_the_list(
    written: Collection[str], referenced: Collection[str], opened: Opened
) -> bool:
    """Whether BigQuery's list may be incomplete, so that it proves nothing.

    The shards of a wildcard that the query names itself count as one, if each view can be read.
    """
    is_read = opened.behind.keys() <= opened.views.keys()
    # an unread view may itself read through the same prefix
    wildcards = tuple(path[:-1] for path in written if path.endswith("*") and is_read)
    counted = {path for path in referenced if not path.startswith(wildcards)}
    # BigQuery's own list ends somewhere: past that, what is not in it may be read all the same
    return max(len(counted), len(opened.paths)) > MAXIMUM_TABLES


def _through(written: Collection[str], opened: Opened, allowed: Scope) -> Iterator[tuple[str, str]]:
    """Each read inside a view, as (view, path); what a listed view opens is not looked at."""
    waiting = [path for path in written if path in opened.behind]
    seen: set[str] = set()
    while waiting:
        view = waiting.pop()
        if view in seen:
            continue
        seen.add(view)
        for path in sorted(opened.behind[view]):
            # an operator answers for what a listed view opens, but not for reading our own tables
            if view not in allowed.views or _dataset(path) in allowed.own:
                yield view, path
        if view not in allowed.views:
            waiting += [path for path in opened.behind[view] if path in opened.behind]


def _finding(view: str, path: str, allowed: Scope) -> Finding | None:
    dataset = _dataset(path)
    if dataset in allowed.own:
        return found(
            "own_table",
            f"{_reader(view)} is made from {path}, a table of this product.",
            "Read the source tables; to merge conversions, create a combined conversion.",
        )
    if dataset in allowed.datasets:
        return None
    name = view or "PROJECT.DATASET.VIEW"
    return found(
        "table_not_allowed",
        f"{_reader(view)} reads {path}, and the dataset {dataset} is not one that conversions may "
        "read.",
        f"Read tables of the allowed datasets; or let an operator allow the view by its name: "
        f"CONVERSIONS_AUTHORIZED_VIEWS={name}",
    )


def _reader(view: str) -> str:
    return f"The view {view}" if view else "A view that the query reads"


def _dataset(path: str) -> str:
    return path.rpartition(".")[0]


def _query_of(path: str, info: Info) -> Query | None:
    """A view's query as read, not judged; a path of two parts begins in the view's project."""
    if not info.view_sql:
        return None
    # the scope only completes paths here: what may be read is asked of the author's own scope
    return judge(info.view_sql, Scope(path.rsplit(".", 2)[0], frozenset())).query


def _paths(query: Query) -> list[str]:
    return [table.path for table in query.tables if table.path]
