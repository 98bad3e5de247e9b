"""Where the parts of the stack answer on this machine."""

from __future__ import annotations

import random
from dataclasses import dataclass

from common.local.rpc.wire import require_free

UNASKED = range(20_000, 32_768)
"""Ports that no system gives to outgoing connections: another one that was free when it was chosen
may be such a connection's when it is bound. (Linux: ip_local_port_range; RFC 6335, section 6.)"""


@dataclass(frozen=True)
class Ports:
    """0 is any free port; with `fall_back`, one that is taken becomes a free one."""

    gateway: int = 8080
    bigquery: int = 9050
    pubsub: int = 8085
    scheduler: int = 8086
    fall_back: bool = False

    def chosen(self) -> Ports:
        """These ports with the free ones filled in; raises OSError for a taken one."""
        return Ports(
            gateway=_available(self.gateway, self.fall_back),
            bigquery=_available(self.bigquery, self.fall_back),
            pubsub=_available(self.pubsub, self.fall_back),
            scheduler=_available(self.scheduler, self.fall_back),
        )


FREE_PORTS = Ports(0, 0, 0, 0)


def _available(port: int, fall_back: bool) -> int:
    try:
        require_free(port)
    except OSError:
        if not fall_back:
            raise
        port = 0
    return port or _free()


def _free() -> int:
    while True:
        port = random.choice(UNASKED)
        try:
            require_free(port)
        except OSError:
            continue
        return port
