"""Whether the reasons agree with Shapley values, and what they cost."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from functions.score_leads.data.attributes import rank_correlation
from functions.score_leads.data.values import Floats
from functions.score_leads.model.model import Model
from tests.bench._sets import Table

LEADS, PERMUTATIONS = 150, 40


def agreement(table: Table) -> str:
    """Mean rank correlation over leads of the points with Shapley values, and ms a lead."""
    older = np.arange(round(0.8 * table.count))
    model = table.train(older).model
    draw = np.random.default_rng(0)
    leads = draw.choice(np.arange(len(older), table.count), LEADS, replace=False)
    columns = {attribute.name: table.columns[attribute.name] for attribute in model.attributes}
    wanted = shapley(model, columns, leads, older, draw)
    some = table.leads(leads)
    points = model.score(model.read(some.columns, None, LEADS)).points
    assert points is not None
    each = [rank_correlation(mine, theirs) for mine, theirs in zip(points, wanted, strict=True)]
    return f"Spearman {np.mean(each):.3f}, {_milliseconds(model, table):.4f} ms a lead"


def shapley(
    model: Model,
    columns: dict[str, list[object]],
    leads: NDArray[np.int64],
    background: NDArray[np.int64],
    draw: np.random.Generator,
    permutations: int = PERMUTATIONS,
    created: Floats | None = None,
) -> Floats:
    """Each attribute's mean part in each lead's log-odds, over random orders and other leads.

    Source: Strumbelj & Kononenko (2014), doi.org/10.1007/s10115-013-0679-x.
    """
    assert model.surrogate is not None
    names = model.surrogate.attributes
    count, size = len(leads) * permutations, len(names)
    lead = np.repeat(leads, permutations)
    other = draw.choice(background, count)
    turn = np.argsort(draw.random((count, size)), axis=1)
    # step k of a walk has taken the first k attributes of its order from the lead
    taken = np.argsort(turn, axis=1)
    rows = [
        np.where(taken[:, [place]] < np.arange(size + 1), lead[:, None], other[:, None]).ravel()
        for place in range(size)
    ]
    mixed = {
        name: [columns[name][row] for row in rows[place].tolist()]
        for place, name in enumerate(names)
        if name in columns
    }
    at = None if created is None else created[rows[names.index("created")]]
    features = model.read(mixed, at, count * (size + 1))
    walks = model.logits(features).reshape(count, size + 1)
    gains = np.take_along_axis(np.diff(walks, axis=1), taken, axis=1)
    parts: Floats = gains.reshape(len(leads), permutations, size).mean(axis=1)
    return parts


def _milliseconds(model: Model, table: Table) -> float:
    """Processor time of points and words for one lead, in a batch of all of them."""
    leads = table.leads(np.arange(min(table.count, 20_000)))
    features = model.read(leads.columns, None, len(leads.placed))
    encoded, logits = model.encoder.encode(features), model.logits(features)
    scores = model.score(features)
    assert model.surrogate is not None
    started = time.process_time()
    model.surrogate.points(encoded.design, logits, 0.0)
    model.reasons(scores, leads.columns)
    return 1000 * (time.process_time() - started) / len(leads.placed)
