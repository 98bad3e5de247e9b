"""Mistakes seeded into the deployment, each of which the checks must name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.terraform.contracts import breaches
from tests.terraform.grants import unreviewed
from tests.terraform.offline import Terraform, TerraformError, copied, environment
from tests.terraform.policies import violations


@dataclass(frozen=True)
class Fault:
    """A mistake of faults.toml."""

    name: str
    file: str
    old: str
    new: str
    complaint: str


FAULTS = [
    Fault(**fault)
    for fault in tomllib.loads(Path(__file__).with_name("faults.toml").read_text())["fault"]
]


@pytest.fixture(scope="session")
def scratch(providers: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """Terraform in a copy that may be spoilt."""
    folder = tmp_path_factory.mktemp("faults")
    command = Terraform(copied(folder, bundles=False), environment(providers))
    (folder / "common" / "local").mkdir()
    (folder / "common" / "local" / "engine.json").write_text("{}")
    command("init", "-input=false")
    return command


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_mistake_is_caught(scratch: Terraform, fault: Fault) -> None:
    with spoilt(scratch.folder.parent / fault.file, fault):
        found = complaints(scratch)
    assert any(re.search(fault.complaint, complaint) for complaint in found), found


def test_without_a_mistake_the_checks_are_silent(scratch: Terraform) -> None:
    assert complaints(scratch) == []


def complaints(terraform: Terraform) -> list[str]:
    """What terraform refuses, or else what policies, contracts and the review of grants find."""
    try:
        plan = terraform.plan("prod.tfvars.example")
    except TerraformError as refusal:
        # terraform wraps its messages and frames them
        return [re.sub(r"\s*\n[│\s]*", " ", str(refusal))]
    return [*violations(plan), *breaches(plan), *unreviewed(plan)]


@contextmanager
def spoilt(file: Path, fault: Fault) -> Iterator[None]:
    """The file with the mistake in it, while the block lasts."""
    right = file.read_text()
    assert fault.old in right, f"{fault.file} no longer holds what this mistake replaces"
    file.write_text(right.replace(fault.old, fault.new))
    try:
        yield
    finally:
        file.write_text(right)
