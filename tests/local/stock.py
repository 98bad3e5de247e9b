"""bqemulator as it comes, to see that each patch is still needed: `python tests/local/stock.py`.

Prints {"host": ...} when it is ready and ends when its stdin closes. Imports nothing of ours; only
the spatial extension is left out, which would be downloaded.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from typing import Any

import structlog

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

from bqemulator import server  # noqa: E402
from bqemulator.config import LogLevel, Settings  # noqa: E402
from bqemulator.storage.engine import DuckDBEngine  # noqa: E402


async def main() -> None:
    without_spatial: Any = DuckDBEngine
    without_spatial._load_spatial = lambda engine: None
    settings = Settings(
        rest_port=0, grpc_port=0, log_level=LogLevel.CRITICAL, enable_format_extensions=False
    )
    emulator = server.EmulatorServer(settings)
    await emulator.start()
    print(json.dumps({"host": emulator.rest_url}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await emulator.stop()


if __name__ == "__main__":
    asyncio.run(main())
