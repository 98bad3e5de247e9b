"""The text before it is read: its size, its encoding, and characters that deceive the eye."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from common.model.findings import Finding, Position, found

MAXIMUM_BYTES = 1_000_000
"""BigQuery reads a text of 1 MB; what is left is for the statement that a run puts around it.
Source: cloud.google.com/bigquery/quotas, "Maximum unresolved GoogleSQL query length"."""

# Tab and line feed aside; U+0080-9F are controls too.
# A carriage return alone is among them: some readers end a line there, and with it a comment.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
# Zero width, bidirectional and other characters that no one sees (Unicode TR36, section 2.5).
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]"
)
# Both join and colour emoji, which is where they may stand.
_OF_EMOJI = re.compile(r"(?<=[\u2000-\u33ff\U0001f000-\U0001faff\ufe0f])[\u200d\ufe0f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True)
class Source:
    """A query's text with line feeds only, and where each line of it begins."""

    text: str

    @cached_property
    def _line_starts(self) -> array[int]:
        """An array, as a text of 1 MB may have a million lines."""
        # controls that splitlines takes for a line's end are refused before any place is asked for
        lines = self.text.splitlines(keepends=True)
        return array("I", accumulate((len(line) for line in lines), initial=0))

    def position(self, offset: int, end: int | None = None) -> Position:
        """The place from an offset into the text to another, the latter not included."""
        line, column = self._place(offset)
        if end is None:
            return Position(line, column)
        return Position(line, column, *self._place(end))

    def offset(self, line: int, column: int) -> int:
        """The offset of a line and column, both from 1."""
        return self._line_starts[line - 1] + column - 1

    def _place(self, offset: int) -> tuple[int, int]:
        starts = self._line_starts
        # the last entry is where the text ends, not where a line begins
        line = bisect_right(starts, offset, hi=max(1, len(starts) - 1))
        return line, offset - self._line_starts[line - 1] + 1


def read(sql: str) -> tuple[Source, list[Finding]]:
    """The text as the lexer reads it, and what forbids reading it at all."""
    # what Windows' editors add means nothing, and moves no column of the author's
    source = Source(sql.removeprefix("\ufeff").replace("\r\n", "\n"))
    checks = (_too_large, _empty, _undecodable, _control, _invisible)
    findings = next((faults for check in checks if (faults := check(source))), [])
    return source, findings


def _too_large(source: Source) -> list[Finding]:
    # half of a surrogate pair has no bytes, and gets a finding of its own
    size = len(source.text.encode("utf-8", "surrogatepass"))
    if size <= MAXIMUM_BYTES:
        return []
    return [
        found(
            "too_large",
            f"The query has {size:,} bytes; {MAXIMUM_BYTES:,} are allowed.",
            "Put long lists of values into a table and join it.",
        )
    ]


def _empty(source: Source) -> list[Finding]:
    if source.text.strip():
        return []
    fix = "SELECT id, client_id, created FROM `project.dataset.table`"
    return [found("empty", "There is no query in the text.", fix)]


def _undecodable(source: Source) -> list[Finding]:
    match = _SURROGATE.search(source.text)
    if not match:
        return []
    at = source.position(match.start())
    return [found("bad_character", "The text is not valid Unicode here.", "Type it again.", at=at)]


def _control(source: Source) -> list[Finding]:
    match = _CONTROL.search(source.text)
    if not match:
        return []
    return [
        found(
            "bad_character",
            f"There is a control character (U+{ord(match[0]):04X}) in the text, which is easily "
            "pasted from another program without being seen.",
            "Delete it; lines end with a line feed.",
            at=source.position(match.start()),
        )
    ]


def _invisible(source: Source) -> list[Finding]:
    of_emoji = {match.start() for match in _OF_EMOJI.finditer(source.text)}
    hidden = (m for m in _INVISIBLE.finditer(source.text) if m.start() not in of_emoji)
    match = next(hidden, None)
    if not match:
        return []
    point = f"U+{ord(match[0]):04X}"
    escape = f"\\u{ord(match[0]):04x}" if ord(match[0]) < 0x10000 else f"\\U{ord(match[0]):08x}"
    return [
        found(
            "bad_character",
            f"There is an invisible character ({point}) in the text. What cannot be seen cannot be "
            "reviewed.",
            f"Delete it; inside a string, write it as {escape}.",
            at=source.position(match.start()),
        )
    ]
