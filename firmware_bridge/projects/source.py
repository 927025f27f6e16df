"""The C engine's tables as C source: constant arrays a compiler puts into flash."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.projects.escaping import c_comment
from edgehar.models.portable.blob import packed_weights
from edgehar.models.portable.geometry import Place, is_first_of_two
from edgehar.models.portable.tables import ACTIVATED, FLOAT32, FORK, INT8, CLayer, CModel, Matrix

_LINE: Final = 116


def tables_source(model: CModel, *, name: str, comment: str) -> str:
    """Return a C file that defines ``const har_model name`` and everything it points to.

    Parameters
    ----------
    model
        The tables; a float model needs the engine built with ``HAR_FLOAT``, an int8 one without.
    name
        Identifier of the model.
    comment
        What the file says of its origin: any text, it is escaped here.
    """
    number = "#ifndef HAR_FLOAT" if model.quantization == "float32" else "#ifdef HAR_FLOAT"
    parts = [
        f"/* {c_comment(comment)} */",
        '#include "har_model.h"\n\n#include "har_port.h"',
        f'{number}\n#error "this model holds {model.quantization} weights: build the engine for them"\n#endif',
    ]
    records = []
    for index, (layer, place) in enumerate(zip(model.layers, model.places, strict=True), start=1):
        parts += list(_layer_arrays(f"{name}_{index}", layer))
        record = _layer_record(f"{name}_{index}", layer, place, integer=model.quantization == INT8)
        along = _time_record(layer, place, is_first_of_two=is_first_of_two(model.layers, index - 1))
        records.append(f"{record},\n#if HAR_USE_TIME\n{along}\n#endif\n    }}")
    parts.append(f"static const har_layer {name}_layers[] HAR_FLASH = {{\n" + ",\n".join(records) + ",\n};")
    mask = _literal(np.float32(model.mask or 0) if model.quantization == FLOAT32 else model.mask or 0)
    parts.append(
        f"const har_model {name} HAR_FLASH = {{\n    {name}_layers, {len(model.layers)}, {model.step_layers}, "
        f"{model.window}, {model.channels}, {model.classes},\n"
        f"    {model.scratch_sums}, {model.kept_sums}, {model.kept_values},\n"
        f"#if HAR_USE_OTHER_HEADS\n    HAR_{model.head.upper()}, {model.sample_bits},\n#endif\n"
        f"#if HAR_USE_TIME\n    {int(model.needs_whole_windows)},\n#endif\n"
        f"#if HAR_USE_MASK\n    {int(model.mask is not None)}, {mask},\n#endif\n}};"
    )
    return "\n\n".join(parts) + "\n"


def _layer_arrays(prefix: str, layer: CLayer) -> Iterator[str]:
    """Yield the arrays of one layer."""
    for role, matrix in _roles(layer):
        number = "har_weight"
        yield _array(f"{prefix}_{role}_weights", number, packed_weights(matrix))
        if matrix.bias is not None:
            yield _array(f"{prefix}_{role}_bias", "har_sum", matrix.bias)
        if matrix.multipliers is not None:
            yield _array(f"{prefix}_{role}_multipliers", "uint16_t", matrix.multipliers)


def _roles(layer: CLayer) -> Iterator[tuple[str, Matrix]]:
    """Yield the matrices of a layer by the part they play."""
    for role, matrix in (("kernel", layer.kernel), ("recurrent", layer.recurrent)):
        if matrix is not None:
            yield role, matrix


def _array(name: str, number: str, values: NDArray[Any]) -> str:
    """Return one constant array, its lines filled."""
    lines, line = [], "   "
    for literal in map(_literal, values.ravel()):
        if len(line) + len(literal) + 2 > _LINE:
            lines.append(line)
            line = "   "
        line += f" {literal},"
    return f"static const {number} {name}[{values.size}] HAR_FLASH = {{\n" + "\n".join([*lines, line]) + "\n};"


def _literal(value: Any) -> str:
    """Return a number as C reads it; nine significant digits bring a float32 back exactly."""
    if isinstance(value, np.floating):
        text = f"{value:.9g}"
        return f"{text}f" if "." in text or "e" in text else f"{text}.0f"
    return str(int(value))


def _layer_record(prefix: str, layer: CLayer, place: Place, *, integer: bool) -> str:
    """Return the beginning of one element of the array of layers."""
    kind = f"HAR_{layer.kind.upper()}"
    activation = f"HAR_{layer.activation.upper()}" if layer.kind in ACTIVATED else "0"
    own = {role: _matrix_record(f"{prefix}_{role}", matrix) for role, matrix in _roles(layer)}
    matrices = [own.get(role, _no_matrix(integer=integer)) for role in ("kernel", "recurrent")]
    units = layer.units or place.inputs
    return f"    {{{kind}, {activation}, {layer.fraction}, {units},\n     " + ",\n     ".join(matrices)


def _time_record(layer: CLayer, place: Place, *, is_first_of_two: bool) -> str:
    """Return how a layer lies along the window: the end of its element, where the engine has such layers."""
    taps, heads = (place.ring, place.ends) if layer.kind == FORK else (layer.taps, layer.heads)
    lie = (place.inputs, place.outputs, place.steps, place.count, taps, layer.dilation, layer.stride)
    numbers = ", ".join(map(str, (*lie, place.before, place.after)))
    merge = layer.joins or layer.merge or "forward"
    inside = f"{heads}, {layer.inside_bits}, {int(layer.goes_around)}, {int(layer.hands_last)}"
    return f"     {numbers}, HAR_{merge.upper()}, {int(is_first_of_two)}, {layer.around_bits}, {inside},"


def _matrix_record(prefix: str, matrix: Matrix) -> str:
    """Return the initialiser of one matrix."""
    bias = "0" if matrix.bias is None else f"{prefix}_bias"
    integer = f"{prefix}_multipliers, {matrix.shift}, " if matrix.is_integer else ""
    return f"{{{prefix}_weights, {bias}, {integer}{matrix.inputs}, {matrix.outputs}}}"


def _no_matrix(*, integer: bool) -> str:
    """Return the initialiser of a matrix that a layer does not have."""
    return "{0, 0, 0, 0, 0, 0}" if integer else "{0, 0, 0, 0}"
