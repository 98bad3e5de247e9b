"""Writes a shop into a directory: ndjson and a schema for every table, and the answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from common.local.shop import shop as shops
from common.local.shop.shop import Shop
from common.local.shop.site.ga4 import Row
from common.local.shop.truth.truth import as_json


def write(shop: Shop, directory: Path, as_of: date) -> list[Path]:
    """The files written: <dataset>/<table>.ndjson, each with its .schema.json, and truth.json."""
    written = [
        _table(directory / "ga4", name, shop.ga4_schema(name), rows)
        for name, rows in shop.ga4_days(as_of).items()
    ]
    for path, found in shop.crm(as_of).items():
        dataset, table = path.split(".")
        written.append(_table(directory / dataset, table, shops.columns(path), found))
    answers = directory / "truth.json"
    answers.write_text(as_json(shop.truth(as_of)), encoding="utf-8")
    return [*written, answers]


def _table(directory: Path, name: str, schema: list[Row], rows: Iterable[Row]) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.schema.json").write_text(json.dumps(schema, indent=1), encoding="utf-8")
    path = directory / f"{name}.ndjson"
    path.write_text(ndjson(rows), encoding="utf-8")
    return path


def ndjson(rows: Iterable[Row]) -> str:
    """One JSON object a line, as load jobs read it."""
    return "".join(_ENCODER.encode(row) + "\n" for row in rows)


# json.dumps with options makes an encoder for each row
_ENCODER = json.JSONEncoder(separators=(",", ":"))
