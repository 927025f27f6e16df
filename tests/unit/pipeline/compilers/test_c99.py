"""Lowering to the C engine's tables: what int8 rows keep, and what is refused."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.firmware_bridge.projects.description import config_header
from edgehar.firmware_bridge.projects.source import tables_source
from edgehar.models.architecture import (
    GRU,
    LSTM,
    Activation,
    Architecture,
    Branches,
    Dense,
    Flatten,
    LayerNormalization,
    Masking,
    SelfAttention,
    SimpleRNN,
    named_architecture,
)
from edgehar.models.errors import CompileError
from edgehar.models.portable.blob import unpack_model
from edgehar.models.portable.fixed_point import SUM_BITS
from edgehar.models.portable.integer_reference import predict
from edgehar.models.reference import forward
from edgehar.pipeline.compilers import Target, compile_model, targets
from edgehar.pipeline.compilers.c99 import obstacle, supports, tables
from edgehar.pipeline.compilers.c99.lowering import sample_bits
from edgehar.pipeline.compilers.c99.rows import Linear, least_input_bits, quantize_rows

LAST = Dense("o", 4, "softmax")


def worth(matrix, input_bits: int) -> np.ndarray:
    """Return what the integer rows stand for, as (inputs, outputs) reals."""
    scale = matrix.multipliers * 2.0 ** (input_bits - SUM_BITS - matrix.shift)
    return (matrix.weights * scale[:, np.newaxis]).T


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(st.integers(1, 40), st.integers(1, 20)),
    gain=st.sampled_from([1e-30, 1e-6, 1e-3, 0.1, 1.0]),
    input_bits=st.sampled_from([11, 15, 9]),
)
def test_a_row_is_kept_to_half_a_step_and_its_largest_weight_exactly(
    seed: int, size: tuple[int, int], gain: float, input_bits: int
) -> None:
    kernel = np.random.default_rng(seed).normal(scale=gain, size=size)
    kernel[:, 0] = 0.0
    (matrix,) = quantize_rows([Linear("k", kernel, input_bits)], None)
    found, largest = worth(matrix, input_bits), np.abs(kernel).max(axis=0)
    # Multipliers have 12 to 16 bits in the matrix's largest row, where weights are not too small for any.
    grain = np.float64(2.0) ** (input_bits - SUM_BITS - matrix.shift) * 127
    assert np.all(np.abs(found - kernel) <= largest / 127 / 2 * 1.001 + grain)
    if gain >= 1e-3:
        row = largest.argmax()
        column = np.abs(kernel[:, row]).argmax()
        assert found[column, row] == pytest.approx(kernel[column, row], rel=2.0**-11)


def test_weights_too_large_for_32_bits_are_refused(random_weights) -> None:
    architecture = named_architecture("simple_rnn")
    with pytest.raises(CompileError, match="RNN_1/kernel: expected weights small enough"):
        tables(architecture, random_weights(architecture, gain=1e7), "int8")
    compile_model(architecture, random_weights(architecture, gain=1e7), format="c", quantization="float32")


@pytest.mark.parametrize("factor", [1.0, 64.0])
def test_keys_may_be_larger_as_queries_are_smaller(factor: float, random_weights) -> None:
    """And values as their output's weights are smaller: the integers lose no more."""
    architecture = Architecture("a", 20, 3, (Dense("d", 8), SelfAttention("s", 4), LSTM("l", 6), LAST))
    weights = random_weights(architecture)
    windows = np.random.default_rng(2).normal(size=(40, 20, 3)).astype(np.float32)
    expected = forward(architecture, weights, windows)
    for larger, smaller in (("key", "query"), ("value", "output")):
        for what in ("kernel", "bias"):
            weights[f"s/{larger}_{what}"] *= factor
            if (smaller, what) != ("output", "bias"):
                weights[f"s/{smaller}_{what}"] /= factor
    np.testing.assert_allclose(forward(architecture, weights, windows), expected, atol=1e-4)
    found = predict(tables(architecture, weights, "int8", windows), windows)
    assert np.abs(found - expected).max() < 0.005


def test_keys_too_large_for_16_bits_are_refused(random_weights) -> None:
    architecture = Architecture("a", 20, 3, (Dense("d", 8), SelfAttention("s", 4), LSTM("l", 6), LAST))
    weights = random_weights(architecture)
    for which in ("key", "query"):
        weights[f"s/{which}_bias"] += 20_000
    with pytest.raises(CompileError, match="s: expected keys and queries below 16,384"):
        tables(architecture, weights, "int8")


def test_an_output_too_large_for_16_bits_is_refused(random_weights) -> None:
    architecture = Architecture("big", 10, 3, (SimpleRNN("r", 4), Dense("d", 4, "relu"), LAST))
    weights = random_weights(architecture)
    weights["d/bias"][0] = 20_000
    with pytest.raises(CompileError, match="d: expected outputs below 16,384"):
        tables(architecture, weights, "int8")


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ((LSTM("l", 4), LAST), True),
        ((Dense("d", 3, "relu"), GRU("g", 4, return_sequences=True), SimpleRNN("s", 4), Dense("e", 2), LAST), True),
        ((LSTM("l", 4, return_sequences=True), LAST), False),
        ((LSTM("l", 4),), False),
        ((LSTM("l", 4), Dense("d", 4, "linear")), True),
        ((LSTM("l", 4), Dense("d", 1, "sigmoid")), True),
        ((LSTM("l", 4), Dense("d", 4, "relu")), False),
        ((LSTM("l", 4), Dense("d", 4, "softmax"), LAST), False),
        ((Dense("d", 4), LAST), False),
    ],
)
def test_what_can_be_stepped_is_supported(layers: tuple, expected: bool) -> None:
    assert supports(Architecture("a", 20, 3, layers), "int8") is expected


def concatenated(*branches: tuple) -> Branches:
    """Return branches side by side."""
    return Branches("b", "concat", branches)


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ((concatenated((LSTM("l", 4),), (GRU("g", 3), Dense("e", 2, "relu"))), LAST), ""),
        ((concatenated((Flatten("f"),), (LSTM("l", 4),)), LAST), ""),
        ((Branches("b", "sum", ((), (Dense("d", 3),))), Activation("a", "relu"), LSTM("l", 4), LAST), ""),
        ((LSTM("l", 4), concatenated((), (Dense("d", 3, "tanh"),)), LAST), ""),
        (
            (Branches("b", "sum", ((), (Dense("d", 3),))), Activation("a", "elu"), LSTM("l", 4), LAST),
            "layer a is a Act",
        ),
        ((concatenated((), ()), Activation("a", "relu"), LSTM("l", 4), LAST), "layer a is a Activation"),
        ((concatenated(*[()] * 9), LSTM("l", 4), LAST), "layer b joins 9 branches, it takes at most 8"),
        ((Branches("b", "mul", ((), (), ())), LSTM("l", 4), LAST), "layer b joins 3 branches, it takes at most 2"),
        ((concatenated((), (LayerNormalization("n", 1e-3),)), LSTM("l", 4), LAST), "layer n is a LayerNormalization"),
        (
            (Branches("b", "sum", ((Flatten("f"),), (Flatten("g"),))), LAST),
            "layer b joins branches that end in Flatten",
        ),
        ((Masking("m", 0.0), LSTM("l", 4), concatenated((), ()), LAST), "layer b are branches behind a mask"),
        ((Dense("d", 3), Masking("m", 0.0), LSTM("l", 4), LAST), "layer m masks steps behind other layers"),
        ((concatenated((), ()), LAST), "it needs a layer that makes one vector of all steps"),
    ],
)
def test_branches_and_masks_are_told_what_they_lack(layers: tuple, said: str, random_weights) -> None:
    architecture = Architecture("a", 20, 3, layers)
    found = obstacle(architecture, "int8") or ""
    assert found.startswith(said)
    assert bool(found) == bool(said)
    if not said:
        weights = random_weights(architecture, gain=0.5)
        windows = np.random.default_rng(2).normal(size=(40, 20, 3)).astype(np.float32)
        found = predict(tables(architecture, weights, "int8", windows), windows)
        np.testing.assert_allclose(found, forward(architecture, weights, windows), atol=0.02)


def test_both_numbers_are_targets() -> None:
    assert {Target("c", "float32"), Target("c", "int8")} <= set(targets(named_architecture("lstm")))


def test_the_integer_artifact_says_what_it_takes_and_gives(random_weights) -> None:
    architecture = named_architecture("lstm")
    artifact = compile_model(architecture, random_weights(architecture), format="c", quantization="int8")
    assert (artifact.input.dtype, artifact.input.scale) == ("int16", 1 / 2048)
    assert (artifact.output.dtype, artifact.output.scale) == ("uint16", 1 / 32768)
    assert artifact.tolerance == 0.0
    assert artifact.expected.shape == (32, 12)
    assert unpack_model(artifact.content).multiply_adds_per_step == 12_672


def test_float_source_has_nine_significant_digits(random_weights) -> None:
    architecture = named_architecture("simple_rnn")
    model = tables(architecture, random_weights(architecture), "float32")
    source = tables_source(model, name="m", comment="c")
    literals = re.search(r"m_1_kernel_weights\[96\] HAR_FLASH = \{(.*?)\}", source, re.DOTALL)[1]
    found = np.array([float(text.strip().removesuffix("f")) for text in literals.split(",") if text.strip()])
    assert np.array_equal(found.astype(np.float32), model.layers[0].kernel.weights.ravel())
    assert max(map(len, source.splitlines())) <= 120


def test_rounding_for_inputs_that_were_seen_costs_less_on_them() -> None:
    generator = np.random.default_rng(5)
    mixing = generator.normal(size=(6, 24))
    seen = np.tanh(generator.normal(size=(4000, 6)) @ mixing + 0.3)
    kernel, bias = generator.normal(scale=0.3, size=(24, 16)), generator.normal(size=16)

    def cost(matrix) -> float:
        found = seen @ worth(matrix, 15) + matrix.bias / 2.0**SUM_BITS
        return float(np.sqrt(np.mean((found - seen @ kernel - bias) ** 2)))

    (plain,) = quantize_rows([Linear("k", kernel, 15)], bias)
    (fitted,) = quantize_rows([Linear("k", kernel, 15, seen)], bias)
    np.testing.assert_array_equal(plain.multipliers, fitted.multipliers)
    assert np.abs(fitted.weights).max() <= 127
    assert cost(fitted) < 0.7 * cost(plain)


def test_what_one_kernel_loses_the_other_makes_good() -> None:
    generator = np.random.default_rng(6)
    common = generator.normal(size=(3000, 3))
    seen = [np.tanh(common @ generator.normal(size=(3, size))) for size in (5, 9)]
    kernels = [generator.normal(scale=0.4, size=(part.shape[1], 8)) for part in seen]
    exact = sum(part @ kernel for part, kernel in zip(seen, kernels, strict=True))

    def cost(matrices) -> float:
        found = sum(part @ worth(matrix, 15) for part, matrix in zip(seen, matrices, strict=True))
        offset = matrices[0].bias / 2.0**SUM_BITS
        return float(np.sqrt(np.mean((found + offset - exact) ** 2)))

    parts = [
        Linear(str(index), kernel, 15, part) for index, (kernel, part) in enumerate(zip(kernels, seen, strict=True))
    ]
    together = quantize_rows(parts, np.zeros(8))
    apart = quantize_rows(parts[:1], np.zeros(8)) + quantize_rows(parts[1:], None)
    assert cost(together) < 0.85 * cost(apart)


@pytest.mark.parametrize("name", ["simple_rnn", "lstm", "gru"])
def test_calibration_brings_the_integer_model_closer_to_the_float_one(name: str, random_weights) -> None:
    architecture = named_architecture(name)
    weights = random_weights(architecture)
    generator = np.random.default_rng(8)
    # Walks are what sensors see: their samples go together, so that errors can cancel.
    walks = 0.05 * np.cumsum(generator.normal(size=(60, 200, 3)), axis=1)
    exact = forward(architecture, weights, walks[30:])
    error = {
        calibrated: np.abs(predict(tables(architecture, weights, "int8", windows), walks[30:]) - exact).mean()
        for calibrated, windows in ((True, walks[:30]), (False, None))
    }
    assert error[True] < 0.75 * error[False]


def test_calibration_that_never_moves_is_harmless(random_weights) -> None:
    architecture = named_architecture("simple_rnn")
    model = tables(architecture, random_weights(architecture), "int8", np.zeros((2, 200, 3)))
    assert np.isfinite(predict(model, np.zeros((1, 200, 3)))).all()


@pytest.mark.parametrize(
    ("head", "name", "dtype", "scale"),
    [("sigmoid", "probabilities", "uint16", 1 / 32768), ("linear", "numbers", "int32", 1 / 8192)],
)
def test_other_heads_say_what_they_give(head: str, name: str, dtype: str, scale: float, random_weights) -> None:
    architecture = Architecture("a", 20, 3, (GRU("g", 8), Dense("o", 2, head)))
    artifact = compile_model(architecture, random_weights(architecture), format="c", quantization="int8")
    assert (artifact.output.name, artifact.output.dtype, artifact.output.scale) == (name, dtype, scale)
    model = unpack_model(artifact.content)
    assert model.gives_numbers == (head == "linear")
    assert "HAR_USE_OTHER_HEADS 1" in config_header(model)


@pytest.mark.parametrize(("largest", "bits"), [(0.5, 11), (15.9, 11), (17.0, 10), (1013.0, 4), (1e6, 0)])
def test_samples_of_other_signals_get_a_scale_that_holds_them(largest: float, bits: int) -> None:
    calibration = np.linspace(-largest, largest, 2000).reshape(10, 50, 4)
    assert sample_bits(calibration) == bits
    assert sample_bits(None) == 11
    # A single impact is not what a signal looks like.
    calm = np.zeros((10, 50, 4))
    calm[0, 0, 0] = 40.0
    assert sample_bits(calm) == 11


def test_a_forecast_of_large_numbers_is_near_the_float_one(random_weights) -> None:
    architecture = Architecture("weather", 24, 2, (GRU("g", 8), Dense("o", 1)))
    weights = {name: value.copy() for name, value in random_weights(architecture).items()}
    weights["g/kernel"] /= 500
    windows = np.random.default_rng(3).normal(1000, 40, (20, 24, 2)).astype("f")
    found = predict(tables(architecture, weights, "int8", windows), windows)
    np.testing.assert_allclose(found, forward(architecture, weights, windows), atol=0.05)


@pytest.mark.parametrize("scale", [0.3, 1.0, 7.0, 100.0, 900.0])
def test_the_least_bits_of_inputs_are_those_that_weights_still_fit(scale: float) -> None:
    kernel = (scale * np.random.default_rng(0).normal(size=(3, 4))).astype(np.float32)
    least = least_input_bits(kernel)
    assert quantize_rows([Linear("first/kernel", kernel.T, least)], None)[0].shift >= 16
    with pytest.raises(CompileError, match="expected weights small enough for 32-bit sums"):
        quantize_rows([Linear("first/kernel", kernel.T, least - 1)], None)


def test_a_quiet_channel_fits_beside_a_loud_one(random_bundle) -> None:
    made = random_bundle("simple_rnn", seed=1)
    calibration = np.random.default_rng(0).normal(size=(8, 200, 3)) * [0.05, 1.0, 1000.0]
    name = next(name for name in made.folded_weights if name.endswith("kernel"))
    kernel = np.array([[4.0], [1.0], [0.001]], np.float32) * made.folded_weights[name]
    model = tables(made.manifest.architecture, {**made.folded_weights, name: kernel}, "int8", calibration)
    assert sample_bits(calibration) < model.sample_bits == least_input_bits(kernel)
