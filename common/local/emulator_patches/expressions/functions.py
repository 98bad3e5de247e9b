"""GoogleSQL functions that the emulator translates wrongly: calls of our macros instead.

A macro takes whole expressions as arguments, so no precedence is lost, and it may ask for their
types, which the translation does not know. The macros are in functions.sql.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from bqemulator.storage.engine import DuckDBEngine
from sqlglot import exp

from common.local.emulator_patches.patch import replace

Rewrite = Callable[[exp.Expr], exp.Expr | None]
"""The replacement of one node, or None to leave it as it is."""


def call(name: str, *arguments: object) -> exp.Expr:
    """A call of one of our macros; a plain string or number becomes a literal."""
    return exp.Anonymous(
        this=f"googlesql_{name}", expressions=[exp.convert(argument) for argument in arguments]
    )


def native(name: str, *arguments: object) -> exp.Expr:
    """A call of one of DuckDB's own functions, passed through as it is."""
    return exp.Anonymous(this=name, expressions=[exp.convert(argument) for argument in arguments])


def renamed(name: str, *arguments: str) -> Rewrite:
    """A rewrite that passes the node's arguments of these names on to a macro."""
    return lambda node: call(name, *(node.args[argument] for argument in arguments))


def rewrite(tree: exp.Expr, rewrites: dict[type[exp.Expr], Rewrite]) -> exp.Expr:
    """The tree with every node of a listed class replaced, inner ones first."""
    for node in reversed(list(tree.find_all(*rewrites))):
        replacement = rewrites[type(node)](node) if type(node) in rewrites else None
        if replacement is not None and replacement is not node:
            if node is tree:
                tree = replacement
            node.replace(replacement)
    return tree


TYPED = re.compile(r"CREATE OR REPLACE MACRO (\w+)\n(.*?;)$", re.DOTALL | re.MULTILINE)
"""A macro with a form of its own for text."""


def macros() -> str:
    """The statements that make the macros, whatever the database that they are run in.

    DuckDB keeps a macro with types in no file of an older version, which a data directory may be:
    those live beside it in memory, and the file's own macro of the name asks them.
    Source: duckdb.org, Create Macro, "Typed Macros" (storage version 1.4.0).
    """
    text = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    beside = (
        r"CREATE OR REPLACE MACRO typed.main.\1\n\2\n"
        r"CREATE OR REPLACE MACRO \1(x) AS typed.main.\1(x);"
    )
    return f"ATTACH IF NOT EXISTS ':memory:' AS typed;\n{TYPED.sub(beside, text)}"


def install() -> None:
    """Every engine knows the macros from its start."""
    text = macros()
    register = replace(DuckDBEngine, "_register_builtin_udfs", None)

    def with_macros(engine: DuckDBEngine) -> None:
        register(engine)
        engine.connection.execute(text)

    replace(DuckDBEngine, "_register_builtin_udfs", with_macros)
