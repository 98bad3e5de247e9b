"""A place in the tokens of a query, and the few moves that a grammar makes over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from common.guard.reading.lexer import NOTHING, Token
from common.guard.reading.words import RESERVED

_AHEAD = 4
"""Empty tokens behind the last one."""


class Unread(Exception):
    """The grammar has no place for the token at `index`, which may be one after the last."""

    def __init__(self, index: int) -> None:
        super().__init__(f"unread from token {index} on")
        self.index = index


class Cursor:
    """The tokens from `index` on; every method raises Unread where a token does not fit."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        # so many that looking two ahead never leaves the list, from behind a missing bracket either
        self.tokens = [*tokens, *[NOTHING] * _AHEAD]
        self.index = 0
        # found once: to look ahead at each nested bracket would take the square of their number
        self._closed_by = _brackets(tokens)

    @property
    def token(self) -> Token:
        """The token at hand."""
        return self.tokens[self.index]

    @property
    def after(self) -> Token:
        """The token behind the one at hand."""
        return self.tokens[self.index + 1]

    def fail(self) -> Unread:
        """The exception to raise for the token at hand."""
        return Unread(self.index)

    def at(self, *words: str) -> bool:
        """Whether one of these words or symbols is at hand."""
        return self.token.has(*words)

    def take(self, *words: str) -> bool:
        """Steps over one of these words, if it is at hand."""
        if self.token.has(*words):
            self.index += 1
            return True
        return False

    def want(self, *words: str) -> None:
        """Steps over these words, one after the other."""
        for word in words:
            if not self.take(word):
                raise self.fail()

    def listed(self, item: Callable[[], object]) -> None:
        """One item or more, parted by commas."""
        item()
        while self.take(","):
            item()

    def bracketed(self, item: Callable[[], object]) -> None:
        """Items parted by commas, in brackets."""
        self.want("(")
        self.listed(item)
        self.want(")")

    @property
    def is_name(self) -> bool:
        """Whether an identifier is at hand."""
        token = self.token
        return token.kind == "quoted" or (token.kind == "name" and token.word not in RESERVED)

    def name(self) -> None:
        """An identifier."""
        if not self.is_name:
            raise self.fail()
        self.index += 1

    def path(self) -> None:
        """Identifiers parted by dots; behind a dot reserved words are identifiers too."""
        self.name()
        while self.at(".") and self.after.kind in ("name", "quoted"):
            self.index += 2

    def text(self) -> None:
        """A string."""
        if self.token.kind != "string" or is_bytes(self.token):
            raise self.fail()
        self.index += 1

    def alias(self) -> None:
        """AS and a name, or a name alone, or nothing."""
        if self.take("AS") or self.is_name:
            self.name()

    def beyond_bracket(self, index: int) -> int:
        """The index behind the bracket that closes the one at `index`."""
        return self._closed_by.get(index, len(self.tokens) - _AHEAD) + 1


def is_bytes(token: Token) -> bool:
    """Whether a string is one of bytes: b'...'."""
    return "b" in token.text.lower()[:2].rstrip("'\"") and token.text[0] not in "'\""


def _brackets(tokens: Sequence[Token]) -> dict[int, int]:
    """For each opening bracket, by index, the one that closes it."""
    closed_by: dict[int, int] = {}
    opened: list[int] = []
    for index, token in enumerate(tokens):
        if token.has("("):
            opened.append(index)
        elif token.has(")") and opened:
            closed_by[opened.pop()] = index
    return closed_by
