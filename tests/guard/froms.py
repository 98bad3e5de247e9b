"""FROM clauses in every shape, seeded: where one name may mean a table, an array or a step.

Names are few on purpose: aliases, datasets, projects, steps and arrays share them, so that what a
path means depends on nothing but scope.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

NAMES = ("o", "s", "crm", "hits", "shop", "secret", "arr", "k")
"""What everything may be called."""
_ODD = ("`größe`", "É", "`é`", "\u212a", "`\u212a`", "`k`", "K", "`a b`", "`S`", "SECRET", "date")
_TABLES = (
    "crm.o", "crm.arr", "shop.crm.o", "`shop.crm.o`", "`shop`.crm.`o`", "`crm.o`", "hits.arr",
    "`shop.crm`.s", "crm.`s.arr`", "shop.`crm.hits`", "my-shop-1.crm.o", "`shop.hits.o_*`",
    "`CRM.o`", "`crm.O`", "`shop.CRM`.o",
)  # fmt: skip
_ARRAYS = ("arr", "s.arr", "o.arr", "`arr`", "ARR", "t", "secret")
_JOINS = (
    ", ", " JOIN ", " CROSS JOIN ", " LEFT JOIN ", " INNER JOIN ", " FULL JOIN ", " RIGHT JOIN ",
)  # fmt: skip


class Clauses:
    """Writes queries whose FROM clauses nest; one per seed and call."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.used: list[str] = []
        """Aliases written lately: most paths begin with one, in scope or just out of it."""

    def query(self, depth: int = 2) -> str:
        """One query, about as deep as that."""
        del self.used[:-8]
        if depth > 1 and self._is(0.15):
            return f"WITH {self._steps(depth)} {self.query(depth - 1)}"
        if self._is(0.08):
            return self._piped(depth)
        if depth > 1 and self._is(0.08):
            sides = (self.query(depth - 1), self.query(depth - 1))
            return f"({sides[0]}) UNION ALL ({sides[1]})"
        return self._select(depth)

    def _is(self, share: float) -> bool:
        return self.chance.random() < share

    def _of(self, listed: tuple[str, ...]) -> str:
        return self.chance.choice(listed)

    def _name(self) -> str:
        return self._of(_ODD) if self._is(0.06) else self._of(NAMES)

    def _select(self, depth: int) -> str:
        parts = ["SELECT", self._values(depth), "FROM", self._from(depth)]
        if self._is(0.3):
            parts += ["WHERE", self._condition(depth)]
        if self._is(0.05):
            parts += ["GROUP BY", "1"]
        if self._is(0.05):
            parts += ["QUALIFY", f"ROW_NUMBER() OVER (ORDER BY {self._value(depth)}) = 1"]
        if self._is(0.05):
            parts += ["ORDER BY", self._value(depth)]
        return " ".join(parts)

    def _values(self, depth: int) -> str:
        values = [f"{self._value(depth)} AS id"]
        if self._is(0.2):
            values.append(f"{self._value(depth)} AS {self._name()}")
        return ", ".join(values)

    def _value(self, depth: int) -> str:
        if depth > 0 and self._is(0.2):
            return self._nested(depth)
        return self._of(("1", "o.id", "s.secret", "COUNT(*)", "k", "crm.id", "shop.crm.o.id"))

    def _nested(self, depth: int) -> str:
        inner = self.query(depth - 1)
        forms = ("({})", "ARRAY({})", "EXISTS ({})", "1 IN ({})", "COALESCE(({}), 1)")
        return self._of(forms).format(inner)

    def _condition(self, depth: int) -> str:
        return f"EXISTS ({self.query(depth - 1)})" if depth > 0 and self._is(0.5) else "TRUE"

    def _from(self, depth: int) -> str:
        text = self._item(depth)
        for _ in range(self.chance.choice((0, 0, 1, 1, 2, 3))):
            text += self._join(depth)
        return text

    def _join(self, depth: int) -> str:
        join = self._of(_JOINS)
        item = self._item(depth)
        if join in (", ", " CROSS JOIN "):
            return join + item
        if self._is(0.15):
            return f"{join}{item}"
        tie = self._of((" ON TRUE", " USING (id)", f" ON {self._condition(depth)}"))
        return join + item + tie

    def _item(self, depth: int) -> str:
        kinds: tuple[Callable[[int], str], ...] = (
            self._table, self._table, self._path, self._path, self._path, self._unnest,
            self._derived, self._bracketed,
        )  # fmt: skip
        kind = self.chance.choice(kinds) if depth > 0 else self._table
        return kind(depth)

    def _table(self, depth: int) -> str:
        text = self._of(_TABLES) + self._alias()
        if self._is(0.04):
            text += f" PIVOT (COUNT(*) FOR {self._name()} IN (1, 2)){self._alias()}"
        elif self._is(0.02):
            text += f" UNPIVOT (v FOR n IN (a, b)){self._alias()}"
        elif self._is(0.01):
            text += " TABLESAMPLE SYSTEM (1 PERCENT)"
        elif self._is(0.01):
            text += " FOR SYSTEM_TIME AS OF TIMESTAMP '2026-01-01'"
        return text

    def _path(self, depth: int) -> str:
        """A path that may be an array of a row in scope, a step, or a table."""
        is_known = bool(self.used) and self._is(0.7)
        parts = [self.chance.choice(self.used[-4:]) if is_known else self._name()]
        while len(parts) < 4 and self._is(0.75):
            parts.append(self._of(_ARRAYS) if self._is(0.5) else self._name())
        path = ".".join(parts)
        if self._is(0.05):
            path = f"`{path.replace('`', '')}`"
        return path + self._alias() + self._offset()

    def _unnest(self, depth: int) -> str:
        array = self._of(("[1, 2]", "o.arr", "s.arr", "crm.o.arr", "[STRUCT([1] AS arr)]"))
        if depth > 1 and self._is(0.2):
            array = f"ARRAY({self.query(depth - 1)})"
        return f"UNNEST({array}){self._alias()}{self._offset()}"

    def _derived(self, depth: int) -> str:
        return f"({self.query(depth - 1)}){self._alias()}"

    def _bracketed(self, depth: int) -> str:
        text = self._item(depth - 1) + self._join(depth - 1)
        if self._is(0.3):
            text += self._join(depth - 1)
        return f"({text})"

    def _alias(self) -> str:
        if self._is(0.4):
            return ""
        name = self._name()
        self.used.append(name)
        return (" AS " if self._is(0.7) else " ") + name

    def _offset(self) -> str:
        if self._is(0.9):
            return ""
        return " WITH OFFSET" + (f" AS {self._name()}" if self._is(0.7) else "")

    def _steps(self, depth: int) -> str:
        count = self.chance.choice((1, 1, 2))
        return ", ".join(f"{self._name()} AS ({self.query(depth - 1)})" for _ in range(count))

    def _piped(self, depth: int) -> str:
        text = f"FROM {self._from(depth)}"
        for _ in range(self.chance.choice((0, 1, 1, 2, 3))):
            text += " |> " + self._operator(depth)
        return text

    def _operator(self, depth: int) -> str:
        kind = self.chance.randrange(9)
        if kind == 0:
            return f"WHERE {self._condition(depth)}"
        if kind in (1, 2):
            return (
                self._of(("", "CROSS ", "LEFT "))
                + f"JOIN {self._item(depth - 1)}"
                + (self._of(("", " ON TRUE", " USING (id)")))
            )
        if kind == 3:
            return f"SELECT {self._values(depth)}"
        if kind == 4:
            return f"EXTEND {self._value(depth)} AS {self._name()}"
        if kind == 5:
            self.used.append(name := self._name())
            return f"AS {name}"
        if kind == 6:
            return "AGGREGATE COUNT(*) AS id"
        if kind == 7:
            return f"UNION ALL ({self.query(depth - 1)})"
        return f"SET id = {self._value(depth)}"


def froms(seed: int) -> Iterator[str]:
    """An endless stream of such queries; the same seed gives the same."""
    clauses = Clauses(seed)
    while True:
        yield clauses.query()
