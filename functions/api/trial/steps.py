"""The walk of one order, event or lead through a definition, step by step, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from common.catalog.definitions import DefinitionVersion
from common.http.model import Model
from common.model.window import Window
from functions.api.trial.backtest import message_of
from functions.api.trial.rules import failed, rules_of

Row = Mapping[str, Any]
Verdict = Literal["counted", "dropped", "not_found", "waiting"]


class Step(Model):
    """One step on the way from an event to the ad platforms."""

    step: Literal[
        "source", "filter", "identity", "contract", "dedup", "value", "refund", "qualification",
        "published", "export",
    ]  # fmt: skip
    passed: bool | None = Field(description="null: it stops nothing.")
    text: str = Field(description="For a person.")


@dataclass(frozen=True)
class Case:
    """What was found for one key."""

    stored: DefinitionVersion
    key: str
    window: Window
    events: Sequence[Row]
    candidates: Sequence[Row]
    published: Row | None
    attempts: Sequence[Row]
    last_run: str


def walk(case: Case) -> Iterator[Step]:
    """The steps in order; none follows the one that dropped it."""
    for steps in (_source, _filter, _candidate, _publication, _export):
        for step in steps(case):
            yield step
            # one destination that refuses it says nothing about the others
            if step.passed is False and step.step != "export":
                return


def _source(case: Case) -> Iterator[Step]:
    days = f"from {case.window.start} to {case.window.end}"
    source = case.stored.conversion.source_name
    if case.stored.conversion.events():
        if case.events:
            moments = ", ".join(
                f"{row['occurred_at']:%Y-%m-%d %H:%M:%S} UTC" for row in case.events
            )
            names = " and ".join(sorted({row["event_name"] for row in case.events}))
            yield Step(step="source", passed=True, text=f"GA4 recorded {names} at {moments}.")
        elif not case.candidates:
            yield Step(
                step="source",
                passed=False,
                text="No GA4 event with this id is staged. Either GA4 did not record it, or not"
                " under this id, or its day has not been read yet.",
            )
    elif case.candidates:
        yield Step(step="source", passed=True, text=f"{source} has it.")
    else:
        yield Step(
            step="source",
            passed=False,
            text=f"{source} does not have it {days}.",
        )


def _filter(case: Case) -> Iterator[Step]:
    if not case.events:
        return
    rules = rules_of(case.stored.conversion)
    # of several events with the id, the one that came nearest explains most
    missed = min((failed(rules, event) for event in case.events), key=len)
    numbers = {number for number, _ in missed}
    for number, rule in enumerate(rules, 1):
        verb = "does not pass" if number in numbers else "passes"
        text = f"It {verb} rule {number}: {rule.text}."
        yield Step(step="filter", passed=number not in numbers, text=text)


def _candidate(case: Case) -> Iterator[Step]:
    if not case.candidates:
        return
    # the one that counts, else the first
    row = min(case.candidates, key=lambda row: (row["outcome"] is not None, row["created"]))
    yield _identity(row)
    if row["reason"]:
        yield Step(step="contract", passed=False, text=message_of(row["reason"]))
    yield _dedup(row, len(case.candidates))
    yield _value(row)
    if row["refund_status"]:
        yield _refund(row)
    # of events every one is qualified, which explains nothing
    judged = row["is_qualified"] is not None and not case.stored.conversion.events()
    if judged or row["removed"] == "unqualified_lead":
        yield _qualification(row)


def _identity(row: Row) -> Step:
    if row["client_id"] is None:
        text = "It has no client id, so reports show it as (not attributed)."
    else:
        text = f"Its client id is {row['client_id']}"
        text += f", its person {row['person_id']}." if row["person_id"] else "."
    return Step(step="identity", passed=None, text=text)


def _dedup(row: Row, candidates: int) -> Step:
    removed = row["removed"]
    if removed and removed not in ("fully_refunded", "unqualified_lead"):
        return Step(step="dedup", passed=False, text=message_of(removed))
    others = f" {candidates} candidates share this id; the first counts." if candidates > 1 else ""
    return Step(step="dedup", passed=True, text=f"It is no duplicate.{others}")


def _value(row: Row) -> Step:
    if row["net_value"] is None:
        return Step(step="value", passed=None, text="It has no value.")
    text = f"It is worth {row['net_value']:,.2f} {row['currency'] or 'in a currency'}"
    if row["rate"] is None:
        why = "; there is no exchange rate for that day" if row["currency"] else _UNREAD
        return Step(step="value", passed=None, text=f"{text}{why}, so totals leave it out.")
    return Step(
        step="value",
        passed=True,
        text=f"{text}, {row['net_value'] * row['rate']:,.2f} in the project's currency.",
    )


_UNREAD = " that cannot be read"


def _refund(row: Row) -> Step:
    texts = {
        "none": "No refund lowers it.",
        "partial": f"Refunds took {row['value_refunded'] or 0:,.2f} off.",
        "full": "It was refunded in full.",
    }
    dropped = row["removed"] == "fully_refunded"
    text = texts[row["refund_status"]]
    if dropped:
        text = message_of("fully_refunded")
    return Step(step="refund", passed=not dropped, text=text)


def _qualification(row: Row) -> Step:
    if row["removed"] == "unqualified_lead":
        return Step(step="qualification", passed=False, text=message_of("unqualified_lead"))
    text = "It reached its target status." if row["is_qualified"] else "It is not qualified."
    return Step(step="qualification", passed=None, text=text)


def _publication(case: Case) -> Iterator[Step]:
    if case.published:
        at = case.published["updated_at"]
        yield Step(
            step="published",
            passed=True,
            text=f"It is in the table, last written at {at:%Y-%m-%d %H:%M} UTC.",
        )
    else:
        yield Step(
            step="published",
            passed=None,
            text=f"It is not in the table yet: {case.last_run}. Run it: POST /runs.",
        )


def _export(case: Case) -> Iterator[Step]:
    states = {"accepted": True, "rejected": False, "failed": False, "expired": False,
              "skipped": False}  # fmt: skip
    for row in case.attempts:
        why = f" ({row['reason']})" if row["reason"] else ""
        yield Step(
            step="export",
            # a state that is still open, or new, stops nothing
            passed=states.get(row["state"]),
            text=f"{row['destination']}: {row['state']}{why}.",
        )


def verdict_of(case: Case, dropped: Step | None) -> Verdict:
    """What the walk comes to; `dropped` is the step that did not pass."""
    if dropped and dropped.step == "source" and not case.published:
        return "not_found"
    if dropped and dropped.step != "export":
        return "dropped"
    return "counted" if case.published else "waiting"


def sentence_of(case: Case, verdict: Verdict, dropped: Step | None) -> str:
    """The same in one sentence."""
    id, key = case.stored.id, case.key
    match verdict:
        case "counted":
            return f"{key} is a conversion of {id}."
        case "waiting":
            return f"{key} will be a conversion of {id} after the next run."
    reason = dropped.text if dropped else ""
    still = " It stays in the table until the next run." if case.published else ""
    return f"{key} is no conversion of {id}. {reason}{still}"
