"""The engine on a data directory, whose file may be of an older version of DuckDB."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bqemulator.storage.engine import DuckDBEngine

from common.local.stack.bigquery import _settings

CASTS = (
    "SELECT googlesql_int64('12'), googlesql_int64(1.6), googlesql_text('a'), googlesql_text(1),"
    " googlesql_bytes('b'), googlesql_safe_bool('yes')"
)


def answered(directory: Path | None) -> list[tuple[object, ...]]:
    """What a new engine answers; in a thread, whose event loop no other test has."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(answer(directory))).result()


async def answer(directory: Path | None) -> list[tuple[object, ...]]:
    engine = DuckDBEngine(_settings(directory, 0))
    await engine.start()
    try:
        # statements run on cursors, which see no temporary macro of the connection
        return engine.connection.cursor().execute(CASTS).fetchall()
    finally:
        await engine.stop()


def test_casts_are_the_same_in_memory_and_in_a_file_however_often_it_is_opened(
    tmp_path: Path,
) -> None:
    in_memory = answered(None)
    assert [answered(tmp_path) for _ in range(2)] == [in_memory, in_memory]
