"""Samples in a capture file: what a record of three channels (kind S) or of motion, which are six (kind M), holds."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

AXES: Final = 3
MOTION: Final = 6
LARGEST_TIME_S: Final = 1e11
"""Three thousand years: beyond it, a double no longer tells one sample from the next."""
_LARGEST_G: Final = 1e6
_LARGEST_DEG_S: Final = 1e6
_HEAD: Final = struct.Struct("<dIBH")
_TIME_BYTES: Final = 8
_NUMBER_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class _Form:
    """The form of a kind of record.

    A record of three channels does not say how many it has: it is older than the others. One of motion is short enough
    to be passed over by a version that does not know it.
    """

    channels: int
    count: bytes
    most_samples: int

    @property
    def head_bytes(self) -> int:
        """What stands before the times."""
        return _HEAD.size + len(self.count)


_FORMS: Final = {b"S": _Form(AXES, b"", 10_000), b"M": _Form(MOTION, bytes([MOTION]), 2000)}
SAMPLE_KINDS: Final = frozenset(_FORMS)


@dataclass(frozen=True, slots=True, eq=False)
class CapturedBlock:
    """Samples (n, 3) float32 in g and their times (n,) in s; what was lost before them, and whether they continue.

    Of (n, 6) samples the last three are the turning rate in degrees/s.
    """

    samples_g: NDArray[np.float32]
    times_s: NDArray[np.float64]
    arrived_unix_s: float
    lost: int
    continues: bool

    @property
    def channels(self) -> int:
        """How many numbers a sample has."""
        return int(self.samples_g.shape[1])


def pack_samples(block: CapturedBlock) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and payload of the record of some samples, or of several where there are many."""
    kind = next(kind for kind, form in _FORMS.items() if form.channels == block.channels)
    form = _FORMS[kind]
    for start in range(0, max(1, len(block.samples_g)), form.most_samples):
        part = slice(start, start + form.most_samples)
        times_s, samples_g = block.times_s[part], block.samples_g[part]
        lost, continues = (0, True) if start else (block.lost, block.continues)
        head = _HEAD.pack(block.arrived_unix_s, min(lost, 2**32 - 1), continues, len(times_s)) + form.count
        yield kind, head + times_s.astype("<f8").tobytes() + samples_g.astype("<f4").tobytes()


def is_plausible_length(kind: bytes, data: bytes, start: int, length: int) -> bool:
    """Tell whether a payload of so many bytes that begins at ``start`` has the form of its kind."""
    form = _FORMS[kind]
    if length < form.head_bytes or data[start + _HEAD.size : start + form.head_bytes] != form.count:
        return False
    *_, count = _HEAD.unpack_from(data, start)
    whole = form.head_bytes + (_TIME_BYTES + _NUMBER_BYTES * form.channels) * count
    return bool(count <= form.most_samples and length == whole)


def unpack_samples(kind: bytes, payload: bytes) -> CapturedBlock | None:
    """Return the samples of a record of plausible length, or None if they cannot be true."""
    form = _FORMS[kind]
    arrived, lost, continues, count = _HEAD.unpack_from(payload)
    times_s = np.frombuffer(payload, "<f8", count, form.head_bytes)
    numbers = np.frombuffer(payload, "<f4", form.channels * count, form.head_bytes + _TIME_BYTES * count)
    samples_g = numbers.reshape(count, form.channels)
    limits = np.repeat([_LARGEST_G, _LARGEST_DEG_S], AXES)[: form.channels]
    # Not a number compares as False, so it is refused as well.
    if not ((np.abs(times_s) <= LARGEST_TIME_S).all() and (np.abs(samples_g) <= limits).all()):
        return None
    return CapturedBlock(samples_g, times_s, arrived, lost, bool(continues))
