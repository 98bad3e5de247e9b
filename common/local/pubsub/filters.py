"""The filter language of Pub/Sub subscriptions: text in, a test of a message's attributes out.

Source: https://cloud.google.com/pubsub/docs/subscription-message-filter
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

MAXIMUM_BYTES = 256

Test = Callable[[Mapping[str, str]], bool]

_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|\w[\w-]*|!=|[=:.,()-])')
_ESCAPE = re.compile(
    r"\\(?:u(?P<u>[0-9A-Fa-f]{4})|x(?P<x>[0-9A-Fa-f]{2})|(?P<o>[0-7]{1,3})|(?P<c>.))"
)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "a": "\a"}


@lru_cache(maxsize=256)
def parse(text: str) -> Test:
    """The test that the text describes; no text matches every message.

    Raises ValueError, saying where, for anything the language does not allow.
    """
    if len(text.encode()) > MAXIMUM_BYTES:
        raise ValueError(f"the filter is longer than {MAXIMUM_BYTES} bytes")
    if not text.strip():
        return lambda attributes: True
    parser = _Parser(text)
    test = parser.expression()
    parser.expect("")
    return test


class _Parser:
    """Recursive descent; the length limit above bounds its depth."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.place = 0

    def expression(self) -> Test:
        """Terms joined by AND alone or OR alone: mixing them takes parentheses."""
        terms = [self.term()]
        operator = self.peek()
        while operator in ("AND", "OR") and self.accept(operator):
            terms.append(self.term())
        if operator in ("AND", "OR") and self.peek() in ("AND", "OR"):
            raise ValueError("AND and OR stand side by side: say with parentheses what is meant")
        combine = any if operator == "OR" else all
        return lambda attributes: combine(term(attributes) for term in terms)

    def term(self) -> Test:
        if self.accept("NOT") or self.accept("-"):
            negated = self.term()
            return lambda attributes: not negated(attributes)
        if self.accept("("):
            inner = self.expression()
            self.expect(")")
            return inner
        return self.has_prefix() if self.accept("hasPrefix") else self.comparison()

    def has_prefix(self) -> Test:
        self.expect("(")
        self.expect("attributes")
        self.expect(".")
        key = self.key()
        self.expect(",")
        prefix = self.string()
        self.expect(")")
        return lambda attributes: key in attributes and attributes[key].startswith(prefix)

    def comparison(self) -> Test:
        self.expect("attributes")
        if self.accept(":"):
            wanted = self.key()
            return lambda attributes: wanted in attributes
        self.expect(".")
        key = self.key()
        if self.accept("!="):
            other = self.string()
            # a message without the key differs too: Google's own fake does the same
            # (googleapis/google-cloud-go, pubsub/pstest/filtering.go)
            return lambda attributes: attributes.get(key) != other
        self.expect("=")
        value = self.string()
        return lambda attributes: attributes.get(key) == value

    def key(self) -> str:
        token = self.peek()
        if token.startswith('"'):
            return self.string()
        if not re.fullmatch(r"\w[\w-]*", token):
            raise ValueError(f"an attribute key is expected, not {token or 'the end'!r}")
        self.place += 1
        return token

    def string(self) -> str:
        token = self.peek()
        if not token.startswith('"'):
            raise ValueError(f'a "string" is expected, not {token or "the end"!r}')
        self.place += 1
        return _ESCAPE.sub(_unescaped, token[1:-1])

    def peek(self) -> str:
        return self.tokens[self.place]

    def accept(self, token: str) -> bool:
        found = self.peek() == token
        self.place += found
        return found

    def expect(self, token: str) -> None:
        if self.peek() != token:
            wanted, found = token or "the end", self.peek() or "the end"
            raise ValueError(f"{wanted!r} is expected, not {found!r}")
        self.place += 1


def _tokens(text: str) -> list[str]:
    tokens, place, end = [], 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"{text[place:]!r} cannot be read")
        tokens.append(match[1])
        place = match.end()
    return [*tokens, ""]


def _unescaped(match: re.Match[str]) -> str:
    if match["u"] or match["x"]:
        return chr(int(match["u"] or match["x"], 16))
    if match["o"]:
        return chr(int(match["o"], 8))
    return _CONTROLS.get(match["c"], match["c"])
