"""What the commands read and print is what was meant."""

from __future__ import annotations

import io
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from common.local import __main__ as local
from common.local.commands import yaml_files
from common.local.commands.apply import apply
from common.local.stack import attach
from common.local.stack.attach import CommandError
from common.local.stack.directory import HOLDER, held
from common.local.terminal import counts, in_options, line, show_incidents, show_run, show_saved
from common.settings import Settings
from common.untyped import JsonObject


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "definition.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("007", "007"),
        ("0123", "0123"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("+", "+"),
        ("=", "="),
        ("-3", -3),
        ("100.00", 100.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("2026-11-01", "2026-11-01"),
        ("2026-11-01T10:00:00Z", "2026-11-01T10:00:00Z"),
        ("true", True),
        ("false", False),
        ("True", "True"),
        ("12", 12),
        ("1.5", 1.5),
        ('"12"', "12"),
        ("~", None),
    ],
)
def test_a_word_of_yaml_is_what_was_meant(tmp_path: Path, text: str, read: object) -> None:
    [definition] = yaml_files.definitions(written(tmp_path, f"id: lead\nvalue: {text}\n"))
    assert definition["value"] == read
    assert type(definition["value"]) is type(read)


@pytest.mark.parametrize(
    ("dimension", "text", "read"),
    [
        ("event", "404", "404"),
        ("transaction_id", "1e3", "1e3"),
        ("client_id", "1234567890.1604321234", "1234567890.1604321234"),
        ("items.item_id", "[1.50, 7, A]", ["1.50", "7", "A"]),
        ("transaction_total", "1.50", 1.5),
        ("event_params.plan", "1e3", 1000.0),
        ("no_such", "1.50", 1.5),
    ],
)
def test_a_number_is_a_text_where_a_filter_compares_one(
    tmp_path: Path, dimension: str, text: str, read: object
) -> None:
    condition = f"{{dimension: {dimension}, operator: equals, value: {text}}}"
    path = written(tmp_path, f"id: lead\nfilters: {{all: [{condition}]}}\n")
    [definition] = yaml_files.definitions(path)
    [found] = definition["filters"]["all"]
    assert found["value"] == read
    assert type(found["value"]) is type(read)


def test_a_file_may_hold_documents(tmp_path: Path) -> None:
    found = yaml_files.definitions(written(tmp_path, "id: a\n---\nid: b\n---\n- id: c\n"))
    assert [one["id"] for one in found] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "text", ["- lead\n", "name: Lead\n", "- {id: a}\n- {id: 7}\n", "", "a: [\n", "id: a\nid: a\n"]
)
def test_an_invalid_definition_is_reported_with_its_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(CommandError, match=r"definition\.yaml"):
        yaml_files.definitions(written(tmp_path, text))


def test_apply_saves_none_of_several_definitions_that_have_one_id(tmp_path: Path) -> None:
    """The second would silently take the place of the first; saying the same twice is harmless."""
    both = tmp_path / "both.yaml"
    both.write_text("- {id: lead, name: A}\n- {id: order}\n- {id: lead, name: B}\n")
    again = tmp_path / "again.yaml"
    again.write_text("- {id: order}\n")
    saved: list[JsonObject] = []

    def save(definition: JsonObject) -> JsonObject:
        saved.append(definition)
        return definition

    applied = apply([both, again], save)
    assert [definition["id"] for definition in saved] == ["order"]
    assert len(applied.refused) == 2
    assert all("both.yaml, definition lead" in sentence for sentence in applied.refused)


def test_apply_saves_what_is_good_and_says_what_is_wrong_of_each_other(tmp_path: Path) -> None:
    """Among them one that names another of a later file."""
    texts = {"bad": "id: [\n", "both": "{id: both, needs: lead}", "wrong": "{id: wrong}",
             "good": "- {id: lead}\n- {id: sale}\n"}  # fmt: skip
    files = [tmp_path / f"{name}.yaml" for name in [*texts, "missing"]]
    for file, text in zip(files, texts.values(), strict=False):
        file.write_text(text, encoding="utf-8")
    known: set[str] = set()

    def save(definition: JsonObject) -> JsonObject:
        is_early = "needs" in definition and definition["needs"] not in known
        if is_early or definition["id"] == "wrong":
            raise CommandError("It is refused.")
        known.add(definition["id"])
        return definition

    done = apply(files, save)
    assert [one["id"] for one in done.saved] == ["lead", "sale", "both"]
    assert [reason.partition(".yaml")[0] for reason in done.refused] == [
        str(tmp_path / name) for name in ("bad", "missing", "wrong")
    ]
    assert done.refused[-1].endswith("wrong.yaml, definition wrong: It is refused.")


ENTRY: dict[str, Any] = {
    "conversion": "purchase", "status": "applied", "start_date": "2026-11-01",
    "end_date": "2026-11-30", "rows_read": 100, "duplicates": 7, "quarantined": 2, "refunded": 1,
    "rows_total": 88, "inserted": 88, "updated": 0, "deleted": 0, "seconds": 1.0, "detail": None,
}  # fmt: skip


def printed(show: Any, *what: Any) -> str:
    out = io.StringIO()
    show(Console(file=out, width=100), *what)
    return out.getvalue()


def test_the_rows_of_a_run_add_up() -> None:
    found = counts(ENTRY)
    assert found == {
        "read": 100, "duplicates": 7, "broken": 2, "refunded": 1, "other": 2, "rows": 88,
    }  # fmt: skip
    assert found["read"] == sum(n or 0 for name, n in found.items() if name != "read")


def test_of_a_run_that_did_not_count_what_was_refunded_no_number_is_made_up() -> None:
    """A run of a release before, which goes on under this one."""
    before = {**ENTRY, "refunded": None}
    shown = printed(show_run, {"run_id": "r", "status": "finished", "entries": [before]})
    rows = [row.split() for row in shown.splitlines()]
    assert ["purchase", "100", "7", "2", "-", "3", "88"] in rows


def test_a_run_is_shown_with_what_it_left_out() -> None:
    held = {**ENTRY, "conversion": "lead", "status": "held", "rows_read": None, "detail": "Why."}
    shown = printed(show_run, {"run_id": "r", "status": "held", "entries": [ENTRY, held]})
    rows = [row.split() for row in shown.splitlines()]
    assert ["purchase", "100", "7", "2", "1", "2", "88"] in rows
    assert "lead: Why." in shown
    assert line(ENTRY) == "purchase: applied 2026-11-01 to 2026-11-30"


def test_what_is_true_of_several_conversions_is_said_once() -> None:
    entries = [{**ENTRY, "conversion": name, "detail": "Why."} for name in ("lead", "sale")]
    shown = printed(show_run, {"run_id": "r", "status": "finished", "entries": entries})
    assert shown.count("Why.") == 1
    assert "lead, sale: Why." in shown


def test_open_incidents_say_what_to_do() -> None:
    incident = {"severity": "error", "code": "stale", "detail": "Old.", "fix": "Run it."}
    assert printed(show_incidents, [incident]) == "error stale: Old.\n  Run it.\n"
    other = {**incident, "detail": "Older.", "fix": "Look at it."}
    shown = printed(show_incidents, [incident, other, {**incident, "detail": "Old too."}])
    assert shown.splitlines() == [
        "error stale: Old.", "error stale: Old too.", "  Run it.",
        "error stale: Older.", "  Look at it.",
    ]  # fmt: skip
    shown = printed(show_incidents, [{**incident, "detail": f"{number}."} for number in range(122)])
    assert shown.splitlines()[4:] == [
        "error stale: 4.", "  and 117 more of this kind: GET /api/incidents", "  Run it.",
    ]  # fmt: skip


def test_the_command_line_speaks_of_its_own_options() -> None:
    assert in_options("save with ?allow_unknown_event=true.") == "save with --allow-unknown-events."
    assert in_options("Swap start_date and end_date.") == "Swap --start-date and --end-date."
    assert in_options("if it is, run with force.") == "if it is, run with --force."
    # what a query is given keeps its name
    of_query = "Write BETWEEN @start_date AND @end_date; the column start_date_of stays."
    assert in_options(of_query) == of_query


def test_a_remark_on_several_definitions_is_said_once() -> None:
    remark = {"message": "No export.", "fix": "Link it with ?allow_unknown_event=true."}
    saved = [{"id": id, "version": 1, "warnings": [remark]} for id in ("lead", "sale")]
    assert printed(show_saved, saved).splitlines() == [
        "lead: version 1", "sale: version 1",
        "lead, sale: No export. Link it with --allow-unknown-events.",
    ]  # fmt: skip


def test_progress_tells_each_entry_once_in_whatever_order_it_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planned = {**ENTRY, "status": "planned"}
    lead = {**ENTRY, "conversion": "lead"}
    answers = [
        {"status": "running", "entries": [planned]},
        {"status": "running", "entries": [lead, planned]},
        {"status": "finished", "entries": [lead, ENTRY, planned]},
    ]
    heard: list[str] = []

    def get(url: str, timeout: float) -> SimpleNamespace:
        return SimpleNamespace(status_code=200, json=lambda: answers.pop(0))

    monkeypatch.setattr("common.local.stack.attach.requests.get", get)
    monkeypatch.setattr("common.local.stack.attach.time.sleep", lambda seconds: None)
    stack = attach.Attached("", "", "", Settings(project="p"))
    stack.wait_for("r", lambda entry: heard.append(f"{entry['conversion']} {entry['status']}"))
    assert heard == ["purchase planned", "lead applied", "purchase applied"]


def test_a_stack_that_is_just_starting_is_none_to_attach_to(tmp_path: Path) -> None:
    """Between taking the directory and saying where it answers, its file is empty."""
    (tmp_path / HOLDER).write_text("")
    assert attach._running(tmp_path) is None


def test_a_run_that_a_person_stops_says_how_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(chosen: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(local, "run", stopped)
    assert local.main(["run"]) == 130
    assert "The same command goes on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "variable", "said"),
    [
        ([], "", "Days are those of Europe/Rome, money is in EUR; --timezone and --currency"),
        (["--currency", "EUR"], "", "Days are those of Europe/Rome"),
        (["--timezone", "Europe/Rome", "--currency", "EUR"], "", ""),
        (["--currency", "EUR"], "Europe/Rome", ""),
        # a stack that runs has its own, and a variable comes before an option
        (["--timezone", "Asia/Tokyo"], "Europe/Rome", "--timezone and --currency change nothing."),
    ],
)
def test_the_zone_that_nobody_named_is_said(
    options: list[str], variable: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable:
        monkeypatch.setenv("CONVERSIONS_TIMEZONE", variable)
    settings = Settings(project="p", timezone="Europe/Rome", currency="EUR")
    (sentence,) = [*local._zone(local._parser().parse_args(["run", *options]), settings)] or [""]
    assert said in sentence if said else not sentence


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (["--timezone", "Mars/Phobos"], {}, "TIMEZONE (--timezone): 'Mars/Phobos' is no IANA"),
        (["--timezone", ""], {}, "TIMEZONE (--timezone): '' is no IANA"),
        (["--currency", "eur"], {}, "CURRENCY (--currency): must be three capital letters"),
        ([], {"GA4_STREAMING": "maybe"}, "GA4_STREAMING: must be true or false"),
        ([], {"GA4_STREEMING": "true"}, "GA4_STREEMING: there is no such setting"),
        ([], {"MAXIMUM_BYTES_BILLED": "200 GB"}, "MAXIMUM_BYTES_BILLED: must be a whole number"),
        ([], {"GA4_DATASETS": "analytics_1"}, "GA4_DATASETS: 'analytics_1' is no project.dataset"),
        ([], {"GA4_DATASETS": "p.analytics_1.events_"}, "is no project.dataset"),
        ([], {"SOURCE_DATASETS": "p.crm,`p.hubspot`"}, "SOURCE_DATASETS: '`p.hubspot`' is no"),
    ],
)
@pytest.mark.parametrize("command", ["run", "serve", "sql x.yaml"])
def test_a_setting_that_is_wrong_is_named(
    command: str,
    arguments: list[str],
    variables: dict[str, str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In words, before anything is started; a traceback told a newcomer nothing."""
    (tmp_path / "x.yaml").write_text("id: a\n")
    monkeypatch.chdir(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(f"CONVERSIONS_{name}", value)
    data = ["--data", str(tmp_path / "data")]
    assert local.main([*command.split(), *data, *arguments]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_a_dataset_that_is_named_twice_is_read_once() -> None:
    named = "p.analytics_1, p.analytics_2,p.analytics_1"
    assert Settings(project="p", ga4_datasets=named).ga4_datasets == (
        "p.analytics_1",
        "p.analytics_2",
    )


def test_the_parts_of_a_long_window_are_one_line() -> None:
    """A backfill of years has twenty; of a part that was tried again the last try counts."""
    entries = [
        {**ENTRY, "status": "planned", "rows_read": None},
        {**ENTRY, "status": "failed", "end_date": "2026-11-10", "rows_read": None},
        {**ENTRY, "status": "continued", "end_date": "2026-11-10"},
        {**ENTRY, "status": "unchanged", "start_date": "2026-11-11", "inserted": 0},
    ]
    shown = printed(show_run, {"run_id": "r", "status": "finished", "entries": entries})
    rows = [row.split() for row in shown.splitlines() if row.split()[:1] == ["purchase"]]
    assert rows == [
        ["purchase", "200", "14", "4", "2", "4", "176"],
        ["purchase", "applied", "2026-11-01", "2026-11-30", "88", "0", "0", "2.0"],
    ]


def test_a_conversion_that_is_misspelt_is_answered_with_those_that_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = {"conversions": [{"id": "lead"}, {"id": "purchase"}]}
    known = SimpleNamespace(call=lambda *_: listed, settings=Settings(project="p"))
    monkeypatch.setattr(local, "attached", lambda *_: nullcontext(known))
    assert local.main(["run", "--data", str(tmp_path), "--conversion", "Purchase"]) == 1
    assert "no active conversion Purchase; there is lead, purchase." in capsys.readouterr().err


def test_a_second_stack_on_the_same_data_is_answered_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with held(tmp_path, {"url": "http://127.0.0.1:1"}):
        assert local.main(["serve", "--data", str(tmp_path)]) == 1
    assert "is in use by process" in capsys.readouterr().err
