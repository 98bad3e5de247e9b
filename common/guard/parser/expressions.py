"""Expressions, from OR down to names and literals."""

from __future__ import annotations

from common.guard.parser.cursor import is_bytes
from common.guard.parser.types import Types
from common.guard.reading.words import RESERVED

_SIGNS = ("-", "+", "~")
_OPERATORS = ("|", "^", "&", "<<", ">>", "+", "-", "||", "*", "/")
"""Operators that bind tighter than a comparison; which of them binds tightest does not matter."""
_COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=")
_TYPES_OF_TEXTS = frozenset(
    "DATE DATETIME TIME TIMESTAMP NUMERIC DECIMAL BIGNUMERIC BIGDECIMAL JSON".split()
)
"""Types that stand before a string: DATE '2026-11-29'."""
_CALLED_WORDS = ("IF", "GROUPING", "LEFT", "RIGHT", "COLLATE", "RANGE")
"""Reserved words that are functions when a bracket follows."""
SET_OPERATIONS = ("UNION", "INTERSECT", "EXCEPT")
_QUERY_GOES_ON = (")", "ORDER", "LIMIT", "|>")
"""What may follow a query in brackets inside the brackets of a query, beside set operations."""


class Expressions(Types):
    """Reads expressions; queries inside them are read by the layer above."""

    def query(self) -> None:
        """A query."""
        raise NotImplementedError

    def expression(self) -> None:
        """Conditions tied by AND and OR."""
        self._negated()
        while self.take("AND", "OR"):
            self._negated()

    def _negated(self) -> None:
        while self.take("NOT"):
            pass
        self.comparison()

    def comparison(self) -> None:
        """One comparison at most: a = b = c needs brackets."""
        # GoogleSQL's comparisons do not associate (operators reference, "Operator precedence")
        self.operation()
        if self.take(*_COMPARISONS):
            self.operation()
        elif self.take("IS"):
            self._is()
        elif self.at("LIKE", "IN", "BETWEEN") or (
            self.at("NOT") and self.after.has("LIKE", "IN", "BETWEEN")
        ):
            self.take("NOT")
            self._range()

    def _is(self) -> None:
        self.take("NOT")
        if self.take("DISTINCT"):
            self.want("FROM")
            self.operation()
        elif not self.take("NULL", "TRUE", "FALSE", "UNKNOWN"):
            raise self.fail()

    def _range(self) -> None:
        if self.take("BETWEEN"):
            self.operation()
            self.want("AND")
            self.operation()
        elif self.take("IN"):
            self._in_list()
        elif self.take("LIKE"):
            if self.take("ANY", "SOME", "ALL"):
                self._in_list()
            else:
                self.operation()

    def _in_list(self) -> None:
        if self.at("UNNEST"):
            self.unnest()
        elif self.is_query():
            self.subquery()
        else:
            self.bracketed(self.expression)

    def unnest(self) -> None:
        """UNNEST of one array."""
        self.want("UNNEST", "(")
        self.expression()
        self.want(")")

    def operation(self) -> None:
        """What binds tighter than a comparison."""
        self._signed()
        while self.take(*_OPERATORS):
            self._signed()

    def _signed(self) -> None:
        while self.take(*_SIGNS):
            pass
        if self.take("INTERVAL"):
            self._interval()
            return
        self._primary()
        self._postfixes()

    def _interval(self) -> None:
        self.expression()
        self.name()
        if self.take("TO"):
            self.name()

    def _postfixes(self) -> None:
        while True:
            if self.take("["):
                self.expression()
                self.want("]")
            elif self.at(".") and not self.after.has("*"):
                self._field_or_call()
            else:
                return

    def _field_or_call(self) -> None:
        """.field or .function(...); behind a literal it may be no reserved word."""
        # a.b.select is a field, 'text'.select is none: only behind a name may it be a reserved word
        older, before = self.tokens[max(0, self.index - 2) : self.index][-2:]
        is_field = before.kind == "name" and older.has(".")
        takes_any = is_field or before.kind in ("quoted", "parameter") or before.has(")", "]")
        self.want(".")
        if takes_any and self.token.kind == "name":
            self.index += 1
        else:
            self.name()
        if self.at("("):
            self._call()

    def _primary(self) -> None:
        kind, word = self.token.kind, self.token.word
        if kind in ("number", "parameter"):
            self.index += 1
        elif kind == "string":
            self._texts()
        elif self.at("("):
            self._brackets()
        elif self.at("["):
            self._array()
        elif word in _TYPES_OF_TEXTS and self.after.kind == "string":
            self.index += 1
            self.text()
        elif self.at(*_CALLED_WORDS) and self.after.has("("):
            self.index += 1
            self._call()
        elif word in _FORMS and (word in RESERVED or self.after.has("(")):
            # SAFE_CAST is no reserved word, so a column may be called so
            _FORMS[word](self)
        else:
            self._name_or_call()

    def _texts(self) -> None:
        """A string; several, one after the other, are one."""
        of_bytes = is_bytes(self.token)
        # texts and bytes do not join
        while self.token.kind == "string" and is_bytes(self.token) == of_bytes:
            self.index += 1

    def _name_or_call(self) -> None:
        self.path()
        if self.at("("):
            self._call()

    def _constant(self) -> None:
        self.index += 1

    def _brackets(self) -> None:
        """A query, an expression, or several that make a struct."""
        if self.is_query():
            self.subquery()
        else:
            self.bracketed(self.expression)

    def is_query(self) -> bool:
        """Whether the bracket at hand opens a query, and not an expression that begins with one."""
        return self._opens_query(self.index)

    def _opens_query(self, index: int) -> bool:
        first, second = self.tokens[index + 1], self.tokens[index + 2]
        if first.has("("):
            # ((SELECT 1) + 1) begins as ((SELECT 1) UNION ALL ...) does
            beyond = self.beyond_bracket(index + 1)
            goes_on = self.tokens[beyond].has(*_QUERY_GOES_ON) or self.is_set_operation(beyond)
            return goes_on and self._opens_query(index + 1)
        return first.has("SELECT", "FROM") or (first.has("WITH") and not second.has("("))

    def is_set_operation(self, index: int) -> bool:
        """Whether a set operation stands there: UNION, or a side of it as in FULL OUTER UNION."""
        side, after, then = self.tokens[index : index + 3]
        # LEFT OUTER UNION ALL BY NAME begins as LEFT OUTER JOIN does
        then = then if after.has("OUTER") else after
        return side.has(*SET_OPERATIONS, "OUTER") or (
            side.has("FULL", "LEFT", "INNER") and then.has(*SET_OPERATIONS)
        )

    def subquery(self) -> None:
        """A query in brackets."""
        self.want("(")
        self.query()
        self.want(")")

    def _array(self) -> None:
        self.want("[")
        if not self.at("]"):
            self.listed(self.expression)
        self.want("]")

    def _array_form(self) -> None:
        """ARRAY(query), ARRAY[...], ARRAY<type>[...]."""
        self.want("ARRAY")
        if self.at("("):
            self.subquery()
            return
        # type() reads the word ARRAY itself
        if self.at("<"):
            self.index -= 1
            self.type()
        self._array()

    def _struct_form(self) -> None:
        """STRUCT(...), STRUCT<type>(...)."""
        self.want("STRUCT")
        if self.at("<"):
            self.index -= 1
            self.type()
        self.want("(")
        if not self.at(")"):
            self.listed(self._named_value)
        self.want(")")

    def _named_value(self) -> None:
        self.expression()
        if self.take("AS"):
            self.name()

    def _range_form(self) -> None:
        """RANGE<DATE> '[2026-01-01, UNBOUNDED)'."""
        self.type()
        self.text()

    def _case(self) -> None:
        self.want("CASE")
        if not self.at("WHEN"):
            self.expression()
        self.want("WHEN")
        while True:
            self.expression()
            self.want("THEN")
            self.expression()
            if not self.take("WHEN"):
                break
        if self.take("ELSE"):
            self.expression()
        self.want("END")

    def _cast(self) -> None:
        self.index += 1
        self.want("(")
        self.expression()
        self.want("AS")
        self.type()
        if self.take("FORMAT"):
            self.expression()
            self._time_zone()
        self.want(")")

    def _extract(self) -> None:
        self.want("EXTRACT", "(")
        self.expression()
        self.want("FROM")
        self.expression()
        self._time_zone()
        self.want(")")

    def _time_zone(self) -> None:
        if self.take("AT"):
            self.want("TIME", "ZONE")
            self.expression()

    def _exists(self) -> None:
        self.want("EXISTS")
        self.subquery()

    def _with_expression(self) -> None:
        """WITH(a AS 1, a + 1): names for values, then the value."""
        self.want("WITH", "(")
        while self.is_name and self.after.has("AS"):
            self.name()
            self.want("AS")
            self.expression()
            self.want(",")
        self.expression()
        self.want(")")

    def _call(self) -> None:
        """What stands in the brackets of a function, and the window behind them."""
        self.want("(")
        if self.at("*") and not self.after.has(","):
            # COUNT(*), never f(a, *)
            self.index += 1
        else:
            self.take("DISTINCT")
            if not self.at(")"):
                self.listed(self._argument)
        if self.take("IGNORE", "RESPECT"):
            self.want("NULLS")
        if self.take("HAVING"):
            if not self.take("MAX", "MIN"):
                raise self.fail()
            self.expression()
        if self.at("ORDER"):
            self.order_by()
        if self.at("LIMIT"):
            self.limit()
        self.want(")")
        if self.take("OVER"):
            self.window()

    def _argument(self) -> None:
        if self.is_name and self.after.has("=>", "->"):
            self.index += 2
        self.expression()

    def order_by(self) -> None:
        """ORDER BY and its items."""
        self.want("ORDER", "BY")
        self.listed(self.ordered)

    def ordered(self) -> None:
        """One item of ORDER BY."""
        self.expression()
        if self.take("COLLATE"):
            self.text()
        self.direction()

    def direction(self) -> None:
        """ASC or DESC, and where NULL stands; or nothing."""
        self.take("ASC", "DESC")
        if self.take("NULLS") and not self.take("FIRST", "LAST"):
            raise self.fail()

    def limit(self) -> None:
        """LIMIT and OFFSET."""
        self.want("LIMIT")
        if not self.take("ALL"):
            self._count()
        if self.take("OFFSET"):
            self._count()

    def _count(self) -> None:
        if self.at("CAST"):
            self._cast()
        elif self.token.kind == "parameter" or self.token.text.isdigit():
            # LIMIT 1.5 and LIMIT -1 are no counts
            self.index += 1
        else:
            raise self.fail()

    def window(self) -> None:
        """A window by its name, or in brackets."""
        if not self.take("("):
            self.name()
            return
        # a window may build on a named one: OVER (daily ORDER BY created)
        if self.is_name:
            self.name()
        if self.take("PARTITION"):
            self.want("BY")
            self.listed(self.expression)
        if self.at("ORDER"):
            self.order_by()
        if self.take("ROWS", "RANGE"):
            self._frame()
        self.want(")")

    def _frame(self) -> None:
        if self.take("BETWEEN"):
            self._bound()
            self.want("AND")
        self._bound()

    def _bound(self) -> None:
        if self.take("CURRENT"):
            self.want("ROW")
            return
        if not self.take("UNBOUNDED"):
            self.operation()
        if not self.take("PRECEDING", "FOLLOWING"):
            raise self.fail()


_FORMS = {
    "NULL": Expressions._constant,
    "TRUE": Expressions._constant,
    "FALSE": Expressions._constant,
    "CASE": Expressions._case,
    "CAST": Expressions._cast,
    "SAFE_CAST": Expressions._cast,
    "EXTRACT": Expressions._extract,
    "ARRAY": Expressions._array_form,
    "STRUCT": Expressions._struct_form,
    "RANGE": Expressions._range_form,
    "EXISTS": Expressions._exists,
    "WITH": Expressions._with_expression,
}
"""Words that begin a form of their own rather than a name."""
