"""ONNX files as PyTorch's exporter writes them, against onnxruntime."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.models.errors import HarError, ModelFileError, UsageError
from edgehar.models.verification import verify_bundle
from edgehar.pipeline.compilers import compile_bundle
from edgehar.pipeline.importers import import_model

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

STEPS, FEATURES, UNITS, OUTPUTS = 12, 3, 5, 4
GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


class Export:
    """A graph under construction, in the words of PyTorch's exporter."""

    def __init__(self, seed: int = 0) -> None:
        self._generator = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.batch_axis = 0

    def weights(self, *shape: int) -> str:
        """Add random weights and return their name."""
        return self.constant(self._generator.normal(scale=0.5, size=shape).astype(np.float32))

    def constant(self, values: np.ndarray) -> str:
        """Add an array and return its name."""
        name = f"onnx::{len(self.constants)}"
        self.constants.append(onnx.numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, kind: str, *inputs: str, outputs: int = 1, first: int = 0, **options: Any) -> str:
        """Add an operator and return the output that is used."""
        names = ["" if number < first else f"/{kind}_{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(onnx.helper.make_node(kind, list(inputs), names, **options))
        return names[first]

    def zeros(self, directions: int = 1) -> str:
        """States that begin at zero for as many windows as there are."""
        size = self.node("Gather", self.node("Shape", "x"), self.constant(np.array([self.batch_axis])), axis=0)
        one, units = self.constant(np.array([directions])), self.constant(np.array([UNITS]))
        return self.node("ConstantOfShape", self.node("Concat", one, size, units, axis=0))

    def cell(
        self, kind: str, values: str, inputs: int, *, directions: int = 1, last: bool = False, **options: Any
    ) -> str:
        """A recurrent layer over (steps, windows, features)."""
        rows = GATES[kind] * UNITS
        arrays = [self.weights(directions, rows, inputs), self.weights(directions, rows, UNITS)]
        states = [self.zeros(directions)] * (2 if kind == "LSTM" else 1)
        given = (values, *arrays, self.weights(directions, 2 * rows), "", *states)
        if kind == "GRU":
            options["linear_before_reset"] = 1
        if directions == 2:
            options["direction"] = "bidirectional"
        return self.node(kind, *given, outputs=2 if last else 1, first=int(last), hidden_size=UNITS, **options)

    def squeezed(self, values: str) -> str:
        """Without the axis of directions."""
        return self.node("Squeeze", values, self.constant(np.array([1])))

    def batch_first(self, values: str) -> str:
        """Windows and steps exchanged."""
        return self.node("Transpose", values, perm=[1, 0, 2])

    def last(self, values: str, axis: int = 1) -> str:
        """The last place along an axis."""
        return self.node("Gather", values, self.constant(np.array(-1)), axis=axis)

    def dense(self, values: str, inputs: int, outputs: int = OUTPUTS) -> str:
        """A linear layer as PyTorch keeps it."""
        return self.node("Gemm", values, self.weights(outputs, inputs), self.weights(outputs), transB=1)

    def save(self, path: Path, result: str, *, batch: Any = "batch", steps: Any = STEPS, order: str = "NLC") -> Path:
        """Write the file."""
        sizes = {"N": batch, "L": steps, "C": FEATURES}
        value = onnx.helper.make_tensor_value_info
        ends = value("x", 1, [sizes[axis] for axis in order]), onnx.ValueInfoProto(name=result)
        ends[1].type.tensor_type.elem_type = 1
        graph = onnx.helper.make_graph(self.nodes, "main_graph", ends[:1], ends[1:], self.constants)
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], producer_name="pytorch")
        model.ir_version = 8
        onnx.save(model, path)
        return path


def stack(kind: str, **options: Any) -> tuple[Export, str]:
    """Two layers, the last step, a linear layer and a softmax: what most modules are."""
    export = Export()
    values = export.squeezed(export.cell(kind, export.batch_first("x"), FEATURES, **options))
    values = export.batch_first(export.squeezed(export.cell(kind, values, UNITS, **options)))
    return export, export.node("Softmax", export.dense(export.last(values), UNITS), axis=-1)


def checked(path: Path, *formats: str, **options: Any) -> Any:
    """Import, compile and verify a file; the import itself compares with onnxruntime."""
    bundle = import_model(path, **options)
    (compared,) = bundle.manifest.provenance.configuration["imported"]["comparisons"]
    assert compared["framework"].startswith("onnxruntime")
    assert compared["max_abs_error"] <= 1e-5
    compiled = compile_bundle(bundle)
    assert {entry.format for entry in compiled.manifest.artifacts} >= {"tflite", "onnx", *formats}
    assert verify_bundle(compiled).ok
    return bundle


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_stack_of_two(kind: str, tmp_path: Path) -> None:
    export, result = stack(kind)
    bundle = checked(export.save(tmp_path / "my.onnx", result))
    assert [layer.kind for layer in bundle.manifest.architecture.layers][-2:] == ["Dense", "Activation"]
    assert bundle.manifest.task == "multiclass"


def test_cells_with_relu(tmp_path: Path) -> None:
    export, result = stack("RNN", activations=["Relu"])
    checked(export.save(tmp_path / "my.onnx", result, batch=1))


def test_both_ways_then_the_mean(tmp_path: Path) -> None:
    export = Export()
    both = export.cell("GRU", export.batch_first("x"), FEATURES, directions=2)
    turned = export.node("Transpose", both, perm=[0, 2, 1, 3])
    joined = export.batch_first(export.node("Reshape", turned, export.constant(np.array([0, 0, -1]))))
    mean = export.node("ReduceMean", joined, axes=[1], keepdims=0)
    checked(export.save(tmp_path / "my.onnx", export.dense(mean, 2 * UNITS)))


def test_a_convolution_before_a_layer_and_its_last_state(tmp_path: Path) -> None:
    export = Export()
    images = export.node("Transpose", "x", perm=[0, 2, 1])
    filtered = export.node("Conv", images, export.weights(6, FEATURES, 3), export.weights(6), pads=[1, 1])
    scaled = [export.weights(6) for _ in range(3)] + [export.constant(np.full(6, 0.7, np.float32))]
    values = export.node("MaxPool", export.node("Relu", export.node("BatchNormalization", filtered, *scaled)),
                         kernel_shape=[2], strides=[2])  # fmt: skip
    values = export.cell("LSTM", export.node("Transpose", values, perm=[2, 0, 1]), 6, last=True)
    checked(export.save(tmp_path / "my.onnx", export.dense(export.last(values, axis=0), UNITS)))


def test_steps_first_and_an_output_for_every_step(tmp_path: Path) -> None:
    export = Export()
    export.batch_axis = 1
    values = export.batch_first(export.squeezed(export.cell("LSTM", "x", FEATURES)))
    product = export.node("MatMul", values, export.weights(UNITS, 2))
    result = export.node("Sigmoid", export.node("Add", export.weights(2), product))
    bundle = checked(export.save(tmp_path / "my.onnx", result, order="LNC", steps="steps"), window=STEPS)
    assert bundle.manifest.architecture.output_shape == (STEPS, 2)
    assert bundle.manifest.task == "multilabel"


def refused(path: Path, *words: str, kind: type[HarError] = ModelFileError) -> None:
    """Import a file that must be refused in one sentence with these words."""
    with pytest.raises(kind) as caught:
        import_model(path, compare_with_source=False)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_weights_in_another_file_are_refused(tmp_path: Path) -> None:
    export, result = stack("LSTM")
    path = export.save(tmp_path / "a.onnx", result)
    onnx.save(onnx.load(path), tmp_path / "b.onnx", save_as_external_data=True, size_threshold=0)
    refused(tmp_path / "b.onnx", "in another one", "external_data=False")


def test_an_open_length_must_be_said(tmp_path: Path) -> None:
    export, result = stack("LSTM")
    refused(export.save(tmp_path / "a.onnx", result, steps="steps"), "--window", kind=UsageError)


def test_the_last_step_of_both_ways_is_refused(tmp_path: Path) -> None:
    """It is the first step of the walk backwards, which nobody means."""
    export = Export()
    turned = export.node(
        "Transpose", export.cell("GRU", export.batch_first("x"), FEATURES, directions=2), perm=[2, 0, 1, 3]
    )
    joined = export.node("Reshape", turned, export.constant(np.array([0, 0, -1])))
    refused(
        export.save(tmp_path / "a.onnx", export.dense(export.last(joined), 2 * UNITS)), "no forward recurrent layer"
    )


def test_branches_and_unknown_operators_are_refused_by_name(tmp_path: Path) -> None:
    export = Export()
    refused(export.save(tmp_path / "a.onnx", export.node("Add", "x", "x")), "Add", "several values")
    export = Export()
    refused(export.save(tmp_path / "b.onnx", export.node("Erf", "x")), "Erf", "cannot be expressed")


@pytest.mark.parametrize("content", [b"", b"\x08", b"hello" * 100, b"\xff" * 64])
def test_what_is_no_onnx_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(content)
    refused(tmp_path / "a.onnx", "a.onnx")
