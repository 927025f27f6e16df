"""What a host says: WHO, START, STOP, ASK, INFER and LOAD, and the bodies they are packed into."""

from dataclasses import dataclass
from typing import ClassVar

from edgehar.firmware_bridge.frames.fields import (
    AXES,
    INFER_FIELDS,
    LOAD_FIELDS,
    PROTOCOL_MAJOR,
    PROTOCOL_MINOR,
    START_FIELDS,
    WHO_FIELDS,
    Type,
    infer_sample_bytes,
)


@dataclass(frozen=True, slots=True)
class Who:
    """A host asks for HELLO, and says which version it speaks; the device forgets a window or model in the making."""

    major: int = PROTOCOL_MAJOR
    minor: int = PROTOCOL_MINOR

    TYPE: ClassVar[Type] = Type.WHO

    def pack(self) -> bytes:
        """Return the body."""
        return WHO_FIELDS.pack(self.TYPE, self.major, self.minor)


@dataclass(frozen=True, slots=True)
class Start:
    """Send SAMPLES: so many thousandths of a sample a second, so many samples a frame; 0 leaves it to the device."""

    rate_mhz: int = 0
    samples_per_frame: int = 0

    TYPE: ClassVar[Type] = Type.START

    def pack(self) -> bytes:
        """Return the body."""
        return START_FIELDS.pack(self.TYPE, self.rate_mhz, self.samples_per_frame)


@dataclass(frozen=True, slots=True)
class Stop:
    """Send no more SAMPLES."""

    TYPE: ClassVar[Type] = Type.STOP

    def pack(self) -> bytes:
        """Return the body."""
        return bytes([self.TYPE])


@dataclass(frozen=True, slots=True)
class Ask:
    """Send STATS."""

    TYPE: ClassVar[Type] = Type.ASK

    def pack(self) -> bytes:
        """Return the body."""
        return bytes([self.TYPE])


@dataclass(frozen=True, slots=True)
class Infer:
    """A chunk of a window to classify: its samples from number ``first`` on."""

    window_id: int
    numbers: int
    first: int
    payload: bytes
    channels: int = AXES

    TYPE: ClassVar[Type] = Type.INFER

    @property
    def count(self) -> int:
        """How many samples it carries."""
        return len(self.payload) // infer_sample_bytes(self.numbers, self.channels)

    def pack(self) -> bytes:
        """Return the body."""
        return INFER_FIELDS.pack(self.TYPE, self.window_id, self.numbers, self.first) + self.payload


@dataclass(frozen=True, slots=True)
class Load:
    """A chunk of a model of ``total`` bytes."""

    total: int
    offset: int
    payload: bytes

    TYPE: ClassVar[Type] = Type.LOAD

    def pack(self) -> bytes:
        """Return the body."""
        return LOAD_FIELDS.pack(self.TYPE, self.total, self.offset) + self.payload
