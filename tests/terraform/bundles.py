"""The bundles that a plan would deploy: written out, read, and started as the platform does."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypedDict

Bundle = Mapping[str, str]
"""Path inside the zip → content."""


class Answer(TypedDict):
    status: int
    type: str
    body: str


class Started(TypedDict):
    """How a start went, and what a request with a broken body was answered."""

    framework_seconds: float
    """To import functions-framework alone."""
    seconds: float
    """To import it and load the entry point."""
    cpu_seconds: float
    """Of the processor, since the interpreter began: what a busy machine does not distort."""
    modules: list[str]
    """Top-level packages loaded by then."""
    answer: Answer


NOBODY = {"type": "authorized_user", "client_id": "-", "client_secret": "-", "refresh_token": "-"}
"""Credentials that Google's clients accept and no server ever will."""

ENVIRONMENTS = Path(__file__).parents[2] / ".local" / "bundles"
INSTALL_SECONDS = 900

STARTER = Path(__file__).parent / "start_bundle.py"
DISTRIBUTIONS = {
    "flask": "flask",
    "google.api_core": "google-api-core",
    "google.auth": "google-auth",
    "google.cloud.bigquery": "google-cloud-bigquery",
    "google.cloud.pubsub": "google-cloud-pubsub",
    "google.cloud.scheduler": "google-cloud-scheduler",
    "google.oauth2": "google-auth",
    "google.protobuf": "protobuf",
    "google.rpc": "googleapis-common-protos",
    "grpc": "grpcio",
    "phonenumbers": "phonenumberslite",
    "sklearn": "scikit-learn",
}
"""Import → package, where the two are not called alike."""

NAMESPACES = {"google", "google.ads", "google.cloud"}
"""Folders that several packages share, and that are no package by themselves."""

UNIMPORTED = {"functions-framework"}
"""What the platform itself starts."""


def write(bundle: Bundle, folder: Path) -> Path:
    """The bundle as files, as the platform unpacks it."""
    for name, content in bundle.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def start(python: Path, folder: Path, entry_point: str, settings: Mapping[str, str]) -> Started:
    """What the entry point answered, started by functions-framework in a process of its own.

    The process sees the settings, and nothing of this one's environment or path.
    """
    credentials = folder / "credentials.json"
    credentials.write_text(json.dumps(NOBODY))
    done = subprocess.run(
        [python, "-I", "-B", STARTER, folder, entry_point],
        cwd=folder,
        env={"GOOGLE_APPLICATION_CREDENTIALS": str(credentials), **settings},
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode:
        raise AssertionError(f"{entry_point} does not start:\n{done.stdout}{done.stderr}")
    shown: Started = json.loads(done.stdout.splitlines()[-1])
    return shown


def installed(requirements: str) -> Path:
    """The Python of an environment with these requirements and nothing else.

    The first time a package index is needed; the environment is kept under .local/ for as long as
    the requirements keep their hash.
    """
    folder = ENVIRONMENTS / hashlib.sha256(requirements.encode()).hexdigest()[:16]
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        venv.create(folder, clear=True)
        (folder / "requirements.txt").write_text(requirements)
        pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
        options = ["--quiet", "--require-hashes", "--only-binary=:all:"]
        done = subprocess.run(
            [*pip, "install", *options, "-r", str(folder / "requirements.txt")],
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
        )
        if done.returncode:
            raise AssertionError(f"Not installed; is a package index reachable?\n{done.stderr}")
        ready.touch()
    return python


def packages_imported(bundle: Bundle) -> set[str]:
    """Packages that the code reachable from main.py imports, anywhere in a file."""
    seen: set[str] = set()
    found: set[str] = set()
    waiting = ["main.py"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in _imports(bundle[path]):
            inside = _files(bundle, name)
            waiting.extend(inside)
            if not inside and (package := distribution(name)):
                found.add(package)
    return found


def distribution(name: str) -> str | None:
    """The package that provides the module; None for the standard library and our own folders."""
    if name in NAMESPACES:
        return None
    for prefix, package in DISTRIBUTIONS.items():
        if name == prefix or name.startswith((f"{prefix}.", f"{prefix}_")):
            return package
    top = name.split(".")[0]
    if top in sys.stdlib_module_names or top in ("common", "functions"):
        return None
    return top.replace("_", "-").lower()


def pinned(requirements: str) -> set[str]:
    """Package names of a requirements file."""
    return {
        match[1].replace("_", "-").lower()
        for match in re.finditer(r"^([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==", requirements, re.M)
    }


def _files(bundle: Bundle, module: str) -> list[str]:
    """The module's file in the bundle, with the packages around it that run code."""
    parts = module.split(".")
    paths = [f"{'/'.join(parts)}.py"]
    paths += [f"{'/'.join(parts[:end])}/__init__.py" for end in range(1, len(parts) + 1)]
    return [path for path in paths if path in bundle]


def _imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
