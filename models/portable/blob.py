"""The model blob: the C engine's tables as one block of bytes, little-endian, that it runs in place.

::

    offset  size
         0     4  "HARC"
         4     4  CRC-32 (the zlib one) of everything from offset 8 on
         8     4  bytes in all
        12     4  format version (1 or 2); numbers (1 float32, 2 int8); layers; layers run for every sample
        16     4  window, in samples; channels
        20     4  outputs; bits below the point of an integer sample (version 1: 0, for 11)
        24    44  a layer: kind, activation, fraction, 0 (4 bytes), its kernel (20), its recurrent kernel (20, or zeros)
         …    12  version 2 only: zeros
         …        the next layer, and so on
         …        arrays, each at a multiple of 64 bytes: a cache line, and the widest vector a processor loads

A matrix is 20 bytes: inputs and outputs (16 bits each), shift (8 bits) and 3 zeros, then the offsets of weights, bias
and multipliers (32 bits each, 0 for none). Float weights lie as Keras keeps them, (inputs, outputs). Int8 weights lie
in rows, one an output, two and two interleaved: a0 b0 a1 b1 ...; an odd last row lies beside zeros.

Version 2 is written where version 1 does not suffice: for heads other than a softmax, and for samples in another scale
than that of acceleration. So a model that earlier engines know stays one that they take.

A blob is a stranger's bytes. Two readers take it, `unpack_model` here and `har_load` of har_blob.c, and both refuse the
same blobs. Of the bytes they ask:

- the length is the one the header names, and the checksum is right;
- the records of all layers lie within it; a kind is 1 to 5, the activation of a dense layer 1 to 7 (version 1: to 5),
  of another layer 0;
- an array begins behind the records, at a multiple of 4 bytes, and ends within the blob;
- all arrays together take no more bytes than there are behind the records, so that a small blob cannot name one
  array many times and fill the memory of its reader;
- the outputs of the header are those of the last layer.

Of the model in them they ask the rules of `edgehar.models.portable.rules`. Bytes that nothing refers to, and fields
that the layout calls 0, are not looked at.
"""

import struct
import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.errors import BundleError
from edgehar.models.portable.rules import broken_rule
from edgehar.models.portable.tables import (
    ACTIVATIONS,
    FLOAT32,
    INT8,
    KINDS,
    SAMPLE_BITS,
    CLayer,
    CModel,
    Matrix,
    has_other_head,
)

MAGIC: Final = b"HARC"
VERSION: Final = 2
HEADER: Final = struct.Struct("<4sIIBBBBHHHH")
_LAYER: Final = struct.Struct("<BBBx")
_MATRIX: Final = struct.Struct("<HHB3xIII")
_PLAIN_BYTES: Final = _LAYER.size + 2 * _MATRIX.size
_RECORD_BYTES: Final = {1: _PLAIN_BYTES, 2: _PLAIN_BYTES + 12}
_MOST_ACTIVATIONS: Final = {1: ACTIVATIONS.index("softmax") + 1, 2: len(ACTIVATIONS)}
_NUMBERS: Final = {FLOAT32: 1, INT8: 2}
_ALIGNMENT: Final = 64
_LEAST_ALIGNMENT: Final = 4
_NO_MATRIX: Final = bytes(_MATRIX.size)


def pack_model(model: CModel) -> bytes:
    """Return the model as a blob; the same model always gives the same bytes."""
    version = version_of(model)
    size = _RECORD_BYTES[version]
    records, arrays = bytearray(), bytearray()
    arrays_at = _aligned(HEADER.size + len(model.layers) * size)
    for layer in model.layers:
        record = bytearray(_pack_layer(layer))
        record += _pack_matrix(layer.kernel, arrays, arrays_at)
        record += _NO_MATRIX if layer.recurrent is None else _pack_matrix(layer.recurrent, arrays, arrays_at)
        records += record.ljust(size, b"\0")
    records += bytes(arrays_at - HEADER.size - len(records))
    total = arrays_at + len(arrays)
    header = HEADER.pack(
        MAGIC,
        0,
        total,
        version,
        _NUMBERS[model.quantization],
        len(model.layers),
        model.step_layers,
        model.window,
        model.channels,
        model.classes,
        model.sample_bits if version > 1 else 0,
    )
    content = header[8:] + records + arrays
    return MAGIC + struct.pack("<I", zlib.crc32(content)) + content


def version_of(model: CModel) -> int:
    """Return the least version of the format that can hold a model."""
    return 2 if has_other_head(model) else 1


def unpack_model(blob: bytes) -> CModel:
    """Return the model a blob holds.

    Raises
    ------
    BundleError
        If it is not a blob, was cut short or altered, is of a version this code does not know, or breaks a rule.
    """
    if len(blob) < HEADER.size or blob[:4] != MAGIC:
        raise BundleError(
            f"model blob: expected {MAGIC!r} and {HEADER.size} bytes of header, got {len(blob):,} other bytes",
            next_step="Compile it again with `har compile --format c`.",
        )
    _, crc, total, version, *_ = HEADER.unpack_from(blob)
    if version not in _RECORD_BYTES:
        raise BundleError(
            f"model blob: expected version 1 to {VERSION}, got {version}",
            next_step="Update edgehar, or compile it again.",
        )
    if total != len(blob) or crc != zlib.crc32(blob[8:]):
        raise BundleError(
            f"model blob: expected {total:,} whole bytes, got {len(blob):,} with another checksum",
            next_step="The file is damaged: compile it again with `har compile --format c`.",
        )
    try:
        return _read(blob)
    except _UnreadableError as error:
        raise BundleError(
            f"model blob: {error}", next_step="Compile the model again with `har compile --format c`."
        ) from error


def _read(blob: bytes) -> CModel:
    """Return the model in a whole blob that keeps all rules."""
    _, _, _, version, numbers, layers, step_layers, window, channels, classes, bits = HEADER.unpack_from(blob)
    reader = _Reader(blob, layers, version, _numbers_of(numbers))
    sample_bits = bits if version > 1 else SAMPLE_BITS
    model = CModel(window, channels, tuple(map(reader.layer, range(layers))), step_layers, sample_bits)
    problem = broken_rule(model)
    if problem is None and model.classes != classes:
        problem = f"expected {model.classes} outputs, those of the last layer, got {classes}"
    if problem is not None:
        raise _UnreadableError(problem)
    return model


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


def _pack_layer(layer: CLayer) -> bytes:
    """Return the beginning of a layer's record."""
    activation = 0 if layer.kind != "dense" else 1 + ACTIVATIONS.index(layer.activation)
    return _LAYER.pack(1 + KINDS.index(layer.kind), activation, layer.fraction)


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


class _UnreadableError(Exception):
    """Bytes that are no model; its text is a clause."""


def _numbers_of(code: int) -> str:
    """Return the quantization that a header names."""
    for quantization, known in _NUMBERS.items():
        if code == known:
            return quantization
    raise _UnreadableError(f"expected numbers of kind {' or '.join(map(str, _NUMBERS.values()))}, got {code}")


class _Reader:
    """Takes layers and arrays from a blob and never looks beyond it."""

    def __init__(self, blob: bytes, layers: int, version: int, quantization: str) -> None:
        self._blob, self._version, self._is_integer = blob, version, quantization == INT8
        self._arrays_at = HEADER.size + layers * _RECORD_BYTES[version]
        self._bytes_left = len(blob) - self._arrays_at
        if self._bytes_left < 0:
            raise _UnreadableError(f"expected the records of {layers} layers, got {len(blob):,} bytes in all")

    def layer(self, index: int) -> CLayer:
        """Return one layer."""
        offset = HEADER.size + index * _RECORD_BYTES[self._version]
        number, activation, fraction = _LAYER.unpack_from(self._blob, offset)
        if not 1 <= number <= len(KINDS):
            raise _UnreadableError(f"layer {index + 1}: expected a kind of 1 to {len(KINDS)}, got {number}")
        kind = KINDS[number - 1]
        is_dense = kind == "dense"
        least, most = (1, _MOST_ACTIVATIONS[self._version]) if is_dense else (0, 0)
        if not least <= activation <= most:
            raise _UnreadableError(f"layer {index + 1}: expected an activation of {least} to {most}, got {activation}")
        try:
            kernel = self._matrix(offset + _LAYER.size)
            recurrent = None if is_dense else self._matrix(offset + _LAYER.size + _MATRIX.size)
        except _UnreadableError as error:
            raise _UnreadableError(f"layer {index + 1} ({kind}): {error}") from error
        return CLayer(kind, kernel, recurrent, ACTIVATIONS[max(activation, 1) - 1], fraction)

    def _matrix(self, offset: int) -> Matrix:
        """Return the matrix whose record begins at ``offset``."""
        inputs, outputs, shift, weights_at, bias_at, multipliers_at = _MATRIX.unpack_from(self._blob, offset)
        bias = self._array("<i4" if self._is_integer else "<f4", bias_at, outputs) if bias_at else None
        if not self._is_integer:
            return Matrix(self._array("<f4", weights_at, inputs * outputs).reshape(inputs, outputs), bias)
        flat = self._array("i1", weights_at, inputs * (outputs + outputs % 2))
        multipliers = self._array("<u2", multipliers_at, outputs)
        return Matrix(_deinterleave(flat, outputs, inputs), bias, multipliers, shift)

    def _array(self, dtype: str, offset: int, count: int) -> NDArray[Any]:
        """Return ``count`` numbers at ``offset``."""
        size = np.dtype(dtype).itemsize * count
        if count == 0:
            raise _UnreadableError("expected inputs and outputs, got none")
        if offset % _LEAST_ALIGNMENT or offset < self._arrays_at or size > len(self._blob) - offset:
            raise _UnreadableError(f"expected {size:,} bytes of an array at offset {offset:,}, they are not there")
        if size > self._bytes_left:
            raise _UnreadableError("expected arrays that share no bytes")
        self._bytes_left -= size
        return np.frombuffer(self._blob, dtype, count, offset)
