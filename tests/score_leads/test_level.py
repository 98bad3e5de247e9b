"""The level of predictions: earned on the past or left alone, bounded, and with its interval."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from functions.score_leads.data.outcomes import Outcomes, final
from functions.score_leads.data.values import Floats
from functions.score_leads.model.level import (
    MOST_SHIFT,
    UNMOVED,
    USUAL_SPREAD,
    Level,
    Past,
    Replay,
    _leans,
    delays_moved,
    level,
)
from functions.score_leads.numeric.log_odds import log_odds, probability

NAN = np.nan
Rate = Callable[[Floats], Floats]


def department(rate: Rate, days: float = 330, per_day: float = 30, seed: int = 0) -> Outcomes:
    """Leads of so many days whose chance depends on the day of their creation alone."""
    draw = np.random.default_rng(seed)
    day = np.sort(draw.uniform(0, days, int(days * per_day)))
    wins = draw.random(len(day)) < rate(day)
    after = np.where(wins, draw.uniform(0, 40, len(day)), NAN)
    age = days - day
    nothing = np.full(len(day), NAN)
    return Outcomes(np.where(after <= age, after, NAN), nothing, age, nothing, 40)


def odds_of_matured(outcomes: Outcomes) -> Floats:
    """What a model without attributes says: the rate of the mature leads."""
    rate = outcomes.won[outcomes.mature].mean()
    return np.full(len(outcomes.age), log_odds(np.array(rate)))


def found(rate: Rate, **options: float) -> Level:
    outcomes = department(rate, **options)  # type: ignore[arg-type]
    return level(outcomes, odds_of_matured(outcomes))


def still(day: Floats) -> Floats:
    return np.full(len(day), 0.2)


def falling(day: Floats) -> Floats:
    return 0.3 * np.exp(-0.005 * day)


def test_while_nothing_moves_there_is_no_correction() -> None:
    unmoved = found(still)
    assert (unmoved.choice, unmoved.overall, unmoved.factor) == ("none", 0.0, 1.0)
    assert unmoved.note.startswith("that nothing moves has a chance of ")
    assert not unmoved.moves
    assert unmoved.missed is None


def test_a_drift_that_goes_on_is_followed() -> None:
    """The rate of the coming month, not that of the mature leads, is what is promised."""
    outcomes = department(falling)
    moved = level(outcomes, odds_of_matured(outcomes))
    coming = falling(np.linspace(330, 360, 100)).mean()
    before = outcomes.won[outcomes.mature].mean()
    after = probability(log_odds(np.array(before)) + moved.overall)
    assert moved.choice != "none"
    assert abs(np.log(after / coming)) < 0.6 * abs(np.log(before / coming))


def test_the_shift_is_bounded_and_says_so() -> None:
    collapsed = found(lambda day: np.where(day < 200, 0.4, 0.02), per_day=60)
    assert collapsed.bounded
    assert collapsed.overall == pytest.approx(-MOST_SHIFT)
    assert collapsed.factor > 0.3


def test_likely_wins_are_moved_no_further_than_log_odds_allow() -> None:
    outcomes = department(lambda day: np.full(len(day), 0.8))
    past = Past(outcomes, odds_of_matured(outcomes))
    shift, factor = past.shift(np.log(1.5))
    assert shift == MOST_SHIFT
    assert factor < 1.15


@pytest.mark.parametrize("wins", [0, 49])
def test_few_wins_are_no_ground_for_a_correction(wins: int) -> None:
    outcomes = department(falling)
    won = np.flatnonzero(~np.isnan(outcomes.won_after))
    outcomes.won_after[won[wins:]] = NAN
    few = level(outcomes, odds_of_matured(outcomes) if wins else np.full(len(outcomes.age), -4.0))
    assert (few.choice, few.note) == ("none", f"only {wins} mature wins")


def test_a_step_is_reported_to_a_person_before_it_can_be_corrected() -> None:
    stepped = found(lambda day: np.where(day < 295, 0.2, 0.05))
    missed = stepped.missed
    assert missed is not None
    assert missed.came < 0.6 * missed.promised


def months(*came: int) -> Level:
    """Months of 60 promised wins, the newest first, of which so many came."""
    replays = [Replay(30 * (place + 1), 60.0, 60.0, wins, 1.0) for place, wins in enumerate(came)]
    return Level(0.0, 1.0, "none", "", replays=tuple(replays))


def test_a_slow_drift_shows_in_the_last_months_together() -> None:
    falling_on = months(46, 47, 48, 60, 60)
    assert falling_on.missed is None, "no month alone is beyond chance"
    assert falling_on.astray == (180.0, 141)
    assert months(60, 58, 62).astray is None
    assert months(46, 60, 74).astray is None
    assert months(60, 60, 60, 10, 10).astray is None, "what was long ago is over"
    assert Level(0.0, 1.0, "none", "").astray is None


def test_the_replays_see_nothing_of_what_came_later() -> None:
    """What is promised at a time in the past is the same whatever happened after it."""
    outcomes, other = department(falling), department(falling)
    logits = odds_of_matured(outcomes)
    later = 330 - other.age + other.won_after > 330 - 60
    other.won_after[later & (np.arange(len(later)) % 2 == 0)] = NAN
    # the delays are learnt from all wins, and stay the same here
    pasts = [Past(each, logits) for each in (outcomes, other)]
    pasts[1].__dict__["arrival"] = pasts[0].arrival
    was, is_now = (past.seen(60) for past in pasts)
    assert (was.centre, was.log_factor, was.variance) == (
        is_now.centre,
        is_now.log_factor,
        is_now.variance,
    )


def test_the_weights_add_up_and_the_replays_tell_what_came() -> None:
    moved = found(falling)
    assert sum(way.weight for way in moved.ways) == pytest.approx(1)
    assert [each.days_ago for each in moved.replays] == sorted(
        each.days_ago for each in moved.replays
    )
    assert all(0 < each.matured <= 1 for each in moved.replays)
    assert moved.replays[-1].matured == pytest.approx(1)


def test_months_that_strayed_widen_the_interval() -> None:
    """In a season that turns every month the ways are sure of themselves, and wrong."""
    seasons = found(lambda day: 0.2 * np.exp(0.6 * np.sin(2 * np.pi * day / 45)), per_day=60)
    assert seasons.spread > 0.2
    assert found(still, per_day=60).spread == pytest.approx(USUAL_SPREAD)


def test_months_that_missed_to_one_side_move_an_end_of_the_interval() -> None:
    """What a correction that is not made says counts as well, and the promise stays inside."""
    promised = [(Replay(30 * month, 200.0, 200.0, 150, 1.0), 0.01) for month in (1, 2, 3)]
    low, high = _leans(0.0, promised)
    assert np.log(150 / 200) < low < -0.1
    assert high == 0
    assert _leans(0.2, []) == (0.0, 0.2)
    assert _leans(-0.1, promised)[0] < low


def test_a_season_of_a_part_of_the_year_is_continued() -> None:
    """Two quarters tell the next one: rates that are high today are low in the coming month."""
    outcomes = department(lambda day: 0.2 * np.exp(0.4 * np.sin(2 * np.pi * day / 91)), per_day=60)
    moved = level(outcomes, odds_of_matured(outcomes))
    assert moved.choice == "season"
    assert moved.factor == pytest.approx(
        np.exp(0.4 * np.sin(2 * np.pi * np.linspace(330, 360, 100) / 91)).mean(), abs=0.12
    )


def test_an_interval_is_wider_for_fewer_wins_and_for_uneven_money() -> None:
    plain = Level(0.0, 1.0, "none", "")
    low, high = plain.interval(100)
    assert low == pytest.approx(1 / high)
    assert high == pytest.approx(np.exp(1.28 * np.sqrt(1 / 100 + USUAL_SPREAD**2)))
    assert plain.interval(10)[1] > high
    assert plain.interval(100, money_spread=2.0)[1] > high
    few = Level(0.0, 1.0, "none", "", learnt_from=3).interval(1000)
    assert few[1] > np.exp(1.28 / np.sqrt(3)), "three wins do not tell a rate, however many come"


@pytest.mark.parametrize("seed", range(3))
def test_four_of_five_totals_lie_in_their_interval(seed: int) -> None:
    """Twelve months a world; one miss more than chance explains would be three of them."""
    held = []
    for month in range(6):
        full = department(still, days=330 + 40, seed=10 * seed + month)
        now = full.as_of(40 + 30)
        there = np.flatnonzero(now.age >= 0)
        known = now.take(there)
        logits = odds_of_matured(known)
        coming = np.flatnonzero((now.age < 0) & (now.age >= -30))
        mine = level(known, logits)
        promised = len(coming) * float(probability(logits[:1] + mine.overall)[0])
        low, high = mine.interval(promised)
        came = int(full.won[coming].sum())
        held.append(low * promised <= came <= high * promised)
    assert sum(held) >= 4


def test_no_correction_when_wins_come_at_other_delays() -> None:
    age = np.append(np.linspace(300, 41, 1000), 5.0)
    days = np.append(np.where(age[:-1] > 170, 3.0, 20.0), NAN)
    nothing = np.full(1001, NAN)
    open_lead = Outcomes(days, nothing, age, nothing, 40)
    assert delays_moved(open_lead) > 0.25
    unmoved = level(open_lead, np.full(1001, 2.0))
    assert unmoved.note.startswith("wins arrive at other delays")
    assert (unmoved.choice, unmoved.overall, unmoved.factor) == ("none", 0.0, 1.0)
    assert unmoved.replays, "how far the last months came out is said for all that"


def test_final_outcomes_need_no_level() -> None:
    known = final(np.array([True, False]), np.array([1.0, NAN]))
    assert level(known, np.array([0.5, 0.5])) == UNMOVED
