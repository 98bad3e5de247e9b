"""The data directory belongs to one running stack at a time, which says in it where it answers."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.untyped import Row

HOLDER = "stack.json"


class DirectoryBusyError(RuntimeError):
    """Another stack runs on the data; the message says which."""


@contextmanager
def held(directory: Path, facts: Row) -> Iterator[None]:
    """Holds the directory and tells others the facts (`url` among them) and the process.

    The hold ends with the process, however the process ends; the facts stay and may be old. Raises
    DirectoryBusyError.
    """
    directory.mkdir(parents=True, exist_ok=True)
    # opened for writing it would be empty before anybody knows whether there is a holder
    with (directory / HOLDER).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise DirectoryBusyError(_busy(directory, file.read())) from error
        file.truncate(0)
        file.write(json.dumps({"process": os.getpid(), **facts}))
        file.flush()
        yield


def _busy(directory: Path, text: str) -> str:
    # between taking the hold and telling the facts there is a moment without them
    holder = json.loads(text or '{"process": "of unknown number", "url": "just starting"}')
    return (
        f"{directory} is in use by process {holder['process']} ({holder['url']}). "
        "Use that one, stop it, or choose another data directory."
    )
