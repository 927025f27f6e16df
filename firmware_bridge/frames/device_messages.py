"""What a device says: HELLO, SAMPLES, STATS, LOG, ERROR, ACK and RESULT, and the bodies they are packed into."""

import struct
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.frames.fields import (
    ACCELERATION,
    ACK_FIELDS,
    AXES,
    CHANNELS_MAJOR,
    ERROR_FIELDS,
    HELLO_FIELDS,
    HELLO_TURNING_FIELDS,
    LABEL_FIELDS,
    LOG_FIELDS,
    MAX_NAME_BYTES,
    MAX_TEXT_BYTES,
    MODEL_HASH_BYTES,
    NO_LABEL,
    PROTOCOL_MAJOR,
    PROTOCOL_MINOR,
    RESULT_FIELDS,
    SAMPLES_FIELDS,
    STATS_FIELDS,
    Ability,
    Channel,
    Numbers,
    Type,
)
from edgehar.firmware_bridge.frames.framing import MAX_BODY_BYTES


@dataclass(frozen=True, slots=True)
class Hello:
    """What a device is: sent when it boots, and in answer to WHO.

    Parameters
    ----------
    boot_id
        Another number after every boot.
    abilities
        What it can do and does.
    rate_mhz
        Samples a second, in thousandths.
    counts_per_unit
        How many counts of SAMPLES make one g or one m/s², as in the data sheet.
    unit
        Which of these.
    range_unit
        Largest acceleration it can measure, in that unit.
    axes
        Where the model's x, y and z come from: sensor axis 1, 2 or 3, negative when it points the other way.
    dropped
        Samples it took and could not send, since it booted.
    model_hash
        First 8 bytes of the SHA-256 of the artifact its engine runs; zeros for none.
    window, classes
        Of that model; 0 for none.
    longest_body
        Longest body it can receive.
    credit
        How many chunks of INFER or LOAD it can hold unanswered: 1 is stop and wait.
    sensor, placement, model
        Names, up to 32 bytes of UTF-8 each; empty for unknown.
    channels
        What the numbers of a sample are, in order. Only version 2 says it; in version 1 they are x, y, z.
    counts_per_deg_s, range_deg_s
        How many counts make one degree/s of a gyroscope, and the fastest turn it can measure; 0 for no gyroscope, and
        for unknown. In version 2.
    """

    boot_id: int
    abilities: Ability
    rate_mhz: int
    counts_per_unit: float
    unit: int
    range_unit: float
    axes: tuple[int, int, int] = (1, 2, 3)
    dropped: int = 0
    model_hash: bytes = bytes(MODEL_HASH_BYTES)
    window: int = 0
    classes: int = 0
    longest_body: int = MAX_BODY_BYTES
    credit: int = 1
    sensor: str = ""
    placement: str = ""
    model: str = ""
    major: int = PROTOCOL_MAJOR
    minor: int = PROTOCOL_MINOR
    channels: tuple[Channel, ...] = ACCELERATION
    counts_per_deg_s: float = 0.0
    range_deg_s: float = 0.0

    TYPE: ClassVar[Type] = Type.HELLO

    def pack(self) -> bytes:
        """Return the body."""
        fixed = HELLO_FIELDS.pack(
            self.TYPE,
            self.major,
            self.minor,
            self.boot_id,
            self.abilities,
            self.rate_mhz,
            self.counts_per_unit,
            self.unit,
            self.range_unit,
            *self.axes,
            self.dropped,
            self.model_hash,
            self.window,
            self.classes,
            self.longest_body,
            self.credit,
        )
        named = fixed + b"".join(_pack_name(name) for name in (self.sensor, self.placement, self.model))
        if self.major != CHANNELS_MAJOR:
            return named
        turning = HELLO_TURNING_FIELDS.pack(self.counts_per_deg_s, self.range_deg_s)
        return named + bytes([len(self.channels), *self.channels]) + turning


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples in a row, in counts.

    Parameters
    ----------
    boot_id
        As in HELLO.
    sequence
        Number of the first sample since boot, modulo 2³²; samples the device dropped are numbered too.
    micros
        When the first sample was taken, by the device's clock, modulo 2³².
    dropped
        Samples dropped by the device since boot, modulo 2¹⁶.
    payload
        An int16 for every channel of a sample.
    channels
        How many these are; the device's HELLO says it.
    """

    boot_id: int
    sequence: int
    micros: int
    dropped: int
    payload: bytes
    channels: int = AXES

    TYPE: ClassVar[Type] = Type.SAMPLES

    @property
    def count(self) -> int:
        """How many samples it carries."""
        return len(self.payload) // (2 * self.channels)

    @property
    def counts(self) -> NDArray[np.int16]:
        """The samples: (n, channels), int16."""
        return np.frombuffer(self.payload, "<i2").reshape(-1, self.channels)

    def pack(self) -> bytes:
        """Return the body."""
        return SAMPLES_FIELDS.pack(self.TYPE, self.boot_id, self.sequence, self.micros, self.dropped) + self.payload


@dataclass(frozen=True, slots=True)
class Stats:
    """How a device is doing; ``sequence`` is the number its next sample will have, so a loss before silence shows."""

    boot_id: int
    sequence: int
    micros: int
    dropped: int
    frames_received: int
    frames_damaged: int

    TYPE: ClassVar[Type] = Type.STATS

    def pack(self) -> bytes:
        """Return the body."""
        return STATS_FIELDS.pack(
            self.TYPE,
            self.boot_id,
            self.sequence,
            self.micros,
            self.dropped,
            self.frames_received,
            self.frames_damaged,
        )


@dataclass(frozen=True, slots=True)
class Log:
    """A sentence for a person; ``level`` is a :class:`Level`."""

    level: int
    text: str

    TYPE: ClassVar[Type] = Type.LOG

    def pack(self) -> bytes:
        """Return the body."""
        return LOG_FIELDS.pack(self.TYPE, self.level) + _pack_text(self.text)


@dataclass(frozen=True, slots=True)
class DeviceError:
    """A device refuses a message of type ``answers`` (0: none in particular); ``code`` is an :class:`ErrorCode`."""

    code: int
    answers: int
    text: str

    TYPE: ClassVar[Type] = Type.ERROR

    def pack(self) -> bytes:
        """Return the body."""
        return ERROR_FIELDS.pack(self.TYPE, self.code, self.answers) + _pack_text(self.text)


@dataclass(frozen=True, slots=True)
class Ack:
    """A device has taken a chunk, or had it already: ``next`` is the sample (INFER) or byte (LOAD) it wants next."""

    answers: int
    window_id: int
    next: int

    TYPE: ClassVar[Type] = Type.ACK

    def pack(self) -> bytes:
        """Return the body."""
        return ACK_FIELDS.pack(self.TYPE, self.answers, self.window_id, self.next)


@dataclass(frozen=True, slots=True)
class Result:
    """What a device's engine says of one window.

    Parameters
    ----------
    window_id
        The window's number in INFER.
    window_crc
        CRC-32 of the bytes of all its samples in order: proof that the device classified this window and no other.
    duration, duration_unit
        What computing took, of all steps and the finish, without waiting for bytes.
    probabilities
        Of every class: uint16 (32768 is one) or float32.
    numbers
        Which of these.
    """

    window_id: int
    window_crc: int
    duration: int
    duration_unit: int
    probabilities: tuple[float, ...]
    numbers: int = Numbers.INTEGER

    TYPE: ClassVar[Type] = Type.RESULT

    def pack(self) -> bytes:
        """Return the body."""
        kind = "f" if self.numbers == Numbers.FLOAT else "H"
        values = self.probabilities if kind == "f" else [int(value) for value in self.probabilities]
        head = RESULT_FIELDS.pack(
            self.TYPE,
            self.window_id,
            self.numbers,
            self.window_crc,
            self.duration,
            self.duration_unit,
            len(values),
        )
        return head + struct.pack(f"<{len(values)}{kind}", *values)


@dataclass(frozen=True, slots=True)
class FoundLabel:
    """A label that a device has found in its own samples: RESULT of window 0, without probabilities of classes.

    Parameters
    ----------
    sequence
        The number its next sample would have when the label was found.
    label
        Number of the class, from 0; None where the decoder says nothing.
    probability
        uint16, 32768 is one.
    duration_unit
        Of the device.
    """

    sequence: int
    label: int | None
    probability: int
    duration_unit: int = 0

    TYPE: ClassVar[Type] = Type.RESULT

    def pack(self) -> bytes:
        """Return the body."""
        head = RESULT_FIELDS.pack(self.TYPE, 0, Numbers.INTEGER, self.sequence, 0, self.duration_unit, 0)
        return head + LABEL_FIELDS.pack(NO_LABEL if self.label is None else self.label, self.probability)


def _pack_name(name: str) -> bytes:
    """Return a name with its length in front, cut to 32 bytes at a character."""
    data = _cut(name, MAX_NAME_BYTES)
    return bytes([len(data)]) + data


def _pack_text(text: str) -> bytes:
    """Return a text, cut to 200 bytes at a character."""
    return _cut(text, MAX_TEXT_BYTES)


def _cut(text: str, size: int) -> bytes:
    """Return UTF-8 of at most ``size`` bytes that ends with a whole character."""
    return text.encode()[:size].decode(errors="ignore").encode()
