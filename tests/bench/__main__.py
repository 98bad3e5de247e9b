"""`make bench`: every measurement beside its named baseline; name one to run it alone."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent


def names() -> list[str]:
    """The measurements of this folder."""
    return sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names()))
    chosen = parser.parse_args().names or names()
    if unknown := sorted(set(chosen) - set(names())):
        sys.exit(f"There is no measurement {', '.join(unknown)}; there are {', '.join(names())}.")
    for name in chosen:
        module = importlib.import_module(f"tests.bench.{name}")
        print(f"\n{name}: {(module.__doc__ or '').strip().splitlines()[0]}\n", flush=True)
        sys.argv = [f"tests.bench.{name}"]
        module.main()


if __name__ == "__main__":
    main()
