"""The one verb of the guard: whether a text is one SELECT over allowed tables, and nothing else.

Own lexer, then lists of functions and forms, then GoogleSQL's grammar, then sqlglot over the masked
text; the text that runs is put together anew from the tokens that were judged.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from common.guard.names import scope, tables, tree
from common.guard.names.outputs import outputs
from common.guard.names.scope import Scope
from common.guard.parser.queries import unread
from common.guard.reading import lexer, nesting, text
from common.guard.reading.lexer import Token
from common.guard.reading.mask import Masked, mask
from common.guard.reading.text import Source
from common.guard.rules import (
    calls,
    determinism,
    forbidden_syntax,
    grammar,
    statement,
    syntax,
    types,
)
from common.model.contract import Output
from common.model.findings import Finding, Position, found, is_refused

# behind one of these, words may belong to a text or comment, and further findings would be guesses
_STOPS_READING = frozenset(
    "too_large template system_variable unreadable parameter legacy_sql other_dialect curly_quote "
    "open_string open_comment bare_letter".split()
)


@dataclass(frozen=True)
class Table:
    """A table that the query reads: full path, and the node that names it in the tree."""

    path: str
    node: exp.Table


@dataclass(frozen=True)
class Query:
    """A query that could be read to its end."""

    source: Source
    masked: Masked
    tree: exp.Query
    tables: tuple[Table, ...]
    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class Verdict:
    """What the guard found; `canonical` is the text to run, "" when the query is refused."""

    findings: tuple[Finding, ...]
    canonical: str = ""
    tables: tuple[str, ...] = ()
    functions: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()
    query: Query | None = None

    @property
    def ok(self) -> bool:
        """Whether the query may run."""
        return bool(self.canonical)


def judge(sql: str, allowed: Scope) -> Verdict:
    """Judges a user's query; raises nothing, whatever the text."""
    source, faults = text.read(sql)
    if faults:
        return Verdict(tuple(faults))
    tokens, faults = lexer.tokens(source)
    verdict = _read(source, tokens, faults, allowed)
    return replace(verdict, findings=tuple(_ended(source, tokens, verdict.findings)))


def _ended(
    source: Source, tokens: Sequence[Token], findings: Sequence[Finding]
) -> Iterator[Finding]:
    """The findings, each with an end of its place: that of the word it begins with, if no other."""
    for finding in findings:
        if finding.line is None or finding.column is None or finding.end_line is not None:
            yield finding
            continue
        start = source.offset(finding.line, finding.column)
        # a text of 1 MB has thousands of tokens, and each finding would walk them all
        index = bisect_left(tokens, start, key=lambda token: token.offset)
        is_word = index < len(tokens) and tokens[index].offset == start
        end = start + len(tokens[index].text) if is_word else start + 1
        place = source.position(start, min(end, len(source.text)))
        yield replace(finding, end_line=place.end_line, end_column=place.end_column)


def _read(source: Source, tokens: list[Token], faults: list[Finding], allowed: Scope) -> Verdict:
    """The verdict on the tokens of a text; `faults` are what the lexer has found."""
    if tokens or not faults:
        faults += statement.check(source, tokens)
    # asked before the foreign types are added: those are read on as GoogleSQL's own
    is_stopped = any(fault.code in _STOPS_READING for fault in faults)
    tokens, of_types = types.read_as(source, tokens)
    faults += of_types
    if is_stopped:
        made = calls.calls(tokens)
        # other slips of grammar may come of what could not be read
        foreign = [it for it in grammar.check(source, tokens) if it.code == "other_dialect"]
        return Verdict((*faults, *foreign, *calls.check(source, made)))
    if not _is_query(tokens):
        return Verdict(tuple(faults))
    body = statement.without_end(tokens)
    nested = nesting.check(source, body)
    made = calls.calls(body)
    faults += [
        *nested,
        *grammar.check(source, body),
        *calls.check(source, made),
        *forbidden_syntax.check(source, body),
    ]
    is_one_query = not any(token.has(";") for token in body)
    # a name in wrong quotes is a text to every reader behind, so its table would be overlooked
    if nested or not is_one_query or any(fault.code == "table_name" for fault in faults):
        return Verdict(tuple(faults))
    return _judged(source, body, made, faults, allowed)


def _is_query(tokens: Sequence[Token]) -> bool:
    return bool(tokens) and tokens[0].has(*statement.QUERY_STARTS)


def _judged(
    source: Source,
    body: list[Token],
    made: list[calls.Call],
    faults: list[Finding],
    allowed: Scope,
) -> Verdict:
    """The verdict on one query whose tokens are sound."""
    # behind a known fault this parser would stop at the same place with weaker words
    stop = None if is_refused(faults) else unread(body)
    if stop is not None:
        return Verdict((*faults, syntax.finding(source, body, stop)))
    masked = mask(body, made)
    parsed = tree.parse(masked)
    if isinstance(parsed, str):
        return Verdict(tuple(faults if is_refused(faults) else [*faults, _unknown_form()]))
    reads, size = tables.reads(masked, parsed)
    if size > tables.MAXIMUM_READS:
        return Verdict((*faults, _read_too_often(size)))
    findings = [
        *faults,
        # what another dialect calls something is lost in the tree, too
        *([] if is_refused(faults) else tree.check(source, masked, parsed)),
        *_table_findings(source, masked, parsed, reads, allowed),
        *determinism.check(source, masked, parsed, made, [read.node for read in reads]),
    ]
    # also of a refused query: advice on partitions, columns and cost needs its tables
    named = [Table(scope.path(read.parts, allowed), read.node) for read in reads]
    query = Query(source, masked, parsed, tuple(named), tuple(outputs(source, masked, parsed)))
    return Verdict(
        findings=tuple(findings),
        canonical="" if is_refused(findings) else lexer.canonical(body),
        tables=tuple(sorted({table.path for table in named})),
        functions=frozenset(call.name for call in made),
        parameters=forbidden_syntax.parameters(body),
        query=query,
    )


def _table_findings(
    source: Source,
    masked: Masked,
    parsed: exp.Query,
    reads: Sequence[tables.Read],
    allowed: Scope,
) -> list[Finding]:
    findings = {}
    steps, rows = tables.written(masked, parsed)
    for read in reads:
        at = tree.position(source, masked, read.node)
        faults = [_table_function(at)] if tables.is_function(read.node) else []
        faults = faults or scope.check(read.parts, allowed, at)
        first = tables.fold(read.parts[0]) if read.parts and faults else ""
        if len(read.parts) == 1 and first in steps:
            faults = [_step_out_of_sight(read.parts[0], at)]
        elif first in rows and first != tables.fold(masked.name(read.node.alias)):
            faults = [_rows_as_table(fault, read.parts) for fault in faults]
        # a table that is read twice is one fault to mend
        findings.update({(fault.code, fault.message): fault for fault in faults})
    if len({read.parts for read in reads}) > scope.MAXIMUM_TABLES:
        message = f"The query reads more than {scope.MAXIMUM_TABLES} tables."
        fix = "Use a wildcard, `project.dataset.events_*`, or a view that unites them."
        findings["too_many_tables", message] = found("too_many_tables", message, fix)
    return list(findings.values())


def _unknown_form() -> Finding:
    return found(
        "unknown_form",
        "The query is GoogleSQL, but has a form that is not read here.",
        "Write it as a plain SELECT with joins, filters, groups and window functions.",
    )


def _step_out_of_sight(name: str, at: Position | None) -> Finding:
    return found(
        "unqualified_table",
        f"{name} is a step of WITH that cannot be seen here: a step is known to those behind it "
        "and to the query that it belongs to. As a table, it would need its project and dataset.",
        f"Move {name} before the step that reads it.",
        at=at,
    )


def _rows_as_table(fault: Finding, parts: Sequence[str]) -> Finding:
    """The fault of a table whose path begins with a name that the query gives to rows elsewhere."""
    if len(parts) == 1:
        return replace(
            fault,
            message=f"{parts[0]} is the name of rows that the query reads elsewhere, and rows "
            "cannot be read again by their name. As a table, it would need its project and "
            "dataset.",
            fix="Make the rows a step, and read it in both places: "
            f"WITH {parts[0]} AS (SELECT ...)",
            replacement=None,
        )
    written = ".".join(parts)
    return replace(
        fault,
        message=f"{written} is read as a table here, since no row {parts[0]} is certain to be in "
        f"sight. {fault.message}",
        fix=f"To read the elements of an array of the row: UNNEST({written}) AS item",
        replacement=None,
    )


def _read_too_often(size: int) -> Finding:
    # steps that double each other make numbers of hundreds of digits
    times = f"{size:,}" if size < 10**9 else "more than a billion"
    return found(
        "too_deep",
        f"The WITH steps build on each other so often that {times} reads come of it; "
        f"{tables.MAXIMUM_READS:,} are allowed.",
        "Read each step once where you can, or store one as a table of your own.",
    )


def _table_function(at: Position | None) -> Finding:
    return found(
        "table_function",
        "A function stands in FROM. What a table function reads cannot be seen in the query.",
        "Name the tables that it reads; for an array, write UNNEST(array) AS item.",
        at=at,
    )
