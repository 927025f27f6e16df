"""Masked steps are skipped: the oracle against a walk by hand, and every file against the oracle."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from edgehar.models.agreement import largest_error
from edgehar.models.architecture import (
    GRU,
    LSTM,
    Architecture,
    Bidirectional,
    Dense,
    Embedding,
    GlobalMaxPooling1D,
    LayerNormalization,
    Masking,
    Reverse,
    SimpleRNN,
)
from edgehar.models.bundle import Bundle, make_bundle
from edgehar.models.bundle.golden import golden_inputs
from edgehar.models.bundle.manifest import DecoderSpec, Provenance, WindowSpec
from edgehar.models.bundle.tasks import task_of
from edgehar.models.engines import load_engine
from edgehar.models.errors import BundleError, CompileError, UsageError
from edgehar.models.inputs import for_file
from edgehar.models.normalization import Normalization, fold_normalization
from edgehar.models.portable.blob import unpack_model
from edgehar.models.reference import forward
from edgehar.models.stateful import load_stateful
from edgehar.models.verification import verify_bundle
from edgehar.pipeline.compilers import Target, compile_bundle, targets
from edgehar.pipeline.compilers.onnx_options import OnnxOptions

STEPS = 9
MASKED = {
    "stack": (Masking("Mask", 0.5), LSTM("First", 4, True), GRU("Second", 5), Dense("Output", 3, "softmax")),
    "relu": (Masking("Mask", 0.0), SimpleRNN("RNN", 4, activation="relu"), Dense("Output", 2)),
    "every step": (Dense("Before", 4), Masking("Mask", 0.0), LayerNormalization("Norm", 1e-3), GRU("GRU", 4, True)),
    "both ways": (
        Masking("Mask", -1.0),
        Bidirectional("Both", "GRU", 4, True),
        Bidirectional("Last", "LSTM", 3, merge="sum"),
        Dense("Output", 2, "sigmoid"),
    ),
    "tokens": (Embedding("Words", 7, 4, mask_zero=True), Reverse("Turned"), LSTM("LSTM", 4), Dense("Output", 2)),
}


def bundle_of(layers: tuple, random_weights) -> Bundle:
    """An untrained model that takes its input as it is."""
    channels = 1 if isinstance(layers[0], Embedding) else 3
    architecture = Architecture("masked", STEPS, channels, layers)
    return make_bundle(
        architecture=architecture,
        labels=[f"label {number}" for number in range(architecture.classes)],
        window=WindowSpec(STEPS, 1, 100.0, ("x", "y", "z")[:channels], "as trained", "", ""),
        normalization=Normalization((0.0,) * channels, (1.0,) * channels),
        weights=random_weights(architecture, gain=0.7),
        decoder=DecoderSpec(1, 0.0, 0),
        provenance=Provenance("random weights", "", "", 0, True, "2026-01-01T00:00:00Z", {}, {}),
        task=task_of(architecture),
    )


def test_the_golden_windows_are_masked_in_every_way() -> None:
    for name in ("stack", "tokens"):
        layers = MASKED[name]
        windows = golden_inputs(Architecture(name, STEPS, 3 if name == "stack" else 1, layers))
        masked = (windows == (0.5 if name == "stack" else 0.0)).all(axis=-1)
        assert {masked[:, 0].any(), masked[:, -1].any(), (~masked).all(axis=1).any()} == {True}
        assert (masked[:, 1:-1].any(axis=1) & ~masked[:, 0] & ~masked[:, -1]).any(), "a hole"


@pytest.mark.parametrize("name", ["stack", "both ways"])
def test_the_reference_evaluator_takes_the_files_to_the_letter(name: str, random_weights) -> None:
    """The axis of a CumSum is a number, and no list of one, which other runtimes take as well."""
    bundle = bundle_of(MASKED[name], random_weights)
    file = compile_bundle(bundle, [Target("onnx", "float32")]).files["model.float32.onnx"]
    evaluator = ReferenceEvaluator(onnx.load_from_string(file))
    windows = bundle.golden["windows"]
    found = evaluator.run(None, {evaluator.input_names[0]: windows})[0]
    np.testing.assert_allclose(found, forward(bundle.manifest.architecture, bundle.folded_weights, windows), atol=1e-5)


@pytest.mark.parametrize("kind", [SimpleRNN, LSTM, GRU])
@pytest.mark.parametrize("sequence", [False, True])
def test_what_is_masked_may_as_well_not_be_there(kind, sequence: bool, random_weights) -> None:
    """For the last output; a sequence repeats the one before, and is zeros before the first."""
    architecture = Architecture("masked", STEPS, 3, (Masking("Mask", 0.5), kind("Cells", 4, sequence)))
    weights = random_weights(architecture)
    for window in golden_inputs(architecture)[:12]:
        counts = (window != 0.5).any(axis=-1)
        found = forward(architecture, weights, window[np.newaxis])[0]
        shorter = Architecture("plain", max(1, int(counts.sum())), 3, (kind("Cells", 4, sequence),))
        rest = forward(shorter, weights, window[counts][np.newaxis])[0] if counts.any() else np.zeros((1, 4))
        if not sequence:
            np.testing.assert_allclose(found, rest if counts.any() else np.zeros(4), atol=1e-12)
            continue
        with_start = np.concatenate([np.zeros((1, 4)), rest])
        np.testing.assert_allclose(found, with_start[np.cumsum(counts)], atol=1e-12)


@pytest.mark.parametrize("name", MASKED)
def test_every_file_skips_what_the_oracle_skips(name: str, random_weights) -> None:
    bundle = bundle_of(MASKED[name], random_weights)
    there = targets(bundle.manifest.architecture)
    assert {(each.format, each.quantization) for each in there} >= {("tflite", "float32"), ("onnx", "int8-weights")}
    assert ("tflite", "int8") not in {(each.format, each.quantization) for each in there}
    assert ("c" in {each.format for each in there}) == (name in ("stack", "both ways"))
    wanted = [each for each in there if each.quantization in ("float32", "int8-weights", "int8")]
    result = verify_bundle(compile_bundle(bundle, wanted, calibration=bundle.golden["windows"]))
    assert result.ok, [row.reason for row in result.artifacts if not row.ok]


@pytest.mark.parametrize("units", [4, 16])
def test_the_c_engine_skips_in_one_window_and_in_many(units: int, random_weights) -> None:
    """Steps here and there, and all of them; with units that fill vectors and that do not."""
    layers = (Masking("Mask", -9.0), LSTM("First", units, True), GRU("Second", units), Dense("Output", 2, "softmax"))
    made = bundle_of(layers, random_weights)
    windows = np.concatenate([made.golden["windows"], np.full((1, STEPS, 3), -9.0, np.float32)])
    bundle = compile_bundle(made, [Target("c", "float32"), Target("c", "int8")], calibration=windows)
    expected = forward(made.manifest.architecture, made.folded_weights, windows)
    floats, integers = (load_engine(bundle, "native", number).predict for number in ("float32", "int8"))
    np.testing.assert_allclose(floats(windows), expected, atol=1e-5)
    np.testing.assert_array_equal(np.concatenate([floats(windows[at : at + 1]) for at in range(33)]), floats(windows))
    np.testing.assert_allclose(integers(windows), expected, atol=0.02)
    assert unpack_model(bundle.files["model.int8.harc"]).mask == -9 * 2048


def test_what_masks_may_be_far_from_what_a_sensor_measures(random_weights) -> None:
    """It takes no bits from the samples: beyond 16 g it saturates, as they do."""
    layers = (Masking("Mask", -999.0), LSTM("LSTM", 4), Dense("Output", 2, "softmax"))
    made = bundle_of(layers, random_weights)
    windows = made.golden["windows"]
    bundle = compile_bundle(made, [Target("c", "int8")], calibration=windows)
    model = unpack_model(bundle.files["model.int8.harc"])
    assert (model.sample_bits, model.mask) == (11, -(2**15))
    found = load_engine(bundle, "native", "int8").predict(windows)
    np.testing.assert_allclose(found, forward(made.manifest.architecture, made.folded_weights, windows), atol=0.02)


@pytest.mark.parametrize("name", MASKED)
def test_openvino_skips_the_same(name: str, random_weights, tmp_path: Path) -> None:
    """It gives other last states where operators are told the length of a sequence."""
    openvino = pytest.importorskip("openvino")
    bundle = compile_bundle(bundle_of(MASKED[name], random_weights), [Target("onnx", "float32")])
    (tmp_path / "model.onnx").write_bytes(bundle.files["model.float32.onnx"])
    model = openvino.Core().compile_model(str(tmp_path / "model.onnx"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = model([for_file(bundle.golden["windows"], bundle.manifest.architecture)])[0]
    assert largest_error(found, bundle.golden["oracle"]) <= 1e-5


def test_the_fast_form_of_onnx_skips_too(random_weights) -> None:
    layers = (Masking("Mask", 0.0), SimpleRNN("First", 4, True), SimpleRNN("Second", 3), Dense("Output", 2))
    bundle = bundle_of(layers, random_weights)
    options = OnnxOptions(fast=True, opset=13)
    assert verify_bundle(compile_bundle(bundle, [Target("onnx", "float32")], onnx=options)).ok


def test_what_cannot_skip_says_so(random_weights) -> None:
    for name, target, said in (
        ("stack", Target("tflite", "int8"), r"layer Mask is a Masking, .* Choose among tflite float32, onnx float32"),
        ("every step", Target("c", "float32"), "layer Mask masks steps behind other layers, it takes a Masking as the"),
        ("tokens", Target("c", "int8"), "layer Words is a Embedding, it takes .* branches and Masking"),
    ):
        bundle = bundle_of(MASKED[name], random_weights)
        with pytest.raises(CompileError, match=said):
            compile_bundle(bundle, [target], calibration=bundle.golden["windows"])
    for name in ("stack", "tokens"):
        with pytest.raises(UsageError, match="masks steps: build the model without it"):
            load_stateful(bundle_of(MASKED[name], random_weights))


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ((Masking("Mask", 0.0), GlobalMaxPooling1D("Pool"), Dense("Output", 2)), "layer Pool is a GlobalMaxPooling1D"),
        ((Masking("Mask", 1e31), LSTM("LSTM", 2)), "a number within 1e"),
        ((Masking("Mask", float("nan")), LSTM("LSTM", 2)), "a number within 1e"),
        ((Masking("Mask", True), LSTM("LSTM", 2)), "a number within 1e"),
    ],
)
def test_a_strangers_mask_is_held_to_the_rules(layers, said: str) -> None:
    with pytest.raises(BundleError, match=said):
        Architecture.from_json(Architecture("x", 4, 3, layers).to_json())


def test_a_mask_is_kept_in_a_manifest() -> None:
    for layers in MASKED.values():
        architecture = Architecture("x", 4, 1 if isinstance(layers[0], Embedding) else 3, layers)
        assert Architecture.from_json(architecture.to_json()) == architecture


def test_a_normalisation_is_not_folded_through_a_mask(random_weights) -> None:
    architecture = Architecture("x", 4, 3, MASKED["stack"])
    with pytest.raises(CompileError, match="a Masking compares it before it is normalised"):
        fold_normalization(architecture, random_weights(architecture), Normalization((1.0, 0.0, 0.0), (1.0, 1.0, 1.0)))
