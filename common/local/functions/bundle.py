"""What is deployed of a function: {path in the archive: text}, by the rule of terraform/storage.tf.

Code, SQL and data of functions/<source> and of common, without common/local, at their repository
paths; of a page what was built in dist, and not its sources in web; a generated main.py at the
root, which is where the platform looks for entry points; and the function's own requirements.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

SUFFIXES = {".py", ".sql", ".json", ".yaml"}
BUILT, SOURCES = "dist", "web"


def bundle(root: Path, source: str, entry_points: Iterable[str]) -> dict[str, str]:
    """The archive of functions/<source> in the repository at `root`.

    Raises FileNotFoundError when the function has no main.py or requirements.txt.
    """
    folder, local = root / "functions" / source, root / "common" / "local"
    for needed in ("main.py", "requirements.txt"):
        if not (folder / needed).is_file():
            raise FileNotFoundError(f"functions/{source}/{needed} is missing: it is deployed.")
    files = [*_files(folder), *(_files(root / "common"))]
    return {
        **{
            file.relative_to(root).as_posix(): file.read_text("utf-8")
            for file in files
            if not file.is_relative_to(local)
        },
        "main.py": shim(source, entry_points),
        "requirements.txt": (folder / "requirements.txt").read_text("utf-8"),
    }


def shim(source: str, entry_points: Iterable[str]) -> str:
    """The root main.py: one import, so that the archive's root is what Python searches."""
    return f"from functions.{source}.main import {', '.join(sorted(entry_points))}\n"


def unpack(archive: Mapping[str, str], directory: Path) -> None:
    """Writes the archive's files to the directory, and nothing else is in it afterwards."""
    shutil.rmtree(directory, ignore_errors=True)
    for path, text in archive.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


def _files(folder: Path) -> Iterator[Path]:
    for part in folder.iterdir():
        if part.name == SOURCES:
            continue
        for file in part.rglob("*") if part.is_dir() else [part]:
            if file.is_file() and (file.suffix in SUFFIXES or part.name == BUILT):
                yield file
