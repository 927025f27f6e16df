"""The binary packets of WitMotion sensors. No I/O: bytes in, accelerations in g out.

::

    55 51  ax ay az temperature (4 x i16)  sum u8      serial: one quantity a packet; 51 is acceleration
    55 61  ax ay az  wx wy wz  roll pitch yaw (9 x i16)     Bluetooth: all in one of 20 bytes, without a sum

Little endian; 32768 counts are 16 g. The sum is that of all bytes before it, modulo 256.
"""

import struct
from dataclasses import dataclass
from typing import Final

G_PER_COUNT: Final = 16 / 32768
_START: Final = 0x55
_ACCELERATION: Final = 0x51
_SERIAL_KINDS: Final = range(0x50, 0x60)
_ALL_IN_ONE: Final = 0x61
_SERIAL_BYTES: Final = 11
_ALL_BYTES: Final = 20
_AXES: Final = struct.Struct("<3h")
_PROOF: Final = 3
"""So many packets one after the other are no accident."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet that is whole: the acceleration of x, y, z in g, or None for another quantity."""

    acceleration_g: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class DamagedBytes:
    """Bytes between two packets that are none: a packet was damaged or cut."""

    count: int


class PacketParser:
    """Turn bytes into packets, the same however they are cut into reads.

    Examples
    --------
    >>> body = bytes([0x55, 0x51, 0, 0, 0, 0, 0, 8, 0, 0])
    >>> PacketParser().feed(body + bytes([sum(body) % 256]))
    [Packet(acceleration_g=(0.0, 0.0, 1.0))]
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._skipped = 0

    def feed(self, data: bytes) -> list[Packet | DamagedBytes]:
        """Return the packets that these bytes complete, and the damage between them."""
        buffer, at = self._buffer + data, 0
        found: list[Packet | DamagedBytes] = []
        while len(buffer) - at >= 2:
            size = _size(buffer[at], buffer[at + 1])
            if size and len(buffer) - at < size:
                break
            if size and _is_whole(buffer[at : at + size]):
                if self._skipped:
                    found.append(DamagedBytes(self._skipped))
                    self._skipped = 0
                found.append(_packet(buffer[at : at + size]))
                at += size
            else:
                self._skipped += 1
                at += 1
        self._buffer = buffer[at:]
        return found


def looks_like_packets(data: bytes) -> bool:
    """Tell whether bytes hold several packets one after the other, which text never does.

    Examples
    --------
    >>> looks_like_packets(b"UQ is 0.1,0.2,0.3\\n" * 9)
    False
    """
    for start in range(len(data)):
        at = start
        for _ in range(_PROOF):
            size = _size(*data[at : at + 2]) if len(data) - at >= 2 else 0
            if not size or len(data) - at < size or not _is_whole(data[at : at + size]):
                break
            at += size
        else:
            return any(byte < 0x09 or byte > 0x7E for byte in data[start:at])
    return False


def _size(start: int, kind: int) -> int:
    """Return how long a packet that begins like this is; 0 if none does."""
    if start != _START:
        return 0
    return _SERIAL_BYTES if kind in _SERIAL_KINDS else _ALL_BYTES if kind == _ALL_IN_ONE else 0


def _is_whole(packet: bytes) -> bool:
    """Tell whether the sum of a packet is right; one that has none is taken as it is."""
    return packet[1] == _ALL_IN_ONE or sum(packet[:-1]) % 256 == packet[-1]


def _packet(packet: bytes) -> Packet:
    """Return what a whole packet says."""
    if packet[1] not in (_ACCELERATION, _ALL_IN_ONE):
        return Packet(None)
    x, y, z = (count * G_PER_COUNT for count in _AXES.unpack_from(packet, 2))
    return Packet((x, y, z))
