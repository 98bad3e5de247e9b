"""The configuration is well formed, valid and does what its own tests say."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.terraform import offline
from tests.terraform.offline import MISSING, REPOSITORY, Terraform, TerraformMissing, command

OLDEST = (1, 11)


def test_terraform_is_installed() -> None:
    try:
        shown = json.loads(subprocess.check_output([*command(), "version", "-json"]))
    except TerraformMissing as missing:
        pytest.fail(str(missing), pytrace=False)
    version = shown["terraform_version"]
    if tuple(map(int, version.split(".")[:2])) < OLDEST:
        pytest.fail(f"terraform {version} is too old; {MISSING.splitlines()[1]}", pytrace=False)


def test_without_any_terraform_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr(offline, "find_spec", lambda name: None)
    with pytest.raises(TerraformMissing, match=r"developer\.hashicorp\.com"):
        command()


def test_without_terraform_on_the_path_that_of_the_package_is_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    started = subprocess.check_output([*command(), "version", "-json"], text=True)
    assert json.loads(started)["terraform_version"]


def test_every_file_is_formatted() -> None:
    done = subprocess.run(
        [*command(), "fmt", "-check", "-diff", "-recursive", REPOSITORY / "terraform"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_the_configuration_is_valid(outline: Terraform) -> None:
    assert "The configuration is valid" in outline("validate", "-no-color")


def test_terraforms_own_tests_pass(outline: Terraform) -> None:
    assert "0 failed" in outline("test", "-no-color")
