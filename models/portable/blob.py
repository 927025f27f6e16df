"""The model blob: the C engine's tables as one block of bytes, little-endian, that it runs in place.

::

    offset  size
         0     4  "HARC"
         4     4  CRC-32 (the zlib one) of everything from offset 8 on
         8     4  bytes in all
        12     4  format version (1); numbers (1 float32, 2 int8); layers; layers run for every sample
        16     4  window, in samples; channels
        20     4  classes; 0
        24    44  a layer: kind, activation, fraction, 0 (4 bytes), its kernel (20), its recurrent kernel (20, or zeros)
         …    44  the next layer, and so on
         …        arrays, each at a multiple of 64 bytes: a cache line, and the widest vector a processor loads

A matrix is 20 bytes: inputs and outputs (16 bits each), shift (8 bits) and 3 zeros, then the offsets of weights, bias
and multipliers (32 bits each, 0 for none). Float weights lie as Keras keeps them, (inputs, outputs). Int8 weights lie
in rows, one an output, two and two interleaved: a0 b0 a1 b1 ...; an odd last row lies beside zeros.
"""

import struct
import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.errors import BundleError
from edgehar.models.portable.tables import ACTIVATIONS, FLOAT32, GATES, INT8, KINDS, CLayer, CModel, Matrix

MAGIC: Final = b"HARC"
VERSION: Final = 1
HEADER: Final = struct.Struct("<4sIIBBBBHHHH")
_LAYER: Final = struct.Struct("<BBBx")
_MATRIX: Final = struct.Struct("<HHB3xIII")
_RECORD_BYTES: Final = _LAYER.size + 2 * _MATRIX.size
_NUMBERS: Final = {FLOAT32: 1, INT8: 2}
_ALIGNMENT: Final = 64
_NO_MATRIX: Final = bytes(_MATRIX.size)


def pack_model(model: CModel) -> bytes:
    """Return the model as a blob; the same model always gives the same bytes."""
    records, arrays = bytearray(), bytearray()
    arrays_at = _aligned(HEADER.size + len(model.layers) * _RECORD_BYTES)
    for layer in model.layers:
        activation = 0 if layer.kind != "dense" else 1 + ACTIVATIONS.index(layer.activation)
        records += _LAYER.pack(1 + KINDS.index(layer.kind), activation, layer.fraction)
        records += _pack_matrix(layer.kernel, arrays, arrays_at)
        records += _NO_MATRIX if layer.recurrent is None else _pack_matrix(layer.recurrent, arrays, arrays_at)
    records += bytes(arrays_at - HEADER.size - len(records))
    total = arrays_at + len(arrays)
    header = HEADER.pack(
        MAGIC,
        0,
        total,
        VERSION,
        _NUMBERS[model.quantization],
        len(model.layers),
        model.step_layers,
        model.window,
        model.channels,
        model.classes,
        0,
    )
    content = header[8:] + records + arrays
    return MAGIC + struct.pack("<I", zlib.crc32(content)) + content


def unpack_model(blob: bytes) -> CModel:
    """Return the model a blob holds.

    Raises
    ------
    BundleError
        If it is not a blob, was cut short or altered, or is of a version this code does not know.
    """
    if len(blob) < HEADER.size or blob[:4] != MAGIC:
        raise BundleError(
            f"model blob: expected {MAGIC!r} and {HEADER.size} bytes of header, got {len(blob):,} other bytes",
            next_step="Compile it again with `har compile --format c`.",
        )
    _, crc, total, version, numbers, layers, step_layers, window, channels, _, _ = HEADER.unpack_from(blob)
    if version != VERSION:
        raise BundleError(
            f"model blob: expected version {VERSION}, got {version}", next_step="Update edgehar, or compile it again."
        )
    if total != len(blob) or crc != zlib.crc32(blob[8:]):
        raise BundleError(
            f"model blob: expected {total:,} whole bytes, got {len(blob):,} with another checksum",
            next_step="The file is damaged: compile it again with `har compile --format c`.",
        )
    is_integer = numbers == _NUMBERS[INT8]
    try:
        found = [
            _unpack_layer(blob, HEADER.size + index * _RECORD_BYTES, is_integer=is_integer) for index in range(layers)
        ]
    except (struct.error, ValueError, IndexError) as error:
        raise BundleError(
            f"model blob: the layers do not fit the bytes ({error})", next_step="Compile it again."
        ) from error
    return CModel(window=window, channels=channels, layers=tuple(found), step_layers=step_layers)


def interleave(weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return rows (outputs, inputs) two and two interleaved, flat; an odd last row beside zeros.

    Examples
    --------
    >>> interleave(np.array([[1, 2], [3, 4], [5, 6]], np.int8)).tolist()
    [1, 3, 2, 4, 5, 0, 6, 0]
    """
    outputs, inputs = weights.shape
    padded = np.zeros((outputs + outputs % 2, inputs), np.int8)
    padded[:outputs] = weights
    return padded.reshape(-1, 2, inputs).transpose(0, 2, 1).ravel()


def _deinterleave(flat: NDArray[np.int8], outputs: int, inputs: int) -> NDArray[np.int8]:
    """Undo `interleave`."""
    return flat.reshape(-1, inputs, 2).transpose(0, 2, 1).reshape(-1, inputs)[:outputs]


def _pack_matrix(matrix: Matrix, arrays: bytearray, arrays_at: int) -> bytes:
    """Append a matrix's arrays and return its record."""
    weights = interleave(matrix.weights) if matrix.is_integer else matrix.weights.astype("<f4").ravel()
    bias_type = "<i4" if matrix.is_integer else "<f4"
    offsets = [
        _append(arrays, arrays_at, array)
        for array in (
            weights,
            None if matrix.bias is None else matrix.bias.astype(bias_type),
            None if matrix.multipliers is None else matrix.multipliers.astype("<u2"),
        )
    ]
    return _MATRIX.pack(matrix.inputs, matrix.outputs, matrix.shift, *offsets)


def _append(arrays: bytearray, arrays_at: int, array: NDArray[Any] | None) -> int:
    """Append one array, aligned, and return its offset in the blob, 0 for none."""
    if array is None:
        return 0
    arrays += bytes(_aligned(len(arrays)) - len(arrays))
    offset = arrays_at + len(arrays)
    arrays += array.tobytes()
    return offset


def _aligned(count: int) -> int:
    """Return the next multiple of the alignment."""
    return -(-count // _ALIGNMENT) * _ALIGNMENT


def _unpack_layer(blob: bytes, offset: int, *, is_integer: bool) -> CLayer:
    """Return the layer whose record begins at ``offset``."""
    kind_number, activation, fraction = _LAYER.unpack_from(blob, offset)
    kind = KINDS[kind_number - 1]
    kernel = _unpack_matrix(blob, offset + _LAYER.size, is_integer=is_integer)
    recurrent = None
    if kind != "dense":
        recurrent = _unpack_matrix(blob, offset + _LAYER.size + _MATRIX.size, is_integer=is_integer)
    if kernel.outputs % GATES[kind]:
        raise ValueError(f"{kernel.outputs} outputs are no multiple of {GATES[kind]} gates")
    return CLayer(kind, kernel, recurrent, ACTIVATIONS[max(activation, 1) - 1], fraction)


def _unpack_matrix(blob: bytes, offset: int, *, is_integer: bool) -> Matrix:
    """Return the matrix whose record begins at ``offset``."""
    inputs, outputs, shift, weights_at, bias_at, multipliers_at = _MATRIX.unpack_from(blob, offset)
    bias = _array(blob, "<i4" if is_integer else "<f4", bias_at, outputs) if bias_at else None
    if not is_integer:
        return Matrix(_array(blob, "<f4", weights_at, inputs * outputs).reshape(inputs, outputs), bias)
    flat = _array(blob, "i1", weights_at, inputs * (outputs + outputs % 2))
    multipliers = _array(blob, "<u2", multipliers_at, outputs)
    return Matrix(_deinterleave(flat, outputs, inputs), bias, multipliers, shift)


def _array(blob: bytes, dtype: str, offset: int, count: int) -> NDArray[Any]:
    """Return ``count`` numbers at ``offset``."""
    return np.frombuffer(blob, dtype, count, offset)
