"""A CSV file of leads as columns: any delimiter, quoting, encoding and compression."""

from __future__ import annotations

import csv
import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError

DELIMITERS = ",;\t|"
SAMPLE_LINES = 50


@dataclass(frozen=True)
class TableFile:
    """The file's columns by name, all texts, and what was odd about it."""

    columns: dict[str, list[str]]
    numbers: list[int]
    """Each row's in the file, from 1 below the header: skipped ones count, empty lines do not."""
    delimiter: str
    skipped: int
    """Lines whose number of cells did not fit the header."""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.numbers)


def read(path: Path) -> TableFile:
    """The file's table; the first line names the columns.

    Raises UserError when there is no such file or no table in it.
    """
    if not path.is_file():
        raise UserError(f"There is no file {path}.", fix="Check the path.", code="no_file")
    text = _text(path)
    lines = text.splitlines(keepends=True)
    if len(lines) < 2:
        raise UserError(f"{path} has no rows below its header.", code="empty_file")
    # csv.Sniffer may take a letter for the delimiter
    delimiter = _delimiter(lines[:SAMPLE_LINES])
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    header = _distinct(next(reader))
    cells = list(filter(None, reader))
    numbers = [place for place, row in enumerate(cells, start=1) if len(row) == len(header)]
    kept = [cells[number - 1] for number in numbers]
    if not kept:
        raise UserError(
            f"No line of {path} has the {len(header)} cells of its header.",
            fix="Check the delimiter and the quoting.",
            code="no_table",
        )
    columns = {
        name: list(column) for name, column in zip(header, zip(*kept, strict=True), strict=True)
    }
    return TableFile(columns, numbers, delimiter, len(cells) - len(kept))


def _text(path: Path) -> str:
    data = path.read_bytes()
    # gzip by its magic number (RFC 1952), whatever the file is called
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise UserError(
                f"{path} is no whole gzip file.", fix="Copy it again.", code="broken_file"
            ) from error
    try:
        # Excel writes UTF-8 with a byte order mark, and its older formats the Windows code page
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _delimiter(lines: list[str]) -> str:
    """The delimiter that cuts the most lines into as many cells as the header, and most cells."""

    def fit(delimiter: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        if not widths or widths[0] < 2:
            return 0, 0
        return widths.count(widths[0]), widths[0]

    return max(DELIMITERS, key=fit)


def _distinct(header: list[str]) -> list[str]:
    """Names without blanks around them; a name's second column is called name (2)."""
    seen: dict[str, int] = {}
    names = []
    for place, written in enumerate(header, start=1):
        name = written.strip() or f"column {place}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names
