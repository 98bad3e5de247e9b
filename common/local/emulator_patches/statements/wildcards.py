"""Wildcard tables: which shards a statement reads, and what they look like together.

Seen in 1.4.0: a regular expression over the text; two filters of _TABLE_SUFFIX in one statement
share one, OR loses rows, shards with other columns or an alias without AS fail, parameters never
prune. Here each reference is a union by name of the shards that its own SELECT asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bqemulator.domain.errors import InvalidQueryError
from bqemulator.storage.sql_identifiers import quoted_table_ref
from sqlglot import exp

_SUFFIX = "_TABLE_SUFFIX"


@dataclass(frozen=True)
class Wildcard:
    """One reference: `token` stands for it in the text, `condition` is what prunes its shards."""

    token: str
    project: str
    dataset: str
    prefix: str
    condition: str
    parameters: frozenset[str]
    """Names of those in the condition."""
    has_suffix: bool

    @property
    def path(self) -> str:
        """As a person writes it."""
        return f"{self.project}.{self.dataset}.{self.prefix}*"


def take_out(tree: exp.Expr, project: str) -> list[Wildcard]:
    """The wildcards of a DuckDB tree, each replaced by a token in it."""
    references = [it for it in tree.find_all(exp.Table) if it.name.endswith("*")]
    return [_take_out(it, f"wildcard {place}", project) for place, it in enumerate(references)]


def union(
    wildcard: Wildcard,
    shards: Iterable[str],
    kept: Callable[[str, list[str]], Sequence[str]],
    columns: Mapping[str, Sequence[str]],
) -> str:
    """The SQL of all shards together, with the columns of the one that was created last.

    `kept` gives the suffixes for which the condition holds; `columns` are those of each known table
    in the order of creation. Raises InvalidQueryError when no table has the prefix, as BigQuery
    does.
    """
    suffixes = sorted(it[len(wildcard.prefix) :] for it in shards if it.startswith(wildcard.prefix))
    if not suffixes:
        raise InvalidQueryError(f"{wildcard.path} does not match any table.", location="query")
    chosen = kept(wildcard.condition, suffixes) if wildcard.condition else suffixes
    # without a shard the newest one still says which columns there are
    matching = {name: it for name, it in columns.items() if name.startswith(wildcard.prefix)}
    newest = next(reversed(matching), wildcard.prefix + suffixes[-1])
    narrow = _narrow(matching, newest)
    parts = [_shard(wildcard, it, narrow) for it in chosen]
    if narrow or not parts:
        parts.append(f"{_shard(wildcard, newest[len(wildcard.prefix) :], narrow)} WHERE FALSE")
    # else what is computed of a row is prepared once a shard, which takes longer than few rows
    return (
        f"(WITH shards AS MATERIALIZED ({' UNION ALL BY NAME '.join(parts)}) SELECT * FROM shards)"
    )


def refuse_views(wildcard: Wildcard, views: Iterable[str]) -> None:
    """Raises InvalidQueryError when a view has the prefix, whatever the statement filters.

    Source: https://cloud.google.com/bigquery/docs/querying-wildcard-tables#limitations
    """
    for view in sorted(views):
        if view.startswith(wildcard.prefix):
            raise InvalidQueryError(
                "Views cannot be queried through prefix. First view "
                f"{wildcard.project}:{wildcard.dataset}.{view}.",
                location="query",
            )


def _narrow(columns: Mapping[str, Sequence[str]], newest: str) -> dict[str, list[str]]:
    """The columns of each table that the newest one has too, of tables with others than it has.

    Source: https://cloud.google.com/bigquery/docs/querying-wildcard-tables, "Schema used for query
    evaluation".
    """
    shown = {each.lower() for each in columns.get(newest, ())}
    return {
        name: [each for each in listed if each.lower() in shown]
        for name, listed in columns.items()
        if {each.lower() for each in listed} != shown
    }


def _shard(wildcard: Wildcard, suffix: str, narrow: Mapping[str, Sequence[str]]) -> str:
    name = wildcard.prefix + suffix
    listed = ", ".join(f'"{each}"' for each in narrow[name]) if name in narrow else "*"
    table = quoted_table_ref(wildcard.project, wildcard.dataset, name)
    given = f", '{suffix}' AS {_SUFFIX}" if wildcard.has_suffix else ""
    return f"SELECT {listed}{given} FROM {table}"


def _take_out(table: exp.Table, token: str, project: str) -> Wildcard:
    select = table.find_ancestor(exp.Select) or exp.Select()
    conditions = [it for it in _conjuncts(select, table) if _is_about_suffix(it, table.alias)]
    condition = " AND ".join(_bare(it).sql("duckdb") for it in conditions)
    for pruning in conditions:
        # it holds for every shard that is left, and a row is not asked
        pruning.replace(exp.true())
    has_suffix = any(it.name.upper() == _SUFFIX for it in select.find_all(exp.Column))
    found = Wildcard(
        token=f'"{token}"',
        project=table.catalog or project,
        dataset=table.db,
        prefix=table.name[:-1],
        condition=condition,
        parameters=frozenset(name for it in conditions for name in parameter_names(it)),
        has_suffix=has_suffix,
    )
    if has_suffix:
        hide(select, (_SUFFIX,))
    known_as = exp.TableAlias(this=exp.to_identifier(table.alias or token, quoted=True))
    table.replace(exp.Table(this=exp.to_identifier(token, quoted=True), alias=known_as))
    return found


def parameter_names(tree: exp.Expr) -> frozenset[str]:
    """The names of the parameters in it."""
    return frozenset(it.name for it in tree.find_all(exp.Parameter, exp.Placeholder))


def _conjuncts(select: exp.Select, table: exp.Table) -> list[exp.Expr]:
    """What must hold for each row of the table: parts of WHERE, or of ON behind an outer join."""
    join = table.parent if isinstance(table.parent, exp.Join) else exp.Join()
    where = select.args.get("where")
    demand = join.args.get("on") if join.side in ("LEFT", "FULL") else where and where.this
    if demand is None:
        return []
    return list(demand.flatten()) if isinstance(demand, exp.And) else [demand]


def _is_about_suffix(condition: exp.Expr, alias: str) -> bool:
    columns = list(condition.find_all(exp.Column))
    named = all(it.name.upper() == _SUFFIX and it.table in ("", alias) for it in columns)
    return bool(columns) and named and not condition.find(exp.Query, exp.Table)


def _bare(condition: exp.Expr) -> exp.Expr:
    condition = exp.Paren(this=condition.copy())
    for column in condition.find_all(exp.Column):
        column.set("table", None)
    return condition


def hide(select: exp.Select, pseudo: Iterable[str]) -> None:
    """A star shows the columns of the tables, not these pseudo columns."""
    for projection in select.expressions:
        star = projection if isinstance(projection, exp.Star) else projection.find(exp.Star)
        if star is not None and not isinstance(projection, exp.Alias) and projection.is_star:
            hidden = [*(star.args.get("except_") or ()), *map(exp.column, pseudo)]
            star.set("except_", hidden)
