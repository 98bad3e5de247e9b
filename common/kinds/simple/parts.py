"""Parts of a simple conversion's definition: what it is worth, refunds, normalization."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from common.bigquery.sql import Sql, bind, fill
from common.kinds.candidate import money
from common.model.fields import Currency, Days, Frozen

DOLLAR_RATE = (
    # nothing divided by nothing is no rate, and a minus is a slip of the shop's tag
    "IF(event.revenue > 0 AND event.value_in_usd > 0, event.value_in_usd / event.revenue, NULL)"
)
"""US dollars a unit of the event's currency, as GA4 converted it."""


def paid() -> Sql:
    """What the event says was paid, over the alias `event`."""
    return money.value("event.revenue")


def currency(own: Sql) -> Sql:
    """The event's currency: `own` where it names none, NULL where it cannot be read."""
    return fill(
        "IF(event.value_problem = 'unreadable_currency', NULL, {{ code }})",
        code=money.currency(fill("COALESCE(event.currency, {{ own }})", own=own)),
    )


class EventValue(Frozen):
    """The event's own value: revenue of a purchase, else its `value` parameter."""

    type: Literal["event"] = Field(
        "event", title="Type", description="Event value", examples=["event"]
    )

    def columns(self, own: Sql) -> dict[str, str | Sql]:
        """Candidate columns of the money, over the alias `event`; `own` is the project's."""
        return {
            "value_gross": paid(),
            "net_value": paid(),
            "currency": currency(own),
            "value_kind": fill("IF({{ paid }} IS NULL, 'none', 'actual')", paid=paid()),
            "dollar_rate": DOLLAR_RATE,
            "value_problem": fill(
                "COALESCE(event.value_problem, {{ problem }})",
                problem=money.problem("event.revenue", "event.currency"),
            ),
        }


class ManualValue(Frozen):
    """The same value for every conversion."""

    type: Literal["manual"] = Field(title="Type", description="Manual value", examples=["manual"])
    amount: float = Field(
        ge=0,
        le=1e12,
        allow_inf_nan=False,
        title="Amount",
        description="Value of each conversion.",
        examples=[25],
    )
    currency: Currency | None = Field(
        None,
        title="Currency",
        description="ISO 4217 code; the project's unless given.",
        examples=["EUR"],
    )

    def columns(self, own: Sql) -> dict[str, str | Sql]:
        """Candidate columns of the money; `own` is the project's currency."""
        return {
            # a whole number would bind as INT64, and a UNION with other values would not fit
            "value_gross": bind(float(self.amount)),
            "net_value": bind(float(self.amount)),
            "currency": bind(self.currency) if self.currency else own,
            "value_kind": "'manual'",
        }


class NoValue(Frozen):
    """Conversions are counted; they have no monetary value."""

    type: Literal["none"] = Field(title="Type", description="No value", examples=["none"])

    def columns(self, own: Sql) -> dict[str, str | Sql]:
        """Candidate columns of the money: there is none."""
        return {"value_kind": "'none'"}


Value = Annotated[EventValue | ManualValue | NoValue, Field(discriminator="type")]


class Refunds(Frozen):
    """Lower the value of purchases by their refunds."""

    days: Days = Field(
        30,
        title="Adjustment window, days",
        description="A refund counts up to this many calendar days after its purchase.",
        examples=[30],
    )
    remove_fully_refunded: bool = Field(
        False,
        title="Remove fully refunded",
        description="Drop a fully refunded purchase; otherwise it stays with value 0.",
        examples=[False],
    )
