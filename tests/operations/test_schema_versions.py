"""A table changes by new columns under a new version, and in no other way."""

from __future__ import annotations

from itertools import pairwise

import pytest

from common import schemas
from tests.operations import schema_versions
from tests.operations.schema_versions import shapes

RECORDED = schema_versions.recorded()


@pytest.mark.parametrize("shape", shapes())
def test_a_schema_is_the_one_recorded_for_its_version(shape: str) -> None:
    version = str(schemas.load(shape)["version"])
    assert RECORDED.get(shape, {}).get(version) == schema_versions.columns(shape), (
        f"{shape}.json has other columns than version {version}: count its version up by one, "
        "then run python -m tests.operations.schema_versions"
    )


@pytest.mark.parametrize("shape", shapes())
def test_versions_follow_one_another_and_only_add_columns_that_may_be_empty(shape: str) -> None:
    versions = sorted(map(int, RECORDED[shape]))
    assert versions == list(range(1, schemas.load(shape)["version"] + 1))
    for older, newer in pairwise(RECORDED[shape][str(version)] for version in versions):
        assert older.items() <= newer.items(), "a column went, or changed its type"
        added = {name: newer[name] for name in newer.keys() - older.keys()}
        assert not [name for name, kind in added.items() if kind.endswith("REQUIRED")]
        assert not [name for name in added if "." in name and name.split(".")[0] in older]
