"""Literals: escapes, raw strings and bytes, which the emulator's parser reads wrongly.

Seen in 1.4.0: '\\u00e9' and '\\x41' stay as they are, r'\\'' ends the connection or loses a letter,
rb'\\d' is a syntax error, b'\\x00\\xff' fails. Every literal is rewritten in the plainest form.
So is a project with a dash, which is a syntax error in most places.
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*|--[^\n]*|/\*.*?\*/)
    |(?P<name>`(?:\\.|[^`\\])*`)
    |(?P<place>\?)
    |(?P<before>\b(?:FROM|JOIN|USING|INTO|UPDATE|TABLE|VIEW|MERGE|EXISTS)\s+)
     (?P<project>[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)+)(?=\.)
    |(?<![A-Za-z0-9_@])(?P<prefix>[rR][bB]|[bB][rR]|[rR]|[bB])?
     (?P<text>'{3}(?:\\.|[^\\])*?'{3}|"{3}(?:\\.|[^\\])*?"{3}
             |'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\?\"'`])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))"
)
_CHARACTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@lru_cache(maxsize=512)
def plain(sql: str) -> str:
    """Each literal as '...' (escaping only \\ and ') or FROM_HEX('...'), each ? as @p1, @p2 ..."""
    places = itertools.count(1)

    def rewritten(match: re.Match[str]) -> str:
        if match["place"]:
            return f"@p{next(places)}"
        if match["project"]:
            return f"{match['before']}`{match['project']}`"
        return _literal(match) if match["text"] else match[0]

    return _TOKEN.sub(rewritten, sql)


def _literal(match: re.Match[str]) -> str:
    text = match["text"]
    prefix = (match["prefix"] or "").lower()
    quotes = 3 if text[:3] in ("'''", '"""') and len(text) >= 6 else 1
    body = text[quotes:-quotes]
    if "b" in prefix:
        raw = (
            body.encode()
            if "r" in prefix
            else _ESCAPE.sub(_character, body).encode("latin-1", "replace")
        )
        return f"FROM_HEX('{raw.hex()}')"
    value = body if "r" in prefix else _ESCAPE.sub(_character, body)
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _character(match: re.Match[str]) -> str:
    simple, byte, short, long, octal = match.groups()
    if simple:
        return _CHARACTERS.get(simple, simple)
    return chr(int(octal, 8) if octal else int(byte or short or long, 16))
