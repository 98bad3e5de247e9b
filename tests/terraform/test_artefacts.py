"""Each bundle runs on its own requirements alone, installed into an empty environment.

The first run needs a package index; an environment is kept under .local/ for as long as the
requirements keep their hash. `make test-bundles` runs this; `make terraform-check`, which must
work without a network, does not.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.terraform.bundles import start, write
from tests.terraform.offline import REPOSITORY
from tests.terraform.plans import Plan, service
from tests.terraform.test_bundles import FUNCTIONS

ENVIRONMENTS = REPOSITORY / ".local" / "bundles"
INSTALL_SECONDS = 900


@pytest.mark.bundles
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_bundle_runs_on_its_own_requirements(prod: Plan, name: str, tmp_path: Path) -> None:
    function = next(f for f in prod.functions() if f.function == name)
    bundle = prod.bundles()[FUNCTIONS[name]["source"]]
    settings = service(function)["environment_variables"]
    entry_point = function.values["build_config"][0]["entry_point"]

    python = installed(bundle["requirements.txt"])
    started = start(python, write(bundle, tmp_path), entry_point, settings)

    assert 400 <= started["answer"]["status"] < 500, started["answer"]
    assert started["answer"]["type"] == "application/problem+json"


def installed(requirements: str) -> Path:
    """The Python of an environment with these requirements and nothing else."""
    folder = ENVIRONMENTS / hashlib.sha256(requirements.encode()).hexdigest()[:16]
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        venv.create(folder, clear=True)
        (folder / "requirements.txt").write_text(requirements)
        pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
        options = ["--quiet", "--require-hashes", "--only-binary=:all:"]
        done = subprocess.run(
            [*pip, "install", *options, "-r", str(folder / "requirements.txt")],
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
        )
        assert done.returncode == 0, (
            f"The requirements cannot be installed (is a package index reachable?):\n{done.stderr}"
        )
        ready.touch()
    return python
