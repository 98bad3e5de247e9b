"""One translation for all statements that differ in nothing but the names of their tables.

A staging table is called anew by every run, and each conversion has a table of its own: under
stand-ins their statements are the same text, which is translated once.
"""

from __future__ import annotations

import re

_TABLE = re.compile(r"`[\w-]+\.\w+\.(\w+)`")


def replaced(sql: str) -> tuple[str, dict[str, str]]:
    """The text with a stand-in for each table, and the table's id of each stand-in.

    A table keeps its name where the same letters stand anywhere else in the text.
    """
    names: dict[str, str] = {}
    found = [match[1] for match in _TABLE.finditer(sql)]
    for name in dict.fromkeys(found):
        if sql.count(name) == found.count(name):
            standin = f"standin_{len(names)}_"
            names[standin] = name
            sql = re.sub(rf"\.{name}`", f".{standin}`", sql)
    return sql, names


def restored(text: str, names: dict[str, str]) -> str:
    """The text with the tables' own names."""
    return re.sub(r"standin_\d+_", lambda match: names.get(match[0], match[0]), text)
