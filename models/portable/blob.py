"""The model blob: the C engine's tables as one block of bytes, little-endian, that it runs in place.

::

    offset  size
         0     4  "HARC"
         4     4  CRC-32 (the zlib one) of everything from offset 8 on
         8     4  bytes in all
        12     4  format version (1 to 4); numbers (1 float32, 2 int8); layers; layers run for every sample
        16     4  window, in samples; channels
        20     4  outputs; bits below the point of an integer sample (version 1: 0, for 11); version 4: 1 with a mask,
                  else 0
        24    44  a layer: kind, activation, fraction, 0 (4 bytes), its kernel (20), its recurrent kernel (20, or zeros)
         …    12  from version 2 on: taps, dilation, stride (16 bits each); padding, merge, around bits; then 3 zeros,
                  or of attention: heads, bits inside, 1 with a way around; of a recurrent layer in version 4: two
                  zeros, 1 where it hands on its last vector alone
         …        the next layer, and so on
         …     4  with a mask: the number that masks, float32 or int32
         …        arrays, each at a multiple of 64 bytes: a cache line, and the widest vector a processor loads

A matrix is 20 bytes: inputs and outputs (16 bits each), shift (8 bits) and 3 zeros, then the offsets of weights, bias
and multipliers (32 bits each, 0 for none). Float weights lie as Keras keeps them, (inputs, outputs). Int8 weights lie
in rows, one an output, two and two interleaved: a0 b0 a1 b1 ...; an odd last row lies beside zeros.

A matrix with several taps is that many such arrays, one behind the other, with one bias and one row of multipliers.
Codes of kinds, activations, paddings and merges are their places in the lists of `edgehar.models.portable.layers`.

Version 2 is written where version 1 does not suffice: for heads other than a softmax, samples in another scale than
that of acceleration, and layers that version 1 does not have; version 3 for attention; version 4 for branches and
masks. So what earlier engines know stays what they take.

A blob is a stranger's bytes. Two readers take it, `unpack_model` here and `har_load` of har_blob.c, and both refuse the
same blobs. Of the bytes they ask:

- the length is the one the header names, and the checksum is right;
- the records of all layers lie within it; codes are those that the version has, 0 for the activation of a layer
  without one of its own;
- an array begins behind the records, at a multiple of 4 bytes, and ends within the blob;
- all arrays together take no more bytes than there are behind the records, so that a small blob cannot name one
  array many times and fill the memory of its reader;
- the outputs of the header are those of the last layer.

Of the model in them they ask the rules of `edgehar.models.portable.rules`. Bytes that nothing refers to, and fields
that the layout calls 0, are not looked at.
"""

import struct
import zlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.errors import BundleError
from edgehar.models.portable.rules import broken_rule
from edgehar.models.portable.tables import (
    ACTIVATED,
    ACTIVATIONS,
    ATTENTION,
    BRANCHING,
    END,
    FLOAT32,
    FORK,
    INT8,
    JOIN,
    KINDS,
    LATER_KINDS,
    MERGES,
    PADDINGS,
    PLAIN_KINDS,
    POOLS,
    RECURRENT,
    SAMPLE_BITS,
    WHOLE,
    CLayer,
    CModel,
    Matrix,
    has_other_head,
)

MAGIC: Final = b"HARC"
VERSION: Final = 4
HEADER: Final = struct.Struct("<4sIIBBBBHHHBB")
_LAYER: Final = struct.Struct("<BBBx")
_MATRIX: Final = struct.Struct("<HHB3xIII")
_TIME: Final = struct.Struct("<HHHBBBBBB")
_PLAIN_BYTES: Final = _LAYER.size + 2 * _MATRIX.size
_LONG_BYTES: Final = _PLAIN_BYTES + _TIME.size
_RECORD_BYTES: Final = {1: _PLAIN_BYTES, 2: _LONG_BYTES, 3: _LONG_BYTES, 4: _LONG_BYTES}
_KINDS: Final = {
    1: PLAIN_KINDS,
    **{version: tuple(kind for kind in KINDS if kind not in later) for version, later in LATER_KINDS.items()},
    4: KINDS,
}
_PLAIN_ACTIVATIONS: Final = ACTIVATIONS[: ACTIVATIONS.index("softmax") + 1]
_FILTERS: Final = ("conv", "residual", *POOLS)
_TAPPED: Final = (*_FILTERS, "dense_over_time")
"""Kinds whose kernel has an array for every tap."""
_NUMBERS: Final = {FLOAT32: 1, INT8: 2}
_MASK_BYTES: Final = 4
_ALIGNMENT: Final = 64
_LEAST_ALIGNMENT: Final = 4
_NO_MATRIX: Final = bytes(_MATRIX.size)


def pack_model(model: CModel) -> bytes:
    """Return the model as a blob; the same model always gives the same bytes."""
    version = version_of(model)
    size = _RECORD_BYTES[version]
    records, arrays = bytearray(), bytearray()
    arrays_at = _aligned(HEADER.size + len(model.layers) * size + (0 if model.mask is None else _MASK_BYTES))
    for layer in model.layers:
        record = _pack_layer(layer)
        for matrix in (layer.kernel, layer.recurrent):
            record += _NO_MATRIX if matrix is None else _pack_matrix(matrix, arrays, arrays_at)
        records += (record + _pack_time(layer))[:size]
    if model.mask is not None:
        records += struct.pack(_mask_format(model.quantization), model.mask)
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
        int(model.mask is not None),
    )
    content = header[8:] + records + arrays
    return MAGIC + struct.pack("<I", zlib.crc32(content)) + content


def version_of(model: CModel) -> int:
    """Return the least version of the format that can hold a model."""
    kinds = {layer.kind for layer in model.layers}
    if model.mask is not None or any(layer.hands_last for layer in model.layers):
        return VERSION
    for version, later in sorted(LATER_KINDS.items(), reverse=True):
        if not kinds.isdisjoint(later):
            return version + 1
    return 2 if has_other_head(model) or model.needs_whole_windows else 1


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
    _, _, _, version, numbers, layers, step_layers, window, channels, classes, bits, masked = HEADER.unpack_from(blob)
    if version > 1 and masked > (version > 3):
        raise _UnreadableError(f"expected 0 where a version has a mask, else 1, got {masked}")
    reader = _Reader(blob, layers, version, _numbers_of(numbers))
    mask = reader.mask() if version > 3 and masked else None
    sample_bits = bits if version > 1 else SAMPLE_BITS
    model = CModel(window, channels, tuple(map(reader.layer, range(layers))), step_layers, sample_bits, mask)
    problem = broken_rule(model)
    if problem is None and model.classes != classes:
        problem = f"expected {model.classes} outputs, those of the last layer, got {classes}"
    if problem is not None:
        raise _UnreadableError(problem)
    return model


def _mask_format(quantization: str) -> str:
    """Return how the number that masks is written."""
    return "<i" if quantization == INT8 else "<f"


def packed_weights(matrix: Matrix) -> NDArray[Any]:
    """Return weights as they lie in memory, flat: int8 rows two and two interleaved, an odd last row beside zeros.

    Examples
    --------
    >>> rows = np.array([[1, 2], [3, 4], [5, 6]], np.int8)
    >>> packed_weights(Matrix(rows, None, np.ones(3, np.uint16), 16)).tolist()
    [1, 3, 2, 4, 5, 0, 6, 0]
    """
    if not matrix.is_integer:
        return matrix.weights.ravel()
    outputs, taps, inputs = matrix.outputs, matrix.taps, matrix.inputs
    padded = np.zeros((outputs + outputs % 2, taps * inputs), np.int8)
    padded[:outputs] = matrix.weights
    return padded.reshape(-1, 2, taps, inputs).transpose(2, 0, 3, 1).ravel()


def _unpacked_rows(flat: NDArray[np.int8], outputs: int, taps: int) -> NDArray[np.int8]:
    """Return the rows (outputs, taps x inputs) of `packed_weights`."""
    pairs = (outputs + 1) // 2
    return flat.reshape(taps, pairs, -1, 2).transpose(1, 3, 0, 2).reshape(2 * pairs, -1)[:outputs]


def _pack_layer(layer: CLayer) -> bytes:
    """Return the beginning of a layer's record."""
    activation = 1 + ACTIVATIONS.index(layer.activation) if layer.kind in ACTIVATED else 0
    return _LAYER.pack(1 + KINDS.index(layer.kind), activation, layer.fraction)


def _pack_time(layer: CLayer) -> bytes:
    """Return the end of a layer's record from version 2 on."""
    inside = (layer.heads, layer.inside_bits, int(layer.goes_around))
    return _TIME.pack(
        layer.taps,
        layer.dilation,
        layer.stride,
        PADDINGS.index(layer.padding),
        MERGES.index(layer.joins or layer.merge),
        layer.around_bits,
        *(inside if layer.kind == ATTENTION else (0, 0, int(layer.hands_last))),
    )


def _pack_matrix(matrix: Matrix, arrays: bytearray, arrays_at: int) -> bytes:
    """Append a matrix's arrays and return its record."""
    weights = packed_weights(matrix).astype("i1" if matrix.is_integer else "<f4")
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


def _named(what: str, names: Sequence[str], code: int) -> str:
    """Return the name that a code stands for."""
    if not 0 <= code < len(names):
        raise _UnreadableError(f"expected {what} of {', '.join(names)}, got another code")
    return names[code]


class _Reader:
    """Takes layers and arrays from a blob and never looks beyond it."""

    def __init__(self, blob: bytes, layers: int, version: int, quantization: str) -> None:
        self._blob, self._version, self._is_integer = blob, version, quantization == INT8
        self._quantization = quantization
        self._arrays_at = HEADER.size + layers * _RECORD_BYTES[version]
        self._bytes_left = len(blob) - self._arrays_at
        if self._bytes_left < 0:
            raise _UnreadableError(f"expected the records of {layers} layers, got {len(blob):,} bytes in all")

    def mask(self) -> float:
        """Return the number that masks, and take its place from the arrays; to be called before there are any."""
        if self._bytes_left < _MASK_BYTES:
            raise _UnreadableError("expected a number that masks, the blob ends before it")
        found: float = struct.unpack_from(_mask_format(self._quantization), self._blob, self._arrays_at)[0]
        self._arrays_at += _MASK_BYTES
        self._bytes_left -= _MASK_BYTES
        return found

    def layer(self, index: int) -> CLayer:
        """Return one layer."""
        offset = HEADER.size + index * _RECORD_BYTES[self._version]
        number, activation, fraction = _LAYER.unpack_from(self._blob, offset)
        kind = _named(f"layer {index + 1}: a kind", _KINDS[self._version], number - 1)
        known: tuple[str, ...] = ("linear",)
        if kind in ACTIVATED:
            known = ACTIVATIONS if self._version > 1 else _PLAIN_ACTIVATIONS
        named = _named(f"layer {index + 1}: an activation", known, activation - (kind in ACTIVATED))
        try:
            return self._layer(offset, kind, named, fraction)
        except _UnreadableError as error:
            raise _UnreadableError(f"layer {index + 1} ({kind}): {error}") from error

    def _layer(self, offset: int, kind: str, activation: str, fraction: int) -> CLayer:
        """Return a layer of this kind, whose record begins at ``offset``."""
        taps, dilation, stride, padding, merge, around_bits, heads, inside_bits, way = 1, 1, 1, 0, 0, 0, 1, 0, 0
        if self._version > 1:
            fields = _TIME.unpack_from(self._blob, offset + _PLAIN_BYTES)
            taps, dilation, stride, padding, merge, around_bits, heads, inside_bits, way = fields
        is_attention = kind == ATTENTION
        has_weights, is_filter = kind not in (*POOLS, *WHOLE, *BRANCHING), kind in _FILTERS
        kernel_at, second_at = offset + _LAYER.size, offset + _LAYER.size + _MATRIX.size
        kernel = self._matrix(kernel_at, taps if kind in _TAPPED else 1) if has_weights else None
        has_second = is_attention or kind in RECURRENT or (kind == "residual" and self._has_weights(second_at))
        return CLayer(
            kind,
            kernel,
            self._matrix(second_at, 1) if has_second else None,
            activation,
            fraction,
            pool=taps if is_attention or kind in POOLS else 1,
            dilation=dilation if is_filter and kind not in POOLS else 1,
            stride=stride if is_filter else 1,
            padding=_named("a padding", PADDINGS, padding) if is_filter else "valid",
            merge=_named("a merge", MERGES, merge) if kind in RECURRENT else "",
            around_bits=around_bits if kind in (ATTENTION, "residual", END, JOIN) else 0,
            heads=heads if is_attention else 1,
            inside_bits=inside_bits if is_attention else 0,
            goes_around=is_attention and way != 0,
            joins=_named("a merge", MERGES, merge) if kind == FORK else "",
            hands_last=self._version > 3 and kind in RECURRENT and way != 0,
        )

    def _has_weights(self, offset: int) -> bool:
        """Whether the matrix at ``offset`` names weights."""
        return bool(_MATRIX.unpack_from(self._blob, offset)[3])

    def _matrix(self, offset: int, taps: int) -> Matrix:
        """Return the matrix of so many taps whose record begins at ``offset``."""
        inputs, outputs, shift, weights_at, bias_at, multipliers_at = _MATRIX.unpack_from(self._blob, offset)
        bias = self._array("<i4" if self._is_integer else "<f4", bias_at, outputs) if bias_at else None
        if not self._is_integer:
            weights = self._array("<f4", weights_at, taps * inputs * outputs)
            return Matrix(weights.reshape(taps * inputs, outputs), bias, taps=taps)
        flat = self._array("i1", weights_at, taps * inputs * (outputs + outputs % 2))
        multipliers = self._array("<u2", multipliers_at, outputs)
        return Matrix(_unpacked_rows(flat, outputs, taps), bias, multipliers, shift, taps)

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
