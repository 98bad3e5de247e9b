"""The data directory belongs to one running stack at a time."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path


class DirectoryBusyError(RuntimeError):
    """Another stack runs on the data; the message says which."""


@contextmanager
def held(directory: Path, url: str, now: datetime) -> Iterator[None]:
    """Holds the directory, and says so to others; raises DirectoryBusyError.

    The hold ends with the process, however the process ends.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "holder.json").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise DirectoryBusyError(_busy(directory, file.read())) from error
        file.truncate(0)
        holder = {"process": os.getpid(), "url": url, "since": now.isoformat(timespec="seconds")}
        file.write(json.dumps(holder))
        file.flush()
        yield


def _busy(directory: Path, text: str) -> str:
    holder = json.loads(text) if text else {"process": "unknown", "url": "?", "since": "just now"}
    return (
        f"{directory} is in use by process {holder['process']} ({holder['url']}, since "
        f"{holder['since']}). Use that one, stop it, or choose another data directory."
    )
