"""Compiling: sizes, determinism, operators and versions, and what is refused."""

from collections import Counter

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from edgehar.models.architecture import (
    ARCHITECTURE_NAMES,
    GRU,
    LSTM,
    Architecture,
    Bidirectional,
    Conv1D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
    SelfAttention,
    SimpleRNN,
    TemporalBlock,
    named_architecture,
)
from edgehar.models.engines import load_engine
from edgehar.models.errors import CompileError, UsageError
from edgehar.models.quantization import quantize
from edgehar.models.reference import forward
from edgehar.pipeline.compilers import FORMATS, Target, compile_bundle, compile_model, targets
from edgehar.pipeline.compilers.onnx_options import OPSETS, OnnxOptions

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
    assert len(first.content) <= 4 * architecture.parameter_count + 5120
    assert compile_model(architecture, weights, format=format_name).content == first.content


@pytest.mark.parametrize("name", [*RECURRENT, "stacked_gru"])
def test_a_stack_of_recurrent_layers_is_one_loop_in_tflite(name: str, random_weights) -> None:
    architecture = named_architecture(name)
    found = operators_of(compile_model(architecture, random_weights(architecture), format="tflite").content)
    assert found == {("WHILE", 1): 1, ("FULLY_CONNECTED", 1): 1, ("SOFTMAX", 1): 1}


@pytest.mark.parametrize("name", ARCHITECTURE_NAMES)
def test_tflite_files_have_names_a_signature_and_no_state(name: str, random_bundle) -> None:
    bundle = random_bundle(name, seed=3)
    wanted = [target for target in targets(bundle.manifest.architecture) if target.format == "tflite"]
    for entry in (made := compile_bundle(bundle, wanted, calibration=bundle.golden["windows"])).manifest.artifacts:
        content = made.files[entry.file]
        model = schema.ModelT.InitFromPackedBuf(content)
        for graph in model.subgraphs:
            names = [tensor.name for tensor in graph.tensors]
            assert all(names)
            assert len(set(names)) == len(names)
            assert not any(tensor.isVariable for tensor in graph.tensors)
        runner = Interpreter(model_content=content).get_signature_runner()
        assert list(runner.get_input_details()) == ["Input"]
        assert list(runner.get_output_details()) == ["Output"]


@pytest.mark.parametrize("name", [*RECURRENT, "stacked_gru", "bi_gru", "cnn_gru"])
def test_an_interpreter_gives_the_same_twice_without_a_reset(name: str, random_bundle) -> None:
    bundle = random_bundle(name, seed=3)
    wanted = [target for target in targets(bundle.manifest.architecture) if target.format == "tflite"]
    made = compile_bundle(bundle, wanted, calibration=bundle.golden["windows"])
    for entry in made.manifest.artifacts:
        interpreter = Interpreter(model_content=made.files[entry.file], num_threads=1)
        interpreter.allocate_tensors()
        wanted_input, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        for _ in range(2):
            for window, expected in zip(made.golden["windows"][:4], made.golden[entry.file], strict=False):
                values = window[np.newaxis]
                if entry.input.scale:
                    values = quantize(values, scale=entry.input.scale, dtype=np.int16)
                interpreter.set_tensor(wanted_input["index"], values)
                interpreter.invoke()
                found = interpreter.get_tensor(given["index"])[0] * (entry.output.scale or 1)
                np.testing.assert_allclose(found, expected, atol=entry.tolerance, rtol=0)


@pytest.mark.parametrize("name", ARCHITECTURE_NAMES)
@pytest.mark.parametrize("format_name", ["tflite", "onnx"])
def test_relatives_are_small_and_always_the_same(name: str, format_name: str, random_weights) -> None:
    architecture = named_architecture(name)
    weights = random_weights(architecture)
    first = compile_model(architecture, weights, format=format_name).content
    assert len(first) <= 4 * architecture.parameter_count + 7168
    assert compile_model(architecture, weights, format=format_name).content == first


@pytest.mark.parametrize("name", RECURRENT)
def test_tflite_constants_are_aligned(name: str, random_weights) -> None:
    architecture = named_architecture(name)
    content = compile_model(architecture, random_weights(architecture), format="tflite").content
    model = schema.Model.GetRootAsModel(content)
    for index in range(1, model.BuffersLength()):
        address = model.Buffers(index).DataAsNumpy().__array_interface__["data"][0]
        start = np.frombuffer(content, np.uint8).__array_interface__["data"][0]
        assert (address - start) % 16 == 0


@pytest.mark.parametrize(
    ("name", "operator", "count"), [("simple_rnn", "RNN", 2), ("lstm", "LSTM", 2), ("gru", "GRU", 2)]
)
def test_onnx_operators_are_few_and_the_batch_is_open(name: str, operator: str, count: int, random_weights) -> None:
    architecture = named_architecture(name)
    model = onnx.load_from_string(compile_model(architecture, random_weights(architecture), format="onnx").content)
    found = Counter(node.op_type for node in model.graph.node)
    assert found[operator] == count
    assert not {"Loop", "Scan"} & set(found)
    assert model.opset_import[0].version == 17
    assert model.ir_version == 8
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "windows"


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("name", ARCHITECTURE_NAMES)
def test_every_operator_set_gives_the_oracle(name: str, opset: int, random_bundle) -> None:
    bundle = random_bundle(name, seed=5)
    windows = bundle.golden["windows"][:5]
    for fast in (False, True):
        made = compile_bundle(bundle, [Target("onnx", "float32")], onnx=OnnxOptions(fast=fast, opset=opset))
        content = made.files["model.float32.onnx"]
        model = onnx.load_from_string(content)
        assert model.opset_import[0].version == opset
        assert model.ir_version == (8 if opset > 14 else 7)
        found = load_engine(made, "onnxruntime").predict(windows)
        np.testing.assert_allclose(found, bundle.golden["oracle"][:5], atol=1e-5, rtol=0)
        assert any(node.op_type == "Scan" for node in model.graph.node) == (fast and name == "simple_rnn")


@pytest.mark.parametrize("name", RECURRENT)
def test_the_reference_evaluator_of_onnx_agrees(name: str, random_bundle) -> None:
    made = compile_bundle(random_bundle(name, seed=5), [Target("onnx", "float32")])
    session = ReferenceEvaluator(onnx.load_from_string(made.files["model.float32.onnx"]))
    (found,) = session.run(None, {"Input": made.golden["windows"][:3]})
    np.testing.assert_allclose(found, made.golden["oracle"][:3], atol=1e-5, rtol=0)


def test_an_operator_set_that_is_not_written_is_refused() -> None:
    for opset in (12, 18):
        with pytest.raises(UsageError, match=f"opset: expected 13 to 17, got {opset}"):
            OnnxOptions(opset=opset)


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
    with pytest.raises(CompileError, match="tflite int3: it knows the quantizations float32"):
        compile_model(architecture, weights, format="tflite", quantization="int3")


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    """Draw a small stack of any layers over a sequence, something that ends the sequence, and a softmax."""
    units, small = st.integers(1, 6), st.integers(1, 3)
    layers: list = []
    for index in range(draw(st.integers(0, 3))):
        name = f"layer_{index}"
        candidates = [
            Dense(name, draw(units), draw(st.sampled_from(["relu", "linear", "tanh", "sigmoid"]))),
            Dropout(name, 0.5),
            SimpleRNN(name, draw(units), True),
            LSTM(name, draw(units), True),
            GRU(name, draw(units), True, draw(st.booleans())),
            Bidirectional(name, draw(st.sampled_from(["SimpleRNN", "LSTM", "GRU"])), draw(units), True),
            Conv1D(name, draw(units), draw(small), draw(st.sampled_from(["relu", "tanh"])), *_placed(draw)),
            MaxPooling1D(name, draw(st.integers(1, 2))),
            TemporalBlock(name, draw(st.integers(4, 6)), draw(small), draw(small)),
        ]
        # Attention adds its input to its output: it cannot be the first layer with weights.
        candidates += [SelfAttention(name, draw(units))] if any(isinstance(layer, Dense) for layer in layers) else []
        layers.append(draw(st.sampled_from(candidates)))
    ends = [
        SimpleRNN("end", draw(units)),
        LSTM("end", draw(units)),
        GRU("end", draw(units), False, draw(st.booleans())),
        Bidirectional("end", draw(st.sampled_from(["SimpleRNN", "LSTM", "GRU"])), draw(units)),
        Flatten("end"),
        GlobalAveragePooling1D("end"),
        GlobalMaxPooling1D("end"),
    ]
    head = Dense("Output", draw(st.integers(2, 12)), "softmax")
    return Architecture("drawn", draw(st.integers(18, 25)), 3, (*layers, draw(st.sampled_from(ends)), head))


def _placed(draw: st.DrawFn) -> tuple[str, int]:
    """Draw how a convolution lies at the ends of the window, and its dilation."""
    return draw(st.sampled_from(["valid", "same", "causal"])), draw(st.integers(1, 3))


@pytest.mark.parametrize("format_name", RUNTIME)
@settings(max_examples=40, deadline=None)
@given(
    architecture=architectures(),
    gain=st.sampled_from([0.0, 1e-3, 1.0, 30.0]),
    loudness_g=st.sampled_from([0.0, 1.0, 1e3]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_architecture_equals_the_oracle(
    format_name: str,
    random_bundle,
    need_engine,
    architecture: Architecture,
    gain: float,
    loudness_g: float,
    seed: int,
) -> None:
    need_engine(RUNTIME[format_name])
    assume(Target(format_name, "float32") in targets(architecture))
    bundle = compile_bundle(random_bundle(architecture, seed, gain=gain), [Target(format_name, "float32")])
    windows = np.random.default_rng(seed).normal(scale=loudness_g or 1e-9, size=(3, architecture.window, 3))
    windows = windows.astype(np.float32)
    expected = forward(architecture, bundle.folded_weights, windows)
    # Wild weights make chaotic networks, which magnify float32's own rounding: that much no engine can avoid.
    unavoidable = np.abs(forward(architecture, bundle.folded_weights, windows, dtype=np.float32) - expected).max()
    found = load_engine(bundle, RUNTIME[format_name]).predict(windows)
    np.testing.assert_allclose(found, expected, atol=1e-5 + 10 * unavoidable, rtol=0)


@pytest.mark.parametrize("quantization", ["float16", "int8-weights"])
@pytest.mark.parametrize("format_name", ["tflite", "onnx"])
@settings(max_examples=10, deadline=None)
@given(architecture=architectures(), seed=st.integers(0, 2**32 - 1))
def test_any_architecture_with_small_weights_is_the_model_of_the_rounded_weights(
    format_name: str, quantization: str, random_bundle, architecture: Architecture, seed: int
) -> None:
    bundle = compile_bundle(random_bundle(architecture, seed), [Target(format_name, quantization)])
    engine = load_engine(bundle, RUNTIME[format_name], quantization)
    found = engine.predict(bundle.golden["windows"])
    np.testing.assert_allclose(found, bundle.golden[engine.artifact], atol=1e-5, rtol=0)
    assert np.abs(found - bundle.golden["oracle"]).mean() < 0.1
