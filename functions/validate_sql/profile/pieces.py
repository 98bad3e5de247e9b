"""The expressions of a query that fail on some values, each with the condition of failing.

Pure. A piece knows the SELECT in which it stands, so that it can be worked out by itself over the
same rows; every other piece is then written in its safe form, which gives NULL instead of failing.
Source: cloud.google.com/bigquery/docs/reference/standard-sql/functions-reference#safe_prefix.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from common.guard.reading.lexer import Token
from common.guard.reading.words import DATE_PARTS, RESERVED
from common.guard.rules.calls import aggregates, calls

_FAILING = frozenset(
    """
    PARSE_DATE PARSE_DATETIME PARSE_TIME PARSE_TIMESTAMP PARSE_NUMERIC PARSE_BIGNUMERIC PARSE_JSON
    DATE DATETIME TIME TIMESTAMP TIMESTAMP_SECONDS TIMESTAMP_MILLIS TIMESTAMP_MICROS
    DATE_FROM_UNIX_DATE LN LOG LOG10 SQRT POW POWER EXP ACOS ASIN FROM_HEX FROM_BASE64
    INT64 BOOL FLOAT64 SUBSTR REPEAT
    """.split()
)
_DIVIDING = frozenset({"DIV", "MOD"})
_SAFE_PARSER = "SAFE.PARSE_"
_GUARDS = frozenset("COALESCE IFNULL IF CASE IS IGNORE BETWEEN IN LIKE".split())
_GUARDS |= {"=", "<", ">", "<=", ">=", "!=", "<>"}
"""Words beside which a NULL is one of the answers that the author has thought of: no value is
returned where one is only compared."""
_OF_DAYS = frozenset({"DATE", "DATETIME", "TIMESTAMP"})
"""Left as they are where they bound the days, as no partition is skipped behind SAFE."""
_CLAUSES = ("FROM", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "LIMIT")
_CLOSED_BY = {"(": ")", "[": "]"}


@dataclass(frozen=True)
class Piece:
    """One expression: its tokens from start to end, the latter not included."""

    start: int
    end: int
    kind: str
    """cast, divide, index, safe where it is that already, or the function's name."""
    operands: tuple[tuple[int, int], ...]
    """What decides whether it fails: the value read, the divisor, or the array and the place."""
    type: str = ""
    """What a cast makes."""


@dataclass
class Select:
    """One SELECT: where each of its clauses begins, and the steps of WITH that it can see."""

    start: int
    end: int = 0
    clauses: dict[str, int] = field(default_factory=dict)
    steps: int = 0

    def part(self, word: str) -> tuple[int, int]:
        """The clause from its first word to its end; (0, 0) when there is none."""
        if word not in self.clauses:
            return 0, 0
        start = self.clauses[word]
        ends = [at for at in self.clauses.values() if at > start]
        return start, min([*ends, self.end])

    def clause_of(self, index: int) -> str:
        """The first word of the clause in which a token stands."""
        begun = [(at, word) for word, at in self.clauses.items() if at <= index]
        return max(begun)[1] if begun else "SELECT"


class Anatomy:
    """The SELECTs, steps and pieces of a query's tokens."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.closed = _brackets(tokens)
        self.steps = list(_steps(tokens, self.closed))
        self.selects = list(self._selects())
        found = [*self._calls(), *self._operators()]
        self.pieces = sorted(found, key=lambda piece: (piece.start, piece.end))

    def select_of(self, piece: Piece) -> Select | None:
        """The innermost SELECT in which the piece stands."""
        around = [it for it in self.selects if it.start < piece.start < it.end]
        return max(around, key=lambda it: it.start, default=None)

    def text(self, start: int, end: int, *, keeps_days: bool = False) -> str:
        """The tokens as text, every piece among them in its safe form.

        `keeps_days` leaves DATE(...) and its like, by which partitions are skipped.
        """
        before, after, instead = _Marks(), _Marks(), dict[int, str]()
        for piece in self.pieces:
            is_inside = start <= piece.start and piece.end <= end
            if is_inside and not (keeps_days and piece.kind in _OF_DAYS):
                _make_safe(piece, self.tokens, before, after, instead)
        return "".join(
            f"{' ' if token.after_gap else ''}{before.at(index)}{instead.get(index, token.text)}"
            f"{after.at(index)}"
            for index, token in enumerate(self.tokens[start:end], start=start)
        ).strip()

    def prefix(self, select: Select) -> str:
        """WITH and the steps that the SELECT can see, "" when there are none."""
        seen = [self.text(*step) for step in self.steps[: select.steps]]
        return f"WITH {', '.join(seen)}" if seen else ""

    def conditions(self, select: Select) -> list[tuple[int, int]]:
        """The conditions that AND ties in the SELECT's WHERE."""
        start, end = select.part("WHERE")
        places = list(self._flat(start + 1, end)) if end else []
        if any(self.tokens[index].has("OR") for index in places):
            return [(start + 1, end)]
        cuts, in_between = [start], False
        for index in places:
            if self.tokens[index].has("BETWEEN"):
                in_between = True
            elif self.tokens[index].has("AND"):
                if not in_between:
                    cuts.append(index)
                in_between = False
        return [(one + 1, other) for one, other in pairwise([*cuts, end])] if end else []

    def around(self, select: Select) -> Select | None:
        """The innermost SELECT in which another stands."""
        outer = [it for it in self.selects if it.start < select.start < it.end]
        return max(outer, key=lambda it: it.start, default=None)

    def is_inner(self, select: Select) -> bool:
        """Whether another SELECT reads its rows: that of a step, or one in FROM."""
        outer = self.around(select)
        is_step = any(start < select.start < end for start, end in self.steps)
        return is_step or (outer is not None and outer.clause_of(select.start) == "FROM")

    def item(self, select: Select, index: int) -> tuple[int, int]:
        """The column of a SELECT's list in which a token stands: its first token and its end."""
        end = min([*select.clauses.values(), select.end])
        commas = [it for it in self._flat(select.start + 1, end) if self.tokens[it].has(",")]
        begins = max((it for it in commas if it < index), default=select.start)
        return begins + 1, min((it for it in commas if it > index), default=end)

    def is_of_groups(self, piece: Piece) -> bool:
        """Whether it is worked out of many rows: with an aggregate or a window in it."""
        inside = self.tokens[piece.start : piece.end]
        names = {call.name for call in calls(inside)}
        return bool(names & aggregates()) or any(token.has("OVER") for token in inside)

    def _flat(self, start: int, end: int) -> Iterator[int]:
        """The tokens of a range that stand in no bracket and no CASE of it."""
        index, cases = start, 0
        while index < end:
            token = self.tokens[index]
            cases += token.has("CASE") - (token.has("END") and cases > 0)
            if not cases:
                yield index
            index = self.closed[index] + 1 if index in self.closed else index + 1

    def _selects(self) -> Iterator[Select]:
        open_: list[Select | None] = [None]
        for index, token in enumerate(self.tokens):
            before = self.tokens[index - 1] if index else None
            current = open_[-1]
            if before is not None and before.has("."):
                continue
            if token.has("(", "["):
                open_.append(None)
            elif token.has(")", "]"):
                if (ended := open_.pop()) is not None:
                    ended.end = index
                    yield ended
            elif token.has("SELECT"):
                open_[-1] = Select(index, steps=self._visible(index))
            elif current is not None and token.has("UNION", "INTERSECT", "|>"):
                current.end = index
                yield current
                open_[-1] = None
            elif current is not None and token.has(*_CLAUSES) and not _compares(before, token):
                current.clauses.setdefault(token.word, index)
        if open_[0] is not None:
            open_[0].end = len(self.tokens)
            yield open_[0]

    def _visible(self, index: int) -> int:
        """How many steps a token can see: those before the one in which it stands."""
        return sum(end <= index for _, end in self.steps)

    def _calls(self) -> Iterator[Piece]:
        for call in calls(self.tokens):
            opening = call.index + 1
            if opening not in self.closed or call.name not in _FAILING | _DIVIDING | {"CAST"}:
                continue
            end = self.closed[opening] + 1
            given = list(self._arguments(opening))
            if call.name == "CAST":
                yield from self._cast(call.index, opening, end)
            elif call.name in _DIVIDING and len(given) == 2:
                yield Piece(call.index, end, call.name, (given[1],))
            elif call.name in _FAILING:
                values = tuple(it for it in given if self._varies(it))
                # of constants alone a function fails always or never, which is no matter of rows
                if values:
                    yield Piece(call.index, end, call.name, values)

    def _cast(self, start: int, opening: int, end: int) -> Iterator[Piece]:
        inside = list(self._flat(opening + 1, end - 1))
        as_ = next((index for index in reversed(inside) if self.tokens[index].has("AS")), 0)
        is_plain = not any(self.tokens[index].has("FORMAT") for index in inside)
        type_ = " ".join(token.text for token in self.tokens[as_ + 1 : end - 1])
        if as_ and is_plain and type_.upper() != "STRING":
            yield Piece(start, end, "cast", ((opening + 1, as_),), type_)

    def _operators(self) -> Iterator[Piece]:
        for index, token in enumerate(self.tokens):
            if token.has("/"):
                left, end = self._before(index), self._behind(index + 1)
                if end > index + 1 and not _is_number(self.tokens[index + 1 : end]):
                    yield Piece(left, end, "divide", ((left, index), (index + 1, end)))
            elif token.has("[") and self.tokens[index + 1].has("OFFSET", "ORDINAL"):
                left, end = self._before(index), self.closed[index] + 1
                opening = index + 2
                if left < index and opening in self.closed:
                    place = (opening + 1, self.closed[opening])
                    kind = self.tokens[index + 1].word
                    yield Piece(left, end, "index", ((left, index), place), kind)

    def _arguments(self, opening: int) -> Iterator[tuple[int, int]]:
        start, end = opening + 1, self.closed[opening]
        for index in self._flat(start, end):
            if self.tokens[index].has(","):
                yield start, index
                start = index + 1
        if start < end:
            yield start, end

    def _varies(self, part: tuple[int, int]) -> bool:
        """Whether an argument reads something, rather than being a constant or a part of dates."""
        inside = self.tokens[slice(*part)]
        if inside[0].has("INTERVAL") or (len(inside) == 1 and inside[0].word in DATE_PARTS):
            return False
        return any(token.kind in ("name", "quoted") for token in inside)

    def _before(self, index: int) -> int:
        """Where the operand that ends before a token begins; the token itself when unclear."""
        opened = {closing: opening for opening, closing in self.closed.items()}
        at = index - 1
        while at > 0:
            token, older = self.tokens[at], self.tokens[at - 1]
            if token.has(")", "]"):
                at = opened[at]
                older = self.tokens[at - 1]
                if older.has("OVER"):
                    return index
                if not (_is_function(older) or (token.has("]") and older.has(")", "]"))):
                    return at
                at -= 1
            elif not (_is_function(token) or token.kind in ("string", "number")):
                return index
            elif not older.has("."):
                return at
            else:
                at -= 2
        return index

    def _behind(self, index: int) -> int:
        """The index behind the operand that begins with a token; the token itself when unclear."""
        at = start = index + self.tokens[index].has("-", "+")
        while at < len(self.tokens):
            token, follows = self.tokens[at], at > start
            if (token.has("(") and (not follows or _is_function(self.tokens[at - 1]))) or (
                token.has("[") and follows
            ):
                at = self.closed[at] + 1
            elif token.has(".") and follows:
                at += 2
            elif token.has("OVER") and follows:
                at = self.closed.get(at + 1, at + 1) + 1
            elif not follows and (_is_function(token) or token.kind in ("number", "parameter")):
                at += 1
            else:
                break
        return at if at > start else index


class Losses(Anatomy):
    """The safe forms that SELECT returns as they are: what they cannot read becomes NULL."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        super().__init__(tokens)
        self.pieces = [piece for piece in self._safe() if self._is_returned(piece)]

    def _safe(self) -> Iterator[Piece]:
        for call in calls(self.tokens):
            opening = call.index + 1
            if opening not in self.closed:
                continue
            end = self.closed[opening] + 1
            if call.name == "SAFE_CAST":
                yield from self._cast(call.index, opening, end)
            elif call.name.startswith(_SAFE_PARSER):
                values = tuple(it for it in self._arguments(opening) if self._varies(it))
                if values:
                    yield Piece(call.index - 2, end, "safe", values)

    def _is_returned(self, piece: Piece) -> bool:
        """Whether it is a column, or a part of one that provides for no NULL."""
        select, start, end = self.select_of(piece), piece.start, piece.end
        while select is not None and select.clause_of(start) == "SELECT":
            begins, ends = self.item(select, start)
            around = [*self.tokens[begins:start], *self.tokens[end:ends]]
            if _is_guarded(around) or self._only_orders(begins, start):
                return False
            outer = self.around(select)
            if outer is None or self.is_inner(select):
                last = self.tokens[ends - 1]
                is_named = ends > end and _is_value(last)
                return not (is_named and self.is_inner(select)) or self._is_kept(last, select)
            # one value of a row: what stands around its brackets may provide for it as well
            select, start, end = outer, select.start, select.end
        return False

    def _only_orders(self, begins: int, start: int) -> bool:
        """Whether rows are but sorted or parted by it, in a window or inside of an aggregate."""
        around = (at for at, end in self.closed.items() if begins <= at < start < end)
        places = (index for at in around for index in self._flat(at + 1, start))
        return any(self.tokens[index].has("ORDER", "PARTITION") for index in places)

    def _is_kept(self, name: Token, select: Select) -> bool:
        """Whether a column of a step or a query in FROM goes on as it is, NULL and all."""
        outside = [it for it in range(len(self.tokens)) if not select.start <= it < select.end]
        mentions = [it for it in outside if _is_value(self.tokens[it]) and self._is(it, name)]
        if not mentions:
            return any(self._is_star(it) for it in outside)
        return not any(map(self._is_provided_for, mentions))

    def _is(self, index: int, name: Token) -> bool:
        return self.tokens[index].name.lower() == name.name.lower()

    def _is_star(self, index: int) -> bool:
        before = self.tokens[index - 1]
        return self.tokens[index].has("*") and before.has("SELECT", "DISTINCT", ",", ".")

    def _is_provided_for(self, index: int) -> bool:
        """Whether the column is compared there, or a NULL of it has an answer."""
        around = [it for it in self.selects if it.start < index < it.end]
        select = max(around, key=lambda it: it.start, default=None)
        if select is None:
            return False
        if select.clause_of(index) != "SELECT":
            return select.clause_of(index) in ("WHERE", "HAVING", "QUALIFY", "FROM")
        return _is_guarded(self.tokens[slice(*self.item(select, index))])


class _Marks:
    """Texts before or behind tokens, in the order in which they nest."""

    def __init__(self) -> None:
        self._of: dict[int, str] = {}

    def at(self, index: int) -> str:
        """The text at a token."""
        return self._of.get(index, "")

    def add(self, index: int, text: str) -> None:
        """One more text there."""
        self._of[index] = self.at(index) + text


def _make_safe(
    piece: Piece,
    tokens: Sequence[Token],
    before: _Marks,
    after: _Marks,
    instead: dict[int, str],
) -> None:
    if piece.kind == "cast":
        instead[piece.start] = "SAFE_CAST"
    elif piece.kind == "divide":
        start, end = piece.operands[1]
        before.add(start, " NULLIF(")
        after.add(end - 1, ", 0)")
    elif piece.kind == "index":
        place = piece.operands[1][0] - 2
        instead[place] = f"SAFE_{tokens[place].word}"
    elif piece.kind != "safe":
        before.add(piece.start, "SAFE.")


def failing(piece: Piece, anatomy: Anatomy) -> str:
    """The condition under which the piece fails, itself safe."""
    operands = [anatomy.text(*part) for part in piece.operands]
    if piece.kind == "cast":
        cast = f"SAFE_CAST({operands[0]} AS {piece.type})"
        return f"({operands[0]}) IS NOT NULL AND {cast} IS NULL"
    if piece.kind == "divide":
        return f"({operands[1]}) = 0"
    if piece.kind in _DIVIDING:
        return f"({operands[0]}) = 0"
    if piece.kind == "index":
        first = 0 if piece.type == "OFFSET" else 1
        length = f"ARRAY_LENGTH({operands[0]})"
        return f"({operands[1]}) - {first} NOT BETWEEN 0 AND {length} - 1"
    there = " AND ".join(f"({value}) IS NOT NULL" for value in operands)
    return f"{there} AND {anatomy.text(piece.start, piece.end)} IS NULL"


def _steps(tokens: Sequence[Token], closed: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """Where each step of the outermost WITH begins and ends."""
    if not tokens or not tokens[0].has("WITH"):
        return
    start = 1
    while start + 2 < len(tokens) and start + 2 in closed and tokens[start + 1].has("AS"):
        end = closed[start + 2] + 1
        yield start, end
        if end >= len(tokens) or not tokens[end].has(","):
            return
        start = end + 1


def _brackets(tokens: Sequence[Token]) -> dict[int, int]:
    closed: dict[int, int] = {}
    opened: list[int] = []
    for index, token in enumerate(tokens):
        if token.has(*_CLOSED_BY):
            opened.append(index)
        elif token.has(*_CLOSED_BY.values()) and opened:
            closed[opened.pop()] = index
    return closed


def _compares(before: Token | None, token: Token) -> bool:
    """Whether FROM belongs to a IS DISTINCT FROM b."""
    return token.has("FROM") and before is not None and before.has("DISTINCT")


def _is_guarded(tokens: Sequence[Token]) -> bool:
    return any(token.word in _GUARDS or token.text in _GUARDS for token in tokens)


def _is_number(tokens: Sequence[Token]) -> bool:
    """Whether an operand is a number other than zero."""
    return len(tokens) == 1 and tokens[0].kind == "number" and tokens[0].text.strip("0.") != ""


def _is_value(token: Token) -> bool:
    return token.kind == "quoted" or (token.kind == "name" and token.word not in RESERVED)


def _is_function(token: Token) -> bool:
    return _is_value(token) or token.has("CAST", "IF", "EXTRACT", "LEFT", "RIGHT", "ARRAY")
