"""Who joins in a run is remembered in a fixed space, and hardly anybody is taken for another."""

from __future__ import annotations

from functions.export.reconcile.membership import Traces


def test_whoever_was_put_in_is_found_and_hardly_anybody_else() -> None:
    traces = Traces()
    assert "p1" not in traces
    traces.add(f"p{number}" for number in range(50_000))
    assert all(f"p{number}" in traces for number in range(50_000))
    assert sum(f"q{number}" in traces for number in range(50_000)) < 5
