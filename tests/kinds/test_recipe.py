"""The recipe of a kind, followed to the letter in a copy of the product: two files and one list."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).with_name("keen_lead")
UNSEEN = shutil.ignore_patterns("__pycache__", "bench", "terraform")


def test_a_kind_that_the_recipe_adds_is_listed_counted_and_exported(tmp_path: Path) -> None:
    for room in ("common", "functions", "tests"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=UNSEEN)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    follow(tmp_path / "common" / "kinds")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        [*command, "tests/kinds/followed.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def follow(kinds: Path) -> None:
    """Touch the recipe's three files: the definition, its SQL, the list."""
    new = kinds / "keen_lead"
    new.mkdir()
    for name in ("__init__.py", "keen_lead.sql"):
        shutil.copy(FOLDER / name, new)
    listed = (kinds / "__init__.py").read_text(encoding="utf-8")
    extended = listed.replace(
        "KINDS = (", "from common.kinds.keen_lead import KeenLead\n\nKINDS = (KeenLead, "
    )
    assert extended != listed
    (kinds / "__init__.py").write_text(extended, encoding="utf-8")
