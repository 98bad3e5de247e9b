"""Replacements put into a text, and places of the new text found again in the old one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from common.guard.reading.text import Source
from common.model.findings import Finding


@dataclass(frozen=True)
class Edit:
    """The part of a text from start to end, the latter not included, and what stands there now."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Edited:
    """A text after edits of `before`; they are in order and do not overlap."""

    before: Source
    edits: tuple[Edit, ...]

    @property
    def text(self) -> str:
        """The text as it is now."""
        pieces, offset = [], 0
        for edit in self.edits:
            pieces += [self.before.text[offset : edit.start], edit.text]
            offset = edit.end
        return "".join([*pieces, self.before.text[offset:]])

    def origin(self, offset: int) -> tuple[int, int]:
        """What a place of the new text was in the old one: all of an edit for a place inside it."""
        shift = 0
        for edit in self.edits:
            start = edit.start + shift
            if offset < start:
                break
            if offset < start + len(edit.text):
                return edit.start, edit.end
            shift += len(edit.text) - (edit.end - edit.start)
        return offset - shift, offset - shift

    def relocated(self, finding: Finding) -> Finding:
        """A finding about the new text, at its place in the old one.

        What lies inside an edit is said of all that was edited, and no longer has a replacement.
        """
        if finding.line is None or finding.column is None:
            return finding
        now = Source(self.text)
        first = now.offset(finding.line, finding.column)
        start, end = self.origin(first)
        is_inside = end > start
        if finding.end_line is not None and finding.end_column is not None:
            last = max(first, now.offset(finding.end_line, finding.end_column) - 1)
            before, after = self.origin(last)
            is_inside = is_inside or after > before
            end = max(end, after if after > before else before + 1)
        at = self.before.position(start, min(end, len(self.before.text)))
        return replace(
            finding,
            line=at.line,
            column=at.column,
            end_line=at.end_line,
            end_column=at.end_column,
            # it would replace words that the author has not written
            replacement=None if is_inside else finding.replacement,
        )


def edited(sql: str, findings: Iterable[Finding]) -> Edited:
    """The text with every replacement in its place; of two that overlap, the first is taken."""
    # as the guard reads it: places are those of this text
    source = Source(sql.removeprefix("\ufeff").replace("\r\n", "\n"))
    made: list[Edit] = []
    for edit in sorted(_edits(source, findings), key=lambda edit: (edit.start, edit.end)):
        # the first is the outer one, whose text holds no place for the other any more
        if not made or edit.start >= made[-1].end:
            made.append(edit)
    return Edited(source, tuple(made))


def applied(sql: str, findings: Iterable[Finding]) -> str:
    """The text that `edited` makes."""
    return edited(sql, findings).text


def _edits(source: Source, findings: Iterable[Finding]) -> list[Edit]:
    return [
        Edit(
            source.offset(finding.line, finding.column),
            source.offset(finding.end_line, finding.end_column),
            finding.replacement,
        )
        for finding in findings
        if finding.replacement is not None
        and finding.line is not None
        and finding.column is not None
        and finding.end_line is not None
        and finding.end_column is not None
    ]
