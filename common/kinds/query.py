"""A query that a user wrote into a definition."""

from __future__ import annotations

from dataclasses import dataclass

from common.model.contract import Kind


@dataclass(frozen=True)
class Query:
    """One query of a definition: the field that holds it, and the contract that it is under."""

    field: str
    sql: str
    contract: Kind
    features: bool = False
    """Whether its columns are what a model learns from."""
    lookup_tables: tuple[str, ...] = ()
    """Tables, project.dataset.table, that it reads without a filter of days."""
