"""Types, as they stand in CAST, in ARRAY<...> and in STRUCT<...>."""

from __future__ import annotations

from common.guard.parser.cursor import Cursor


class Types(Cursor):
    """Reads types. `>>` closes two of them."""

    _is_half_closed = False

    def type(self) -> None:
        """A type, with its length or precision."""
        if self.take("ARRAY", "RANGE"):
            self._open()
            self.type()
            self._close()
        elif self.take("STRUCT"):
            self._open()
            self.listed(self._field)
            self._close()
        elif not self.take("INTERVAL"):
            self.path()
            if self.at("("):
                self.bracketed(self._size)
        if self.take("COLLATE"):
            self.text()

    def _field(self) -> None:
        token = self.after
        # STRUCT<INT64> has types alone, STRUCT<a INT64> a name before each
        is_named = token.kind in ("name", "quoted") and not token.has("COLLATE")
        if self.is_name and is_named:
            self.name()
        self.type()

    def _size(self) -> None:
        if self.token.kind != "number" and not self.at("MAX"):
            raise self.fail()
        self.index += 1

    def _open(self) -> None:
        self.want("<")

    def _close(self) -> None:
        # ARRAY<STRUCT<a INT64>> ends in one token that closes two types
        if self._is_half_closed:
            self._is_half_closed = False
            self.want(">>")
        elif self.at(">>"):
            self._is_half_closed = True
        else:
            self.want(">")
