"""A training from the past in the warehouse: model, thresholds and card, ready to be registered."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from common.kinds.conversion import Conversion
from common.untyped import JsonObject
from functions.score_leads.data.features import DAY
from functions.score_leads.data.outcomes import Flags, Outcomes, Tail
from functions.score_leads.data.sources import scoring_of
from functions.score_leads.evaluate.card import card
from functions.score_leads.model import leakage
from functions.score_leads.model.ladder import step as ladder_step
from functions.score_leads.model.open_outcomes import Delays
from functions.score_leads.operate.history import Past
from functions.score_leads.operate.scoring import promise, worth
from functions.score_leads.training import monitoring, qualification, value_map
from functions.score_leads.training.artifact import versions
from functions.score_leads.training.forward import Forward
from functions.score_leads.training.packed import Packed
from functions.score_leads.training.qualification import Evidence, Threshold, WhatIf
from functions.score_leads.training.training import SEEN_EARLY_DAYS, Trained, Wishes, train

# measured: a cut from four weeks passes 20.3 % where 20 were asked for; one of a single day strays,
# and cannot judge a lead on its own
RECENT_DAYS, RECENT_LEADS = 28.0, 200
SEED = 0


@dataclass(frozen=True)
class Training:
    """What came of a training."""

    packed: Packed
    card: JsonObject
    trained: Trained

    @property
    def promised_wins(self) -> tuple[float, tuple[float, float]]:
        """Wins promised of the newest leads, and the interval that holds 80 % of what comes."""
        promised = self.card["promise"]
        return promised["wins"], tuple(promised["wins_interval_80"])


def model_id(past: Past, conversion: Conversion, late: Mapping[str, str]) -> str:
    """Fingerprint of everything that a training depends on."""
    definition = conversion.model_dump_json(exclude={"name", "description"})
    parts = (past.data_hash, definition, repr(sorted(late.items())), versions(), str(SEED))
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def training(past: Past, conversion: Conversion, late: Mapping[str, str]) -> Training:
    """Train on the past; the same past gives the same bytes."""
    past = point_in_time(past)
    trained = train(past.leads, past.outcomes, wishes(past, conversion, late))
    recent = _recent(trained)
    scores = trained.model.score(trained.features.take(recent))
    evidence = _evidence(trained.forward, trained)
    wanted = scoring_of(conversion).qualification
    cut = qualification.threshold(
        wanted,
        evidence,
        scores.probability,
        model_has_skill=trained.step.name != "base_rate",
    )
    table = [] if evidence is None else qualification.what_if(evidence, cut.measure)
    packed = Packed(
        model_id=model_id(past, conversion, late),
        model=trained.model,
        threshold=cut,
        grade_cuts=qualification.grade_cuts(worth(scores)),
        shapes=monitoring.shapes(trained.features),
        window_days=past.outcomes.window,
        delays=Delays.of(trained.outcomes),
        money_spread=_money_spread(trained.outcomes),
    )
    shown = _card(packed, past, trained, cut, table)
    shown["value_map"] = evidence and value_map.what_if(
        scoring_of(conversion).value_map,
        evidence.expected_value,
        evidence.probability,
        evidence.value,
    )
    return Training(packed, shown, trained)


def _money_spread(outcomes: Outcomes) -> float:
    money = outcomes.won_value[np.isfinite(outcomes.won_value)]
    return float(money.var() / money.mean() ** 2) if money.sum() > 0 else 0.0


def point_in_time(past: Past) -> Past:
    """Only the leads that were seen soon after their creation, once these alone carry a model.

    What was stored of older leads is how they looked on the day of the first run.
    """
    seen_after = past.leads.seen_after
    if seen_after is None:
        return past
    early: Flags = seen_after <= SEEN_EARLY_DAYS
    known = past.outcomes.mature & early
    won = int((past.outcomes.won & known).sum())
    if early.all() or ladder_step(won, int(known.sum()) - won).name != "blend":
        return past
    return replace(past, leads=past.leads.take(early), outcomes=past.outcomes.take(early))


def in_words(tail: Tail) -> str:
    """What the window leaves out; it is never part of what is promised."""
    later = f"about {tail.factor - 1:.0%} as many again come later"
    if tail.window >= tail.followed:
        later = "history is too short to say what comes later"
    return (
        f"Wins within {tail.window} days are promised; {later}, and of wins after "
        f"{tail.followed} days history shows nothing."
    )


def _promise(packed: Packed, trained: Trained) -> JsonObject:
    """What was to be promised of the last weeks' leads, with the interval that holds 80 %."""
    scores = trained.model.score(trained.features.take(_recent(trained)))
    return promise(packed, scores.probability, scores.expected_value)


def wishes(past: Past, conversion: Conversion, late: Mapping[str, str]) -> Wishes:
    """What the definition and earlier runs say about the attributes."""
    scoring = scoring_of(conversion)
    seen_after = past.leads.seen_after
    filled = {} if seen_after is None else leakage.filled_with_age(past.leads.columns, seen_after)
    return Wishes(
        excluded=scoring.excluded_attributes,
        confirmed=scoring.confirmed_attributes,
        late=late,
        doubts=filled,
        seed=SEED,
    )


def _recent(trained: Trained) -> np.ndarray:
    """The leads of the last weeks, or the newest ones when these are too few."""
    age = trained.outcomes.age
    recent = np.flatnonzero(age <= RECENT_DAYS)
    return recent if len(recent) >= RECENT_LEADS else np.arange(len(age))[-RECENT_LEADS:]


def _evidence(forward: Forward | None, trained: Trained) -> Evidence | None:
    if forward is None:
        return None
    brought = np.nan_to_num(forward.actual_value)
    has_value = bool(np.isfinite(forward.deal_value).all()) and brought.sum() > 0
    expected = forward.probability * forward.deal_value if has_value else forward.probability
    placed = trained.leads.placed[forward.leads]
    return Evidence(
        probability=forward.probability,
        expected_value=expected,
        won=forward.won,
        value=brought if has_value else forward.won,
        days=float(np.ptp(placed) / DAY),
    )


def _card(
    packed: Packed, past: Past, trained: Trained, cut: Threshold, table: list[WhatIf]
) -> JsonObject:
    facts = {
        "model_id": packed.model_id,
        "data_hash": past.data_hash,
        "seed": SEED,
        "sampled_from": past.sampled_from,
        "window": past.tail
        and {
            "days": past.tail.window,
            "share_of_wins": past.tail.share,
            "tail_factor": past.tail.factor,
            "followed_days": past.tail.followed,
            "in_words": in_words(past.tail),
        },
        "promise": _promise(packed, trained),
        "threshold": {"measure": cut.measure, "cut": cut.cut, "reason": cut.reason},
        "grade_cuts": packed.grade_cuts,
    }
    return card(trained, table, facts)
