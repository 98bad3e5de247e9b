"""One reading for all statements that differ in nothing but names of tables and parameters.

A staging table is called anew by every run, each conversion has a table of its own, and the name of
a value follows from the value: under stand-ins their statements are the same text, which is read,
judged and translated once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TABLE = re.compile(r"`[\w-]+\.\w+\.(\w+)`")
_PARAMETER = re.compile(r"(?<![@\w])@([A-Za-z_]\w*)")


def replaced(sql: str) -> tuple[str, dict[str, str]]:
    """The text with a stand-in for each table and parameter, and the name that each stands for.

    A table keeps its name where the same letters stand anywhere else in the text.
    """
    names: dict[str, str] = {}
    found = [match[1] for match in _TABLE.finditer(sql)]
    for name in dict.fromkeys(found):
        if sql.count(name) == found.count(name):
            standin = f"standin_{len(names)}_"
            names[standin] = name
            sql = re.sub(rf"\.{name}`", f".{standin}`", sql)
    bound: dict[str, str] = {}
    for name in _PARAMETER.findall(sql):
        bound.setdefault(name, f"standin_{len(names) + len(bound)}_")
    sql = _PARAMETER.sub(lambda match: f"@{bound[match[1]]}", sql)
    return sql, names | {standin: name for name, standin in bound.items()}


def restored(text: str, names: Mapping[str, str]) -> str:
    """The text with the names that belong there."""
    return re.sub(r"standin_\d+_", lambda match: names.get(match[0], match[0]), text)
