"""`python -m common.local.shop DIRECTORY`: writes the shop's tables and their true answers."""

from __future__ import annotations

import argparse
from datetime import date
from inspect import signature
from pathlib import Path

from common.local.shop.files import write
from common.local.shop.shop import generate
from common.untyped import JsonObject


def main(arguments: list[str] | None = None) -> None:
    """Writes the files and says how many."""
    parser = argparse.ArgumentParser(
        prog="python -m common.local.shop",
        description=f"{generate.__doc__}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", type=Path, help="where the files go; made if missing")
    parser.add_argument(
        "--as-of", type=date.fromisoformat, help="day of looking; the last by default"
    )
    for name, default in _options().items():
        kind = date.fromisoformat if isinstance(default, date) else type(default)
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=kind, default=default, help=f"default: {default}"
        )
    options = vars(parser.parse_args(arguments))
    directory, as_of = options.pop("directory"), options.pop("as_of")
    shop = generate(**options)
    files = write(shop, directory, as_of or shop.period.end)
    print(f"{len(files)} files in {directory}")


def _options() -> JsonObject:
    # read from the function, so that a new parameter is an option at once
    return {name: found.default for name, found in signature(generate).parameters.items()}


if __name__ == "__main__":
    main()
