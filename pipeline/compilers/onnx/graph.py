"""Write an ONNX graph: nodes, initializers, checked by the official checker."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import DTypeLike, NDArray

from edgehar.models.architecture import Shape
from edgehar.models.errors import CompileError

_IR_VERSIONS: Final = {13: 7, 14: 7, 15: 8, 16: 8, 17: 8}
"""File format of the time of an operator set; newer ones are refused by older runtimes."""

INPUT: Final = "Input"
OUTPUT: Final = "Output"
BATCH: Final = "windows"
"""Name of the open first dimension of both."""


Axis = int | tuple[int, ...]
"""Where the outputs of a kernel lie: each of them has a scale of its own."""

Storage = Callable[["OnnxGraph", str, NDArray[Any], Axis], str]
"""Keeps a kernel under a name, with the axis of its outputs, and returns the tensor a node reads."""


@dataclass(frozen=True, slots=True)
class End:
    """What a model takes or gives: its name, its dimensions (the open ones by a name), and its type."""

    name: str
    dimensions: tuple[int | str, ...]
    dtype: np.dtype[Any]

    @classmethod
    def of_windows(cls, name: str, shape: Shape, dtype: DTypeLike = np.float32) -> "End":
        """Return the end that has any number of windows of a shape."""
        return cls(name, (BATCH, *shape), np.dtype(dtype))

    def described(self) -> Any:
        """Return the description in the file."""
        element = onnx.helper.np_dtype_to_tensor_dtype(self.dtype)
        return onnx.helper.make_tensor_value_info(self.name, element, self.dimensions)


class OnnxGraph:
    """An ONNX graph under construction; the same calls always give the same bytes."""

    def __init__(self, keep_kernel: Storage, *, opset: int) -> None:
        self._keep_kernel, self._opset = keep_kernel, opset
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}
        self._taken = {INPUT, OUTPUT}

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Store an array in the file and return its name."""
        if name not in self._initializers:
            self._initializers[name] = onnx.numpy_helper.from_array(np.asarray(values, order="C"), name)
        return name

    def kernel(self, name: str, values: NDArray[Any], *, axis: Axis) -> str:
        """Store a trained kernel whose outputs lie along ``axis``, the way this model keeps them."""
        return self._keep_kernel(self, name, values, axis)

    def node(
        self, kind: str, inputs: Sequence[str], *, name: str = "", outputs: Sequence[str] | None = None, **options: Any
    ) -> str:
        """Add a node and return its first non-empty output; "" stands for an input or output that is left out."""
        results = list(outputs) if outputs is not None else [self.fresh(name or kind.lower())]
        self._nodes.append(onnx.helper.make_node(kind, list(inputs), results, **options))
        return next(result for result in results if result)

    def reserve(self, names: Iterable[str]) -> None:
        """Keep names for what the model takes and gives."""
        self._taken.update(names)

    def finish(self, name: str, *, results: Mapping[str, str], takes: Sequence[End], gives: Sequence[End]) -> bytes:
        """Return the file of a model.

        Parameters
        ----------
        name
            Of the graph.
        results
            The tensor that each output is, by the name of the output, which it has from now on.
        takes, gives
            Inputs and outputs.

        Raises
        ------
        CompileError
            If the official checker refuses the graph.
        """
        renamed: dict[str, str] = {}
        for output, tensor in results.items():
            if tensor in renamed:
                self.node("Identity", [tensor], outputs=[output])
            else:
                renamed[tensor] = output
        for node in self._nodes:
            node.input[:] = [renamed.get(tensor, tensor) for tensor in node.input]
            node.output[:] = [renamed.get(tensor, tensor) for tensor in node.output]
        graph = onnx.helper.make_graph(
            self._nodes,
            name,
            [end.described() for end in takes],
            [end.described() for end in gives],
            list(self._initializers.values()),
        )
        model = onnx.helper.make_model(
            graph,
            opset_imports=[onnx.helper.make_opsetid("", self._opset)],
            ir_version=_IR_VERSIONS[self._opset],
            producer_name="edgehar",
        )
        try:
            onnx.checker.check_model(model, full_check=True)
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
            raise CompileError(
                f"{name} as onnx: expected a valid graph, the checker says: {str(error).strip()[:200]}",
                next_step="Report this: it is a mistake in edgehar.",
            ) from error
        content: bytes = model.SerializeToString(deterministic=True)
        return content

    def fresh(self, name: str) -> str:
        """Return a tensor name nobody has yet."""
        fresh, number = name, 1
        while fresh in self._taken:
            number += 1
            fresh = f"{name}_{number}"
        self._taken.add(fresh)
        return fresh
