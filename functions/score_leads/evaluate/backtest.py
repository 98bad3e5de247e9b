"""Scores the newest leads of a CSV file by a model of the older ones, and says how well it did.

python -m functions.score_leads.evaluate.backtest FILE --label COLUMN --time COLUMN [...]
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from pathlib import Path

from functions.score_leads.numeric import threads

# before numpy is imported, which reads them once
if __name__ == "__main__":
    threads.limit(os.environ)

from common.errors import UserError
from functions.score_leads.data import table_file
from functions.score_leads.evaluate.history_file import History, Roles, history
from functions.score_leads.evaluate.report import Result, lines
from functions.score_leads.training.training import Wishes, train


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m functions.score_leads.evaluate.backtest",
        description=(
            "Train on the older leads of a CSV file, score the newer ones, and report how well it "
            "worked, by the same code that scores leads every day."
        ),
        epilog=(
            "Example: backtest leads.csv.gz --label converted --time created_at --value amount "
            "--drop lead_id --train-until 2024-06-30 --out predictions.csv"
        ),
    )
    parser.add_argument("file", type=Path, help="CSV, plain or gzip; delimiter , ; tab or |")
    parser.add_argument("--label", required=True, help="column that says whether a lead was won")
    parser.add_argument(
        "--time", required=True, help="column of the lead's creation: dates, or any growing number"
    )
    parser.add_argument("--value", help="column of the money of won leads")
    parser.add_argument(
        "--drop", nargs="+", action="extend", default=[], metavar="COLUMN", help="columns to ignore"
    )
    parser.add_argument(
        "--keep",
        nargs="+",
        action="extend",
        default=[],
        metavar="COLUMN",
        help="columns known at creation after all, whatever the leak detector says",
    )
    parser.add_argument(
        "--train-until",
        metavar="TIME",
        help="train on leads up to and including this time; the oldest 80 %% unless given",
    )
    parser.add_argument("--positive", metavar="VALUE", help="value of the label that means won")
    parser.add_argument(
        "--won-at", metavar="COLUMN", help="column of the time of winning; needs --window"
    )
    parser.add_argument(
        "--window", type=float, metavar="DAYS", help="days a lead has to be won; needs --won-at"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of every random choice")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the predictions as CSV")
    return parser


def backtest(read: History, roles: Roles, seed: int) -> Result:
    """Train on the older part, score the newer part."""
    older, known = read.training
    wishes = Wishes(excluded=roles.drop, confirmed=roles.keep, seed=seed)
    trained = train(older, known, wishes)
    newer, outcomes, rows = read.test
    features = trained.model.read(newer.columns, newer.created, len(newer.placed))
    return Result(trained, trained.model.score(features), newer, outcomes, rows)


def write(result: Result, out: Path) -> None:
    """One line a scored lead, in the order of time; `row` is the one of the file, from 1."""
    scores, outcomes = result.scores, result.outcomes
    reasons = result.trained.model.reasons(scores, result.leads.columns)
    with out.open("w", newline="", encoding="utf-8") as file:
        sheet = csv.writer(file)
        sheet.writerow(
            ["row", "label", "probability", "deal_value_if_won", "expected_value", "reasons"]
        )
        for place, (row, mine) in enumerate(zip(result.rows, reasons, strict=True)):
            money = (
                ("", "")
                if scores.deal_value is None or scores.expected_value is None
                else (f"{scores.deal_value[place]:.4f}", f"{scores.expected_value[place]:.4f}")
            )
            shown = "; ".join(
                "{attribute}: {value} ({points:+.1f})".format(**each) for each in mine
            )
            chance = f"{scores.probability[place]:.8f}"
            sheet.writerow([int(row), int(outcomes.won[place]), chance, *money, shown])


def main(given: list[str] | None = None) -> int:
    """Run the command; 0 when it worked, 2 when it was asked for something impossible."""
    asked = arguments().parse_args(given)
    roles = Roles(
        label=asked.label,
        time=asked.time,
        value=asked.value,
        drop=tuple(asked.drop),
        keep=tuple(asked.keep),
        train_until=asked.train_until,
        positive=asked.positive,
        won_at=asked.won_at,
        window=asked.window,
    )
    try:
        read = history(table_file.read(asked.file), roles)
        result = backtest(read, roles, asked.seed)
        if asked.out:
            write(result, asked.out)
    except UserError as error:
        print(f"backtest: {error.detail} {error.fix}".rstrip(), file=sys.stderr)
        return 2
    except OSError as error:
        print(f"backtest: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines(asked.file.name, read, result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
