"""Every address of export-preview, the frontend's side of export."""

from __future__ import annotations

from common.http.routing import Interface, Route
from functions.export.frontend import audiences, deliveries, destinations

VERSION = "1"
KEYED = ("Idempotency-Key",)
ONE = "/destinations/<id>"

INTERFACE = Interface(
    "Conversion exports",
    "export-preview",
    VERSION,
    (
        Route("GET", "/destinations", destinations.list_destinations),
        Route("GET", "/destinations/schemas", destinations.schemas),
        Route("POST", "/destinations/check", destinations.check_config),
        Route("POST", "/destinations/audiences", audiences.create, role="operator"),
        Route("GET", ONE, destinations.get_destination),
        Route("PUT", ONE, destinations.put_destination, headers=("If-Match",)),
        Route("DELETE", ONE, destinations.archive_destination, headers=("If-Match",)),
        Route("GET", f"{ONE}/versions", destinations.destination_versions),
        Route("GET", f"{ONE}/versions/<version>", destinations.one_version),
        Route(
            "POST",
            f"{ONE}/versions/<version>:restore",
            destinations.restore,
            headers=("If-Match",),
        ),
        Route("GET", f"{ONE}/compare", destinations.compare),
        Route("POST", f"{ONE}/check", destinations.check_destination),
        Route("POST", f"{ONE}/dry-run", deliveries.dry_run, shows_rows=True),
        Route("POST", f"{ONE}/test", deliveries.try_out, role="operator"),
        Route("POST", f"{ONE}/lookalikes", audiences.create_lookalike, role="operator"),
        Route("POST", f"{ONE}/run", deliveries.run, 202, KEYED, role="operator"),
        Route("POST", f"{ONE}/replay", deliveries.replay, 202, KEYED, role="operator"),
        # addresses that clients know keep their names
        Route("POST", f"{ONE}/settle", deliveries.resolve_in_doubt, role="operator"),
        Route("GET", f"{ONE}/ledger", deliveries.ledger, shows_rows=True),
        Route("GET", f"{ONE}/standings", deliveries.delivery_states),
        Route("GET", f"{ONE}/report", deliveries.report),
    ),
)
