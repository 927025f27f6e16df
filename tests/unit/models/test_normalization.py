"""Folding the normalisation into the first layer changes nothing but what the model takes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.models.architecture import GRU, LSTM, Architecture, Dense, SimpleRNN
from edgehar.models.errors import DataError
from edgehar.models.normalization import Normalization, fold_normalization
from edgehar.models.reference import forward

FIRST_LAYERS = [
    SimpleRNN("first", 6),
    LSTM("first", 6),
    GRU("first", 6),
    GRU("first", 6, reset_after=False),
]


@pytest.mark.parametrize("layer", FIRST_LAYERS, ids=lambda layer: f"{layer.kind} {getattr(layer, 'reset_after', '')}")
@settings(max_examples=20)
@given(
    mean=st.tuples(*[st.floats(-4, 4)] * 3),
    std=st.tuples(*[st.floats(0.01, 8)] * 3),
    seed=st.integers(0, 2**16),
)
def test_a_folded_model_gives_for_raw_g_what_the_model_gives_for_normalised_input(
    layer, mean, std, seed, random_weights
):
    architecture = Architecture("x", 12, 3, (layer, Dense("Output", 4, "softmax")))
    weights, normalization = random_weights(architecture, seed), Normalization(mean, std)
    raw = np.random.default_rng(seed).normal(np.array(mean), np.array(std), size=(3, 12, 3))
    normalised = (raw - np.array(mean)) / np.array(std)
    folded = fold_normalization(architecture, weights, normalization)
    np.testing.assert_allclose(
        forward(architecture, folded, raw), forward(architecture, weights, normalised), atol=2e-5
    )


def test_only_the_first_layer_changes_and_nothing_is_added(random_weights):
    architecture = Architecture("x", 12, 3, (LSTM("first", 4), Dense("Output", 2)))
    weights = random_weights(architecture)
    before = {name: value.copy() for name, value in weights.items()}
    folded = fold_normalization(architecture, weights, Normalization((1.0, 2.0, 3.0), (2.0, 2.0, 2.0)))
    assert {name: value.shape for name, value in folded.items()} == architecture.weight_shapes()
    assert all(value.dtype == np.float32 for value in folded.values())
    changed = [name for name in weights if not np.array_equal(folded[name], weights[name])]
    assert changed == ["first/kernel", "first/bias"]
    assert all(np.array_equal(weights[name], value) for name, value in before.items())


def test_samples_are_measured_in_float64_and_applied_in_float32():
    samples = np.full((1_000_000, 3), 1000.0, np.float32)
    samples[::2] += 0.5
    normalization = Normalization.of_samples(samples)
    assert normalization.mean_g == pytest.approx((1000.25,) * 3, rel=1e-9)
    assert normalization.std_g == pytest.approx((0.25,) * 3, rel=1e-9)
    applied = normalization.apply(samples[:2].reshape(1, 2, 3))
    assert applied.dtype == np.float32
    np.testing.assert_array_equal(applied, [[[1, 1, 1], [-1, -1, -1]]])


def test_a_dead_axis_is_refused():
    samples = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    samples[:, 1] = 0.25
    with pytest.raises(DataError, match="expected every channel to vary"):
        Normalization.of_samples(samples)
