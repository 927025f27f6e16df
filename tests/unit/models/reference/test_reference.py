"""The oracle against the definitions of its layers, written again one number at a time."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.models.architecture import GRU, LSTM, Architecture, Dense, SimpleRNN
from edgehar.models.reference import forward, sigmoid, softmax

STEPS, CHANNELS, UNITS, CLASSES = 5, 3, 4, 3


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def _matvec(vector, matrix, column):
    return sum(float(v) * float(matrix[row, column]) for row, v in enumerate(vector))


def _simple_rnn(window, w):
    hidden = [0.0] * UNITS
    for x in window:
        hidden = [
            math.tanh(_matvec(x, w["kernel"], j) + _matvec(hidden, w["recurrent_kernel"], j) + w["bias"][j])
            for j in range(UNITS)
        ]
    return hidden


def _lstm(window, w):
    hidden, cell = [0.0] * UNITS, [0.0] * UNITS
    for x in window:
        gates = [
            _matvec(x, w["kernel"], j) + _matvec(hidden, w["recurrent_kernel"], j) + w["bias"][j]
            for j in range(4 * UNITS)
        ]
        i, f, c, o = (gates[k * UNITS : (k + 1) * UNITS] for k in range(4))
        cell = [_sigmoid(f[j]) * cell[j] + _sigmoid(i[j]) * math.tanh(c[j]) for j in range(UNITS)]
        hidden = [_sigmoid(o[j]) * math.tanh(cell[j]) for j in range(UNITS)]
    return hidden


def _gru(window, w, reset_after):
    hidden = [0.0] * UNITS
    bias = w["bias"] if reset_after else np.stack([w["bias"], np.zeros_like(w["bias"])])
    for x in window:
        given_x = [_matvec(x, w["kernel"], j) + bias[0, j] for j in range(3 * UNITS)]
        given_h = [_matvec(hidden, w["recurrent_kernel"], j) + bias[1, j] for j in range(3 * UNITS)]
        z = [_sigmoid(given_x[j] + given_h[j]) for j in range(UNITS)]
        r = [_sigmoid(given_x[UNITS + j] + given_h[UNITS + j]) for j in range(UNITS)]
        last = range(2 * UNITS, 3 * UNITS)
        if reset_after:
            recalled = [r[j] * given_h[column] for j, column in enumerate(last)]
        else:
            reset = [r[j] * hidden[j] for j in range(UNITS)]
            recalled = [_matvec(reset, w["recurrent_kernel"], column) for column in last]
        candidate = [math.tanh(given_x[column] + recalled[j]) for j, column in enumerate(last)]
        hidden = [z[j] * hidden[j] + (1 - z[j]) * candidate[j] for j in range(UNITS)]
    return hidden


CASES = {
    "SimpleRNN": (SimpleRNN("layer", UNITS), _simple_rnn),
    "LSTM": (LSTM("layer", UNITS), _lstm),
    "GRU, reset after": (GRU("layer", UNITS), lambda window, w: _gru(window, w, reset_after=True)),
    "GRU, reset before": (
        GRU("layer", UNITS, reset_after=False),
        lambda window, w: _gru(window, w, reset_after=False),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_layer_is_what_its_equations_say(case, random_weights):
    layer, by_hand = CASES[case]
    architecture = Architecture("x", STEPS, CHANNELS, (layer, Dense("Output", CLASSES)))
    weights = random_weights(architecture, seed=3)
    windows = np.random.default_rng(0).normal(size=(2, STEPS, CHANNELS)).astype(np.float32)
    own = {name.removeprefix("layer/"): value.astype(np.float64) for name, value in weights.items()}
    for window, outputs in zip(windows, forward(architecture, weights, windows), strict=True):
        hidden = by_hand(window, own)
        expected = [_matvec(hidden, own["Output/kernel"], j) + own["Output/bias"][j] for j in range(CLASSES)]
        np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-12)


def test_the_sequence_of_a_layer_ends_in_its_last_step(random_weights):
    whole = Architecture("x", STEPS, CHANNELS, (LSTM("layer", UNITS, return_sequences=True),))
    last = Architecture("x", STEPS, CHANNELS, (LSTM("layer", UNITS),))
    weights = random_weights(last, seed=1)
    windows = np.random.default_rng(1).normal(size=(2, STEPS, CHANNELS))
    np.testing.assert_array_equal(forward(whole, weights, windows)[:, -1], forward(last, weights, windows))


@pytest.mark.parametrize("case", CASES)
def test_float32_stays_close_to_float64(case, random_weights):
    architecture = Architecture("x", 200, 3, (CASES[case][0], Dense("Output", CLASSES, "softmax")))
    weights = random_weights(architecture, seed=5)
    windows = np.random.default_rng(2).normal(size=(4, 200, 3)).astype(np.float32)
    exact = forward(architecture, weights, windows)
    rough = forward(architecture, weights, windows, dtype=np.float32)
    assert exact.dtype == np.float64
    assert rough.dtype == np.float32
    np.testing.assert_allclose(rough, exact, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_every_window_is_on_its_own(case, random_weights):
    architecture = Architecture("x", STEPS, CHANNELS, (CASES[case][0], Dense("Output", CLASSES, "softmax")))
    weights = random_weights(architecture)
    windows = np.random.default_rng(4).normal(size=(6, STEPS, CHANNELS))
    together = forward(architecture, weights, windows)
    alone = np.concatenate([forward(architecture, weights, windows[i : i + 1]) for i in range(6)])
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    np.testing.assert_allclose(forward(architecture, weights, windows[::-1])[::-1], together, rtol=1e-12)


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=8))
def test_softmax_is_a_distribution_for_any_finite_numbers(values):
    shares = softmax(np.array(values))
    assert np.isfinite(shares).all()
    assert shares.sum() == pytest.approx(1)
    assert shares[np.argmax(values)] == shares.max()


@given(st.floats(allow_nan=False))
def test_sigmoid_is_the_logistic_function_and_never_overflows(value):
    expected = 1 / (1 + math.exp(-value)) if value > -700 else 0.0
    assert float(sigmoid(np.array(value))) == pytest.approx(expected, abs=1e-15)
