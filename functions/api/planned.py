"""What a backfill would read, in bytes and money, before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import Field

from common import staging
from common.catalog import Stored
from common.conversions import Simple
from common.window import Window
from functions.api.ask import Services
from functions.api.model import Model

TEBIBYTE = 1024**4


class Part(Model):
    """One thing that a backfill reads."""

    reads: str = Field(description="What is read.")
    conversions: list[str] = Field(description="For which conversions.")
    bytes: int | None = Field(
        description="Without the days that are staged already. Null when BigQuery cannot tell."
    )


def parts(ids: Iterable[str], window: Window, services: Services) -> list[Part]:
    """What the conversions (all when none is named) read from outside for the window.

    The product's own tables, which are small beside them, are left out.
    """
    active = services.catalog.active()
    wanted = set(ids) or {stored.id for stored in active}
    chosen = [stored for stored in active if stored.id in wanted]
    return [*_export(chosen, window, services), *_queries(chosen, window, services)]


def total(parts: Iterable[Part]) -> int | None:
    """The sum of the bytes; None when one of them is unknown."""
    sizes = [part.bytes for part in parts]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None


def price(bytes: int | None, per_tebibyte: float) -> float | None:
    """The bytes in USD at BigQuery's on-demand price."""
    return None if bytes is None else round(bytes / TEBIBYTE * per_tebibyte, 4)


def _export(chosen: list[Stored], window: Window, services: Services) -> Iterator[Part]:
    simple = {s.id: s.conversion for s in chosen if isinstance(s.conversion, Simple)}
    if not (simple and services.settings.ga4_datasets):
        return
    names = frozenset(name for conversion in simple.values() for name in conversion.event_names)
    lacking = staging.missing(window, names, staging.staged(services.warehouse))
    yield Part(
        reads=f"GA4 export {', '.join(services.settings.ga4_datasets)}",
        conversions=sorted(simple),
        bytes=staging.planned_bytes(services.warehouse, lacking),
    )


def _queries(chosen: list[Stored], window: Window, services: Services) -> Iterator[Part]:
    # the guard's parser is imported only where SQL is judged, for quick cold starts
    from functions.api import queries

    for stored in chosen:
        for query in queries.queries_of(stored.conversion):
            yield Part(
                reads=f"the query of {stored.id}",
                conversions=[stored.id],
                bytes=queries.planned_bytes(query, services.runner, window),
            )
