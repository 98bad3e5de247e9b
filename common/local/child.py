"""A process that ends with the one that started it: its standard input is open as long."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ChildProcess:
    """A running process that watches its standard input."""

    process: subprocess.Popen[Any]

    def stop(self) -> None:
        """Ends it in order: an engine writes what it holds, functions drop the work under way."""
        with self.process:
            assert self.process.stdin is not None
            self.process.stdin.close()

    def kill(self) -> None:
        """Ends it as a power cut or a crash would; an engine heals at its next start."""
        with self.process:
            self.process.kill()
