"""What every kind of conversion has, and what it answers for itself.

Planning, staging, the API, scoring and export ask a definition these questions and never which kind
it is. The answers here are those of a kind that says nothing else: rows that change as long as GA4
rewrites its days, of no other conversion, no query and no model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from common.bigquery.sql import Sql
from common.kinds.candidate.shape import Context
from common.kinds.normalization import Normalization
from common.kinds.query import Query
from common.kinds.scoring import Scoring
from common.model.fields import ConversionId, Frozen
from common.model.filters import Filter
from common.model.window import LATE_DAYS
from common.schemas import fixed_tables

Cause = Literal["late_data", "crm_change", "rescored"]
"""Why rows of a kind change that nobody edited, as history tells it."""


class Conversion(Frozen, ABC):
    """What every kind has."""

    source_name: ClassVar[str] = "GA4"
    """Where its rows come from, as the beginning of a sentence."""
    usual_cause: ClassVar[Cause] = "late_data"
    follows_ga4: ClassVar[bool] = True
    """Whether its days stay due as long as GA4 may rewrite them."""
    tells_outcomes: ClassVar[bool] = False
    """Whether its rows may be what the values of another conversion are predicted by."""

    id: ConversionId = Field(
        title="Id",
        description="Lower case letters, digits and _.",
        examples=["purchase"],
    )
    name: str = Field(
        min_length=1,
        max_length=120,
        title="Name",
        description="Name in reports.",
        examples=["Purchase"],
    )
    description: str = Field(
        "",
        max_length=2000,
        title="Description",
        description="For colleagues.",
        examples=["Web shop orders"],
    )
    kind: str

    @field_validator("id")
    @classmethod
    def _names_a_table_of_its_own(cls, id: str) -> str:
        if f"conversion_{id}" in fixed_tables():
            raise ValueError(f"{id!r} cannot be an id: conversion_{id} is a table of the product")
        return id

    @abstractmethod
    def select(self, context: Context) -> Sql:
        """A query of its candidates: the columns of shape.candidate_columns(), `removed` last.

        It may use the parameters @start_date, @end_date and @timezone, which `kinds.select` binds.
        """

    # what it has in common with others

    def kin(self) -> str:
        """The same text for all definitions that differ in nothing but which events they count,
        so that one pass over the stage reads the candidates of all; "" where it has no kin."""
        return ""

    def together(self, kin: Sequence[Conversion], context: Context) -> list[tuple[str, Sql]]:
        """The steps, `candidates` last, of the events that any of these definitions counts.

        Nothing is removed as a duplicate. `event_key` tells the rows apart, and `counted_by` says
        which definitions count a row.
        """
        raise NotImplementedError(f"{self.kind} has no kin")

    def apart(self, together: Sql, context: Context) -> Sql:
        """Its own candidates among the rows that `together` has made: a query in brackets."""
        raise NotImplementedError(f"{self.kind} has no kin")

    # what it is made of

    def references(self) -> frozenset[str]:
        """Ids of the conversions that must be materialized before this one."""
        return frozenset(self.named())

    def named(self) -> Mapping[str, str]:
        """Id of each conversion that it refers to → the field that names it."""
        return {}

    def members(self) -> tuple[str, ...]:
        """Ids of the conversions whose rows are its rows."""
        return ()

    def parent(self) -> str | None:
        """Id of the conversion that lends its rows client ids and click ids."""
        return None

    def events(self) -> frozenset[str]:
        """Names of the GA4 events that the stage must hold for it."""
        return frozenset()

    def names_events(self) -> bool:
        """Whether the user typed the names of its events, and may have mistyped them."""
        return False

    def events_field(self) -> str:
        """The field that its events follow from."""
        return "kind"

    def event_filter(self) -> Filter | None:
        """Which of its events count; None is all."""
        return None

    def queries(self) -> tuple[Query, ...]:
        """The queries that the user wrote."""
        rows = self.rows_query()
        return (rows,) if rows else ()

    def rows_query(self) -> Query | None:
        """The query whose answer `select` reads as `context.raw`."""
        return None

    def scoring(self) -> Scoring | None:
        """What a model needs that decides about its rows or their values."""
        return None

    def normalization(self) -> Normalization | None:
        """What its values are scaled to."""
        return None

    def unit_value(self) -> float | None:
        """What each row is worth before it is scaled, where rows have no value of their own."""
        return None

    # which days it changes

    def open_days(self, of_member: Callable[[str], int]) -> int:
        """How many complete days, up to yesterday, may still change; `of_member` answers by id."""
        # GA4 rewrites a day for 72 hours
        return LATE_DAYS

    def value_days(self, of_member: Callable[[str], int]) -> int:
        """For how many days after a row its value may change by what the user asked for."""
        return 0

    def silences(self) -> bool:
        """Whether a row may keep later ones from counting."""
        return False

    def begins_with_oldest(self) -> bool:
        """Whether its first run must begin with the oldest day that there is."""
        return False

    # whom it counts

    def counts_persons(self) -> bool:
        """Whether it asks which client ids and user ids belong to one person."""
        return False

    def tells_persons(self) -> bool:
        """Whether its rows tell which client ids and user ids belong to one person."""
        return False

    def is_measured(self, of_member: Callable[[str], bool]) -> bool:
        """Whether all of its rows come from GA4's export."""
        return bool(self.events())
