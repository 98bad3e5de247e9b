"""What is deployed of a function."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.local.functions.bundle import bundle, unpack
from tests.local.repository import write_repository


def test_a_bundle_holds_the_function_and_common_but_nothing_local(tmp_path: Path) -> None:
    archive = bundle(write_repository(tmp_path), "greet", ["greet_local", "greet"])
    assert set(archive) == {
        "main.py",
        "requirements.txt",
        "common/saying.py",
        "common/schemas/table.json",
        "functions/greet/main.py",
        "functions/greet/deep.sql",
    }
    assert archive["main.py"] == "from functions.greet.main import greet, greet_local\n"
    assert archive["functions/greet/deep.sql"] == "SELECT 'ü'\n"


@pytest.mark.parametrize("name", ["main.py", "requirements.txt"])
def test_a_function_without_what_the_platform_needs_is_named(tmp_path: Path, name: str) -> None:
    root = write_repository(tmp_path)
    (root / "functions" / "greet" / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"functions/greet/{name}"):
        bundle(root, "greet", ["greet"])


def test_unpacking_leaves_nothing_of_an_older_bundle(tmp_path: Path) -> None:
    unpack({"a/b.py": "1", "c.py": "2"}, tmp_path / "bundle")
    unpack({"c.py": "3"}, tmp_path / "bundle")
    files = {path.name: path.read_text() for path in (tmp_path / "bundle").rglob("*")}
    assert files == {"c.py": "3"}
