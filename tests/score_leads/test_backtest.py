"""The command that scores any CSV: it reads what people have, and says plainly what is wrong."""

from __future__ import annotations

import csv
import gzip
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from common.errors import UserError
from functions.score_leads.data import table_file
from functions.score_leads.evaluate import backtest, history_file
from functions.score_leads.evaluate.history_file import Roles

HEADER = ["id", "created", "channel", "size", "won", "amount"]


def table(count: int = 300, seed: int = 0) -> list[list[str]]:
    """Rows whose outcome follows the channel and the size, in no order of time."""
    draw = np.random.default_rng(seed)
    rows = []
    for row in draw.permutation(count).tolist():
        good = draw.random() < 0.3
        size = draw.normal(3 if good else 0)
        won = draw.random() < (0.5 if good else 0.03)
        day = f"{1 + row % 28:02d}.{1 + row * 12 // count:02d}.2024"
        cells = [f"r{row}", day, "fair" if good else "web", f"{size:.3f}", "yes" if won else "no"]
        rows.append([*cells, f"{np.exp(draw.normal(5)):.2f}" if won else ""])
    return rows


def written(path: Path, rows: list[list[str]], delimiter: str = ",") -> Path:
    lines = "\n".join(delimiter.join(row) for row in [HEADER, *rows])
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(lines.encode()))
    else:
        path.write_text(lines + "\n", encoding="utf-8")
    return path


def run(path: Path, *arguments: str) -> int:
    usual = ["--label", "won", "--time", "created", "--drop", "id"]
    return backtest.main([str(path), *usual, *arguments])


def test_it_reports_and_writes_predictions(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:  # type: ignore[type-arg]
    path, out = written(tmp_path / "leads.csv.gz", table(), ";"), tmp_path / "predictions.csv"
    assert run(path, "--value", "amount", "--out", str(out)) == 0
    answered = capsys.readouterr().out
    for said in ("300", "Model: linear", "log loss", "leads by score", "Money of the newer"):
        assert said in answered
    with out.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60
    given = table()
    for row in rows:
        assert row["label"] == str(int(given[int(row["row"]) - 1][4] == "yes"))
        assert 0 < float(row["probability"]) < 1
        assert float(row["expected_value"]) > 0
    assert any("Channel: fair (+" in row["reasons"] for row in rows)


def test_it_trains_up_to_the_day_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "leads.csv", table())
    assert run(path, "--train-until", "2024-10-31") == 0
    answered = capsys.readouterr().out
    assert "trained on   250, from 2024-01-01 00:00 to 2024-10-26 00:00" in answered
    assert "tested on    50, from 2024-11-01 00:00" in answered


FAULTS: dict[str, tuple[list[str], str]] = {
    "a label that is misspelt": (["--label", "wonn"], "no column 'wonn'. Its columns are: id,"),
    "a time that is misspelt": (["--time", "date"], "no column 'date'"),
    "a dropped column that is misspelt": (["--drop", "ids"], "no column 'ids'"),
    "a label that says something else": (["--label", "channel"], "--positive VALUE"),
    "a value that nobody has": (["--positive", "maybe"], "No row has 'maybe' in 'won'"),
    "a time that is no time": (["--time", "channel"], "neither dates nor numbers"),
    "money that is no money": (["--value", "channel"], "holds no amounts of money"),
    "a cut that is no date": (["--train-until", "soon"], "'soon' is no date"),
    "a cut before everything": (["--train-until", "1999-01-01"], "leaves 0 leads to train on"),
    "half of a pair": (["--window", "30"], "--won-at and --window go together"),
    "a window of no days": (["--window", "-1", "--won-at", "created"], "positive number of days"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    arguments, said = FAULTS[fault]
    assert run(written(tmp_path / "leads.csv", table(40)), *arguments) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "There is no file"),
        (b"", "no rows below its header"),
        (b"id,created,won\n", "no rows below its header"),
        (b"id,created,won\n1,2\n", "No line of"),
        (gzip.compress(b"id,created,won\n1,2,3\n")[:-9], "is no whole gzip file"),
        (b"id,created,won,channel\n1,2024-01-02,yes,web\n", "does not tell won from lost"),
        (b"id,created,won,channel\n" + b"1,2024-01-02,no,web\n" * 9, "does not tell won from lost"),
    ],
    ids=["missing", "empty", "header only", "ragged", "cut off", "one row", "no positives"],
)
def test_a_file_without_a_table_is_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, said: str
) -> None:
    path = tmp_path / "leads.csv"
    if content is not None:
        path.write_bytes(content)
    assert run(path) == 2
    assert said in capsys.readouterr().err


def test_a_directory_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == 2
    assert "There is no file" in capsys.readouterr().err


def test_a_result_that_cannot_be_written_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "leads.csv", table(60))
    assert run(path, "--out", str(tmp_path / "no" / "such" / "place.csv")) == 2
    assert "place.csv" in capsys.readouterr().err


def test_the_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        backtest.main(["--help"])
    assert ended.value.code == 0
    answered = capsys.readouterr().out
    assert "Example: " in answered
    assert "80 %" in answered


# The file


def test_odd_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text('a,a,\n"x, y",2,3\n1,2\n\n4,5,6\n', encoding="utf-8")
    read = table_file.read(path)
    assert read.columns == {"a": ["x, y", "4"], "a (2)": ["2", "5"], "column 3": ["3", "6"]}
    assert (read.skipped, read.rows) == (1, 2)
    assert read.numbers == [1, 3], "a person looks a row up in the file"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_the_usual_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes("name\tcity\nMüller\tKöln\n".encode(encoding))
    assert table_file.read(path).columns == {"name": ["Müller"], "city": ["Köln"]}


def test_rows_without_label_or_time_are_left_out_and_reported(tmp_path: Path) -> None:
    rows = table(60)
    rows[0][4], rows[1][1] = "", "n/a"
    path = written(tmp_path / "leads.csv", rows)
    read = history_file.history(table_file.read(path), Roles(label="won", time="created"))
    assert sorted(read.rows.tolist()) == list(range(3, 61))
    assert read.notes == ("1 rows left out: no time", "1 rows left out: no label")


def test_with_the_time_of_winning_young_leads_count_as_open(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    lines = ["created,won,won_at,size"]
    for day in range(1, 29):
        won = day % 3 == 0
        at = f"2024-03-{day:02d}" if won else ""
        lines.append(f"2024-02-{day:02d},{int(won)},{at},{day}")
    path.write_text("\n".join(lines), encoding="utf-8")
    roles = Roles(label="won", time="created", won_at="won_at", window=40.0)
    read = history_file.history(table_file.read(path), roles)
    assert read.outcomes.won.sum() == 9
    assert not read.outcomes.is_known.all()
    _, known = read.training
    assert known.won.sum() == 0


def days(style: str) -> table_file.TableFile:
    """Sixty leads, one a day from 1 May 2024, of which every third was won after four days."""
    first = date(2024, 5, 1)
    made = [first + timedelta(days=day) for day in range(60)]
    return table_file.TableFile(
        columns={
            "label": ["1" if day % 3 == 0 else "0" for day in range(60)],
            "time": [day.strftime(style) for day in made],
            "won_at": [(day + timedelta(days=4)).strftime(style) for day in made],
            "days": ["4"] * 60,
        },
        numbers=list(range(1, 61)),
        delimiter=",",
        skipped=0,
    )


@pytest.mark.parametrize(
    ("style", "until"), [("%m/%d/%Y", "05/06/2024"), ("%d/%m/%Y", "06/05/2024")]
)
def test_the_day_asked_for_is_read_as_the_days_of_the_file(style: str, until: str) -> None:
    read = history_file.history(days(style), Roles("label", "time", train_until=until))
    assert read.cut == 6


def test_seconds_since_1970_are_a_moment_and_no_whole_day() -> None:
    # a second before 6 May 2024, when the sixth lead comes
    asked = Roles("label", "time", train_until="1714953599")
    assert history_file.history(days("%Y-%m-%d"), asked).cut == 5


def test_days_to_the_win_are_no_time_of_winning() -> None:
    roles = Roles("label", "time", won_at="days", window=30)
    with pytest.raises(UserError, match="holds numbers"):
        history_file.history(days("%Y-%m-%d"), roles)


def test_wins_without_a_time_inside_the_window_are_told() -> None:
    roles = Roles("label", "time", won_at="won_at", window=3)
    read = history_file.history(days("%Y-%m-%d"), roles)
    assert "20 won rows have no won_at within the window: not won" in read.notes
