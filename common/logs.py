"""One JSON line per event on standard output, as Cloud Logging reads it; only fields named here."""

from __future__ import annotations

import json
import sys
from datetime import date, datetime

FIELDS = frozenset(
    """attempt bytes_processed code conversion count deleted destination detail end_date entry
    fence frames function inserted kind load_id model request_id reason route rows run_id seconds
    start_date status table tier topic trigger updated version""".split()
)


def log(event: str, severity: str = "INFO", **fields: object) -> None:
    """Write the event; raises KeyError for a field that is not allowed in a log."""
    if unknown := set(fields) - FIELDS:
        raise KeyError(f"not a log field: {sorted(unknown)}")
    line = {"severity": severity, "event": event, "message": event, **fields}
    print(json.dumps(line, default=_plain), file=sys.stdout, flush=True)


def _plain(value: object) -> object:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value)
