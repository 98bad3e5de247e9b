"""Simple conversions: what a user may choose, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from pydantic import ConfigDict, Field, ValidationInfo, model_validator

from common.bigquery.sql import Sql
from common.kinds.candidate.shape import Context
from common.kinds.conversion import Conversion
from common.kinds.normalization import Normalization
from common.kinds.simple import simple
from common.kinds.simple.parts import EventValue, NoValue, Refunds, Value
from common.model.fields import SAVED, Days
from common.model.filters import Filter, event_names
from common.model.window import LATE_DAYS


class Simple(Conversion):
    """A purchase or a custom event of the GA4 export."""

    model_config = ConfigDict(title="Simple conversion")

    kind: Literal["simple"] = Field(
        "simple", title="Kind", description="Simple", examples=["simple"]
    )
    event_type: Literal["purchase", "custom_event"] = Field(
        title="Event type",
        description="Purchase, or any other event chosen by a filter on Event.",
        examples=["purchase"],
    )
    filters: Filter | None = Field(
        None,
        title="Filters",
        description="Which events count; groups of conditions joined by all (AND) or any (OR).",
        examples=[{"dimension": "transaction_total", "operator": "greater_than", "value": 100}],
    )
    value: Value = Field(
        EventValue(type="event"),
        title="Conversion value",
        description="Event value, manual value, or none.",
        examples=[{"type": "event"}],
    )
    deduplicate_by_user: bool = Field(
        False,
        title="Deduplicate conversions by User",
        description=(
            "Purchase: keep each user's first one. Custom event: one per user and window. "
            "A user is a Google client id, or those that a user id joins in GA4 or in rows of "
            "custom conversions."
        ),
        examples=[False],
    )
    deduplication_days: Days | None = Field(
        None,
        title="Deduplication window, days",
        description="Custom events: how long (N x 24 h) a conversion silences the next.",
        examples=[7],
    )
    once_per_session: bool = Field(
        False,
        title="Once per session",
        description="Count at most one event of a session.",
        examples=[False],
    )
    # GA4 itself takes all purchases with an empty id for one, and the revenue of the others is lost
    # (support.google.com/analytics/answer/12313109)
    missing_order_id: Literal["keep", "drop"] = Field(
        "keep",
        title="Purchases without order id",
        description="Keep each as a purchase of its own, or drop them.",
        examples=["keep"],
    )
    order_ids_are_per_client: bool = Field(
        False,
        title="Order ids are per client",
        description=(
            "Count an order id once for each client that shows it, as GA4's own reports do. Off, an"
            " order id counts once in all; an incident names ids that many people share."
        ),
        examples=[False],
    )
    items: bool = Field(
        False,
        title="Carry products",
        description="Purchases keep their products (item id, price and quantity) as the parameter "
        "items, for the cart data of platforms.",
        examples=[False],
    )
    refunds: Refunds | None = Field(
        None,
        title="Conversions adjustment",
        description="Let GA4 refunds lower the value inside a window.",
        examples=[{"days": 30}],
    )
    normalize: Normalization | None = Field(
        None,
        title="Normalize by conversion",
        description="Scale the value relative to another conversion.",
        examples=[{"by": "purchase"}],
    )

    @model_validator(mode="after")
    def _knows_its_orders(self, info: ValidationInfo) -> Simple:
        # what an earlier release has saved goes on as it was: for other events this did nothing
        is_saved = info.context == SAVED
        if self.event_type == "purchase" or is_saved:
            return self
        if self.missing_order_id != "keep" or self.order_ids_are_per_client:
            raise ValueError(
                "only purchases have order ids: leave missing_order_id and"
                " order_ids_are_per_client out of a custom event"
            )
        return self

    @model_validator(mode="after")
    def _fits_event_type(self) -> Simple:
        purchase = self.event_type == "purchase"
        if not purchase and not self.events():
            raise ValueError(
                "a custom event needs its event name: add a filter such as "
                '{"dimension": "event", "operator": "equals", "value": "generate_lead"} '
                "that holds in every branch"
            )
        if not purchase and self.items:
            raise ValueError("only purchases carry their products")
        if not purchase and self.refunds:
            raise ValueError("refunds adjust purchases only")
        if not purchase and self.deduplicate_by_user != (self.deduplication_days is not None):
            raise ValueError(
                "deduplicate_by_user and deduplication_days go together for custom events"
            )
        if purchase and self.deduplication_days:
            raise ValueError(
                "deduplication_days is for custom events; a purchase keeps the user's first"
            )
        if self.normalize and self.normalize.by == self.id:
            raise ValueError("a conversion cannot be normalized by itself")
        return self

    def select(self, context: Context) -> Sql:
        """The window's events that pass the filters, each with `removed` NULL or the reason."""
        return simple.select(self, context)

    def kin(self) -> str:
        # persons, sessions and returned orders are remembered by definition
        if (
            self.normalize
            or self.once_per_session
            or self.deduplicate_by_user
            or simple.may_lose_firsts(self)
        ):
            return ""
        return self.model_dump_json(exclude={"id", "name", "description", "filters"})

    def together(self, kin: Sequence[Conversion], context: Context) -> list[tuple[str, Sql]]:
        return simple.together([each for each in kin if isinstance(each, Simple)], context)

    def apart(self, together: Sql, context: Context) -> Sql:
        return simple.apart(self, together, context)

    def named(self) -> Mapping[str, str]:
        return {self.normalize.by: "normalize.by"} if self.normalize else {}

    def events(self) -> frozenset[str]:
        if self.event_type == "purchase":
            return frozenset({"purchase"})
        # a filter that names no event would count every event of the property
        return (event_names(self.filters) if self.filters else None) or frozenset()

    def names_events(self) -> bool:
        return self.event_type == "custom_event"

    def events_field(self) -> str:
        return "filters" if self.names_events() else "event_type"

    def event_filter(self) -> Filter | None:
        return self.filters

    def normalization(self) -> Normalization | None:
        return self.normalize

    def unit_value(self) -> float | None:
        return 1.0 if isinstance(self.value, NoValue) else None

    def open_days(self, of_member: Callable[[str], int]) -> int:
        # a refund on the last day of its window may itself arrive late
        return LATE_DAYS + (self.refunds.days if self.refunds else 0)

    def value_days(self, of_member: Callable[[str], int]) -> int:
        return self.refunds.days if self.refunds else 0

    def silences(self) -> bool:
        # every purchase: an order id counts once over all history
        return self.event_type == "purchase" or self.deduplicate_by_user or self.once_per_session

    def begins_with_oldest(self) -> bool:
        # whether a purchase is a user's first is only known from the first day on
        return self.event_type == "purchase" and self.deduplicate_by_user

    def counts_persons(self) -> bool:
        return self.deduplicate_by_user
