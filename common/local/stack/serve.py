"""`python -m common.local serve`: the stack until it is interrupted."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from common.local.stack.ports import Ports
from common.local.stack.stack import running

_LOOK_SECONDS = 1.0


def serve(
    root: Path,
    directory: Path,
    environment: Mapping[str, str],
    ports: Ports,
    out: IO[str] = sys.stdout,
) -> None:
    """Prints one JSON line when all is ready, then runs until SIGINT or SIGTERM. A person reads
    on stderr where to look.

    Functions that crash are started again, as the platform replaces an instance. Raises what
    `running` raises when the stack cannot start.
    """
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with running(root, directory, environment, ports=ports) as stack:
        print(json.dumps(stack.ready()), file=out, flush=True)
        print(f"Open {stack.url} in a browser; Ctrl-C ends.", file=sys.stderr, flush=True)
        while not stopped.wait(_LOOK_SECONDS):
            if not stack.functions_run():
                print("The functions ended by themselves; they start again.", file=sys.stderr)
                stack.start_functions()
    out.flush()
    # a push that outlived the grace keeps a thread; its message comes again at the next start
    os._exit(0)
