"""What the plan would deploy holds all that it needs and nothing else, and starts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.terraform.bundles import UNIMPORTED, packages_imported, pinned, start, write
from tests.terraform.contracts import breaches
from tests.terraform.offline import REPOSITORY
from tests.terraform.plans import Plan, service
from tests.terraform.policies import violations

MANIFEST = json.loads((REPOSITORY / "functions" / "manifest.json").read_text())["functions"]
FUNCTIONS = {name: each for name, each in MANIFEST.items() if each["trigger"] != "page"}
SOURCES = sorted({function["source"] for function in MANIFEST.values()})

CODE = {".py", ".sql", ".json", ".yaml"}
HEAVY = {"scikit-learn", "scipy", "numpy", "pandas", "pyarrow", "duckdb", "bqemulator"}


def tracked(*folders: str) -> set[str]:
    """Files under version control, and new ones that soon will be; no sources of a page."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return {
        path
        for path in listed.stdout.splitlines()
        if (REPOSITORY / path).exists() and "/web/" not in path
    }


def test_with_its_code_production_breaks_no_contract_or_policy(bundled: Plan) -> None:
    assert [*breaches(bundled), *violations(bundled)] == []


@pytest.mark.parametrize("source", SOURCES)
def test_a_bundle_holds_its_function_and_common_and_nothing_else(
    bundled: Plan, source: str
) -> None:
    deployed = {
        path
        for path in tracked("common", f"functions/{source}")
        if Path(path).suffix in CODE and not path.startswith("common/local/")
    }
    built = {
        path for path in bundled.bundles()[source] if path.startswith("functions/console/dist/")
    }
    assert bool(built) == (source == "console")
    assert set(bundled.bundles()[source]) == deployed | built | {"main.py", "requirements.txt"}


@pytest.mark.parametrize("source", SOURCES)
def test_every_file_of_a_function_is_of_a_kind_that_is_bundled(source: str) -> None:
    left_out = {
        path
        for path in tracked("common", f"functions/{source}")
        if Path(path).suffix not in CODE and not path.startswith("common/local/")
    }
    requirements = {f"functions/{source}/requirements.{kind}" for kind in ("in", "txt")}
    documents = {path for path in left_out if path.endswith(".md")}
    assert left_out <= requirements | documents, "deploy it, or move it out of the function"


@pytest.mark.parametrize("source", SOURCES)
def test_requirements_are_what_the_bundled_code_imports(bundled: Plan, source: str) -> None:
    bundle = bundled.bundles()[source]
    imported = packages_imported(bundle)
    assert imported <= pinned(bundle["requirements.txt"]), "imported and not installed"
    direct = pinned((REPOSITORY / "functions" / source / "requirements.in").read_text())
    assert direct <= imported | UNIMPORTED, "installed and never imported"


@pytest.mark.parametrize("source", SOURCES)
def test_every_requirement_is_pinned_by_hash(bundled: Plan, source: str) -> None:
    requirements = bundled.bundles()[source]["requirements.txt"]
    direct = (REPOSITORY / "functions" / source / "requirements.in").read_text().splitlines()
    assert not [line for line in direct if "==" not in line], "pin it exactly"
    lines = re.findall(r"^[a-z0-9].*==.*(?:\n    --hash=.*)+", requirements, re.M)
    assert len(lines) == requirements.count("==") >= len(pinned(requirements)) > 0
    # pip takes a pin for exactly what it names: without the twin it resolves the newest release
    extras = re.findall(r"^([a-z0-9-]+)\[.+?\](==\S+)", requirements, re.M)
    assert not [name for name, version in extras if f"\n{name}{version} " not in requirements]


@pytest.mark.parametrize("source", [each for each in SOURCES if each != "score_leads"])
def test_nothing_heavy_is_installed_outside_lead_scoring(bundled: Plan, source: str) -> None:
    assert not HEAVY & pinned(bundled.bundles()[source]["requirements.txt"])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_bundle_starts_and_answers_a_broken_request_with_a_problem(
    bundled: Plan, name: str, tmp_path: Path
) -> None:
    function = next(f for f in bundled.functions() if f.function == name)
    folder = write(bundled.bundles()[FUNCTIONS[name]["source"]], tmp_path)
    settings = service(function)["environment_variables"]
    entry_point = function.values["build_config"][0]["entry_point"]

    started = start(Path(sys.executable), folder, entry_point, settings)

    assert 400 <= started["answer"]["status"] < 500, started["answer"]
    assert started["answer"]["type"] == "application/problem+json"
