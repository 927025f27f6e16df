"""Read a blob of the C engine: its layers as operators, its matrices as tensors."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from edgehar.models.bundle import Bundle
from edgehar.models.engines import ENGINES
from edgehar.models.errors import BundleError
from edgehar.models.portable.blob import unpack_model, version_of
from edgehar.models.portable.fixed_point import SUM_BITS, VALUE_BITS
from edgehar.models.portable.formats import input_formats
from edgehar.models.portable.tables import INT8, CModel, Matrix, output_type
from edgehar.models.verification import verify_bundle
from edgehar.pipeline.inspection.facts import Contents, RuntimeFact, TensorFact, counted

ENGINE: Final = "edgehar C engine"


def read_c(content: bytes, *, where: str) -> Contents:
    """Return the layers and matrices of a .harc file.

    Raises
    ------
    BundleError
        If it is not a blob, is cut short or altered.
    """
    try:
        model = unpack_model(content)
    except BundleError as error:
        raise BundleError(f"{where}: {error}", file=where) from error
    version = version_of(model)
    operators = [(layer.kind.upper(), version) for layer in model.layers]
    return Contents(counted(operators), (*_interface(model), *_tensors(model)), version)


def c_claims() -> tuple[RuntimeFact, ...]:
    """Return what loads a blob."""
    return (RuntimeFact(ENGINE, claimed=True, reason=None),)


def check_c(bundle: Bundle) -> dict[str, tuple[RuntimeFact, ...]]:
    """Return the claim about every blob of a bundle by its file, checked where there is a C compiler."""
    name = next(engine for engine, facts in ENGINES.items() if facts.format == "c")
    return {
        found.artifact: (
            RuntimeFact(
                ENGINE,
                claimed=True,
                reason=found.reason,
                checked=found.ok if found.checked else None,
                checked_with=found.runtime,
            ),
        )
        for found in verify_bundle(bundle, [name], isolate=True).artifacts
        if not found.stateful
    }


def _interface(model: CModel) -> Iterator[TensorFact]:
    """Yield what goes in and comes out."""
    integer = model.quantization == INT8
    types = ("int16" if integer else "float32", output_type(model))
    steps = (2**model.sample_bits, 2 ** (SUM_BITS if model.gives_numbers else VALUE_BITS))
    shapes = (model.window, model.channels), (model.classes,)
    for name, dtype, shape, one in zip(("Input", "Output"), types, shapes, steps, strict=True):
        yield TensorFact("main", name, dtype, shape, (1 / one,) if integer else (), 0, 0)


def _tensors(model: CModel) -> Iterator[TensorFact]:
    """Yield every stored array; a row of int8 weights has a scale of its own."""
    formats = input_formats(model.layers, model.sample_bits)
    for number, (layer, (input_bits, given_bits)) in enumerate(zip(model.layers, formats, strict=True), start=1):
        second = ("residual_kernel", given_bits) if layer.kind == "residual" else ("recurrent_kernel", VALUE_BITS)
        parts = {"kernel": (layer.kernel, input_bits), second[0]: (layer.recurrent, second[1])}
        for part, (matrix, bits) in parts.items():
            if matrix is None:
                continue
            name = f"{number}_{layer.kind}/{part}"
            weights = matrix.weights
            yield TensorFact("main", name, weights.dtype.name, weights.shape, _scales(matrix, bits), 0, weights.nbytes)
            if matrix.bias is not None:
                scales = (2.0**-SUM_BITS,) if matrix.is_integer else ()
                bias = matrix.bias
                yield TensorFact("main", f"{name}_bias", bias.dtype.name, bias.shape, scales, 0, bias.nbytes)


def _scales(matrix: Matrix, input_bits: int) -> tuple[float, ...]:
    """Return what one unit of a weight is worth in every row."""
    if matrix.multipliers is None:
        return ()
    return tuple((matrix.multipliers.astype(np.float64) * 2.0 ** (input_bits - SUM_BITS - matrix.shift)).tolist())
