"""Forms that are allowed and yet make a conversion less sure: clocks, chance, limits, stars."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from common.findings import Finding, Position, found
from common.guard import tree as trees
from common.guard.calls import Call, aggregates
from common.guard.mask import FUNCTION, Masked
from common.guard.outputs import selects
from common.guard.text import Source

CLOCKS = frozenset("CURRENT_DATE CURRENT_DATETIME CURRENT_TIME CURRENT_TIMESTAMP".split())
UNSTABLE = CLOCKS | {"RAND"}
MAXIMUM_REPEAT = 1_000
MAXIMUM_ARRAY = 100_000

_CLOCK_NODES = (exp.CurrentDate, exp.CurrentDatetime, exp.CurrentTime, exp.CurrentTimestamp)
# The argument that sets how much text or how many elements come out.
_SIZES = {"LPAD": 1, "RPAD": 1, "REPEAT": 1}


def check(source: Source, masked: Masked, tree: exp.Query, calls: list[Call]) -> list[Finding]:
    """Remarks and errors about a query that is otherwise allowed."""
    return [
        *_clock_and_chance(source, calls),
        *_unstable_keys(source, masked, tree),
        *_sizes(source, masked, tree),
        *_cross_joins(source, masked, tree),
        *_end(source, masked, tree),
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
            message = f"{name} may make a text of any length, as its length is not a number here."
            fix = f"Write a number up to {MAXIMUM_REPEAT:,}: {name}(id, 10, '0')"
        elif name == "GENERATE_ARRAY" and not _is_bounded(node):
            message = "GENERATE_ARRAY may make any number of elements, as its bounds are not "
            message += "numbers here."
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
    first, last, step = ([*map(_whole, node.expressions), 1, 1, 1])[:3]
    if first is None or last is None or step is None:
        return len(node.expressions) == 2 and all(map(_is_length, node.expressions))
    return abs(last - first) <= MAXIMUM_ARRAY * max(1, abs(step))


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


def _cross_joins(source: Source, masked: Masked, tree: exp.Query) -> list[Finding]:
    for join in tree.find_all(exp.Join):
        if _is_cartesian(join):
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


def _is_cartesian(join: exp.Join) -> bool:
    select = join.parent
    if join.args.get("on") or join.args.get("using") or not isinstance(select, exp.Select):
        return False
    if not isinstance(join.this, (exp.Table, exp.Subquery)) or _is_array(join.this):
        return False
    return not _is_one_row(join.this) and not select.args.get("where")


def _is_array(item: exp.Expr) -> bool:
    """A path such as FROM orders, orders.items; two parts are at least an array or a dataset."""
    return isinstance(item, exp.Table) and bool(item.args.get("db"))


def _is_one_row(item: exp.Expr) -> bool:
    """Whether there is at most one row, as far as the text tells; a WITH step may have one."""
    select = item.this
    if not isinstance(select, exp.Select):
        return isinstance(item, exp.Table)
    if not select.args.get("from_") or select.args.get("limit"):
        return True
    is_grouped = bool(select.args.get("group"))
    return not is_grouped and all(_is_aggregate(column) for column in select.expressions)


def _is_aggregate(column: exp.Expr) -> bool:
    calls = (function_name(node) for node in column.walk())
    return column.find(exp.Window) is None and any(name in aggregates() for name in calls)


def _end(source: Source, masked: Masked, tree: exp.Query) -> Iterator[Finding]:
    """Stars and limits of the outermost query."""
    for clause, code, message, fix in _ENDINGS:
        if node := tree.args.get(clause):
            yield found(code, message, fix, at=trees.position(source, masked, node))
            break
    first = next(selects(tree))
    if any(column.is_star for column in first.expressions):
        yield found(
            "select_star",
            "SELECT * returns whatever columns the table has that day; one more tomorrow would "
            "break the conversion.",
            "List the columns: SELECT id, client_id, created",
        )


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
