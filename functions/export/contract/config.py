"""What the config of every destination has: a form that the frontend draws from its JSON Schema."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

Choice = Literal["granted", "denied"]
DestinationId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
SECRET = (
    r"^(env:[A-Z][A-Z0-9_]{0,99}|"
    r"secret:projects/[a-z0-9:.-]+/secrets/[A-Za-z0-9_-]+/versions/(latest|[0-9]+))$"
)


def _reference(text: str) -> str:
    if not re.fullmatch(SECRET, text):
        raise ValueError(
            "must say where the secret lies, never the secret itself: env:NAME, or "
            "secret:projects/P/secrets/S/versions/V of Secret Manager"
        )
    return text


SecretReference = Annotated[
    str, AfterValidator(_reference), WithJsonSchema({"type": "string", "pattern": SECRET})
]
"""Where a secret lies: env:NAME, or secret:projects/P/secrets/S/versions/V in Secret Manager."""


class Config(BaseModel):
    """A part of a destination's definition; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Mapped(Config):
    """A conversion and what the platform calls it; each destination adds its own name for it."""

    conversion: DestinationId = Field(
        title="Conversion", description="Id of the conversion to send.", examples=["purchase"]
    )


class DestinationConfig(Config):
    """What every destination's config has."""

    kind: str
    id: DestinationId = Field(
        title="Id",
        description="Lower case letters, digits and _; names it in the delivery ledger.",
        examples=["ads_main"],
    )
    name: str = Field(
        min_length=1,
        max_length=120,
        title="Name",
        description="Name for people.",
        examples=["Main account"],
    )
    mode: Literal["live", "paused"] = Field(
        "live",
        title="Mode",
        description="Live sends; paused sends nothing and keeps the ledger as it is.",
        examples=["live"],
    )
    conversions: tuple[Mapped, ...]
    value: Literal["any", "actual", "predicted", "none"] = Field(
        "any",
        title="Value",
        description="Which values to send: any, only measured ones, only predicted ones, or none.",
        examples=["any"],
    )
    value_currency: Literal["own", "project"] = Field(
        "own",
        title="Currency",
        description="Send values in their own currency, or converted into the project's where the "
        "platform refuses others: at the rate of the conversion's day, and not at all without one.",
        examples=["own"],
    )
    qualified_only: bool = Field(
        True,
        title="Qualified only",
        description="Send a conversion only when it reached its target status, and take it back "
        "when it loses it.",
        examples=[True],
    )
    minimum_value: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        title="Minimum value",
        description="Send only conversions worth at least this, in the currency that is sent.",
        examples=[10],
    )
    send_user_data: bool = Field(
        True,
        title="Send user data",
        description="Send hashed e-mail, phone, name and address where consent allows it.",
        examples=[True],
    )
    # required: a default of ours would be a consent that nobody gave
    default_consent: Choice = Field(
        title="Consent when unknown",
        description="Consent to assume where a row has none and its country lies outside the "
        "European Economic Area or is unknown.",
        examples=["granted"],
    )
    # Google demands the consent of its EU user consent policy since March 2024
    eea_default_consent: Choice = Field(
        "denied",
        title="Consent when unknown, EEA",
        description="Consent to assume in the EEA, the United Kingdom and Switzerland.",
        examples=["denied"],
    )
    when_denied: Literal["skip", "without_user_data"] = Field(
        "skip",
        title="When consent is denied",
        description="Send nothing, or send the conversion without anything about the person.",
        examples=["skip"],
    )
    default_country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = Field(
        None,
        title="Country of phone numbers",
        description="ISO 3166 code that completes national phone numbers of rows without country.",
        examples=["DE"],
    )
    start_date: date | None = Field(
        None,
        title="First day",
        description="Conversions before this day are sent only by a replay; the day the "
        "destination was created unless given.",
        examples=["2026-11-01"],
    )
    max_age_days: int | None = Field(
        None,
        ge=1,
        le=365,
        title="Maximum age, days",
        description="Older conversions expire; at most what the platform allows.",
        examples=[30],
    )
    click_window_days: int | None = Field(
        None,
        ge=1,
        le=90,
        title="Click window, days",
        description="Click-through window of the platform's conversion action or goal: a "
        "conversion that came later after its click is refused there, so it is not sent by it.",
        examples=[30],
    )
    adjustment_days: int | None = Field(
        None,
        ge=1,
        le=365,
        title="Adjustment window, days",
        description="How long after a conversion its changes are still sent.",
        examples=[30],
    )
    batch_size: int | None = Field(
        None,
        ge=1,
        le=10_000,
        title="Batch size",
        description="Rows in one request; at most what the platform allows.",
        examples=[500],
    )
    requests_per_second: float | None = Field(
        None,
        gt=0,
        le=100,
        title="Requests per second",
        description="Rate that is never exceeded.",
        examples=[5],
    )
    restate_min_share: float = Field(
        0.1,
        ge=0,
        le=1,
        title="Smallest change of a prediction, share",
        description="A predicted value is restated only when it moves by at least this share.",
        examples=[0.1],
    )
    restate_min_amount: float = Field(
        1,
        ge=0,
        allow_inf_nan=False,
        title="Smallest change of a prediction, amount",
        description="... and by at least this amount.",
        examples=[1],
    )
    restate_on_version_change: bool = Field(
        False,
        title="Send again when the mapping changes",
        description="Restate what was sent when a new version of this product maps it otherwise.",
        examples=[False],
    )
    # a half-loaded table looks like a mass retraction (send/run.py: Brake)
    retraction_limit_share: float = Field(
        0.2,
        ge=0,
        le=1,
        title="Retraction limit, share",
        description="A run that would take back more than this share is held and reported.",
        examples=[0.2],
    )
    retraction_limit_rows: int = Field(
        5,
        ge=0,
        title="Retraction limit, rows",
        description="Up to this many conversions may be taken back whatever their share.",
        examples=[5],
    )

    @model_validator(mode="after")
    def _distinct(self) -> DestinationConfig:
        ids = [mapped.conversion for mapped in self.conversions]
        if len(set(ids)) < len(ids):
            raise ValueError("each conversion can be mapped once")
        return self


Mode = Literal["live", "paused", "test"]


class Tested(DestinationConfig):
    """A config of a platform that shows events of its mode test apart, to whoever has the code."""

    mode: Mode = "live"  # type: ignore[assignment]
    test_event_code: str | None = Field(
        None,
        pattern=r"^[A-Z0-9]{3,20}$",
        title="Test event code",
        description="Code of the platform's page for test events; only in mode test.",
        examples=["TEST12345"],
    )

    @model_validator(mode="after")
    def _test_mode(self) -> Tested:
        if (self.mode == "test") != (self.test_event_code is not None):
            raise ValueError("mode test and test_event_code go together")
        return self
