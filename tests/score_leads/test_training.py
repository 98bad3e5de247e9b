"""From leads to a model: right in sum, honest without signal, the same every time."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from functions.score_leads.data.features import DAY, Features
from functions.score_leads.data.outcomes import Outcomes, final
from functions.score_leads.data.values import Floats
from functions.score_leads.model.drift import Choice
from functions.score_leads.model.ladder import BaseRate, base_rate, lacks_skill, step
from functions.score_leads.model.level import UNMOVED
from functions.score_leads.model.model import Scores
from functions.score_leads.model.value import LogBlend
from functions.score_leads.numeric.metrics import area_under_curve
from functions.score_leads.operate import retrain
from functions.score_leads.operate.history import Past
from functions.score_leads.operate.training_incidents import of_training
from functions.score_leads.training import artifact, forward
from functions.score_leads.training.training import Leads, Trained, Wishes, channel_of, train
from tests.score_leads.conftest import TODAY, Learnt, past_of, scoring_of
from tests.score_leads.simulator import sales

DRAW = np.random.default_rng(3)


def score(trained: Trained, leads: Leads) -> Scores:
    model = trained.model
    return model.score(model.read(leads.columns, leads.created, len(leads.placed)))


def near(wanted: float) -> object:
    """Within the 3 % that a total may be off."""
    return pytest.approx(wanted, abs=0.03)


def small(won: Floats, **columns: list[object]) -> Trained:
    leads = Leads(np.arange(float(len(won))), False, columns)
    return train(leads, final(won > 0, np.full(len(won), np.nan)), Wishes())


def words(*levels: str, count: int) -> list[object]:
    return [str(word) for word in DRAW.choice(levels, count)]


# Right in sum


def test_the_totals_are_those_of_the_deals_that_came(learnt: Learnt) -> None:
    """Of the leads that the model learnt from, too: remembering them, it would promise more."""
    drawn, trained = learnt.sales, learnt.training.trained
    known = drawn.created_between(0, TODAY - 40)
    won = drawn.won_after[known] <= drawn.window
    wins, money = won.sum(), drawn.value[known][won].sum()
    # young leads have moved the level since
    calm = replace(trained, model=replace(trained.model, level=UNMOVED))
    promised = score(calm, drawn.leads.take(known))
    assert promised.expected_value is not None
    assert promised.probability.sum() / wins == near(1)
    assert promised.expected_value.sum() / money == near(1)
    remembering = replace(calm, model=replace(calm.model, learnt_until=None))
    from_memory = score(remembering, drawn.leads.take(known))
    assert from_memory.expected_value is not None
    assert from_memory.expected_value.sum() / money > 1.03


def test_a_lead_is_not_judged_by_its_own_outcome() -> None:
    """What its deal brought moves the sum of all, and nothing else of what is promised of it."""
    drawn = sales(12, days=120, per_day=10)
    leads, known = drawn.known_on(120)
    deals = np.flatnonzero(known.won & known.mature)
    one = deals[np.argsort(known.value[deals])[len(deals) // 2]]
    richer = known.value.copy()
    richer[one] *= 1.5

    def typical(trained: Trained, *, new: bool) -> float:
        model = replace(trained.model, learnt_until=None) if new else trained.model
        assert isinstance(model.value, LogBlend)
        value = score(replace(trained, model=model), leads.take(np.array([one]))).deal_value
        assert value is not None
        return float(value[0] / model.value.scale)

    more = train(leads, replace(known, value=richer), Wishes())
    less = train(leads, known, Wishes())
    assert typical(more, new=False) == pytest.approx(typical(less, new=False), rel=1e-6)
    assert typical(more, new=True) > 1.01 * typical(less, new=True)


def test_months_that_stray_from_their_promise_are_reported_with_the_interval(
    learnt: Learnt,
) -> None:
    def found(spread: float, choice: Choice = "none") -> dict[str, str]:
        model = learnt.training.trained.model
        moved = replace(model, level=replace(model.level, spread=spread, choice=choice))
        training = replace(learnt.training, trained=replace(learnt.training.trained, model=moved))
        return {each.code: each.detail for each in of_training(training, "")}

    assert "promise_uncertain" not in found(0.1)
    assert "promise_uncertain" in found(0.1, "steady")
    told = found(0.3)["promise_uncertain"]
    wins, (low, high) = learnt.training.promised_wins
    assert "about 35%" in told
    assert f"{wins:.0f} wins are promised, and {low:.0f} to {high:.0f} will come" in told


@pytest.mark.parametrize(("batches", "has_clock"), [(True, False), (False, True)])
def test_the_weekday_of_a_list_is_no_attribute_of_its_leads(batches: bool, has_clock: bool) -> None:
    """Lists of every thirtieth day each have a weekday, and a coming one the old one's of it."""
    drawn = sales(3, days=240, per_day=8)
    leads, known = drawn.known_on(240)
    day = leads.placed // DAY
    placed = np.where(batches, (day - day % 30) * DAY + np.arange(len(day)), leads.placed)
    model = train(replace(leads, placed=placed), known, Wishes()).model
    clock = [each.name for each in model.encoder.categories if each.name == "created / weekday"]
    assert bool(clock) == has_clock
    scores = model.score(model.read(leads.columns, placed, len(placed)))
    assert scores.probability.sum() == pytest.approx(drawn.chance[: len(placed)].sum(), rel=0.1)


def test_the_figures_of_quality_are_of_what_is_sent(
    learnt: Learnt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A correction that the card leaves out could ruin a good model unseen."""
    trained = learnt.training.trained
    judged = (trained.features, trained.outcomes, 0)
    before = forward.evaluate(*judged)
    monkeypatch.setattr(forward, "level", lambda *_: replace(UNMOVED, overall=0.5))
    after = forward.evaluate(*judged)
    assert before is not None
    assert after is not None
    moved = after.logits - before.logits
    assert len(np.unique(moved.round(6))) <= forward.BLOCKS, "one shift a block of leads"
    assert moved.max() > 0.3


def test_deals_that_were_imported_in_one_second_can_be_learnt_from() -> None:
    drawn = sales(1, days=120, per_day=10)
    leads, known = drawn.known_on(120)
    imported = np.flatnonzero(known.won)[60:140]
    placed, value = leads.placed.copy(), np.full(len(leads.placed), np.nan)
    placed[imported] = np.floor(placed[imported[0]])
    value[imported] = known.value[imported]
    model = train(replace(leads, placed=placed), replace(known, value=value), Wishes()).model
    assert isinstance(model.value, LogBlend)
    assert not model.value.apart


def test_immature_leads_neither_raise_nor_lower_what_is_promised(learnt: Learnt) -> None:
    """Sampling alone moves the total of so few wins by some percent; bench measures the bias."""
    drawn = learnt.sales
    coming = drawn.created_between(TODAY - 40, 260)
    promised = score(learnt.training.trained, drawn.leads.take(coming)).probability.sum()
    assert promised / drawn.chance[coming].sum() == pytest.approx(1, abs=0.12)
    known = learnt.past.outcomes
    counted_as_lost = known.won[known.age < 40].mean()
    young = drawn.created_between(TODAY - 40, TODAY)
    assert counted_as_lost < 0.8 * drawn.chance[young].mean()


def test_the_ranking_comes_close_to_the_true_one(learnt: Learnt) -> None:
    coming = learnt.sales.created_between(TODAY, 260)
    scores = score(learnt.training.trained, learnt.sales.leads.take(coming))
    won = (learnt.sales.won_after[coming] <= learnt.sales.window).astype(float)
    best = area_under_curve(learnt.sales.chance[coming], won)
    assert area_under_curve(scores.probability, won) > best - 0.05


def test_deals_are_distinguished_by_their_worth(learnt: Learnt) -> None:
    coming = learnt.sales.created_between(TODAY, 260)
    value = score(learnt.training.trained, learnt.sales.leads.take(coming)).deal_value
    assert value is not None
    assert np.corrcoef(np.log(value), np.log(learnt.sales.worth[coming]))[0, 1] > 0.75


def test_the_card_says_what_a_person_asks(learnt: Learnt) -> None:
    card = learnt.training.card
    json.dumps(card, allow_nan=False)
    assert card["model"]["step"] == "blend"
    assert card["data"]["open"] > 0
    assert card["quality"]["forward"]["auc"] > 0.6
    assert card["quality"]["forward"]["log_loss"] < card["quality"]["base_rate"]["log_loss"]
    assert card["model"]["top_attributes"][0]["attribute"] in ("Channel", "Employees")
    assert {row["name"]: row["used"] for row in card["attributes"]}["employees"]
    assert card["warnings"] == []


# Honest without signal


@pytest.mark.parametrize("seed", [0, 1])
def test_shuffled_labels_fall_back_to_the_base_rate(learnt: Learnt, seed: int) -> None:
    draw = np.random.default_rng(seed)
    few = np.sort(draw.permutation(len(learnt.past.leads.placed))[:300])
    leads, known = learnt.past.leads.take(few), learnt.past.outcomes.take(few)
    order = draw.permutation(300)
    won = final(known.won[order], known.value[order])
    trained = train(leads, won, Wishes())
    assert trained.step.name == "base_rate"
    assert trained.step.reason.startswith("no_skill: ")
    assert trained.step.reason in trained.warnings
    scores = score(trained, leads)
    assert np.ptp(scores.probability) == 0
    assert scores.probability[0] == pytest.approx(known.won.mean(), abs=0.01)


def test_pure_noise_qualifies_all_and_says_so() -> None:
    drawn = sales(1, days=200, per_day=1.5, strength=0)
    training = retrain.training(past_of(drawn, 200), scoring_of(), {})
    assert training.trained.step.reason.startswith("no_skill: ")
    assert training.packed.threshold.cut == 0
    assert "cannot tell them apart" in training.card["threshold"]["reason"]


def test_the_card_says_what_each_tenth_of_the_leads_brought(learnt: Learnt) -> None:
    answered = learnt.training.card["value_map"]
    assert len(answered["deciles"]) == 10
    assert sum(each["leads"] * each["came"] for each in answered["deciles"]) == pytest.approx(
        answered["came"]
    )
    assert answered["deciles"][9]["came"] > answered["deciles"][0]["came"]
    assert answered["sent"] is None, "the definition has no map"


def test_too_few_outcomes_give_the_rate_of_each_channel() -> None:
    won = np.zeros(300)
    won[::40] = 1
    trained = small(won, channel=words("search", "social", count=300))
    answered = "too_few_conversions: 8 won and 292 not won leads, 2 more won are needed"
    assert trained.step.reason == f"{answered}, which takes about 75 more leads at this rate"
    assert isinstance(trained.model.scorer, BaseRate)
    assert [each.attribute for each in trained.model.scorer.sources] == ["channel"]


def test_wins_of_young_leads_are_not_called_none() -> None:
    age = np.append(np.full(300, 100.0), np.full(5, 3.0))
    won_after = np.append(np.full(300, np.nan), np.full(5, 1.0))
    nothing = np.full(305, np.nan)
    known = Outcomes(won_after, nothing, age, nothing, 40)
    size: list[object] = [place % 7 for place in range(305)]
    placed = 1.7e9 - 86_400 * age + np.arange(305.0)
    leads = Leads(placed, False, {"size": size})
    reason = train(leads, known, Wishes()).step.reason
    assert reason.startswith("too_few_conversions: 0 won and 300 not won leads")
    assert reason.endswith("won already though not 40 days old: 5")


@pytest.mark.parametrize(
    "won", [np.zeros(60), np.ones(60), np.array([1.0])], ids=["no win", "only wins", "one lead"]
)
def test_one_outcome_is_no_error(won: Floats) -> None:
    trained = small(won, size=list(range(len(won))))
    assert trained.step.name == "base_rate"
    probability = score(trained, trained.leads).probability
    assert probability == pytest.approx((won.sum() + 0.5) / (len(won) + 1))


def test_without_any_usable_attribute_there_is_the_base_rate() -> None:
    won = (DRAW.random(400) < 0.3).astype(float)
    rare: list[object] = [f"level {row // 2}" for row in range(400)]
    trained = small(won, same=["web"] * 400, rare=rare, empty=[None] * 400)
    assert trained.step.reason.startswith("no_attributes")


def test_no_lead_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="no leads"):
        train(Leads(np.array([]), True, {}), final(np.array([], bool), np.array([])), Wishes())


@pytest.mark.parametrize(
    ("won", "lost", "name", "weight"),
    [
        (9, 900, "base_rate", 0),
        (900, 9, "base_rate", 0),
        (10, 900, "linear", 0),
        (50, 900, "light_blend", 0.25),
        (200, 900, "blend", 0.5),
    ],
)
def test_the_rarer_outcome_decides_the_step(won: int, lost: int, name: str, weight: float) -> None:
    assert (step(won, lost).name, step(won, lost).boosted_weight) == (name, weight)


def test_a_channel_with_few_leads_has_nearly_the_rate_of_all() -> None:
    codes = np.repeat([2, 3], [1000, 3]).astype(np.int32)
    won = np.concatenate([np.arange(1000) % 10 == 0, [True] * 3]).astype(float)
    rate = base_rate(won, [("channel", codes)])
    unseen = Features(3, codes={"channel": np.array([2, 3, 99], np.int32)})
    found = 1 / (1 + np.exp(-rate.logits(unseen)))
    assert found == pytest.approx([0.1, (3 + 30 * rate.rate) / 33, rate.rate], abs=0.001)


def test_a_campaign_with_few_leads_has_nearly_the_rate_of_its_channel() -> None:
    """A customer of two channels, 40 % and 0 %: a new campaign is not taken for their mean."""
    channels = np.repeat([2, 3], [500, 500]).astype(np.int32)
    campaigns = np.where(np.arange(1000) < 990, 2 + channels, 6).astype(np.int32)
    campaigns[0] = 1
    won = (channels == 2) & (np.arange(1000) % 5 < 2)
    rate = base_rate(won.astype(float), [("channel", channels), ("campaign", campaigns)])
    asked = Features(4, codes={"channel": np.array([2, 3, 3, 2], np.int32),
                               "campaign": np.array([4, 6, 1, 99], np.int32)})  # fmt: skip
    found = 1 / (1 + np.exp(-rate.logits(asked)))
    assert found[0] == pytest.approx(0.4, abs=0.01)
    assert found[1] < 0.02, "ten leads of a campaign without a win, of a channel without one"
    assert found[2:] == pytest.approx([0.0113, 0.3887], abs=0.002), "unknown ones: the channel's"


def test_skill_is_more_than_chance() -> None:
    won = (DRAW.random(500) < 0.2).astype(float)
    base = np.full(500, -1.4)
    assert lacks_skill(base + 2 * won, base, won) == ""
    assert lacks_skill(DRAW.normal(size=500), base, won).startswith("area under the curve")
    assert "worse than the base rate" in lacks_skill(base + 0.1 * won + 4, base, won)
    assert lacks_skill(base, base, np.zeros(500)) == "too few outcomes to show skill"


# Attributes


def test_people_have_the_last_word_on_attributes() -> None:
    won = (DRAW.random(400) < 0.1).astype(float)
    answered: list[object] = ["yes" if each else "no" for each in won]
    leaky = small(won, answered=answered, other=words("a", "b", count=400))
    assert {each.name: bool(each.refused) for each in leaky.attributes}["answered"]
    columns = {"answered": answered, "other": words("a", "b", count=400)}
    leads = Leads(np.arange(400.0), False, columns)
    known = final(won > 0, np.full(400, np.nan))
    kept = train(leads, known, Wishes(excluded=("other",), confirmed=("answered",)))
    verdicts = {each.name: each.refused for each in kept.attributes}
    assert verdicts == {"answered": "", "other": "it is excluded by the definition"}


def test_a_category_that_says_the_same_as_another_is_used_once() -> None:
    names = words("de", "at", "ch", count=300)
    long = {"de": "Germany", "at": "Austria", "ch": "Switzerland"}
    won = (DRAW.random(300) < 0.03).astype(float)
    trained = small(won, short=names, long=[long[str(name)] for name in names])
    assert [each.refused for each in trained.attributes] == ["", "it says the same as short"]


def test_six_months_of_history_are_asked_for() -> None:
    leads, known = sales(2, days=60, per_day=2, window=14).known_on(60)
    assert any(
        each.startswith("short_history: ") for each in train(leads, known, Wishes()).warnings
    )


def test_the_channel_is_found_by_its_name() -> None:
    trained = small(np.zeros(300), size=list(range(300)), utm_source=words("a", "b", count=300))
    assert channel_of(trained.attributes) == "utm_source"


def test_leads_that_were_not_seen_early_are_left_out_once_others_suffice(learnt: Learnt) -> None:
    count = len(learnt.past.leads.placed)
    late = replace(learnt.past.leads, seen_after=np.where(np.arange(count) < 100, 30.0, 0.0))
    kept = retrain.point_in_time(replace(learnt.past, leads=late))
    assert len(kept.leads.placed) == count - 100
    few = replace(learnt.past.leads, seen_after=np.where(np.arange(count) < count - 100, 30.0, 0))
    assert len(retrain.point_in_time(replace(learnt.past, leads=few)).leads.placed) == count


# The same every time


def linear_past() -> Past:
    return past_of(sales(4, days=200, per_day=1.1, strength=2), 200)


def test_the_same_data_and_seed_give_the_same_bytes() -> None:
    first, second = (retrain.training(linear_past(), scoring_of(), {}) for _ in range(2))
    assert first.trained.step.name == "linear"
    assert artifact.pack(first.packed).sha256 == artifact.pack(second.packed).sha256
    assert json.dumps(first.card) == json.dumps(second.card)


def test_the_id_of_a_model_names_all_that_it_depends_on() -> None:
    past, conversion = linear_past(), scoring_of()
    id = retrain.model_id(past, conversion, {})
    assert id == retrain.model_id(past, scoring_of(name="Other name"), {})
    assert id != retrain.model_id(replace(past, data_hash="other"), conversion, {})
    assert id != retrain.model_id(past, conversion, {"channel": "it changed"})
    assert id != retrain.model_id(past, scoring_of(excluded_attributes=("channel",)), {})


def test_a_packed_model_scores_as_the_model_did(learnt: Learnt) -> None:
    opened = artifact.unpack(artifact.pack(learnt.training.packed))
    assert opened is not None
    leads = learnt.past.leads.take(np.arange(50))
    features = opened.model.read(leads.columns, leads.created, 50)
    ours = learnt.training.packed.model.score(features)
    assert np.array_equal(opened.model.score(features).probability, ours.probability)


def test_bytes_with_another_hash_are_never_opened(learnt: Learnt) -> None:
    packed = artifact.pack(learnt.training.packed)
    with pytest.raises(ValueError, match="do not have the hash"):
        artifact.unpack(replace(packed, content=packed.content + b" "))


def test_a_model_of_other_versions_is_not_opened(learnt: Learnt) -> None:
    packed = artifact.pack(learnt.training.packed)
    assert artifact.unpack(replace(packed, versions="python 2.7")) is None


def test_bytes_that_hold_something_else_are_no_model() -> None:
    other = artifact.pack("no model")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="hold no model"):
        artifact.unpack(other)


def test_outcomes_of_some_leads_are_theirs(learnt: Learnt) -> None:
    some = learnt.past.outcomes.take(np.array([3, 5]))
    assert isinstance(some, Outcomes)
    assert some.age.tolist() == learnt.past.outcomes.age[[3, 5]].tolist()
