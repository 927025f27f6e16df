"""The hidden Markov model: equal to summing over every path, at every lag, whatever the numbers."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgehar.models.bundle.manifest import DecoderSpec
from edgehar.models.decoder import MarkovFilter, PosteriorFilter, scaled_transitions
from edgehar.models.decoder.markov import uniform_transitions

CLASSES = 3


def by_every_path(evidence: NDArray[np.float64], transitions: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Return the posterior of one window given all rows of evidence, by adding up the probability of every path."""
    found = np.zeros(CLASSES)
    for path in itertools.product(range(CLASSES), repeat=len(evidence)):
        probability = evidence[0, path[0]]
        for step, (before, now) in enumerate(itertools.pairwise(path), start=1):
            probability *= transitions[before, now] * evidence[step, now]
        found[path[window]] += probability
    return found / found.sum()


@given(seed=st.integers(0, 999), count=st.integers(1, 6), lag=st.integers(0, 7), weight=st.floats(0.05, 1.0))
def test_every_window_is_smoothed_by_those_up_to_its_lag(seed: int, count: int, lag: int, weight: float) -> None:
    generator = np.random.default_rng(seed)
    rows = generator.dirichlet([0.3] * CLASSES, count)
    transitions = generator.dirichlet([1.0] * CLASSES, CLASSES)
    smooth = MarkovFilter(transitions, weight=weight, lag_windows=lag)
    found = [row for posterior in rows for row in smooth.feed(posterior)]
    assert len(found) == max(0, count - lag), "a label comes as soon as its lag is over"
    found += smooth.finish()
    assert len(found) == count, "no window is without a label"
    evidence = np.maximum(rows, 1e-4)
    evidence[1:] **= weight
    for window, row in enumerate(found):
        known = evidence[: min(count, window + lag + 1)]
        assert row == pytest.approx(by_every_path(known, transitions, window), abs=1e-9)
    assert [row.tolist() for row in smooth.feed(rows[0])] == ([] if lag else [pytest.approx(found_first(rows[0]))])


def found_first(row: NDArray[np.float64]) -> list[float]:
    """Return what a stream's first window says of itself."""
    floored = np.maximum(row, 1e-4)
    return (floored / floored.sum()).tolist()


@given(st.integers(2, 12), st.floats(0, 1), st.floats(0.05, 9))
def test_leaving_for_every_class_alike_is_its_own_power(classes: int, share: float, steps: float) -> None:
    stay = 1 / classes + share * 0.999 * (1 - 1 / classes)
    once, matrix = uniform_transitions(classes, stay, 1.0), uniform_transitions(classes, stay, steps)
    assert np.diag(once) == pytest.approx(stay)
    assert matrix.sum(axis=1) == pytest.approx(1.0)
    assert (matrix >= 0).all()
    assert uniform_transitions(classes, stay, 3.0) == pytest.approx(scaled_transitions(once, 3.0))
    assert uniform_transitions(classes, stay, steps / 2) @ uniform_transitions(
        classes, stay, steps / 2
    ) == pytest.approx(matrix)


@given(seed=st.integers(0, 99), label=st.integers(0, 2), gain=st.floats(0.01, 0.3))
def test_more_evidence_for_a_class_never_makes_it_less_probable(seed: int, label: int, gain: float) -> None:
    rows = np.random.default_rng(seed).dirichlet([0.7] * CLASSES, 8)
    more = rows.copy()
    more[5, label] += gain
    spec = DecoderSpec(1, 0.0, 1, stay_probability=0.9, temperature=1.25)
    last = []
    for each in (rows, more):
        smooth = PosteriorFilter(spec, hop=100, spec_hop=100, window_length=200)
        last.append([row for posterior in each for row in smooth.feed(posterior)][5:7])
    # Later still it may: the other classes change among each other.
    assert all(after[label] >= before[label] - 1e-12 for before, after in zip(*last, strict=True))


def test_a_uniform_model_and_its_matrix_are_the_same() -> None:
    matrix = tuple(map(tuple, uniform_transitions(CLASSES, 0.93, 1.0).tolist()))
    rows = np.random.default_rng(1).dirichlet([0.5] * CLASSES, 40)
    found = []
    for spec in (DecoderSpec(1, 0.0, 1, stay_probability=0.93), DecoderSpec(1, 0.0, 1, matrix)):
        smooth = PosteriorFilter(spec, hop=100, spec_hop=100, window_length=200, lag_windows=2)
        found.append(np.array([row for posterior in rows for row in smooth.feed(posterior)]))
    assert found[0] == pytest.approx(found[1])
