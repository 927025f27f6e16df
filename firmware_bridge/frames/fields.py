"""The numbers of the protocol: types, codes, limits and the fixed fields of every message."""

import struct
from enum import IntEnum, IntFlag
from typing import Final

from edgehar.firmware_bridge.frames.framing import MAX_BODY_BYTES

PROTOCOL_MAJOR: Final = 1
PROTOCOL_MINOR: Final = 0
CHANNELS_MAJOR: Final = 2
"""The version of devices whose samples are not x, y, z of acceleration alone: HELLO says which channels they have."""
KNOWN_MAJORS: Final = (PROTOCOL_MAJOR, CHANNELS_MAJOR)
AXES: Final = 3
MAX_CHANNELS: Final = 6
MAX_TEXT_BYTES: Final = 200
MAX_NAME_BYTES: Final = 32
MAX_LOAD_BYTES: Final = 200
MODEL_HASH_BYTES: Final = 8
INFER_COUNTS_PER_G: Final = 2048
"""Integer windows are sent in 1/2048 g, the numbers of the integer C engine."""
PROBABILITY_ONE: Final = 32768
"""An integer probability of one."""

HELLO_FIELDS: Final = struct.Struct("<BBBHBIfBf3bI8sHBBB")
HELLO_TURNING_FIELDS: Final = struct.Struct("<ff")
"""Behind the names and the channels of version 2: counts per degree/s, and range in degrees/s."""
SAMPLES_FIELDS: Final = struct.Struct("<BHIIH")
STATS_FIELDS: Final = struct.Struct("<BHIIIII")
LOG_FIELDS: Final = struct.Struct("<BB")
ERROR_FIELDS: Final = struct.Struct("<BHB")
ACK_FIELDS: Final = struct.Struct("<BBHI")
RESULT_FIELDS: Final = struct.Struct("<BHBIIBB")
LABEL_FIELDS: Final = struct.Struct("<BH")
NO_LABEL: Final = 255
WHO_FIELDS: Final = struct.Struct("<BBB")
START_FIELDS: Final = struct.Struct("<BIB")
INFER_FIELDS: Final = struct.Struct("<BHBH")
LOAD_FIELDS: Final = struct.Struct("<BII")
SAMPLE_BYTES: Final = 2 * AXES
MAX_SAMPLES: Final = (MAX_BODY_BYTES - SAMPLES_FIELDS.size) // SAMPLE_BYTES
"""Samples of three channels that fit in one SAMPLES frame: 39."""


class Type(IntEnum):
    """The first byte of a body."""

    HELLO = 0x01
    SAMPLES = 0x02
    STATS = 0x03
    LOG = 0x04
    ERROR = 0x05
    ACK = 0x06
    RESULT = 0x07
    WHO = 0x81
    START = 0x82
    STOP = 0x83
    ASK = 0x84
    INFER = 0x90
    LOAD = 0x91


class Ability(IntFlag):
    """What a device does (the flags of HELLO)."""

    NONE = 0
    SENSES = 1
    """It has a sensor and can send SAMPLES."""
    STREAMS = 2
    """It sends SAMPLES now."""
    INFERS = 4
    """It has an engine and answers INFER."""
    LOADS = 8
    """It takes a model by LOAD."""
    FLOATS = 16
    """Its engine takes INFER in float32; without this flag, in int16."""


class UnitCode(IntEnum):
    """The unit that counts are divided down to."""

    G = 1
    M_S2 = 2


class Channel(IntEnum):
    """What a number of a sample is: acceleration along an axis of the sensor, or the turning rate about one."""

    X = 1
    Y = 2
    Z = 3
    GX = 4
    GY = 5
    GZ = 6


ACCELERATION: Final = (Channel.X, Channel.Y, Channel.Z)
"""The channels of a device that does not say which it has."""
TURNING: Final = (Channel.GX, Channel.GY, Channel.GZ)
MOTION: Final = (*ACCELERATION, *TURNING)


class Numbers(IntEnum):
    """How numbers of INFER and RESULT are written."""

    INTEGER = 0
    """Samples: int16 in 1/2048 g; probabilities: uint16, 32768 is one."""
    FLOAT = 1
    """Samples: float32 in g; probabilities: float32."""


class DurationUnit(IntEnum):
    """The unit in which a device measures how long it computed."""

    MICROSECONDS = 0
    CYCLES = 1
    INSTRUCTIONS = 2


class Level(IntEnum):
    """The severity of a LOG."""

    DEBUG = 1
    INFO = 2
    WARNING = 3
    ERROR = 4


class ErrorCode(IntEnum):
    """Why a device refuses something."""

    UNKNOWN_TYPE = 1
    BAD_LENGTH = 2
    BAD_VALUE = 3
    OUT_OF_ORDER = 4
    NO_MODEL = 5
    MODEL_REFUSED = 6
    SENSOR_FAILED = 7
    OTHER_VERSION = 8
    BUSY = 9
    OVERRUN = 10


def infer_sample_bytes(numbers: int, channels: int = AXES) -> int:
    """Return how many bytes a sample of INFER has."""
    return (4 if numbers == Numbers.FLOAT else 2) * channels


def most_samples(channels: int) -> int:
    """Return how many samples of so many channels fit in one SAMPLES frame.

    Examples
    --------
    >>> most_samples(3), most_samples(6)
    (39, 19)
    """
    return (MAX_BODY_BYTES - SAMPLES_FIELDS.size) // (2 * channels)
