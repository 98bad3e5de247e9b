"""From leads and what became of them to a trained model and what is known of its quality."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from functions.score_leads.data import features as reading
from functions.score_leads.data.attributes import Attribute, Codes, as_category, profile
from functions.score_leads.data.blank_when_new import Look, blank_when_new
from functions.score_leads.data.features import DAY, Features, Index
from functions.score_leads.data.outcomes import Flags, Outcomes
from functions.score_leads.data.values import Floats, Raw
from functions.score_leads.model import encoding, fitting, ladder, leakage, reasons, value
from functions.score_leads.model.classifier import Classifier
from functions.score_leads.model.encoding import Encoder
from functions.score_leads.model.fitting import Fitted
from functions.score_leads.model.ladder import BaseRate, Step
from functions.score_leads.model.leakage import Evidence
from functions.score_leads.model.level import level
from functions.score_leads.model.model import Model
from functions.score_leads.model.whole_numbers import is_code
from functions.score_leads.numeric import threads
from functions.score_leads.numeric.folds import lasting_folds
from functions.score_leads.numeric.log_odds import probability
from functions.score_leads.numeric.rhythm import Rhythm, rhythm
from functions.score_leads.training import forward
from functions.score_leads.training.forward import Forward

MAX_ROWS = 500_000
"""Of more leads a sample, the same each time. Three times 100,000 lower the log loss by 0.0025,
raise the area by 0.003, move no total and take three times as long (tests/bench/_sampling.py)."""

MONTHS_24 = 730.0
# measured on bookings: log loss .448 after one month, .397 after two, .387 after six, .380 after
# twelve
MONTHS_6 = 180.0
SEEN_EARLY_DAYS = 3.0
SILENT_DAYS, SILENT_WINS, USUAL_DAYS = 7.0, 10, 28.0
"""A week, in which ten wins were to be expected by the four weeks before: chance is exp(-10)."""

CHANNELS = re.compile(
    r"(property_hs_analytics_source|property_original_source|lead_?source|utm_source|channel"
    r"|default_channel_group|source|origin|lead_?origin|utm_medium|market_segment"
    r"|site_(last_channel|last_source|first_source))",
    re.I,
)
CAMPAIGNS = re.compile(
    r"(property_)?((hs_)?(first_|latest_|last_)?(utm_)?campaign(_?name|_?id)?"
    r"|hs_(analytics|latest)_source_data_[12]|ad_?group(_?name|_?id)?)(__?c)?",
    re.I,
)


@dataclass(frozen=True)
class Leads:
    """Leads in the order of their creation, oldest first."""

    placed: Floats
    """Seconds since 1970, or any number that grows with time."""
    dated: bool
    """Whether `placed` is seconds."""
    columns: Mapping[str, Raw]
    seen_after: Floats | None = None
    """Days after creation at which the attributes were first seen; None when that is unknown."""

    @property
    def created(self) -> Floats | None:
        """Seconds since 1970 of each creation; None when only the order is known."""
        return self.placed if self.dated else None

    @property
    def mostly_backfilled(self) -> bool:
        """Whether most leads were first seen long after their creation."""
        if self.seen_after is None:
            return False
        return bool(np.mean(self.seen_after > SEEN_EARLY_DAYS) > 0.5)

    def take(self, leads: Index) -> Leads:
        """Some of the leads."""
        kept = np.arange(len(self.placed))[leads].tolist()
        columns = {name: [values[row] for row in kept] for name, values in self.columns.items()}
        seen = None if self.seen_after is None else self.seen_after[leads]
        return Leads(self.placed[leads], self.dated, columns, seen)


@dataclass(frozen=True)
class Wishes:
    """What people and earlier runs say about the attributes."""

    excluded: Collection[str] = ()
    confirmed: Collection[str] = ()
    """Known at creation after all, whatever they look like."""
    late: Mapping[str, str] = field(default_factory=dict)
    """Why an attribute was found to change after creation."""
    doubts: Mapping[str, str] = field(default_factory=dict)
    """Why an attribute may change after creation; only first-seen values can tell."""
    seed: int = 0


@dataclass(frozen=True)
class Trained:
    """The model and the evidence behind it."""

    model: Model
    step: Step
    attributes: tuple[Attribute, ...]
    evidence: Mapping[str, Evidence]
    forward: Forward | None
    leads: Leads
    outcomes: Outcomes
    features: Features
    warnings: tuple[str, ...]


def train(leads: Leads, outcomes: Outcomes, wishes: Wishes) -> Trained:
    """The model of these leads; falls down the ladder to the base rate rather than fail.

    Raises ValueError when there is no lead at all.
    """
    if not len(leads.placed):
        raise ValueError("there are no leads to learn from")
    # one thread, so that the machine does not decide about the last digits of a model
    with threads.alone():
        return _trained(leads, outcomes, wishes)


def _trained(leads: Leads, outcomes: Outcomes, wishes: Wishes) -> Trained:
    quiet = days_without_wins(leads, outcomes)
    kept = eligible(leads, outcomes, wishes.seed)
    leads, outcomes = leads.take(kept), outcomes.take(kept)
    # days without news would teach that new leads never win
    outcomes = outcomes.as_of(quiet) if quiet else outcomes
    attributes, features, evidence = judge_attributes(leads, outcomes, wishes)
    step = _first_step(outcomes, features)
    of_orders = rhythm(features, outcomes) if step.name != "base_rate" else None
    seen_forward = (
        forward.evaluate(features, outcomes, wishes.seed, of_orders)
        if step.name != "base_rate"
        else None
    )
    step = _held_forward(step, seen_forward)
    model = _model(attributes, features, outcomes, step, wishes.seed, of_orders)
    warnings = (*_silent(quiet), *_warnings(leads, evidence, attributes, step, wishes))
    return Trained(
        model, step, attributes, evidence, seen_forward, leads, outcomes, features, warnings
    )


def days_without_wins(leads: Leads, outcomes: Outcomes) -> float:
    """Days up to now of which no win is known, though SILENT_WINS were to be expected; 0 if none.

    Deals that are no longer loaded look like this, and hardly ever a sales team that wins nothing
    any more: what is known of these days tells nothing of the leads.
    """
    won = np.flatnonzero(~np.isnan(outcomes.won_after))
    if not leads.dated or not np.isfinite(outcomes.window) or not len(won):
        return 0.0
    happened = leads.placed[won] / DAY + outcomes.won_after[won]
    last = float(happened.max())
    quiet = float(leads.placed[0] / DAY + outcomes.age[0]) - last
    usual = int((happened > last - USUAL_DAYS).sum())
    expected = quiet * usual / USUAL_DAYS
    return quiet if quiet >= SILENT_DAYS and expected >= SILENT_WINS else 0.0


def _silent(quiet: float) -> Iterator[str]:
    if quiet:
        yield (
            f"wins_went_silent: No win is known of the last {quiet:.0f} days, though many were to "
            "be expected; the model has learnt what was known before"
        )


def eligible(leads: Leads, outcomes: Outcomes, seed: int) -> Index:
    """The leads to learn from: since the first win, of the last 24 months, at most MAX_ROWS.

    Leads from before the first recorded win look lost only because nobody recorded wins then. All
    of them, where none would be left.
    """
    use = np.ones(len(leads.placed), bool)
    if leads.dated and np.isfinite(outcomes.window):
        wins = (leads.placed + outcomes.won_after * DAY)[outcomes.won]
        if len(wins):
            # measured: halves the error of promises where wins were recorded later than leads
            use &= leads.placed >= wins.min()
        use &= outcomes.age <= MONTHS_24
    # the first win of a new department is younger than its leads: their base rate is what there is
    kept = np.flatnonzero(use if use.any() else np.ones(len(use), bool))
    if len(kept) > MAX_ROWS:
        kept = np.sort(np.random.default_rng(seed).permutation(kept)[:MAX_ROWS])
    return kept


def judge_attributes(
    leads: Leads, outcomes: Outcomes, wishes: Wishes
) -> tuple[tuple[Attribute, ...], Features, dict[str, Evidence]]:
    """Every attribute with its verdict, the features of the used ones, and the evidence."""
    attributes = [
        _wished(profile(name, values, leads.placed), wishes)
        for name, values in leads.columns.items()
    ]
    features = _read(attributes, leads)
    # an open lead is no loss yet; to count it as one would blame what only new leads have
    certain = outcomes.mature if outcomes.mature.any() else outcomes.is_known
    won = outcomes.won[certain]
    evidence = leakage.evidence(features.take(certain), won)
    blank = _blank_when_new(leads, outcomes)
    tried = [_tried(each, evidence, blank, leads, wishes) for each in attributes]
    tried = [_coded(each, features, leads.columns, certain, won, wishes.seed) for each in tried]
    judged = tuple(_without_twins(tried, features))
    if judged != tuple(attributes):
        features = _read(judged, leads)
    return judged, features, evidence


def _read(attributes: Sequence[Attribute], leads: Leads) -> Features:
    every = reading.read(attributes, leads.columns, leads.created, len(leads.placed))
    return reading.without_batches(every)


def _blank_when_new(leads: Leads, outcomes: Outcomes) -> dict[str, str]:
    if leads.seen_after is None or not np.isfinite(outcomes.window):
        return {}
    return blank_when_new(leads.columns, Look.of(outcomes, leads.seen_after))


def _coded(
    attribute: Attribute,
    features: Features,
    columns: Mapping[str, Raw],
    certain: Flags,
    won: Flags,
    seed: int,
) -> Attribute:
    """The attribute, as a category if its whole numbers are codes."""
    if attribute.kind != "number" or attribute.refused:
        return attribute
    if not is_code(features.numbers[attribute.name][certain], won, seed):
        return attribute
    return as_category(attribute, columns[attribute.name])


def _tried(
    attribute: Attribute,
    evidence: Mapping[str, Evidence],
    blank: Mapping[str, str],
    leads: Leads,
    wishes: Wishes,
) -> Attribute:
    """The attribute, refused if the evidence says that it knows the outcome.

    Where most leads were seen long after their creation, or nobody knows when, a suspicion is
    enough: their values may have been filled in with the outcome in sight, and nobody can tell.
    """
    found = evidence.get(attribute.name)
    if attribute.refused or attribute.name in wishes.confirmed:
        return attribute
    if attribute.name in blank:
        return replace(attribute, refused=blank[attribute.name])
    if found is None or found.refusal or (leads.dated and not leads.mostly_backfilled):
        return replace(attribute, refused=found.refusal if found else "")
    doubt = "; it was not seen at creation, so confirm it if it was known then"
    suspicion = found.suspicion or leakage.kept_up(attribute.name, found)
    return replace(attribute, refused=suspicion and suspicion + doubt)


def _without_twins(attributes: Sequence[Attribute], features: Features) -> Iterator[Attribute]:
    """The attributes, of which a category that says the same as an earlier one is refused."""
    seen: dict[bytes, str] = {}
    for attribute in attributes:
        codes = features.codes.get(attribute.name)
        if attribute.refused or codes is None:
            yield attribute
            continue
        twin = seen.setdefault(_pattern(codes), attribute.name)
        same = f"it says the same as {twin}" if twin != attribute.name else ""
        yield replace(attribute, refused=same)


def _pattern(codes: Codes) -> bytes:
    """Which leads share a level, whatever the levels are called."""
    _, first, place = np.unique(codes, return_index=True, return_inverse=True)
    pattern: bytes = np.argsort(np.argsort(first))[place].astype(np.int32).tobytes()
    return pattern


def _wished(attribute: Attribute, wishes: Wishes) -> Attribute:
    if attribute.name in wishes.excluded:
        return replace(attribute, refused="it is excluded by the definition")
    if attribute.name in wishes.late and attribute.name not in wishes.confirmed:
        return replace(attribute, refused=wishes.late[attribute.name])
    return attribute


def _first_step(outcomes: Outcomes, features: Features) -> Step:
    mature = outcomes.mature
    won = int((outcomes.won & mature).sum())
    if not encoding.tells_apart(features):
        return Step("base_rate", 0.0, "no_attributes: none of them can be used")
    found = ladder.step(won, int(mature.sum()) - won)
    young = int((outcomes.won & ~mature).sum())
    if found.name != "base_rate" or not young:
        return found
    days = f"{outcomes.window:.0f} days"
    shown = f"{found.reason}; won already though not {days} old: {young}"
    return replace(found, reason=shown)


def _held_forward(step: Step, seen_forward: Forward | None) -> Step:
    """The step, unless predictions forward in time have shown no skill."""
    if step.name == "base_rate":
        return step
    lack = "too few outcomes to show skill" if seen_forward is None else seen_forward.lack_of_skill
    return Step("base_rate", 0.0, f"no_skill: {lack}") if lack else step


def _model(
    attributes: tuple[Attribute, ...],
    features: Features,
    outcomes: Outcomes,
    step: Step,
    seed: int,
    of_orders: Rhythm | None,
) -> Model:
    sources = sources_of(attributes)
    # of many leads no model remembers much, and folds would take room and time
    lasting = _lasting(features, outcomes) if features.count <= fitting.FEW else None
    scorer, encoder, apart, logits = _scorer(
        features, outcomes, step, sources, seed, lasting, of_orders
    )
    money = value.Money(outcomes.won_value, probability(logits), outcomes.mature)
    surrogate = (
        None
        if isinstance(scorer, BaseRate)
        else reasons.fit(encoder, features, scorer.logits, seed)
    )
    return Model(
        attributes=tuple(attribute for attribute in attributes if not attribute.refused),
        encoder=encoder,
        scorer=scorer,
        level=level(outcomes, logits),
        value=value.fit(encoder, features, money, seed, lasting=lasting),
        surrogate=surrogate,
        apart=apart,
        learnt_until=_newest(features) if lasting is not None else None,
    )


def _lasting(features: Features, outcomes: Outcomes) -> NDArray[np.int64] | None:
    return lasting_folds(features, outcomes.won, ~np.isnan(outcomes.won_value))


def _newest(features: Features) -> float | None:
    return None if features.created is None else float(features.created.max())


def _scorer(
    features: Features,
    outcomes: Outcomes,
    step: Step,
    sources: tuple[str, ...],
    seed: int,
    lasting: NDArray[np.int64] | None,
    of_orders: Rhythm | None,
) -> tuple[Classifier | BaseRate, Encoder, tuple[Fitted, ...], Floats]:
    """What gives log-odds, its encoder and folds, and each lead's log-odds as if it were new."""
    if step.name != "base_rate":
        weight = step.boosted_weight
        fitted, logits = fitting.fit_open(
            features, outcomes, weight, seed, lasting=lasting, rhythm=of_orders
        )
        return fitted.classifier, fitted.encoder, fitted.apart, logits
    final = outcomes.mature if outcomes.mature.any() else np.ones(features.count, bool)
    target = outcomes.won.astype(float)
    # attributes that show no skill together say nothing by source either
    named = sources if step.reason.startswith("too_few") else ()
    codes = [(name, features.codes[name][final]) for name in named]
    rate = ladder.base_rate(target[final], codes)
    return rate, encoding.fit(features, target), (), rate.logits(features)


def channel_of(attributes: Sequence[Attribute]) -> str | None:
    """The attribute that says where leads come from; None when no name says so."""
    return _named(attributes, CHANNELS)


def _named(attributes: Sequence[Attribute], pattern: re.Pattern[str]) -> str | None:
    used = (each.name for each in attributes if each.kind == "category" and not each.refused)
    return next((name for name in used if pattern.fullmatch(name.replace(" ", "_"))), None)


def sources_of(attributes: Sequence[Attribute]) -> tuple[str, ...]:
    """The channel and the campaign, the wider one first; those that no name speaks of are left out.

    What so few wins cannot tell of a campaign, its channel does, and what they cannot tell of a
    channel, all past leads of the customer do.
    """
    channel, campaign = channel_of(attributes), _named(attributes, CAMPAIGNS)
    return tuple(name for name in (channel, campaign) if name is not None)


def _warnings(
    leads: Leads,
    evidence: Mapping[str, Evidence],
    attributes: Sequence[Attribute],
    step: Step,
    wishes: Wishes,
) -> list[str]:
    warnings = []
    if step.name in ("base_rate", "linear"):
        warnings.append(step.reason)
    days = np.ptp(leads.placed) / DAY
    if not leads.dated:
        warnings.append(
            "undated: no lead says when it was created, so nothing tells whether rates move; "
            "totals are those of leads like the ones learnt from"
        )
    if leads.dated and days < MONTHS_6:
        warnings.append(f"short_history: {days:.0f} days; six months make a better model")
    if leads.seen_after is not None and (late := leads.seen_after > SEEN_EARLY_DAYS).any():
        warnings.append(
            f"backfilled: {late.sum()} of {len(late)} leads were first seen later than "
            f"{SEEN_EARLY_DAYS:.0f} days after creation; their attributes may have changed before"
        )
    used = {attribute.name for attribute in attributes if not attribute.refused}
    for name in sorted(used - set(wishes.confirmed)):
        suspicion = evidence[name].suspicion if name in evidence else ""
        if suspicion := suspicion or wishes.doubts.get(name, ""):
            warnings.append(f"suspicious_attribute: {name}: {suspicion}")
    return warnings
