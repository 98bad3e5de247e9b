"""The configuration is well formed, valid and does what its own tests say."""

from __future__ import annotations

import subprocess

import pytest

from tests.terraform.offline import MISSING, REPOSITORY, Terraform, binary


def test_terraform_is_installed() -> None:
    assert binary(), MISSING


def test_without_terraform_the_checks_fail_and_say_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FileNotFoundError, match=r"developer\.hashicorp\.com"):
        binary()


def test_every_file_is_formatted() -> None:
    done = subprocess.run(
        [binary(), "fmt", "-check", "-diff", "-recursive", REPOSITORY / "terraform"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_the_configuration_is_valid(outline: Terraform) -> None:
    assert "The configuration is valid" in outline("validate", "-no-color")


def test_terraforms_own_tests_pass(outline: Terraform) -> None:
    assert "0 failed" in outline("test", "-no-color")
