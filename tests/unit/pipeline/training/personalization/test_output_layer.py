"""The output layer: at the least of its loss, pulled to the general one, the same whatever the order."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.models.architecture import Architecture, Dense, SimpleRNN
from edgehar.models.errors import UsageError
from edgehar.models.reference import forward
from edgehar.pipeline.training.personalization.output_layer import (
    fit_output_layer,
    output_layer,
    softmax_rows,
    states_before_output,
)

MODEL = Architecture("m", 10, 3, (SimpleRNN("R", 5), Dense("Output", 3, "softmax")))
SEEDS = st.integers(0, 2**32 - 1)


def problem(seed: int, count: int = 40) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return weights, states and soft targets."""
    rng = np.random.default_rng(seed)
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in MODEL.weight_shapes().items()}
    return weights, np.tanh(rng.normal(size=(count, 5))).astype(np.float32), rng.dirichlet([0.3] * 3, size=count)


def loss(weights: dict[str, Any], general: dict[str, Any], states: Any, targets: Any, strength: float) -> float:
    """Return what is made least."""
    found = softmax_rows(states @ weights["Output/kernel"] + weights["Output/bias"])
    pull = sum(np.square(weights[name] - general[name]).sum() for name in ("Output/kernel", "Output/bias"))
    return float(-(targets * np.log(found)).sum(axis=1).mean() + strength * pull)


@given(seed=SEEDS, strength=st.sampled_from([1e-4, 1e-3, 1e-1]))
@settings(max_examples=25)
def test_no_step_to_any_side_is_better(seed: int, strength: float) -> None:
    general, states, targets = problem(seed)
    fitted = fit_output_layer(MODEL, general, states, targets, strength=strength)
    least = loss(fitted, general, states, targets, strength)
    assert least <= loss(general, general, states, targets, strength) + 1e-9
    rng = np.random.default_rng(seed)
    for _ in range(10):
        moved = {**fitted}
        for name in ("Output/kernel", "Output/bias"):
            moved[name] = fitted[name] + rng.normal(scale=0.02, size=fitted[name].shape)
        assert loss(moved, general, states, targets, strength) >= least - 1e-6


@given(seed=SEEDS)
@settings(max_examples=10)
def test_only_the_output_layer_moves_and_a_strong_pull_keeps_it(seed: int) -> None:
    general, states, targets = problem(seed)
    fitted = fit_output_layer(MODEL, general, states, targets, strength=1e4)
    for name, value in general.items():
        assert np.allclose(fitted[name], value, atol=1e-3)
        if not name.startswith("Output"):
            assert fitted[name] is value or np.array_equal(fitted[name], value)


@given(seed=SEEDS)
@settings(max_examples=10)
def test_the_order_of_windows_does_not_matter(seed: int) -> None:
    general, states, targets = problem(seed)
    order = np.random.default_rng(seed).permutation(len(states))
    one = fit_output_layer(MODEL, general, states, targets)
    other = fit_output_layer(MODEL, general, states[order], targets[order])
    assert np.allclose(one["Output/kernel"], other["Output/kernel"], atol=1e-3)


def test_states_are_what_the_layer_sees() -> None:
    weights, _, _ = problem(1)
    windows = np.random.default_rng(2).normal(size=(300, 10, 3)).astype(np.float32)
    states = states_before_output(MODEL, weights, windows)
    said = softmax_rows(states @ weights["Output/kernel"] + weights["Output/bias"])
    assert np.allclose(said, forward(MODEL, weights, windows), atol=1e-5)


def test_another_ending_is_refused() -> None:
    with pytest.raises(UsageError, match="expected a model that ends in a dense layer with softmax"):
        output_layer(Architecture("m", 10, 3, (SimpleRNN("R", 5),)))
