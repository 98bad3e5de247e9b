"""What others write and nothing is known of beforehand: a JSON object, a row that BigQuery answers.

Whoever reads one says in the same place what it must hold; nothing passes it on for long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

JsonObject = dict[str, Any]
"""An object of JSON: a body, a resource, a document."""
Row = Mapping[str, Any]
"""A row by column; read, never changed."""
