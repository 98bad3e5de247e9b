"""Forms that are allowed and yet make a conversion less sure: clocks, chance, limits, stars."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from math import prod

from sqlglot import exp

from common.guard.names import tree as trees
from common.guard.names.outputs import selects
from common.guard.reading.mask import FUNCTION, Masked
from common.guard.reading.text import Source
from common.guard.rules.calls import Call, aggregates
from common.model.findings import Finding, Position, found

CLOCKS = frozenset("CURRENT_DATE CURRENT_DATETIME CURRENT_TIME CURRENT_TIMESTAMP".split())
UNSTABLE = CLOCKS | {"RAND"}
MAXIMUM_REPEAT = 1_000
MAXIMUM_ARRAY = 100_000
MAXIMUM_PRODUCT = 1_000_000
"""Rows that arrays beside each other in FROM may make."""

_CLOCK_NODES = (exp.CurrentDate, exp.CurrentDatetime, exp.CurrentTime, exp.CurrentTimestamp)
# The argument that sets how much text or how many elements come out.
_SIZES = {"LPAD": 1, "RPAD": 1, "REPEAT": 1}


def check(
    source: Source,
    masked: Masked,
    tree: exp.Query,
    calls: list[Call],
    tables: Collection[exp.Table],
) -> list[Finding]:
    """Remarks and errors about a query that is otherwise allowed; `tables` are those it reads."""
    return [
        *_clock_and_chance(source, calls),
        *_unstable_keys(source, masked, tree),
        *_sizes(source, masked, tree),
        *_products(source, masked, tree),
        *_cross_joins(source, masked, tree, {id(table) for table in tables}),
        *_end(source, masked, tree),
        *_open_stars(tree, {id(table) for table in tables}),
    ]


def function_name(node: exp.Expr) -> str:
    """The GoogleSQL name of a call in the masked tree, "" for another node."""
    if isinstance(node, _CLOCK_NODES):
        return next(
            clock for clock in CLOCKS if clock.replace("_", "") == type(node).__name__.upper()
        )
    is_call = isinstance(node, exp.Anonymous) and str(node.this).startswith(FUNCTION)
    return str(node.this).removeprefix(FUNCTION).upper() if is_call else ""


def _clock_and_chance(source: Source, calls: list[Call]) -> list[Finding]:
    # one finding a function, at its first use
    first = {call.name: call for call in reversed(calls)}
    findings = []
    if call := first.get("RAND"):
        message = "RAND() gives other rows in every run, so conversions would come and go."
        fix = "To take a fixed part of the rows: MOD(ABS(FARM_FINGERPRINT(id)), 10) = 0"
        findings.append(found("random", message, fix, at=source.position(call.token.offset)))
    clock = next((call for name, call in first.items() if name in CLOCKS), None)
    if clock:
        findings.append(
            found(
                "clock",
                f"{clock.name} is another moment in every run: a run repeated for past days "
                "would read other rows than the first one did.",
                "Bound the rows by @start_date and @end_date, the days of the run.",
                at=source.position(clock.token.offset),
            )
        )
    return findings


def _unstable_keys(source: Source, masked: Masked, tree: exp.Query) -> list[Finding]:
    findings = {}
    for select in selects(tree):
        for column in select.expressions:
            name = masked.name(column.output_name).lower()
            unstable = next((f for n in column.walk() if (f := function_name(n)) in UNSTABLE), "")
            # another id or time makes another row, which platforms would count once more
            if name in ("id", "created") and unstable:
                findings[name] = _unstable_key(
                    name, unstable, trees.position(source, masked, column)
                )
    return list(findings.values())


def _unstable_key(name: str, function: str, at: Position | None) -> Finding:
    return found(
        "unstable_key",
        f"{name} comes from {function}(), so the same conversion would be another one in every "
        "run.",
        f"Take {name} from a column that stays the same: order_id AS id, created_at AS created",
        at=at,
        field=name,
    )


def _sizes(source: Source, masked: Masked, tree: exp.Query) -> list[Finding]:
    for node in tree.find_all(exp.Anonymous):
        name = function_name(node)
        if name in _SIZES and not _is_small(node, _SIZES[name]):
            message = f"{name} may make a text of any length: its length comes from rows."
            fix = f"Write a number up to {MAXIMUM_REPEAT:,}: {name}(id, 10, '0')"
        elif name == "GENERATE_ARRAY" and not _is_bounded(node):
            message = "GENERATE_ARRAY may make any number of elements: its bounds come from rows, "
            message += "and nothing in the query limits them."
            fix = f"Write numbers, up to {MAXIMUM_ARRAY:,} elements: GENERATE_ARRAY(1, 30)"
        elif name == "GENERATE_TIMESTAMP_ARRAY" and _has_fine_steps(node):
            message = "GENERATE_TIMESTAMP_ARRAY in steps below a minute makes millions of elements."
            fix = "GENERATE_TIMESTAMP_ARRAY(first, last, INTERVAL 1 HOUR)"
        else:
            continue
        return [found("unbounded", message, fix, at=trees.position(source, masked, node))]
    return []


def _is_small(node: exp.Anonymous, argument: int) -> bool:
    size = node.expressions[argument : argument + 1]
    return bool(size) and size[0].is_int and int(size[0].name) <= MAXIMUM_REPEAT


def _is_bounded(node: exp.Anonymous) -> bool:
    first, last, step = _bounds(node)
    if first is None or last is None or step is None:
        # a step from a row may be tiny or zero; two lengths of arrays bound it by themselves
        return len(node.expressions) == 2 and all(map(_is_length, node.expressions))
    # a step of 0 fails in BigQuery by itself
    return abs(last - first) <= MAXIMUM_ARRAY * max(1, abs(step))


def _bounds(node: exp.Anonymous) -> tuple[int | None, int | None, int | None]:
    """First, last and step of GENERATE_ARRAY, None where it is not a whole number."""
    first, last, step = ([*map(_whole, node.expressions), 1, 1, 1])[:3]
    return first, last, step


def _is_length(node: exp.Expr) -> bool:
    """Whether it is a number, an array's length, or a sum of these: no more than an array has."""
    if isinstance(node, (exp.Add, exp.Sub)):
        return _is_length(node.this) and _is_length(node.expression)
    whole = _whole(node)
    is_small = whole is not None and abs(whole) <= MAXIMUM_ARRAY
    return is_small or function_name(node) == "ARRAY_LENGTH"


def _whole(node: exp.Expr) -> int | None:
    sign, inner = (-1, node.this) if isinstance(node, exp.Neg) else (1, node)
    return sign * int(inner.name) if isinstance(inner, exp.Literal) and inner.is_int else None


def _has_fine_steps(node: exp.Anonymous) -> bool:
    units = (step.text("unit").upper() for step in node.find_all(exp.Interval))
    return any(unit in ("SECOND", "MILLISECOND", "MICROSECOND") for unit in units)


def _products(source: Source, masked: Masked, tree: exp.Query) -> list[Finding]:
    """Arrays that stand beside each other in FROM: each element of one meets each of the other."""
    for select in tree.find_all(exp.Select):
        arrays = [item for item in _items(select) if isinstance(item, exp.Unnest)]
        # none is long alone, but three arrays of 10,000 are a trillion rows
        rows = prod(_length(array) for array in arrays)
        if rows > MAXIMUM_PRODUCT:
            # a number of more than 4,300 digits is no text to Python
            shown = f"{rows:,}" if rows < 10**9 else "more than a billion"
            message = f"The arrays in FROM make {shown} rows together, as each element of one "
            message += f"meets each of the others; {MAXIMUM_PRODUCT:,} are allowed."
            fix = "Take shorter arrays: UNNEST(GENERATE_ARRAY(0, 23)) AS hour"
            at = trees.position(source, masked, arrays[0])
            return [found("unbounded", message, fix, at=at)]
    return []


def _items(select: exp.Select) -> list[exp.Expr]:
    from_ = select.args.get("from_")
    joins = select.args.get("joins") or ()
    return [item.this for item in (from_, *joins) if item is not None]


def _length(array: exp.Unnest) -> int:
    """How many elements a written array has; a year of days when its dates are not numbers."""
    made = array.expressions[0] if array.expressions else None
    if isinstance(made, exp.Anonymous) and function_name(made) == "GENERATE_ARRAY":
        first, last, step = _bounds(made)
        if first is not None and last is not None:
            return abs(last - first) // max(1, abs(step or 1)) + 1
    is_made = isinstance(made, exp.Anonymous) and function_name(made).startswith("GENERATE_")
    return 365 if is_made else 1


def _cross_joins(
    source: Source, masked: Masked, tree: exp.Query, tables: Collection[int]
) -> list[Finding]:
    steps = {step.alias.lower(): step.this for step in tree.find_all(exp.CTE)}
    for select in tree.find_all(exp.Select):
        join = _cartesian(select, steps, tables)
        if join is not None:
            return [
                found(
                    "cartesian_join",
                    "Every row of one table is joined with every row of the other here, as no "
                    "condition ties them.",
                    "JOIN ... ON a.customer_id = b.customer_id",
                    at=trees.position(source, masked, join),
                )
            ]
    return []


def _cartesian(
    select: exp.Select, steps: dict[str, exp.Expr], tables: Collection[int]
) -> exp.Join | None:
    """The first join that ties many rows to many others by no condition, not even in WHERE."""
    # FROM a, b WHERE a.x = b.x is a join as people wrote it before JOIN
    if _ties(select.args.get("where")):
        return None
    items = _items(select)
    has_many = [_has_many_rows(item, steps, tables) for item in items]
    joins: Sequence[exp.Join] = select.args.get("joins") or ()
    for index, join in enumerate(joins, start=len(items) - len(joins)):
        # NATURAL is a method without a condition that is written
        is_tied = bool(join.args.get("using") or join.args.get("method")) or _says(join)
        if not is_tied and has_many[index] and any(has_many[:index]):
            return join
    return None


def _says(join: exp.Join) -> bool:
    """Whether ON says anything: ON TRUE and ON 1 = 1 tie no row to another."""
    condition = join.args.get("on")
    return condition is not None and bool(_columns(condition))


def _ties(where: exp.Where | None) -> bool:
    """Whether one of the conditions speaks of two columns, which may be those of two tables."""
    condition = where.this if where else None
    parts = condition.flatten() if isinstance(condition, exp.And) else [condition]
    return any(part is not None and len(_columns(part)) > 1 for part in parts)


def _columns(node: exp.Expr) -> list[exp.Column]:
    """Names are quoted in the masked text; what is not, such as MONTH, is no column."""
    columns = node.find_all(exp.Column)
    return [it for it in columns if isinstance(it.this, exp.Identifier) and it.this.quoted]


def _has_many_rows(item: exp.Expr, steps: dict[str, exp.Expr], tables: Collection[int]) -> bool:
    """Whether an item of FROM may have many rows, as far as the text tells; arrays do not count."""
    if isinstance(item, (exp.Table, exp.TableAlias)):
        # behind |> AS name, the name alone stands in FROM
        step = None if item.args.get("db") else steps.get(item.name.lower())
        return id(item) in tables or (step is not None and not _is_one_row(step))
    return isinstance(item, exp.Subquery) and not _is_one_row(item.this)


def _is_one_row(select: exp.Expr) -> bool:
    """Whether the query returns one row: an aggregate of all rows, or no table at all."""
    if not isinstance(select, exp.Select):
        return False
    if not select.args.get("from_") or _is_single(select.args.get("limit")):
        return True
    is_grouped = bool(select.args.get("group"))
    return not is_grouped and all(_is_aggregate(column) for column in select.expressions)


def _is_single(limit: exp.Limit | None) -> bool:
    return limit is not None and _whole(limit.expression) == 1


def _is_aggregate(column: exp.Expr) -> bool:
    calls = (function_name(node) for node in column.walk())
    return column.find(exp.Window) is None and any(name in aggregates() for name in calls)


def _end(source: Source, masked: Masked, tree: exp.Query) -> Iterator[Finding]:
    """Order and limits of the outermost query."""
    for clause, code, message, fix in _ENDINGS:
        if node := tree.args.get(clause):
            at = _last_clause(source, masked, "ORDER") if clause == "order" else None
            replacement = "" if at else None
            at = at or trees.position(source, masked, node)
            yield found(code, message, fix, at=at, replacement=replacement)
            break


def _open_stars(tree: exp.Query, tables: Collection[int]) -> Iterator[Finding]:
    """A star through which the columns of a table come out; that of a step has the step's."""
    steps = {step.alias.lower(): step.this for step in tree.find_all(exp.CTE)}
    pending: list[exp.Expr] = [tree]
    seen: set[int] = set()
    while pending:
        for select in selects(pending.pop()):
            if id(select) in seen or not any(column.is_star for column in select.expressions):
                continue
            seen.add(id(select))
            items = _items(select)
            if any(id(item) in tables for item in items):
                yield found(
                    "select_star",
                    "SELECT * returns whatever columns the table has that day; one more tomorrow "
                    "would break the conversion.",
                    "List the columns: SELECT id, client_id, created",
                )
                return
            named = [steps.get(item.name.lower()) for item in items]
            pending += [step for step in named if step is not None]
            pending += [item.this for item in items if isinstance(item, exp.Subquery)]


def _last_clause(source: Source, masked: Masked, word: str) -> Position | None:
    """The clause that begins with this word outside all brackets and ends the query."""
    depth, start = 0, None
    for token in masked.tokens:
        depth += token.has("(", "[") - token.has(")", "]")
        if depth == 0 and token.has(word):
            start = token
        elif depth == 0 and token.has("|>"):
            start = None
    last = masked.tokens[-1]
    return source.position(start.offset, last.offset + len(last.text)) if start else None


_ENDINGS = (
    (
        "limit",
        "limit",
        "LIMIT keeps some rows and drops others, and which ones may differ from run to run.",
        "Remove LIMIT; the period is bounded by @start_date and @end_date.",
    ),
    (
        "order",
        "order_by",
        "ORDER BY at the end costs time and changes nothing: conversions have no order.",
        "Remove ORDER BY.",
    ),
)
