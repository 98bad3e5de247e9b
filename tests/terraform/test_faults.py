"""Mistakes seeded into the deployment, each of which the checks must name."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

import pytest

from tests.terraform.contracts import breaches
from tests.terraform.grants import unreviewed
from tests.terraform.offline import Terraform, TerraformError, copied, environment
from tests.terraform.policies import violations


@dataclass(frozen=True)
class Mistake:
    """A mistake of faults.toml."""

    name: str
    file: str
    old: str
    new: str
    complaint: str


MISTAKES = [
    Mistake(**mistake)
    for mistake in tomllib.loads(Path(__file__).with_name("faults.toml").read_text())["fault"]
]


Judged = dict[Mistake | None, Future[list[str]]]


@pytest.fixture(scope="session")
def judged(
    request: pytest.FixtureRequest,
    providers: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Judged]:
    """What the checks say of each mistake asked for, and of none: one copy and thread a core."""
    cores = os.cpu_count() or 1
    copies: Queue[Terraform] = Queue()
    for _ in range(cores):
        copies.put(_scratch(tmp_path_factory.mktemp("faults"), providers))

    def judge(mistake: Mistake | None) -> list[str]:
        terraform = copies.get()
        try:
            return complaints(terraform, mistake)
        finally:
            copies.put(terraform)

    asked = [getattr(item, "callspec", None) for item in request.session.items]
    faults = [spec.params["mistake"] for spec in asked if spec and "mistake" in spec.params]
    with ThreadPoolExecutor(cores) as pool:
        yield {mistake: pool.submit(judge, mistake) for mistake in [None, *faults]}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_caught(judged: Judged, mistake: Mistake) -> None:
    found = judged[mistake].result()
    assert any(re.search(mistake.complaint, complaint) for complaint in found), found


def test_without_a_mistake_the_checks_are_silent(judged: Judged) -> None:
    assert judged[None].result() == []


def complaints(terraform: Terraform, mistake: Mistake | None) -> list[str]:
    """What terraform refuses, or else what policies, contracts and the review of grants find."""
    try:
        with spoilt(terraform.folder.parent, mistake):
            plan = terraform.plan("prod.tfvars.example")
    except TerraformError as refusal:
        # terraform wraps its messages and frames them
        return [re.sub(r"\s*\n[│\s]*", " ", str(refusal))]
    return [*violations(plan), *breaches(plan), *unreviewed(plan)]


@contextmanager
def spoilt(folder: Path, mistake: Mistake | None) -> Iterator[None]:
    """The mistake is made in the folder while the block lasts."""
    if mistake is None:
        yield
        return
    file = folder / mistake.file
    right = file.read_text()
    assert mistake.old in right, f"{mistake.file} no longer holds what this mistake replaces"
    file.write_text(right.replace(mistake.old, mistake.new))
    try:
        yield
    finally:
        file.write_text(right)


def _scratch(folder: Path, providers: dict[str, str]) -> Terraform:
    """Terraform in a copy that may be spoilt; a file stands for the local engine."""
    command = Terraform(copied(folder, bundles=False), environment(providers))
    (folder / "common" / "local").mkdir()
    (folder / "common" / "local" / "engine.json").write_text("{}")
    command("init", "-input=false")
    return command
