"""Labels: the window, what was known when, and learning from leads that are still open."""

from __future__ import annotations

import numpy as np
import pytest

from functions.score_leads.data.features import DAY, Index
from functions.score_leads.data.outcomes import Outcomes, Tail, arrival, tail
from functions.score_leads.data.values import Floats
from functions.score_leads.model.open_outcomes import soft_targets, targets
from functions.score_leads.training import training
from functions.score_leads.training.training import Leads
from tests.score_leads.simulator import START, sales

NAN = np.nan
DRAW = np.random.default_rng(2)


def outcomes(won: list[float], lost: list[float], age: list[float], window: float = 40) -> Outcomes:
    won_after, lost_after, ages = (np.array(each, dtype=float) for each in (won, lost, age))
    return Outcomes(won_after, lost_after, ages, np.full(len(won), NAN), window)


KNOWN = outcomes(
    won=[10, 50, NAN, NAN, NAN, 5],
    lost=[NAN, NAN, 20, NAN, NAN, NAN],
    age=[100, 100, 30, 39.9, 40, 6],
)


def test_a_win_after_the_window_is_none() -> None:
    assert KNOWN.won.tolist() == [True, False, False, False, False, True]


def test_lost_before_the_horizon_is_known_and_open_before_it_is_not() -> None:
    assert KNOWN.is_known.tolist() == [True, True, True, False, True, True]
    assert KNOWN.mature.tolist() == [True, True, False, False, True, False]


def test_earlier_nobody_knew_what_came_later() -> None:
    then = KNOWN.as_of(90)
    assert then.won.tolist() == [True, False, False, False, False, False]
    assert then.age.tolist() == pytest.approx([10, 10, -60, -50.1, -50, -84])


def test_training_starts_at_the_first_win() -> None:
    placed = START + DAY * np.arange(10.0)
    leads = Leads(placed, True, {"x": list(range(10))})
    won = [NAN, NAN, 2, NAN, 1, NAN, NAN, NAN, NAN, NAN]
    known = outcomes(won, [NAN] * 10, [100 - day for day in range(10)])
    assert training.eligible(leads, known, 0).tolist() == [4, 5, 6, 7, 8, 9]


def test_leads_that_all_came_before_the_first_win_are_learnt_from_all_the_same() -> None:
    leads = Leads(START + DAY * np.arange(3.0), True, {"x": [1, 2, 3]})
    known = outcomes([50, NAN, NAN], [NAN] * 3, [100, 99, 98])
    assert training.eligible(leads, known, 0).tolist() == [0, 1, 2]
    assert training.train(leads, known, training.Wishes()).step.name == "base_rate"


def winners(per_day: int, until: float) -> tuple[Leads, Outcomes]:
    """Leads of 100 days, so many of which are won each day, half a day after they come."""
    day = np.arange(0.0, 100, 1 / (2 * per_day))
    won = np.where(np.arange(len(day)) % 2 == 0, 0.5, np.nan)
    won[day + won > until] = np.nan
    leads = Leads(START + DAY * day, True, {"x": list(range(len(day)))})
    return leads, outcomes(list(won), [NAN] * len(day), list(100 - day), window=20)


@pytest.mark.parametrize(
    ("per_day", "until", "quiet"),
    [(2, 90, 10), (2, 94, 0), (2, 96, 0), (20, 96, 0), (20, 92, 8), (2, 100, 0)],
)
def test_days_without_any_win_are_taken_for_unknown_once_many_were_due(
    per_day: int, until: float, quiet: float
) -> None:
    assert training.days_without_wins(*winners(per_day, until)) == pytest.approx(quiet, abs=0.6)


def test_what_a_silent_time_hides_is_not_taken_for_lost() -> None:
    leads, known = winners(1, until=80)
    trained = training.train(leads, known, training.Wishes())
    assert trained.warnings[0].startswith("wins_went_silent: No win is known of the last 20 days")
    assert trained.outcomes.won[trained.outcomes.mature].mean() == pytest.approx(0.5, abs=0.01)
    assert trained.model.level.factor == pytest.approx(1, abs=0.1)


def test_leads_older_than_two_years_are_not_learnt_from() -> None:
    leads = Leads(START + DAY * np.array([0.0, 300, 700]), True, {})
    known = outcomes([1, 1, 1], [NAN] * 3, [800, 500, 100])
    assert training.eligible(leads, known, 0).tolist() == [1, 2]


def test_the_window_covers_nine_of_ten_wins() -> None:
    old = np.full(200, 500.0)
    half = np.append(np.arange(1.0, 101.0), np.full(100, NAN))
    assert (tail(half, old).window, tail(half, old).followed) == (90, 365)
    assert tail(np.full(30, 3.0), old[:30]).window == 14
    assert tail(np.full(30, 300.0), old[:30]).window == 180
    assert tail(np.array([1.0, NAN]), old[:2]) == Tail(60, 1.0, 60)


def test_a_window_of_known_wins_alone_would_be_too_short() -> None:
    """Most leads of a growing business are young, and so are the wins that are known of them."""
    draw = np.random.default_rng(3)
    age = 300 - 300 * np.sqrt(draw.random(40_000))
    days = np.where(draw.random(40_000) < 0.3, draw.exponential(25, 40_000), NAN)
    known = np.where(days <= age, days, NAN)
    found = tail(known, age)
    inside = np.mean(days[~np.isnan(days)] <= found.window)
    assert inside == pytest.approx(0.9, abs=0.02)
    assert found.factor == pytest.approx(1 / inside, rel=0.02)
    assert np.nanquantile(known, 0.8) < 0.75 * found.window


def test_a_given_window_is_kept_and_its_tail_reported() -> None:
    old = np.full(100, 500.0)
    assert tail(np.arange(1.0, 101.0), old, 50).factor == pytest.approx(2)
    assert tail(np.arange(1.0, 101.0), old, 365).factor == 1


def test_arrival_is_that_of_all_leads_though_the_young_ones_are_cut_off() -> None:
    days = DRAW.uniform(0, 40, 8000)
    age = DRAW.uniform(0, 80, 8000)
    found = arrival(np.where(days <= age, days, NAN), age, 40)
    assert found.by(np.array([0.0, 10, 20, 40])) == pytest.approx([0, 0.25, 0.5, 1], abs=0.03)


def test_a_rate_that_changes_leaves_the_arrival_alone() -> None:
    """Kaplan and Meier would take the young leads' better rate for early wins."""
    age = DRAW.uniform(0, 300, 30_000)
    chance = np.where(age < 60, 0.6, 0.1)
    days = np.where(DRAW.random(30_000) < chance, DRAW.uniform(0, 40, 30_000), NAN)
    found = arrival(np.where(days <= age, days, NAN), age, 40)
    assert found.by(np.array([10.0, 20, 30])) == pytest.approx([0.25, 0.5, 0.75], abs=0.02)


def test_without_wins_they_are_taken_to_come_evenly() -> None:
    found = arrival(np.full(3, NAN), np.full(3, 50.0), 40)
    assert found.by(np.array([10.0])) == pytest.approx([0.25])


def test_an_open_lead_counts_as_much_as_may_still_be_won() -> None:
    always = np.full(400, 0.5)
    age = np.linspace(0.1, 80, 400)
    days = np.where(np.arange(400) % 2 == 0, DRAW.uniform(0, 40, 400), NAN)
    known = Outcomes(
        np.where(days <= age, days, NAN), np.full(400, NAN), age, np.full(400, NAN), 40
    )
    target = soft_targets(known, always)
    still_open = ~known.is_known
    assert set(target[~still_open]) == {0.0, 1.0}
    assert target[still_open][0] == pytest.approx(0.5, abs=0.03)
    assert target[still_open][-1] < 0.1
    assert np.corrcoef(age[still_open], target[still_open])[0, 1] < -0.95


def test_the_rate_of_young_leads_is_neither_over_nor_understated() -> None:
    drawn = sales(5, days=160, per_day=25, median_delay=15, loses=True)
    leads, known = drawn.known_on(160)
    young = known.age < 40
    truth = drawn.chance[drawn.created_between(0, 160)][young].mean()

    def guess(rows: Index, target: Floats, rough: bool) -> Floats:
        return np.full(len(leads.placed), np.log(target.mean() / (1 - target.mean())))

    found = targets(known, guess)[young].mean()
    assert found == pytest.approx(truth, rel=0.12)
    assert known.won[young].mean() < 0.75 * truth
