"""Writes the three OpenAPI documents as files, from which the page's types are generated.

    python -m tests.console.documents FOLDER

Functions never import one another, so what reads all three of them stands here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from common.http.openapi import document
from functions.api.routes import INTERFACE as API
from functions.export.frontend.routes import INTERFACE as EXPORT_PREVIEW
from functions.validate_sql.routes import INTERFACE as VALIDATE_SQL

INTERFACES = {"api": API, "export-preview": EXPORT_PREVIEW, "validate-sql": VALIDATE_SQL}


def main(folder: Path) -> None:
    """One <function>.json each; a file that would not change keeps its time."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, interface in INTERFACES.items():
        text = json.dumps(document(interface), indent=1)
        file = folder / f"{name}.json"
        if not file.exists() or file.read_text("utf-8") != text:
            file.write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
