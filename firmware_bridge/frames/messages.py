"""Messages <-> frame bodies: what a sensor and its host say to each other. No I/O.

All numbers are little-endian; a body begins with its type. Sensors send types below 0x80, hosts types from 0x80 on::

    HELLO   01 | major 1 | minor 1 | boot 2 | flags 1 | rate 4, mHz | counts per unit 4, float | unit 1 |
               | range 4, float | axes 3 | dropped 4 | model hash 8 | window 2 | classes 1 | longest body 1 |
               | credit 1 | sensor, placement, model: each length 1 + UTF-8
               | in version 2: channels: length 1 + a code each | counts per degree/s 4, float | range 4, float
    SAMPLES 02 | boot 2 | sequence 4 | microseconds 4 | dropped 2 | samples of an int16 for every channel, 1 to 39 of 3
    STATS   03 | boot 2 | sequence 4 | microseconds 4 | dropped 4 | frames received 4 | frames damaged 4
    LOG     04 | level 1 | UTF-8
    ERROR   05 | code 2 | type it answers 1 | UTF-8
    ACK     06 | type it answers 1 | window 2 | next 4
    RESULT  07 | window 2 | numbers 1 | CRC-32 of the window's samples 4 | duration 4 | its unit 1 | classes 1 | values
    WHO     81 | major 1 | minor 1
    START   82 | rate 4, mHz | samples a frame 1
    STOP    83
    ASK     84                                                                   (answered by STATS)
    INFER   90 | window 2 | numbers 1 | first 2 | samples of an int16 or a float for every channel
    LOAD    91 | bytes in all 4 | offset 4 | bytes

A frame of ten samples is 79 bytes on the line, everything counted: 7.9 bytes a sample. `docs/protocol.md` is the
specification.
"""

from dataclasses import dataclass

from edgehar.firmware_bridge.frames.device_messages import (
    Ack,
    DeviceError,
    FoundLabel,
    Hello,
    Log,
    Result,
    Samples,
    Stats,
)
from edgehar.firmware_bridge.frames.host_messages import Ask, Infer, Load, Start, Stop, Who

__all__ = [
    "Ack",
    "Ask",
    "DeviceError",
    "FoundLabel",
    "FromDevice",
    "FromHost",
    "Hello",
    "Infer",
    "Load",
    "Log",
    "Malformed",
    "Message",
    "Result",
    "Samples",
    "Start",
    "Stats",
    "Stop",
    "Unknown",
    "Who",
]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A whole frame whose type this version does not know: a later minor version may send such."""

    type: int


@dataclass(frozen=True, slots=True)
class Malformed:
    """A whole frame of a known type that does not have the form of that type: its sender is wrong, not the line."""

    type: int
    reason: str


FromDevice = Hello | Samples | Stats | Log | DeviceError | Ack | Result | FoundLabel
FromHost = Who | Start | Stop | Ask | Infer | Load
Message = FromDevice | FromHost
