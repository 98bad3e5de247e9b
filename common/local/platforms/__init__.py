"""Every stand-in: its hosts, and the WSGI app that answers for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from common.local.platforms.google_analytics import GoogleAnalytics
from common.local.platforms.google_data_manager import GoogleDataManager
from common.local.platforms.linkedin import LinkedIn
from common.local.platforms.meta import Meta
from common.local.platforms.microsoft_ads import MicrosoftAds
from common.local.platforms.standin import StandIn, utc_now
from common.local.platforms.tiktok import TikTok

HOSTS: dict[str, tuple[type[StandIn], tuple[str, ...]]] = {
    "google": (GoogleDataManager, ("https://datamanager.googleapis.com",)),
    "meta": (Meta, ("https://graph.facebook.com",)),
    "google_analytics": (
        GoogleAnalytics,
        ("https://www.google-analytics.com", "https://region1.google-analytics.com"),
    ),
    "linkedin": (LinkedIn, ("https://api.linkedin.com", "https://www.linkedin.com")),
    "microsoft_ads": (
        MicrosoftAds,
        ("https://campaign.api.bingads.microsoft.com", "https://login.microsoftonline.com"),
    ),
    "tiktok": (TikTok, ("https://business-api.tiktok.com",)),
}
"""Stand-ins by name, with the platform's own hosts that each answers for."""


@dataclass(frozen=True)
class Platforms:
    """Running stand-ins, and where each host is to be found instead."""

    stand_ins: dict[str, StandIn] = field(default_factory=dict)
    endpoints: dict[str, str] = field(default_factory=dict)


@contextmanager
def serving(clock: Callable[[], datetime] = utc_now) -> Iterator[Platforms]:
    """All stand-ins, each on a port of its own, until the block ends."""
    running = Platforms()
    with ExitStack() as stack:
        for name, (kind, hosts) in HOSTS.items():
            stand_in = kind(clock)
            url = stack.enter_context(stand_in.serving())
            running.stand_ins[name] = stand_in
            running.endpoints.update(dict.fromkeys(hosts, url))
        yield running
