"""How long a new instance takes to load each entry point, from the bundle that would be deployed.

python -m tests.bench.cold_import

Bundles come out of an offline plan, are compiled as the platform compiles them, and run on their
own requirements alone (the first run installs those). The baseline is functions-framework itself,
imported in the same process just before.
"""

from __future__ import annotations

import compileall
import tempfile
from pathlib import Path
from statistics import median

from tests.terraform.bundles import Started, installed, start, write
from tests.terraform.offline import Terraform, copied, environment
from tests.terraform.plans import Plan, Resource, service
from tests.terraform.provider.server import serving

RUNS = 5
TARGET_SECONDS = 1.5
NO_TARGET = {"score_leads"}
"""It loads scikit-learn, and only Pub/Sub waits for it."""


def main() -> None:
    print("function           median  slowest   of CPU  x framework   target")
    with tempfile.TemporaryDirectory() as folder:
        plan = _plan(Path(folder) / "configuration")
        for function in plan.functions():
            source = plan.manifest["functions"][function.function]["source"]
            starts = _starts(plan, function, source, Path(folder) / function.function)
            print(_line(function.function, source, starts))


def _plan(folder: Path) -> Plan:
    with serving() as providers:
        terraform = Terraform(copied(folder), environment(providers))
        terraform("init", "-input=false")
        return terraform.plan("prod.tfvars.example")


def _starts(plan: Plan, function: Resource, source: str, folder: Path) -> list[Started]:
    bundle = plan.bundles()[source]
    python = installed(bundle["requirements.txt"])
    write(bundle, folder)
    compileall.compile_dir(folder, quiet=2)
    entry_point = function.values["build_config"][0]["entry_point"]
    settings = service(function)["environment_variables"]
    # the first start fills the file cache, which is the disk's speed and not ours
    return [start(python, folder, entry_point, settings) for _ in range(RUNS + 1)][1:]


def _line(name: str, source: str, starts: list[Started]) -> str:
    seconds = [started["seconds"] for started in starts]
    framework = median(started["framework_seconds"] for started in starts)
    if source in NO_TARGET:
        target = "none"
    else:
        target = "met" if median(seconds) < TARGET_SECONDS else f"> {TARGET_SECONDS} s"
    cpu = median(started["cpu_seconds"] for started in starts)
    times = f"{median(seconds):>7.2f}s {max(seconds):>7.2f}s {cpu:>7.2f}s"
    return f"{name:<16} {times} {median(seconds) / framework:>12.1f} {target:>8}"


if __name__ == "__main__":
    main()
