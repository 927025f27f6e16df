"""The integer forward pass stays close to the float oracle, and within its own bounds."""

from dataclasses import replace

import numpy as np
import pytest

from edgehar.models.architecture import GRU, Architecture, Dense, SimpleRNN, named_architecture
from edgehar.models.bundle.golden import golden_windows
from edgehar.models.errors import CompileError
from edgehar.models.portable.fixed_point import to_samples
from edgehar.models.portable.integer_reference import forward, predict
from edgehar.models.portable.rules import MAXIMUM_WINDOW, check_bounds
from edgehar.models.reference import forward as oracle
from edgehar.pipeline.compilers.c99 import tables

GRU_BEFORE = Architecture("gru_before", 200, 3, (GRU("g", 12, reset_after=False), Dense("o", 12, "softmax")))
DEEP = Architecture(
    "deep",
    60,
    3,
    (
        Dense("in", 4, "linear"),
        SimpleRNN("rnn", 6),
        Dense("a", 7, "relu"),
        Dense("b", 5, "sigmoid"),
        Dense("c", 5, "tanh"),
        Dense("out", 3, "softmax"),
    ),
)


YES_OR_NO = Architecture("yes_or_no", 60, 3, (GRU("g", 12), Dense("o", 3, "sigmoid")))
FORECAST = Architecture("forecast", 60, 3, (GRU("g", 12), Dense("d", 6, "relu"), Dense("o", 2)))


@pytest.mark.parametrize(
    ("architecture", "tolerance"),
    [
        (named_architecture("simple_rnn"), 0.1),
        (named_architecture("lstm"), 0.01),
        (named_architecture("gru"), 0.01),
        (named_architecture("attention").deployed, 0.05),
        (GRU_BEFORE, 0.02),
        (DEEP, 0.05),
        (YES_OR_NO, 0.02),
        (FORECAST, 0.05),
    ],
    ids=lambda it: getattr(it, "name", ""),
)
def test_probabilities_stay_close_to_the_oracle(architecture: Architecture, tolerance: float, random_weights) -> None:
    weights = random_weights(architecture)
    windows = golden_windows(architecture.window, 3)
    found = predict(tables(architecture, weights, "int8"), windows)
    expected = oracle(architecture, weights, np.clip(windows, -16, 32767 / 2048))
    assert np.abs(found - expected).max() < tolerance
    if architecture.layers[-1].activation == "softmax":
        assert np.abs(found.sum(axis=1) - 1).max() < 1e-3


def test_weights_that_int8_holds_exactly_cost_next_to_nothing(random_weights) -> None:
    architecture = named_architecture("simple_rnn")
    weights = {}
    for name, value in random_weights(architecture).items():
        steps = value if name.endswith("bias") else np.round(value * 64).clip(-64, 64) / 64
        weights[name] = steps.astype(np.float32)
    windows = golden_windows(200, 3)
    found = predict(tables(architecture, weights, "int8"), windows)
    # The rows' scales are not exactly 1/64: what is left is that, and 13 bits of sums.
    assert np.abs(found - oracle(architecture, weights, windows.clip(-16, 32767 / 2048))).max() < 0.02


def test_a_batch_gives_what_its_windows_give_alone(random_weights) -> None:
    architecture = named_architecture("gru")
    model = tables(architecture, random_weights(architecture), "int8")
    samples = to_samples(golden_windows(200, 3))
    together = forward(model, samples)
    assert np.array_equal(together, np.concatenate([forward(model, samples[index : index + 1]) for index in range(32)]))


def test_the_bounds_of_32_bits_are_held(random_weights) -> None:
    architecture = named_architecture("lstm")
    model = tables(architecture, random_weights(architecture), "int8")
    check_bounds(model)
    with pytest.raises(CompileError, match=f"at most {MAXIMUM_WINDOW} samples"):
        check_bounds(replace(model, window=MAXIMUM_WINDOW + 1))
    wide = Architecture("wide", 10, 3, (SimpleRNN("w", 600), Dense("o", 2, "softmax")))
    with pytest.raises(CompileError, match=r"layer 1 \(simple_rnn\): expected at most 511 inputs"):
        tables(wide, random_weights(wide), "int8")
