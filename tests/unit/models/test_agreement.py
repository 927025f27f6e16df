"""The error means one thing: the distance from the oracle, with what is no number infinitely far away."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgehar.models.agreement import (
    LIMITS,
    Agreement,
    agreement,
    labels_kept,
    largest_error,
    limits_of,
    oracle_outputs,
)
from edgehar.models.architecture import Architecture, Dense, Flatten
from edgehar.models.reference import forward
from edgehar.pipeline.compilers.tflite import TOLERANCES

ORACLE = np.array([[0.7, 0.3], [0.4, 0.6], [0.1, 0.9], [1.0, 0.0]])


def test_what_agrees_has_no_error():
    assert agreement(ORACLE.astype(np.float64), ORACLE) == Agreement(0.0, 0.0, 1.0)


def test_one_window_off_is_the_largest_error_and_a_share_of_the_mean():
    outputs = ORACLE.copy()
    outputs[1] = (0.6, 0.4)
    found = agreement(outputs, ORACLE)
    assert found.error == pytest.approx(0.2)
    assert found.mean_error == pytest.approx(0.2 / 4)
    assert found.agreement == 0.75


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0), (3, 1)])
@pytest.mark.parametrize("quantization", [*LIMITS, "unheard-of"])
def test_what_is_no_number_is_beyond_every_limit(value, place, quantization):
    outputs = ORACLE.astype(np.float32)
    outputs[place] = value
    found = agreement(outputs, ORACLE)
    assert found.error == found.mean_error == np.inf
    assert largest_error(outputs, ORACLE) == np.inf
    assert "got inf" in found.problems(limits_of(quantization))[0]


@pytest.mark.parametrize("numbers", [(np.nan, 0.0, 1.0), (0.0, np.nan, 1.0), (0.0, 0.0, np.nan)])
@pytest.mark.parametrize("quantization", LIMITS)
def test_a_measure_that_is_no_number_is_never_within_a_limit(numbers, quantization):
    assert Agreement(*numbers).problems(limits_of(quantization))


@given(
    values=arrays(np.float32, (5, 3), elements=st.floats(0, 1, width=32)),
    oracle=arrays(np.float64, (5, 3), elements=st.floats(0, 1)),
)
def test_the_measures_bound_each_other(values, oracle):
    found = agreement(values, oracle)
    assert 0 <= found.mean_error <= 1.5 * found.error + 1e-12
    assert found.error == largest_error(values, oracle)
    assert found.agreement == labels_kept(values, oracle) / 5


@pytest.mark.parametrize(
    ("quantization", "found", "said"),
    [
        ("float32", Agreement(2e-5, 1e-6, 1.0), "within 1e-05 of the oracle's, got 2e-05"),
        ("float16", Agreement(0.1, 0.021, 1.0), "a mean error from the oracle of at most 0.02, got 0.021"),
        ("int8", Agreement(0.5, 0.11, 1.0), "at most 0.1, got 0.11"),
        ("int8", Agreement(0.5, 0.05, 0.79), "label for at least 80% of the windows, got 79%"),
        ("int8-weights", Agreement(0.5, 0.05, 0.06), "got 6%"),
        ("unheard-of", Agreement(0.5, 0.2, 1.0), "at most 0.1, got 0.2"),
    ],
)
def test_what_is_beyond_a_limit_is_said(quantization, found, said):
    (problem,) = found.problems(limits_of(quantization))
    assert said in problem


@pytest.mark.parametrize("quantization", LIMITS)
def test_limits_are_allowed(quantization):
    limits = LIMITS[quantization]
    assert Agreement(limits.error, limits.mean_error, limits.agreement).problems(limits) == []


def test_no_compiler_claims_more_than_is_allowed():
    for quantization, tolerance in TOLERANCES.items():
        assert tolerance <= LIMITS[quantization].tolerance


def test_the_oracle_is_computed_in_batches_that_fit_memory(random_bundle):
    layers = (Flatten("Flat"), Dense("Output", 3, "softmax"))
    bundle = random_bundle(Architecture("wide", 65_536, 3, layers))
    windows = np.random.default_rng(0).normal(size=(100, 65_536, 3)).astype(np.float32)
    expected = forward(bundle.manifest.architecture, bundle.folded_weights, windows[:3])
    outputs = oracle_outputs(bundle, windows)
    assert outputs.shape == (100, 3)
    assert outputs.dtype == np.float64
    np.testing.assert_allclose(outputs[:3], expected)
    assert oracle_outputs(bundle, windows[:0]).shape == (0, 3)
