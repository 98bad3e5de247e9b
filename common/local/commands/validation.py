"""The command `validate`: what validate-sql finds in a file, for people and for programs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from common.local.stack.attach import Attached, CommandError

_COLOURS = {"error": "red", "warning": "yellow", "info": "cyan"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("file", type=Path, metavar="QUERY.sql")
    parser.add_argument(
        "--contract", choices=("conversion", "leads", "deals"), default="conversion"
    )
    parser.add_argument("--fix", action="store_true", help="write every offered fix into the file")
    parser.add_argument("--json", action="store_true", help="print the whole answer as JSON")
    parser.add_argument("--no-rows", action="store_true", help="do not run the query")


def run(chosen: argparse.Namespace, stack: Attached, console: Console) -> int:
    """0 when the query of the file, mended if that was asked, may become a conversion; else 1."""
    answer = _asked(chosen, stack, _text(chosen.file))
    # judged again, as what was mended may show the next fault
    if chosen.fix and answer["suggestion"]:
        _write(chosen.file, answer["suggestion"] + "\n")
        answer = _asked(chosen, stack, answer["suggestion"])
    if chosen.json:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        _show(chosen.file, answer, console)
    return 0 if answer["ok"] else 1


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is no text in UTF-8: {error.reason}.") from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error


def _asked(chosen: argparse.Namespace, stack: Attached, sql: str) -> Any:
    body = {"sql": sql, "contract": chosen.contract, "with_profile": not chosen.no_rows}
    return stack.call("POST", "/validate-sql", body)


def _show(path: Path, answer: Any, console: Console) -> None:
    for issue in answer["issues"]:
        place = f":{issue['line']}:{issue['column']}" if issue["line"] else ""
        line = Text(f"{path}{place}: ")
        line.append(issue["severity"], style=_COLOURS[issue["severity"]])
        console.print(line.append(f" {issue['code']}: {issue['message']}"), soft_wrap=True)
        if issue["fix"]:
            console.print(Text(f"    {issue['fix']}", style="dim"), soft_wrap=True)
    for words in (answer["explanation"], *map(_removed, answer["filters"])):
        if words:
            console.print(Text(words, style="dim"), soft_wrap=True)
    errors = sum(issue["severity"] == "error" for issue in answer["issues"])
    shown = "may become a conversion" if answer["ok"] else f"{errors} to mend"
    mended = "; --fix writes what is offered" if answer["suggestion"] else ""
    console.print(f"{path}: {shown}{mended}")


def _removed(condition: Any) -> str:
    return f"{condition['text']} removes {condition['removed_share']:.0%} of the rows."
