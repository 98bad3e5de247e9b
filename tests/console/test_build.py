"""What is pinned, what is built, and that the forms leave no field of a definition out."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.kinds import BY_NAME
from functions.console.page import NONCE_MARK
from tests.console.browser.world import DIST, ROOT

WEB = ROOT / "functions" / "console" / "web"
FIRST_VIEW_KILOBYTES = 500
CHOSEN_BEFORE = {"kind", "event_type", "source.type", "value.type"}
"""What the choice of a type, or a switch between two forms, decides."""


def test_no_script_asks_for_an_npm_that_a_machine_without_node_has_not() -> None:
    scripts = json.loads((WEB / "package.json").read_text())["scripts"]
    assert scripts
    assert not [name for name, text in scripts.items() if re.search(r"\b(npm|npx)\b", text)]


def test_the_lock_pins_every_package_by_hash_and_names_no_address() -> None:
    packages = json.loads((WEB / "package-lock.json").read_text())["packages"]
    del packages[""]
    assert packages
    assert not [name for name, each in packages.items() if "resolved" in each]
    assert not [name for name, each in packages.items() if "integrity" not in each]
    assert not [name for name, each in packages.items() if each.get("hasInstallScript")]


def test_every_dependency_is_pinned_exactly() -> None:
    asked = json.loads((WEB / "package.json").read_text())
    versions = {**asked["dependencies"], **asked["devDependencies"]}
    assert not [name for name, version in versions.items() if not re.match(r"^\d", version)]


def test_the_page_runs_no_script_of_its_own_text_and_its_first_view_is_small() -> None:
    if not (DIST / "index.html").exists():
        pytest.skip("The page is not built: make console.")
    html = (DIST / "index.html").read_text()
    assert html.count(NONCE_MARK) == 1
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    first = re.findall(r'(?:src|href)="/(assets/[^"]+)"', html)
    size = sum(len(gzip.compress((DIST / name).read_bytes(), 9)) for name in first)
    assert size < FIRST_VIEW_KILOBYTES * 1000, f"{size:,} bytes"


def written() -> set[str]:
    """The kinds with a form written for them; that of any other is drawn from its schema."""
    editor = (WEB / "src" / "editor" / "editor.tsx").read_text()
    return set(re.findall(r"draft\.kind === '(\w+)' && <\w+Form\b", editor))


def test_forms_are_written_for_kinds_that_there_are() -> None:
    assert {"simple", "combined", "custom", "lead_scoring"} <= written() <= set(BY_NAME)


@pytest.mark.parametrize("name", sorted(written()))
def test_each_field_of_a_definition_has_a_field_in_its_form(name: str) -> None:
    kind = BY_NAME[name]
    text = "".join(file.read_text() for file in (WEB / "src" / "editor").glob("*.tsx"))
    shown = {a or b for a, b in re.findall(r'path="([\w.]+)"|data-field="([\w.]+)"', text)}
    schema = kind.model_json_schema()
    wanted = {path for path in fields(schema, schema) if path.partition(".")[0] != "filters"}
    assert wanted - shown - CHOSEN_BEFORE == set()


def fields(root: dict[str, Any], at: dict[str, Any], before: str = "") -> Iterator[str]:
    """The path of each field that has no fields inside, through references and unions."""
    for name, each in at.get("properties", {}).items():
        path = f"{before}.{name}" if before else name
        parts = (each, *each.get("anyOf", ()), *each.get("oneOf", ()))
        inside = [part["$ref"] for part in parts if "$ref" in part and name != "filters"]
        for reference in inside:
            yield from fields(root, root["$defs"][Path(reference).name], path)
        if not inside:
            yield path
