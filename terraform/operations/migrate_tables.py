"""Brings tables up to the version of their schema files, before code that needs it is deployed.

    .venv/bin/python terraform/operations/migrate_tables.py PROJECT ENVIRONMENT LOCATION

It runs under the operator's own credentials, adds columns by ALTER TABLE and changes nothing else,
so the code that is still deployed runs on. It may be repeated, and finds nothing to do in tables
that are newer. Tables that do not exist yet are made by Terraform or by the first run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

# started as a file, so that only its own folder is on the path
sys.path.insert(0, str(Path(__file__).parents[2]))

from common import schemas
from common.bigquery.warehouse import Warehouse
from common.settings import Settings


def main() -> None:
    from google.cloud import bigquery

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for argument in ("project", "environment", "location"):
        parser.add_argument(argument)
    asked = parser.parse_args()
    settings = Settings(
        project=asked.project, dataset=f"conversions_{asked.environment}", location=asked.location
    )
    client = bigquery.Client(project=asked.project, location=asked.location)
    is_there = False
    for table, added in migrate(Warehouse(client, settings)):
        is_there = True
        print(f"{table}: {'added ' + ', '.join(added) if added else 'up to date'}")
    if not is_there:
        # a wrong name would else look like a migration that found nothing to do
        sys.exit(
            f"{asked.project}.{settings.dataset} has no table of the product, or is not there: "
            "look at PROJECT and ENVIRONMENT."
        )


def migrate(warehouse: Warehouse) -> Iterator[tuple[str, list[str]]]:
    """Migrate every table of the product; one (table, added columns) each, as it is done."""
    settings = warehouse.settings
    for table in sorted(warehouse.tables_in(f"{settings.project}.{settings.dataset}")):
        if shape := schemas.shape_of(table):
            yield table, warehouse.migrate_table(warehouse.path(table), shape)


if __name__ == "__main__":
    main()
