"""Compiling: sizes, determinism, operators and versions, and what is refused."""

from collections import Counter

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st

from models.architecture import GRU, LSTM, Architecture, Dense, SimpleRNN, named_architecture
from models.engines import load_engine
from models.errors import CompileError, UsageError
from models.reference import forward
from pipeline.compilers import FORMATS, Target, compile_bundle, compile_model, targets

RECURRENT = ("simple_rnn", "lstm", "gru")
RUNTIME = {"tflite": "litert", "onnx": "onnxruntime", "c": "native"}
SUFFIX = {"tflite": "tflite", "onnx": "onnx", "c": "harc"}


def operators_of(content: bytes) -> Counter:
    """Return how often each (operator, version) stands in the main graph of a TFLite file."""
    model = schema.ModelT.InitFromPackedBuf(content)
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    codes = [(names[code.builtinCode], code.version) for code in model.operatorCodes]
    return Counter(codes[operator.opcodeIndex] for operator in model.subgraphs[0].operators)


@pytest.mark.parametrize("name", RECURRENT)
@pytest.mark.parametrize("format_name", FORMATS)
def test_a_file_is_its_weights_and_little_more(name: str, format_name: str, random_weights) -> None:
    architecture = named_architecture(name)
    weights = random_weights(architecture)
    first = compile_model(architecture, weights, format=format_name)
    assert first.file == f"model.float32.{SUFFIX[format_name]}"
    assert first.route == "direct"
    assert len(first.content) <= 4 * architecture.parameter_count + 4096
    assert compile_model(architecture, weights, format=format_name).content == first.content


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("simple_rnn", {("UNIDIRECTIONAL_SEQUENCE_RNN", 1): 2}),
        ("lstm", {("UNIDIRECTIONAL_SEQUENCE_LSTM", 1): 2}),
        ("gru", {("WHILE", 1): 1}),
    ],
)
def test_tflite_operators_are_few_and_old(name: str, expected: dict, random_weights) -> None:
    architecture = named_architecture(name)
    found = operators_of(compile_model(architecture, random_weights(architecture), format="tflite").content)
    head = {("STRIDED_SLICE", 1): 1} if name != "gru" else {}
    assert found == {**expected, **head, ("FULLY_CONNECTED", 1): 1, ("SOFTMAX", 1): 1}


@pytest.mark.parametrize("name", RECURRENT)
def test_tflite_constants_are_aligned(name: str, random_weights) -> None:
    architecture = named_architecture(name)
    content = compile_model(architecture, random_weights(architecture), format="tflite").content
    model = schema.Model.GetRootAsModel(content)
    for index in range(1, model.BuffersLength()):
        address = model.Buffers(index).DataAsNumpy().__array_interface__["data"][0]
        start = np.frombuffer(content, np.uint8).__array_interface__["data"][0]
        assert (address - start) % 16 == 0


@pytest.mark.parametrize(("name", "operator"), [("simple_rnn", "RNN"), ("lstm", "LSTM"), ("gru", "GRU")])
def test_onnx_operators_are_fused_and_the_batch_is_open(name: str, operator: str, random_weights) -> None:
    architecture = named_architecture(name)
    model = onnx.load_from_string(compile_model(architecture, random_weights(architecture), format="onnx").content)
    found = Counter(node.op_type for node in model.graph.node)
    assert found[operator] == 2
    assert "Loop" not in found
    assert model.opset_import[0].version == 17
    assert model.ir_version == 8
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "windows"


def test_targets_list_every_format() -> None:
    assert targets(named_architecture("gru"))[:2] == (Target("tflite", "float32"), Target("onnx", "float32"))


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(broken: float, random_weights) -> None:
    architecture = named_architecture("lstm")
    weights = random_weights(architecture)
    weights["LSTM_2/kernel"][0, 0] = broken
    with pytest.raises(CompileError, match="LSTM_2/kernel: expected finite"):
        compile_model(architecture, weights, format="onnx")


def test_weights_of_another_model_are_refused(random_weights) -> None:
    architecture = named_architecture("lstm")
    with pytest.raises(CompileError, match="LSTM_1/kernel: expected shape"):
        compile_model(architecture, random_weights(named_architecture("gru")), format="tflite")


def test_what_there_is_not_is_refused(random_weights) -> None:
    architecture = named_architecture("lstm")
    weights = random_weights(architecture)
    with pytest.raises(UsageError, match="format: expected one of tflite, onnx, c, got 'coreml'"):
        compile_model(architecture, weights, format="coreml")
    with pytest.raises(CompileError, match="got 'int3'"):
        compile_model(architecture, weights, format="tflite", quantization="int3")


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    """Draw a small stack of recurrent layers that ends in a softmax over the classes."""
    depth = draw(st.integers(1, 3))
    layers: list = []
    for index in range(depth):
        kind = draw(st.sampled_from([SimpleRNN, LSTM, GRU]))
        options = {"reset_after": draw(st.booleans())} if kind is GRU else {}
        keeps_steps = index < depth - 1
        layers.append(kind(f"layer_{index}", draw(st.integers(1, 9)), return_sequences=keeps_steps, **options))
        if keeps_steps and draw(st.booleans()):
            layers.append(Dense(f"mixer_{index}", draw(st.integers(1, 5)), draw(st.sampled_from(["relu", "linear"]))))
    layers.append(Dense("Output", draw(st.integers(2, 12)), "softmax"))
    return Architecture("drawn", draw(st.integers(1, 25)), 3, tuple(layers))


@pytest.mark.parametrize("format_name", FORMATS)
@settings(max_examples=25, deadline=None)
@given(
    architecture=architectures(),
    gain=st.sampled_from([0.0, 1e-3, 1.0, 30.0]),
    loudness_g=st.sampled_from([0.0, 1.0, 1e3]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_recurrent_stack_equals_the_oracle(
    format_name: str, random_bundle, architecture: Architecture, gain: float, loudness_g: float, seed: int
) -> None:
    bundle = compile_bundle(random_bundle(architecture, seed, gain=gain), [Target(format_name, "float32")])
    windows = np.random.default_rng(seed).normal(scale=loudness_g or 1e-9, size=(3, architecture.window, 3))
    windows = windows.astype(np.float32)
    expected = forward(architecture, bundle.folded_weights, windows)
    # Wild weights make chaotic networks, which magnify float32's own rounding: that much no engine can avoid.
    unavoidable = np.abs(forward(architecture, bundle.folded_weights, windows, dtype=np.float32) - expected).max()
    found = load_engine(bundle, RUNTIME[format_name]).predict(windows)
    np.testing.assert_allclose(found, expected, atol=1e-5 + 10 * unavoidable, rtol=0)
