"""The product on one machine: serve it, load data, apply definitions, run a day, see a demo."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from rich.console import Console

from common.local.commands import load, validation, yaml_files
from common.local.commands.apply import apply as apply_files
from common.local.commands.variables import checked
from common.local.rpc.wire import LOOPBACK
from common.local.stack.attach import DATA, ROOT, Attached, CommandError, attached, environment
from common.local.stack.directory import DirectoryBusyError
from common.local.terminal import (
    in_options,
    line,
    show_costs,
    show_incidents,
    show_run,
    show_saved,
    show_totals,
    totals,
)
from common.settings import PREFIX, Settings

CONSOLE = Console()
EXPORT_SCHEMA = Path(__file__).with_name("data") / "ga4_schema.json"
DEMO = "demo"
PORT = 8080
ZONE = ("timezone", "currency")
"""Settings that have an option of every command."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked."""
    chosen = _parser().parse_args(arguments)
    try:
        status: int = chosen.command(chosen)
    except (CommandError, DirectoryBusyError) as error:
        print(in_options(str(error)), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        if chosen.command is run:
            print("Stopped. The same command goes on from what is done.", file=sys.stderr)
        return 130
    return status


def serve(chosen: argparse.Namespace) -> int:
    """Run the stack until Ctrl-C; prints one JSON line when it is ready.

    Where there is no data of one's own, it is the demo's shop.
    """
    from common.local.demo.show import serve as serve_demo
    from common.local.stack.ports import Ports
    from common.local.stack.serve import serve as run_stack

    ports = Ports(gateway=chosen.port, fall_back=True)
    if not (chosen.data / "bigquery").exists() and (chosen.data / DEMO / "bigquery").exists():
        print("There is no data of your own yet; this is the demo's shop.", file=sys.stderr)
        serve_demo(chosen.data / DEMO, ports, sys.stdout)
    else:
        variables = _variables(chosen)
        print(*_zone(chosen, Settings.from_environment(variables)), sep="\n", file=sys.stderr)
        run_stack(ROOT, chosen.data, variables, ports)
    return 0


def demo(chosen: argparse.Namespace) -> int:
    """Run the demonstration; on a terminal, its shop stays open until Ctrl-C."""
    from common.local.demo.show import serve as serve_demo
    from common.local.demo.show import show
    from common.local.stack.ports import Ports

    address = f"http://{LOOPBACK}:{PORT}"
    status = show(chosen.data / DEMO, CONSOLE, address)
    if not sys.stdout.isatty():
        print(f"make serve opens the shop at {address}")
        return status
    with open(os.devnull, "w") as nowhere:
        serve_demo(chosen.data / DEMO, Ports(gateway=PORT, fall_back=True), nowhere)
    return status


def load_files(chosen: argparse.Namespace) -> int:
    """Load files into a table of the local BigQuery."""
    with attached(chosen.data, _variables(chosen)) as stack:
        return load.run(chosen, stack.client, sys.stdout, stack.settings.ga4_datasets)


def apply(chosen: argparse.Namespace) -> int:
    """Create or update definitions from YAML files; 1 when any was refused."""
    query = "?allow_unknown_event=true" if chosen.allow_unknown_events else ""
    with attached(chosen.data, _variables(chosen)) as stack:
        for sentence in _zone(chosen, stack.settings):
            CONSOLE.print(sentence)
        done = apply_files(
            chosen.files,
            lambda one: stack.call("PUT", f"/api/conversions/{one['id']}{query}", one),
        )
    show_saved(CONSOLE, done.saved)
    if not done.refused:
        return 0
    reasons = "\n".join(done.refused)
    raise CommandError(f"{reasons}\n{len(done.refused)} refused, {len(done.saved)} saved.")


def run(chosen: argparse.Namespace) -> int:
    """Materialize the days, wait for it, and show what happened and what is open."""
    with attached(chosen.data, _variables(chosen)) as stack:
        for sentence in _zone(chosen, stack.settings):
            CONSOLE.print(sentence)
        ids = [one["id"] for one in stack.call("GET", "/api/conversions")["conversions"]]
        if not ids:
            raise CommandError("There is no conversion to run yet; save one: apply FILE.yaml.")
        if unknown := sorted(set(chosen.conversion) - set(ids)):
            raise CommandError(
                f"There is no active conversion {', '.join(unknown)}; there is {', '.join(ids)}."
            )
        asked = stack.call(
            "POST",
            "/api/backfills" if chosen.start_date else "/api/runs",
            {
                "conversions": chosen.conversion,
                **{
                    name: str(day)
                    for name in ("start_date", "end_date")
                    if (day := getattr(chosen, name))
                },
                "force": chosen.force,
            },
        )
        if "text" in asked:
            CONSOLE.print(asked["text"])
        done = stack.wait_for(asked["run_id"], lambda entry: CONSOLE.print(line(entry)))
        show_run(CONSOLE, done)
        show_totals(CONSOLE, totals(stack.warehouse, ids), stack.settings.currency)
        show_incidents(CONSOLE, stack.call("GET", "/api/incidents?state=open")["incidents"])
        _next_steps(stack)
    return 0 if done["status"] == "finished" else 1


def validate(chosen: argparse.Namespace) -> int:
    """Judge a query in a file; 0 when it may become a conversion, 1 when it may not."""
    with attached(chosen.data, _variables(chosen)) as stack:
        return validation.run(chosen, stack, CONSOLE)


def costs(chosen: argparse.Namespace) -> int:
    """Print what a month of daily runs would cost on BigQuery, by conversion; nothing runs."""
    slots = "" if chosen.slots is None else f"?slots={chosen.slots}"
    with attached(chosen.data, _variables(chosen)) as stack:
        show_costs(CONSOLE, stack.call("GET", f"/api/forecast{slots}"))
    return 0


def sql(chosen: argparse.Namespace) -> int:
    """Print the statements of a daily run, as they would run; nothing runs."""
    # read as `apply` reads them, so that the statements are those that would run
    listed = json.dumps(yaml_files.definitions(chosen.file))
    command = [sys.executable, "-m", "functions.materialize.paper", "-", str(EXPORT_SCHEMA)]
    options = [f"--step={chosen.step}"] if chosen.step else []
    options += [f"--date={chosen.date}"] if chosen.date else []
    done = subprocess.run(
        [*command, *options],
        cwd=ROOT,
        env=_variables(chosen),
        check=False,
        input=listed,
        text=True,
    )
    return done.returncode


def _next_steps(stack: Attached) -> None:
    CONSOLE.print(
        "Rows lie in the tables conversion_<id> of the dataset "
        f"{stack.settings.project}.{stack.settings.dataset}; `make serve` keeps the API up at "
        "/api/conversions/<id>/records."
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write YYYY-MM-DD") from None


def _variables(chosen: argparse.Namespace) -> dict[str, str]:
    named = {name: it for name in ZONE if (it := getattr(chosen, name)) is not None}
    return checked(environment(os.environ, **named))


def _zone(chosen: argparse.Namespace, settings: Settings) -> Iterator[str]:
    """A sentence on the zone and the currency that count, where they are not those of options."""
    asked = [getattr(chosen, name) for name in ZONE]
    counts = [getattr(settings, name) for name in ZONE]
    taken = f"Days are those of {settings.timezone}, money is in {settings.currency}"
    if any(it is not None and it != other for it, other in zip(asked, counts, strict=True)):
        yield (
            f"{taken}: so says CONVERSIONS_TIMEZONE or CONVERSIONS_CURRENCY, or the stack that runs"
            " was started so; --timezone and --currency change nothing."
        )
    elif any(
        it is None and f"{PREFIX}{name.upper()}" not in os.environ
        for it, name in zip(asked, ZONE, strict=True)
    ):
        yield f"{taken}; --timezone and --currency name others."


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data", type=Path, default=DATA, help="data directory (%(default)s)")
    common.add_argument("--timezone", help="project time zone, such as Europe/Berlin (UTC)")
    common.add_argument("--currency", help="project currency, such as EUR (USD)")
    parser = argparse.ArgumentParser(prog="python -m common.local", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[common], help=text, description=text)
        added.set_defaults(command=command)
        return added

    served = add("serve", serve, "Run the whole product until Ctrl-C.")
    served.add_argument("--port", type=int, default=PORT, help="of the functions (%(default)s)")
    add("demo", demo, "A small shop, several days, end to end, with a report.")
    loaded = add("load", load_files, "Load parquet, ndjson or csv files into a table.")
    load.add_arguments(loaded)
    applied = add("apply", apply, "Create or update definitions from YAML files.")
    applied.add_argument("files", nargs="+", type=Path, metavar="FILE.yaml")
    applied.add_argument(
        "--allow-unknown-events",
        action="store_true",
        help="take filters on events that GA4 has not recorded yet",
    )
    validation.add_arguments(add("validate", validate, "Judge a query in a file, and mend it."))
    ran = add("run", run, "Materialize conversions up to a day and show the result.")
    ran.add_argument(
        "--start-date", type=_day, metavar="DAY", help="read all days from this one on again"
    )
    ran.add_argument(
        "--end-date", "--date", type=_day, metavar="DAY", help="last day (default: yesterday)"
    )
    ran.add_argument(
        "--conversion", action="append", default=[], metavar="ID", help="only this one"
    )
    ran.add_argument("--force", action="store_true", help="write even where the brake would hold")
    priced = add("costs", costs, "What a month of daily runs would cost on BigQuery.")
    priced.add_argument("--slots", type=int, metavar="N", help="slots to be reserved; 0 on demand")
    printed = add("sql", sql, "Print each statement of a definition's daily run, without running.")
    printed.add_argument("file", type=Path, metavar="DEFINITION.yaml")
    printed.add_argument("--step", default="", metavar="NAME", help="only this one")
    printed.add_argument("--date", type=_day, metavar="DAY", help="last day (default: yesterday)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
