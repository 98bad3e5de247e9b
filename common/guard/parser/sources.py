"""What stands in FROM: tables, joins, queries in brackets, arrays, pivots."""

from __future__ import annotations

from dataclasses import dataclass

from common.guard.parser.expressions import Expressions

_SIDES = ("FULL", "LEFT", "RIGHT")


@dataclass
class _Chain:
    """Joins one after the other: how many wait for a condition, and what stands before them."""

    waiting: int = 0
    has_comma: bool = False
    has_late_conditions: bool = False


class Sources(Expressions):
    """Reads FROM and joins.

    Conditions may come late, a JOIN b JOIN c ON ... ON ...; then each join must get one, and no
    comma may stand beside them (GoogleSQL's parser/join_processor.cc).
    """

    def from_(self) -> None:
        """FROM and all its items."""
        self.want("FROM")
        chain = _Chain()
        self._item()
        while True:
            if self.at(","):
                if chain.has_late_conditions:
                    raise self.fail()
                self.index += 1
                chain.waiting, chain.has_comma = 0, True
                self._item()
            elif self.is_join():
                self.join(chain)
            else:
                break
        self._end(chain)

    def is_join(self) -> bool:
        """Whether the words at hand begin a join, rather than a UNION with a side."""
        if self.at("JOIN", "NATURAL", "CROSS"):
            return True
        # LEFT OUTER UNION BY NAME begins alike
        then = self.tokens[self.index + 2] if self.after.has("OUTER") else self.after
        is_side = self.at("INNER", "HASH", "LOOKUP", *_SIDES)
        return is_side and then.has("JOIN", "HASH", "LOOKUP")

    def join(self, chain: _Chain | None = None) -> None:
        """One join with its conditions."""
        chain = chain or _Chain()
        is_tied = not self.take("NATURAL")
        # GoogleSQL refuses both behind a comma: query syntax, "Comma cross join"
        if chain.has_comma and self.at("FULL", "RIGHT"):
            raise self.fail()
        if self.take("CROSS"):
            is_tied = False
        elif self.take(*_SIDES):
            self.take("OUTER")
        else:
            self.take("INNER")
        self.take("HASH", "LOOKUP")
        self.want("JOIN")
        self._item()
        self._conditions(chain, is_tied)

    def _conditions(self, chain: _Chain, is_tied: bool) -> None:
        chain.waiting += is_tied
        count = 0
        while self.at("ON", "USING"):
            count += 1
            # CROSS and NATURAL take no condition; a late one needs a join that lacks its own
            if not is_tied or chain.waiting == 0 or (count > 1 and chain.has_comma):
                raise self.fail()
            chain.waiting -= 1
            self._condition()
        chain.has_late_conditions |= count > 1

    def _condition(self) -> None:
        if self.take("ON"):
            self.expression()
        else:
            self.want("USING")
            self.bracketed(self.name)

    def _end(self, chain: _Chain) -> None:
        if chain.has_late_conditions and chain.waiting:
            raise self.fail()

    def _item(self) -> None:
        """A table, an array, a query in brackets, or joins in brackets."""
        if self.at("(") and not self.is_query():
            self._joins_in_brackets()
            return
        if self.at("("):
            self.subquery()
            self.alias_or_pivot()
            return
        if self.at("UNNEST"):
            self.unnest()
        else:
            self.path()
        if self.at("("):
            self._table_function()
            self.alias_or_pivot()
            return
        self._alias()
        if self.take("WITH"):
            self.want("OFFSET")
            self._alias()
        self.pivots()

    def _joins_in_brackets(self) -> None:
        """Joins in brackets: at least one, and no commas."""
        self.want("(")
        chain = _Chain()
        self._item()
        # brackets around a single table are no GoogleSQL
        self.join(chain)
        while self.is_join():
            self.join(chain)
        self._end(chain)
        self.want(")")

    def _table_function(self) -> None:
        self.want("(")
        if not self.at(")"):
            self.listed(self._table_argument)
        self.want(")")

    def _table_argument(self) -> None:
        # read only to be refused by its name: a table function shows nothing of what it reads
        if self.at("TABLE", "MODEL") and self.after.kind in ("name", "quoted"):
            self.index += 1
            self.path()
            return
        if self.is_name and self.after.has("=>"):
            self.index += 2
        self.expression()

    def alias_or_pivot(self) -> None:
        """The alias of what stands in FROM, and what turns its columns."""
        self._alias()
        self.pivots()

    def _alias(self) -> None:
        """An alias, unless the name begins PIVOT (...) or UNPIVOT (...)."""
        if not self._is_pivot():
            self.alias()

    def _is_pivot(self) -> bool:
        return self.at("PIVOT", "UNPIVOT") and self.after.has("(", "INCLUDE", "EXCLUDE")

    def pivots(self) -> None:
        """PIVOT or UNPIVOT with its alias; or nothing."""
        if self._is_pivot():
            self.pivot()
            self.alias()

    def pivot(self) -> None:
        """PIVOT (...) or UNPIVOT (...)."""
        if self.take("PIVOT"):
            self.want("(")
            self.listed(self._aliased)
            self.want("FOR")
            self.operation()
            self.want("IN")
            self.bracketed(self._aliased)
            self.want(")")
            return
        self.want("UNPIVOT")
        if self.take("INCLUDE", "EXCLUDE"):
            self.want("NULLS")
        self.want("(")
        self._columns()
        self.want("FOR")
        self.path()
        self.want("IN")
        self.bracketed(self._unpivoted)
        self.want(")")

    def _aliased(self) -> None:
        self.expression()
        self.alias()

    def _columns(self) -> None:
        if self.at("("):
            self.bracketed(self.path)
        else:
            self.path()

    def _unpivoted(self) -> None:
        """Columns that become rows, and the text or number that names them there."""
        self._columns()
        if self.take("AS") or self.token.kind in ("string", "number"):
            if self.token.text.isdigit():
                self.index += 1
            else:
                self.text()
