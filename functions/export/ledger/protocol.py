"""What a run needs of the delivery ledger: a port, so that a simulation can stand in for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from functions.export.ledger.entries import Entry
from functions.export.ledger.outcomes import Exchange
from functions.export.reconcile.delivery_state import Candidate


@dataclass(frozen=True, slots=True)
class Census:
    """How many conversions the platform holds, and how many of them a run would take back."""

    held: int = 0
    leaving: int = 0
    unproved: int = 0
    """Gone from the table without a run that proves it; these are not taken back."""
    early: int = 0
    """In the table, but before the destination's first day; these are sent by a replay only."""


@dataclass(frozen=True, slots=True)
class Today:
    """How many rows the platform took since a moment, and the keys of those that it refused, by
    reason."""

    accepted: int = 0
    refused: Mapping[str, Set[str]] = field(default_factory=dict)
    newest: datetime | None = None
    """When it last took one, if it did so within the time that a row is parked at most."""


class Ledger(Protocol):
    """What a run needs of the delivery ledger."""

    def census(self) -> Census:
        """Totals over the whole ledger of this scope."""

    def today(self, since: datetime) -> Today:
        """What became of rows since then."""

    def candidates(self, now: datetime) -> Iterator[Candidate]:
        """Conversions that may need something, in a stable order."""

    def park(self, reasons: Sequence[str], since: datetime, now: datetime) -> None:
        """Keep what was refused since then for one of these reasons to be tried again."""

    def append(self, entries: Sequence[Entry], *, only_as_holder: bool) -> bool:
        """Write entries down; False when this run is no longer the holder of the lease."""

    def append_members(self, members: Sequence[tuple[str, str]], now: datetime) -> None:
        """Write down what the platform will know people by: conversion id and identifier."""

    def drop_members(self, members: Sequence[tuple[str, str, str]]) -> None:
        """Forget identifiers that the platform no longer knows these conversions by: conversion id,
        identifier, and the request that took it out, which the platform may still refuse. Nothing
        happens when another run holds the lease by now."""

    def rejoin(self, identifiers: Sequence[str], now: datetime) -> None:
        """Ask again for every conversion of the list that holds one of these identifiers."""

    def append_requests(self, exchanges: Sequence[Exchange], now: datetime) -> None:
        """Write requests down."""
