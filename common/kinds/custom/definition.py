"""Custom conversions: what a user may choose, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from pydantic import ConfigDict, Field

from common.bigquery.sql import Sql
from common.kinds.candidate.shape import Context
from common.kinds.conversion import Conversion
from common.kinds.custom import custom
from common.kinds.query import Query
from common.kinds.scoring import Qualification, RowsSource, Scoring
from common.model.fields import ConversionId, Days, Frozen


class PredictedValue(Frozen):
    """Value = probability of the target conversion x what it is worth."""

    target: ConversionId = Field(
        title="Target conversion",
        description="Custom conversion with user ids, one or more in the past 60 days.",
        examples=["deal_closed"],
    )
    window_days: Days = Field(
        title="Conversion window, days",
        description="Longest time (N x 24 h) from this conversion to its target.",
        examples=[40],
    )


class Custom(Conversion):
    """Rows of the user's own query over BigQuery data, under the column contract."""

    source_name = "The answer of the query"
    usual_cause = "crm_change"
    follows_ga4 = False
    tells_outcomes = True

    model_config = ConfigDict(title="Custom conversion")

    kind: Literal["custom"] = Field(
        "custom", title="Kind", description="Custom", examples=["custom"]
    )
    sql: str = Field(
        min_length=1,
        max_length=65536,
        title="SQL",
        description="One SELECT of id, client_id (or lead_id), created and optional columns.",
        examples=[
            "SELECT order_id AS id, client_id, confirmed_at AS created"
            " FROM `my-project.crm.orders` WHERE date BETWEEN @start_date AND @end_date"
        ],
    )
    adjustment_days: Days | None = Field(
        None,
        title="Conversions adjustment, days",
        description="How long changes in the CRM may still change or remove a conversion.",
        examples=[30],
    )
    lookup_tables: tuple[str, ...] = Field(
        (),
        max_length=50,
        title="Lookup tables",
        description="Partitioned tables, project.dataset.table, read without date filter.",
        examples=[["my-project.crm.owners"]],
    )
    inherit_attribution_from: ConversionId | None = Field(
        None,
        title="Inherit attribution from",
        description="Conversion whose row with id = lead_id lends client id and click ids.",
        examples=["lead"],
    )
    predicted_value: PredictedValue | None = Field(
        None,
        title="Predicted value",
        description="Replace the value by a prediction.",
        examples=[{"target": "deal_closed", "window_days": 40}],
    )

    def select(self, context: Context) -> Sql:
        """The query's rows, each as a candidate; broken ones are judged by the common last step."""
        return custom.select(self, context)

    def named(self) -> Mapping[str, str]:
        named = {}
        if self.predicted_value:
            named[self.predicted_value.target] = "predicted_value.target"
        if self.inherit_attribution_from:
            named[self.inherit_attribution_from] = "inherit_attribution_from"
        return named

    def parent(self) -> str | None:
        return self.inherit_attribution_from

    def rows_query(self) -> Query | None:
        # without a prediction nothing reads extra columns, and they are refused as misspelt
        has_features = self.predicted_value is not None
        return Query("sql", self.sql, "conversion", has_features, self.lookup_tables)

    def scoring(self) -> Scoring | None:
        if self.predicted_value is None:
            return None
        return Scoring(
            source=RowsSource(self.sql, self.predicted_value.target),
            window_days=self.predicted_value.window_days,
            # a prediction values rows; which rows count the query has said
            qualification=Qualification(mode="all", threshold=None),
            precedes_rows=False,
        )

    def open_days(self, of_member: Callable[[str], int]) -> int:
        # without adjustment what the CRM changes later stays as it was counted
        return max(1, self.adjustment_days or 0)

    def value_days(self, of_member: Callable[[str], int]) -> int:
        return self.adjustment_days or 0

    def tells_persons(self) -> bool:
        # whoever asks it never waits for a circle, nor for a model
        return not self.named()
