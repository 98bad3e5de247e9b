"""Mistakes seeded into the deployment, each of which the checks must name."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue

import pytest

from tests.terraform.contracts import breaches
from tests.terraform.grants import unreviewed
from tests.terraform.offline import Terraform, TerraformError, copied, environment
from tests.terraform.policies import violations


@dataclass(frozen=True)
class Mistake:
    """A mistake of faults.toml; `also` are complaints of others that it causes too."""

    name: str
    file: str
    old: str
    new: str
    complaint: str
    refused: bool = False
    also: list[str] = field(default_factory=list, hash=False)


SEEDED = tomllib.loads(Path(__file__).with_name("faults.toml").read_text())
REFUSED = [Mistake(**mistake, refused=True) for mistake in SEEDED["refused"]]
MISTAKES = [*REFUSED, *(Mistake(**mistake) for mistake in SEEDED["fault"])]

TOGETHER = 10
"""Mistakes made at once: a plan takes a second, whatever stands in it."""

Group = tuple[Mistake, ...]


class Judged:
    """What the checks say of each mistake, made together with others wherever that is clear."""

    def __init__(self, judge: Callable[[Group], Future[list[str]]], asked: list[Mistake]) -> None:
        self._judge = judge
        self.of_none = judge(())
        self._of = {m: said for group in grouped(asked) for said in [judge(group)] for m in group}

    def of(self, mistake: Mistake) -> list[str]:
        """The complaints about the mistake: alone, where its group leaves it in doubt."""
        together = self._of[mistake].result()
        return together if caught(mistake, together) else self._judge((mistake,)).result()


def caught(mistake: Mistake, complaints: list[str]) -> bool:
    return any(re.search(mistake.complaint, complaint) for complaint in complaints)


def grouped(mistakes: list[Mistake]) -> list[Group]:
    """The mistakes in groups whose complaints cannot be taken for one another's.

    What terraform refuses stands alone: a plan that is not made hides all other mistakes.
    """
    groups: list[Group] = [(mistake,) for mistake in mistakes if mistake.refused]
    waiting = [mistake for mistake in mistakes if not mistake.refused]
    while waiting:
        group: Group = ()
        for mistake in waiting:
            if len(group) < TOGETHER and all(apart(mistake, other) for other in group):
                group = (*group, mistake)
        groups.append(group)
        waiting = [mistake for mistake in waiting if mistake not in group]
    return groups


def apart(one: Mistake, other: Mistake) -> bool:
    """Whether neither mistake changes the other's text or causes its complaint."""
    causes, caused = {one.complaint, *one.also}, {other.complaint, *other.also}
    if one.complaint in caused or other.complaint in causes:
        return False
    return one.file != other.file or (one.old not in other.old and other.old not in one.old)


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

    def judge(group: Group) -> list[str]:
        terraform = copies.get()
        try:
            return complaints(terraform, group)
        finally:
            copies.put(terraform)

    asked = [getattr(item, "callspec", None) for item in request.session.items]
    mistakes = [spec.params["mistake"] for spec in asked if spec and "mistake" in spec.params]
    with ThreadPoolExecutor(cores) as pool:
        yield Judged(lambda group: pool.submit(judge, group), mistakes)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_caught(judged: Judged, mistake: Mistake) -> None:
    found = judged.of(mistake)
    assert caught(mistake, found), found


def test_without_a_mistake_the_checks_are_silent(judged: Judged) -> None:
    assert judged.of_none.result() == []


def complaints(terraform: Terraform, mistakes: Group) -> list[str]:
    """What terraform refuses, or else what policies, contracts and the review of grants find."""
    try:
        with spoilt(terraform.folder.parent, mistakes):
            plan = terraform.plan("prod.tfvars.example")
    except TerraformError as refusal:
        # terraform wraps its messages and frames them
        return [re.sub(r"\s*\n[│\s]*", " ", str(refusal))]
    return [*violations(plan), *breaches(plan), *unreviewed(plan)]


@contextmanager
def spoilt(folder: Path, mistakes: Group) -> Iterator[None]:
    """The mistakes are made in the folder while the block lasts."""
    right = {file: file.read_text() for file in {folder / mistake.file for mistake in mistakes}}
    for mistake in mistakes:
        file = folder / mistake.file
        text = file.read_text()
        assert mistake.old in text, f"{mistake.file} no longer holds what this mistake replaces"
        file.write_text(text.replace(mistake.old, mistake.new))
    try:
        yield
    finally:
        for file, text in right.items():
            file.write_text(text)


def _scratch(folder: Path, providers: dict[str, str]) -> Terraform:
    """Terraform in a copy that may be spoilt; a file stands for the local engine."""
    command = Terraform(copied(folder, bundles=False), environment(providers))
    (folder / "common" / "local").mkdir()
    (folder / "common" / "local" / "engine.json").write_text("{}")
    command("init", "-input=false")
    return command
