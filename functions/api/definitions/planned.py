"""What a run would read, in bytes and money, before anything runs: planned as the run plans it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from pydantic import Field

from common.catalog import plan
from common.cost.forecast import Price
from common.cost.words import money, size_in_words
from common.ga4 import stage
from common.http.model import Model
from common.messaging.messages import RunRequested
from common.model.window import Window
from functions.api.definitions.own_work import own_work
from functions.api.services import Services


class Part(Model):
    """One thing that a run reads."""

    reads: str = Field(description="What is read.")
    conversions: list[str] = Field(description="For which conversions.")
    start_date: date = Field(description="First day that is read.")
    end_date: date = Field(description="Last day that is read.")
    bytes: int | None = Field(description="Null when BigQuery cannot tell.")
    price_usd: float | None = Field(None, description="Those bytes at the on-demand price.")


class Planned(Model):
    """What a run would compute and read."""

    conversions: list[str] = Field(
        description="What runs: what was named, what is computed from it, what it needs."
    )
    start_date: date = Field(description="First day that any of them computes.")
    end_date: date = Field(description="Last day that any of them computes.")
    days: int
    reaching: date | None = Field(
        None,
        description="The day after, of which GA4's newest table may tell some hours already: they"
        " are counted, and the day stays open until its own table lands. Null where there is none.",
    )
    bytes: int | None = Field(description="Bytes that it reads; null when BigQuery cannot tell.")
    price_usd: float | None = Field(description="Those bytes at the on-demand price.")
    text: str = Field(description="The same for a person.")
    parts: list[Part] = Field(
        description="What is read from outside, and of a backfill what each conversion reads of the"
        " product's own tables, by forecast. Days that are staged already are not read again."
    )


def planned(request: RunRequested, services: Services) -> Planned | None:
    """What the request would read; None when there is nothing to run."""
    known = _known(services)
    windows = _windows(request, known)
    return _planned(request, known, services, tuple(_own(windows, known, services)))


def first_run(id: str, services: Services) -> Planned | None:
    """What the first run of a version would read; None when that was, or it cannot run."""
    known = _known(services)
    # what it refers to may have been archived or become unreadable since it was saved
    if id not in known.definitions or known.done_until(id) is not None:
        return None
    return _planned(RunRequested(conversions=(id,)), known, services)


def _known(services: Services) -> plan.Known:
    return plan.known(services.warehouse, services.catalog.active(), services.now())


def _windows(request: RunRequested, known: plan.Known) -> dict[str, Window]:
    return plan.windows(request, request.trigger, plan.chosen(request, known), known)


def _planned(
    request: RunRequested, known: plan.Known, services: Services, own: Sequence[Part] = ()
) -> Planned | None:
    windows = _windows(request, known)
    if not windows:
        return None
    at = Price.of(services.settings)
    outside = [*_export(windows, known, services), *_queries(windows, known, services)]
    listed = [
        part.model_copy(update={"price_usd": price(part.bytes, at)}) for part in (*outside, *own)
    ]
    size = total(listed)
    cost = price(size, at)
    window = plan.whole(windows.values())
    reaching = _reaching(request, windows, known)
    return Planned(
        conversions=sorted(windows),
        start_date=window.start,
        end_date=window.end,
        days=window.days,
        reaching=reaching,
        bytes=size,
        price_usd=cost,
        text=plan_in_words(windows, outside, cost, total(own))
        + _later_in_words(request.end_date, window.end)
        + _beyond_in_words(reaching),
        parts=listed,
    )


def _reaching(
    request: RunRequested, windows: Mapping[str, Window], known: plan.Known
) -> date | None:
    """The last day of which any of the conversions counts something, if it is after all windows."""
    days = (plan.reaching(id, request, request.trigger, known) for id in windows)
    last = max((day for day in days if day), default=None)
    return last if last and last > plan.whole(windows.values()).end else None


def _later_in_words(asked: date | None, last: date) -> str:
    """Why days are computed that nobody asked for."""
    if asked is None or last <= asked:
        return ""
    return f" It goes on after {asked}, because what came before decides which later rows count."


def _beyond_in_words(reaching: date | None) -> str:
    if reaching is None:
        return ""
    return (
        f" Where the property's days end later than the project's, what GA4's newest table tells of"
        f" {reaching} is counted as well; that day stays open."
    )


def total(parts: Iterable[Part]) -> int | None:
    """The sum of the bytes; None when one of them is unknown."""
    return _sum(part.bytes for part in parts)


def _sum(sizes: Iterable[int | None]) -> int | None:
    known = list(sizes)
    # a price that leaves out what nobody knows would be a promise
    return None if None in known else sum(size for size in known if size is not None)


def price(bytes: int | None, at: Price) -> float | None:
    """The bytes in USD, 0 beside reserved slots."""
    return None if bytes is None else round(at.cost(bytes).usd, 4)


def plan_in_words(
    windows: Mapping[str, Window], parts: list[Part], cost: float | None, own: int | None = 0
) -> str:
    """In words: how much is computed, what is read for it, what that costs.

    `own` are the bytes that the conversions read of the product's own tables.
    """
    window = plan.whole(windows.values())
    many = "1 conversion" if len(windows) == 1 else f"{len(windows)} conversions"
    begun = f"{many} from {window.start} to {window.end}"
    if not parts and not own:
        return f"{begun}: everything is staged already, nothing is read from outside."
    sizes = [f"{size_in_words(part.bytes)} by {part.reads}" for part in parts]
    if own:
        sizes.append(f"{size_in_words(own)} by comparing with what is counted already")
    read = ", ".join(sizes)
    if cost is None:
        return f"{begun}: {read}; BigQuery does not tell all of it beforehand."
    return f"{begun}: {read}; {money(cost)} USD at the on-demand price."


def _export(windows: Mapping[str, Window], known: plan.Known, services: Services) -> Iterator[Part]:
    if not services.settings.ga4_datasets:
        return
    events = plan.stage_events(known.definitions[id] for id in windows)
    spans = stage.lacking(services.warehouse, plan.whole(windows.values()), events, known.yesterday)
    for span in spans:
        names = ", ".join(sorted(span.events))
        yield Part(
            reads=f"the GA4 export {', '.join(services.settings.ga4_datasets)} ({names})",
            conversions=sorted(windows),
            start_date=span.window.start,
            end_date=span.window.end,
            bytes=_sum(
                piece.bytes for piece in stage.pieces(services.warehouse, span, known.yesterday)
            ),
        )
    if spans:
        orders = plan.counts_purchases(known.definitions[id] for id in windows)
        whole = plan.whole(windows.values())
        for older in stage.unremembered(services.warehouse, whole, known.yesterday, orders=orders):
            yield Part(
                reads="clicks, visits and order ids of older days, which are judged by them",
                conversions=sorted(windows),
                start_date=older.span.window.start,
                end_date=older.span.window.end,
                bytes=older.bytes,
            )


def _own(windows: Mapping[str, Window], known: plan.Known, services: Services) -> Iterator[Part]:
    for id, window in windows.items():
        conversion = known.definitions[id].conversion
        sizes = (
            own_work(conversion, known.definitions, chunk, services).bytes
            for chunk in window.chunks(plan.CHUNK_DAYS)
        )
        yield Part(
            reads="what is staged and counted already",
            conversions=[id],
            start_date=window.start,
            end_date=window.end,
            bytes=_sum(sizes),
        )


def _queries(
    windows: Mapping[str, Window], known: plan.Known, services: Services
) -> Iterator[Part]:
    # the guard's parser is imported only where SQL is judged, for quick cold starts
    from functions.api.definitions import queries

    for id, window in windows.items():
        for query in known.definitions[id].conversion.queries():
            # a task reads so many days at a time, and what has no partitions anew each time
            sizes = (
                queries.planned_bytes(query, services.runner, chunk)
                for chunk in window.chunks(plan.CHUNK_DAYS)
            )
            yield Part(
                reads=f"the query of {id}",
                conversions=[id],
                start_date=window.start,
                end_date=window.end,
                bytes=_sum(sizes),
            )
