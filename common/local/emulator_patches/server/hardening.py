"""What a statement may reach: no file of this machine, no setting, no other time zone, one core.

Seen in 1.4.0: SQL reads files (read_text, read_csv), loads extensions and changes settings; a
statement on a connection of its own has the machine's time zone instead of UTC; it is divided among
all cores, however few its rows are.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from bqemulator.domain.errors import InternalError
from bqemulator.storage.engine import DuckDBEngine

from common.local.emulator_patches.patch import replace


def install() -> None:
    """Engines lock themselves once they have started; an unforeseen fault is no 500."""
    start = replace(DuckDBEngine, "start", None)

    async def started(engine: DuckDBEngine) -> None:
        await start(engine)
        _lock(engine)

    replace(DuckDBEngine, "start", started)
    # the client repeats a request for ten minutes after a 500
    replace(InternalError, "http_status", 400)
    replace(InternalError, "bq_reason", "invalid")


def _lock(engine: DuckDBEngine) -> None:
    readable = engine._settings.upload_staging_dir or Path(tempfile.gettempdir()) / "bqemu_uploads"
    for setting in (
        "SET GLOBAL TimeZone = 'UTC'",
        # statements run beside each other, each on the thread that asks: dividing one, whose rows
        # are few, among several costs a fifth more of the processor
        "SET GLOBAL threads = 1",
        # what a run writes and replaces soon is packed into the file once, not at every 16 MB; of
        # the ways to pack texts the slowest one saves a third of the space
        "SET GLOBAL checkpoint_threshold = '256MB'",
        "SET GLOBAL disabled_compression_methods = 'fsst'",
        f"SET allowed_directories = ['{readable}']",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    ):
        engine.connection.execute(setting)
