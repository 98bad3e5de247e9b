"""Every destination: one module, one line here, one stand-in, one case folder."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, TypeAdapter

from functions.export.contract.base import Destination
from functions.export.contract.config import DestinationConfig
from functions.export.destinations.audiences.google_customer_match import GoogleCustomerMatch
from functions.export.destinations.audiences.linkedin_audience import LinkedInAudience
from functions.export.destinations.audiences.meta_audience import MetaAudiences
from functions.export.destinations.audiences.microsoft_audience import MicrosoftAudience
from functions.export.destinations.audiences.tiktok_audience import TikTokAudience
from functions.export.destinations.google_ads import GoogleAds
from functions.export.destinations.google_analytics import GoogleAnalytics
from functions.export.destinations.linkedin import LinkedIn
from functions.export.destinations.meta import Meta
from functions.export.destinations.microsoft_ads import MicrosoftAds
from functions.export.destinations.pinterest import Pinterest
from functions.export.destinations.tiktok import TikTok

_ALL: tuple[type[Destination[Any]], ...] = (
    GoogleAds,
    Meta,
    GoogleAnalytics,
    LinkedIn,
    MicrosoftAds,
    TikTok,
    Pinterest,
    GoogleCustomerMatch,
    MetaAudiences,
    LinkedInAudience,
    TikTokAudience,
    MicrosoftAudience,
)

DESTINATIONS: dict[str, type[Destination[Any]]] = {each.kind: each for each in _ALL}
"""Destinations by the `kind` of their config."""

if TYPE_CHECKING:
    AnyDestination = DestinationConfig
else:
    AnyDestination = Annotated[
        reduce(or_, [each.Config for each in _ALL]), Field(discriminator="kind")
    ]
    """The union of all configs, told apart by `kind`."""

CONFIG: TypeAdapter[DestinationConfig] = TypeAdapter(AnyDestination)


def connect(config: DestinationConfig) -> Destination[Any]:
    """The destination of a config."""
    return DESTINATIONS[config.kind](config)
