"""Lists whose platform knows people by hashed identifiers and by nothing else.

What was sent of a person is kept until they have left, so that they leave by it though their row
has another address by then; an identifier that another conversion holds keeps them in.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, TypeVar

from common.errors import UserError
from functions.export.contract.base import (
    STAYS,
    Built,
    Destination,
    Intent,
    Rejected,
    fingerprint,
)
from functions.export.contract.config import DestinationConfig
from functions.export.payload.rows import ConversionRow

Verb = Literal["add", "remove"]

Identifier = tuple[str, str]
"""The platform's name of a kind, and a hash."""

T = TypeVar("T", bound=DestinationConfig)


def to_leave(intent: Intent) -> tuple[str, ...]:
    """The kept identifiers that no other conversion holds."""
    return tuple([text for text in intent.members if text not in intent.claimed])


def stays(key: str) -> Built:
    """What is sent of somebody who leaves by one conversion and stays by another: nothing."""
    return Built(key, None, fingerprint(b""), STAYS)


def short_name(name: str, rest: str, most: int) -> str:
    """The destination's name with what tells its audiences apart, in at most so many letters: of
    what is too long the destination's name goes first."""
    return f"{name[: max(0, most - len(rest) - 2)]}: {rest}"[-most:]


def not_made(platform: str, reason: str, fix: str) -> UserError:
    """Why a platform makes no audience, by its own code."""
    return UserError(
        f"{platform} made no audience: {reason}.", code="audience_not_created", fix=fix
    )


class Members(Destination[T]):
    """An audience that people join and leave by e-mail address, or also by phone number."""

    audience_field: ClassVar[str] = "audience_id"

    @abstractmethod
    def identifiers(self, row: ConversionRow) -> Mapping[str, str | None]:
        """Hashes of the person, by the platform's names of their kinds; None where there is none.
        Pure."""

    @abstractmethod
    def member(self, known: Sequence[Identifier], verb: Verb) -> bytes:
        """The canonical JSON that puts somebody of these identifiers in, or takes them out. Pure.

        It needs no writer, which costs more than the hash: a kind is a word, and a hash holds
        digits and letters."""

    def account(self, conversion: str) -> str:
        return f"audiences/{getattr(self.mapped[conversion], self.audience_field)}"

    def build(self, conversion: str, row: ConversionRow, intent: Intent) -> Built | Rejected:
        if intent.op == "retract" and intent.members:
            # an address that the row has by now and that never was sent is somebody else's to leave
            texts = to_leave(intent)
            return self._leaving(intent.key, texts) if texts else stays(intent.key)
        known = [(kind, text) for kind, text in self.identifiers(row).items() if text]
        if not known or not intent.with_person:
            return Rejected("no_identifier")
        if intent.op == "retract":
            return self._written(intent.key, known, "remove")
        texts = tuple([f'{{"{kind}":"{text}"}}' for kind, text in known])
        return self._written(intent.key, known, "add", texts)

    def leaving(self, key: str, members: Sequence[str]) -> Built | None:
        return self._leaving(f"{key}-old", members)

    def _leaving(self, key: str, texts: Sequence[str]) -> Built:
        known = [pair for text in texts for pair in json.loads(text).items()]
        return self._written(key, known, "remove")

    def _written(
        self,
        key: str,
        known: Sequence[Identifier],
        verb: Verb,
        members: tuple[str, ...] = (),
    ) -> Built:
        payload = self.member(known, verb)
        return Built(key, payload, fingerprint(payload), verb, members)
