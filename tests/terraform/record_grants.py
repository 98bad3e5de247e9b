"""Records the grants of the example environment: `python -m tests.terraform.record_grants`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from common.local.iam.grants import RECORDED
from tests.terraform.grants import granted
from tests.terraform.offline import Terraform, copied, environment
from tests.terraform.provider.server import serving


def main() -> None:
    """Plans without bundles and writes the file anew; a person reviews its diff."""
    with tempfile.TemporaryDirectory() as folder, serving() as providers:
        terraform = Terraform(copied(Path(folder), bundles=False), environment(providers))
        terraform("init", "-input=false")
        lines = granted(terraform.plan("prod.tfvars.example"))
    RECORDED.write_text("".join(f"{line}\n" for line in lines), "utf-8")


if __name__ == "__main__":
    main()
