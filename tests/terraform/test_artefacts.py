"""Each bundle runs on its own requirements alone, installed into an empty environment.

The first run needs a package index. `make test-bundles` runs this; `make terraform-check`, which
must work without a network, does not.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.terraform.bundles import installed, start, write
from tests.terraform.plans import Plan, service
from tests.terraform.test_bundles import FUNCTIONS


@pytest.mark.bundles
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_bundle_runs_on_its_own_requirements(bundled: Plan, name: str, tmp_path: Path) -> None:
    function = next(f for f in bundled.functions() if f.function == name)
    bundle = bundled.bundles()[FUNCTIONS[name]["source"]]
    settings = service(function)["environment_variables"]
    entry_point = function.values["build_config"][0]["entry_point"]

    python = installed(bundle["requirements.txt"])
    started = start(python, write(bundle, tmp_path), entry_point, settings)

    assert 400 <= started["answer"]["status"] < 500, started["answer"]
    assert started["answer"]["type"] == "application/problem+json"
