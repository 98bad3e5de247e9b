"""What is lost by learning from some of many leads: loss, ranking, total and time by sample size.

python -m tests.bench._sampling
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from functions.score_leads.data import features as reading
from functions.score_leads.data.attributes import profile
from functions.score_leads.data.outcomes import Outcomes
from functions.score_leads.model import fitting
from functions.score_leads.numeric import metrics
from tests.bench import _scale

LEADS, UNSEEN = 330_000, 30_000
SAMPLES = (20_000, 50_000, 100_000, 200_000, 300_000)


def lines() -> Iterator[str]:
    """One line a sample: figures on the same final leads, which no sample holds."""
    leads, outcomes = _scale.sales(LEADS)
    attributes = [profile(name, values, leads.placed) for name, values in leads.columns.items()]
    features = reading.read(attributes, leads.columns, leads.created, LEADS)
    del leads
    draw = np.random.default_rng(0)
    order = draw.permutation(LEADS)
    final = outcomes.mature[order]
    unseen = order[final][:UNSEEN]
    others = order[~np.isin(order, unseen)]
    won = outcomes.won[unseen].astype(float)
    for count in SAMPLES:
        started = time.process_time()
        sample = np.sort(others[:count])
        known: Outcomes = outcomes.take(sample)
        fitted, _ = fitting.fit_open(features.take(sample), known, 0.5, 0)
        took = time.process_time() - started
        found = metrics.classification(fitted.logits(features.take(unseen)), won)
        yield (
            f"{count:9,} leads: log loss {found['log_loss']:.4f}, auc {found['auc']:.4f}, "
            f"{found['predicted_to_actual']:.3f} of the wins, {took:.0f} s of processor"
        )


if __name__ == "__main__":
    for line in lines():
        print(line, flush=True)
