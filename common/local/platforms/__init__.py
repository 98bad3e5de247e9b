"""Every stand-in: each module of this room holds one, and the hosts that it answers for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pkgutil import iter_modules

from common.local.platforms.standin import StandIn, utc_now


def _stand_ins() -> list[type[StandIn]]:
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return StandIn.__subclasses__()


STAND_INS: dict[str, type[StandIn]] = {each.name: each for each in _stand_ins()}
"""Stand-ins by name."""


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
        for name, kind in STAND_INS.items():
            stand_in = kind(clock)
            url = stack.enter_context(stand_in.serving())
            running.stand_ins[name] = stand_in
            running.endpoints.update(dict.fromkeys(kind.hosts, url))
        yield running
