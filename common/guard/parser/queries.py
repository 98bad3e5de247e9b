"""Queries: WITH, SELECT, set operations and pipes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from common.guard.parser.cursor import Unread
from common.guard.parser.expressions import SET_OPERATIONS
from common.guard.parser.sources import Sources
from common.guard.reading.lexer import NOTHING, Token

_AFTER_COLUMNS = (
    *("FROM", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "LIMIT"),
    *(*SET_OPERATIONS, "|>", ")", ","),
)


def unread(tokens: Sequence[Token]) -> int | None:
    """The index of the first token that makes the text no query; None when it is one.

    The index is that of the end where something is missing there.
    """
    queries = Queries(tokens)
    try:
        queries.query()
    except Unread as stop:
        return min(stop.index, len(tokens))
    except RecursionError:  # types and intervals nest without brackets
        return queries.index
    return queries.index if queries.index < len(tokens) else None


class Queries(Sources):
    """Reads one query."""

    def query(self) -> None:
        if self.take("WITH"):
            self.take("RECURSIVE")
            self.listed(self._step)
        # FROM orders |> ... is a query without SELECT
        if self.at("FROM"):
            self.from_()
        else:
            self._set_operation()
            if self.at("ORDER"):
                self.order_by()
            if self.at("LIMIT"):
                self.limit()
        while self.take("|>"):
            self._pipe()

    def _step(self) -> None:
        self.name()
        self.want("AS")
        self.subquery()

    def _set_operation(self) -> None:
        self._side()
        while self.is_set_operation(self.index):
            self._set_operator()
            self._side()

    def _set_operator(self) -> None:
        if self.take("FULL", "LEFT"):
            self.take("OUTER")
        else:
            self.take("INNER", "OUTER")
        if not self.take(*SET_OPERATIONS) or not self.take("ALL", "DISTINCT"):
            raise self.fail()
        self.take("STRICT")
        if self.take("CORRESPONDING"):
            if self.take("BY"):
                self.bracketed(self.name)
        elif self.take("BY"):
            self.want("NAME")
            if self.take("ON"):
                self.bracketed(self.name)

    def _side(self) -> None:
        if self.at("("):
            self.subquery()
        else:
            self._select()

    def _select(self) -> None:
        self._select_list()
        if self.at("FROM"):
            self.from_()
        if self.take("WHERE"):
            self.expression()
        if self.at("GROUP"):
            self._group_by()
        if self.take("HAVING"):
            self.expression()
        if self.take("QUALIFY"):
            self.expression()
        self._windows()

    def _select_list(self) -> None:
        self.want("SELECT")
        self.take("ALL", "DISTINCT")
        # SELECT AS project.Type makes protocol buffers, which no conversion is
        if self.take("AS") and not self.take("STRUCT", "VALUE"):
            raise self.fail()
        self._columns_with_comma(self._column)

    def _columns_with_comma(self, column: Callable[[], object]) -> None:
        """Columns; a comma may end the list."""
        column()
        # only lists of SELECT and of pipes take a comma at their end
        while self.take(",") and not self._ends_columns():
            column()

    def _ends_columns(self) -> bool:
        return self.token is NOTHING or self.at(*_AFTER_COLUMNS)

    def _column(self) -> None:
        if self.take("*"):
            self._star_modifiers()
            return
        self.expression()
        # o.* behind any expression, as in STRUCT(1 AS a).*
        if self.at(".") and self.after.has("*"):
            self.index += 2
            self._star_modifiers()
            return
        self.alias()

    def _star_modifiers(self) -> None:
        # SELECT * EXCEPT DISTINCT SELECT ... is a set operation
        if self.at("EXCEPT") and self.after.has("("):
            self.index += 1
            self.bracketed(self.name)
        if self.at("REPLACE") and self.after.has("("):
            self.index += 1
            self.bracketed(self._replaced)

    def _replaced(self) -> None:
        self.expression()
        self.want("AS")
        self.name()

    def _group_by(self) -> None:
        self.want("GROUP", "BY")
        if not self.take("ALL"):
            self.listed(self._group)

    def _group(self) -> None:
        # GROUP BY () is one group of all rows
        if self.at("(") and self.after.has(")"):
            self.index += 2
        elif self.take("ROLLUP", "CUBE"):
            self.bracketed(self.expression)
        elif self.at("GROUPING") and self.after.has("SETS"):
            self.index += 2
            self.bracketed(self._group)
        else:
            self.expression()

    def _windows(self) -> None:
        if self.take("WINDOW"):
            self.listed(self._named_window)

    def _named_window(self) -> None:
        self.name()
        self.want("AS")
        self.window()

    def _pipe(self) -> None:
        word = self.token.word
        if self.is_join():
            self.join()
        elif self.is_set_operation(self.index):
            self._set_operator()
            self._columns_with_comma(self.subquery)
        elif word in _PIPES:
            _PIPES[word](self)
        else:
            raise self.fail()

    def _where(self) -> None:
        self.want("WHERE")
        self.expression()

    def _pipe_select(self) -> None:
        self._select_list()
        self._windows()

    def _extend(self) -> None:
        self.index += 1
        self._columns_with_comma(self._extended)
        self._windows()

    def _extended(self) -> None:
        if self.at("*"):
            raise self.fail()
        self._column()

    def _set(self) -> None:
        self.want("SET")
        self._columns_with_comma(self._assigned)

    def _assigned(self) -> None:
        self.name()
        self.want("=")
        self.expression()

    def _drop(self) -> None:
        self.want("DROP")
        self._columns_with_comma(self.name)

    def _rename(self) -> None:
        self.want("RENAME")
        self._columns_with_comma(self._renamed)

    def _renamed(self) -> None:
        self.name()
        self.take("AS")
        self.name()

    def _as(self) -> None:
        self.want("AS")
        self.name()

    def _aggregate(self) -> None:
        self.want("AGGREGATE")
        if not self._ends_columns():
            self._columns_with_comma(self._ordered_column)
        if self.take("GROUP"):
            if self.take("AND"):
                self.want("ORDER")
            self.want("BY")
            self._columns_with_comma(self._pipe_group)

    def _ordered_column(self) -> None:
        self._extended()
        self.direction()

    def _pipe_group(self) -> None:
        self._group()
        self.alias()
        self.direction()

    def _distinct(self) -> None:
        self.want("DISTINCT")

    def _order(self) -> None:
        self.want("ORDER", "BY")
        self._columns_with_comma(self.ordered)

    def _pivot(self) -> None:
        self.pivot()
        self.alias()


_PIPES = {
    "WHERE": Queries._where,
    "SELECT": Queries._pipe_select,
    "EXTEND": Queries._extend,
    "WINDOW": Queries._extend,
    "SET": Queries._set,
    "DROP": Queries._drop,
    "RENAME": Queries._rename,
    "AS": Queries._as,
    "AGGREGATE": Queries._aggregate,
    "DISTINCT": Queries._distinct,
    "ORDER": Queries._order,
    "LIMIT": Queries.limit,
    "PIVOT": Queries._pivot,
    "UNPIVOT": Queries._pivot,
}
