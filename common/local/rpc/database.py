"""SQLite for what the local servers keep through a kill; its statements lie in .sql files."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Database:
    """One file, or memory without a path; its statements are those of the module's .sql file.

    The statement named `create` runs on opening. Every call is a transaction of its own unless it
    stands inside `transaction()`.
    """

    def __init__(self, module_file: str, path: Path | None) -> None:
        self._statements = named_statements(Path(module_file).with_suffix(".sql").read_text())
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        # WAL keeps every finished transaction through a kill of the process
        self._connection.executescript("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;")
        self._connection.executescript(self._statements["create"])

    def rows(self, statement: str, **values: Any) -> list[sqlite3.Row]:
        """What the named statement returns; its :parameters are bound by name."""
        with self._lock:
            return self._connection.execute(self._statements[statement], values).fetchall()

    def change(self, statement: str, **values: Any) -> int:
        """Runs the named statement; answers how many rows it touched."""
        with self._lock:
            return self._connection.execute(self._statements[statement], values).rowcount

    def insert(self, statement: str, **values: Any) -> int:
        """Runs the named INSERT; answers the new row's id."""
        with self._lock:
            return self._connection.execute(self._statements[statement], values).lastrowid or 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; threads take turns."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Waits for the statement under way."""
        with self._lock:
            self._connection.close()


def named_statements(text: str) -> dict[str, str]:
    """{name: SQL} of a file in which each statement follows a line `-- name: <name>`."""
    parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}
