"""Write tests/golden/frames.json: the wire protocol as data, to test an implementation in any language against.

    python tools/make_golden_frames.py          write it
    python tools/make_golden_frames.py --check  fail if the file would change

``frames`` holds messages with their fields, body and bytes on the line; ``damaged`` holds bytes between two terminators
that are no frame, and why; ``streams`` holds reads with their times, and the bodies and causes a reader finds in them.
"""

import argparse
import dataclasses
import json
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

from cobs import cobs

from edgehar.firmware_bridge.frames.fields import (
    ACCELERATION,
    AXES,
    CHANNELS_MAJOR,
    MOTION,
    Ability,
    Channel,
    DurationUnit,
    ErrorCode,
    Level,
    Numbers,
    Type,
    UnitCode,
)
from edgehar.firmware_bridge.frames.framing import Frame, FrameParser, decode_frame, encode_frame
from edgehar.firmware_bridge.frames.messages import (
    Ack,
    Ask,
    DeviceError,
    Hello,
    Infer,
    Load,
    Log,
    Message,
    Result,
    Samples,
    Start,
    Stats,
    Stop,
    Who,
)

PATH = Path(__file__).resolve().parents[1] / "tests" / "golden" / "frames.json"
GRAVITY = struct.pack("<3h", 0, 0, 16384)
SIX = struct.pack("<12h", 1, -2, 4096, 30, -40, 32767, 0, 0, 4095, -32768, 5, 6)
TEN = b"".join(struct.pack("<3h", 100 * k - 500, -k, 16384 + k) for k in range(10))

MESSAGES: dict[str, Message] = {
    "hello of an MPU-6050 without a model": Hello(
        boot_id=0x1234,
        abilities=Ability.SENSES | Ability.STREAMS,
        rate_mhz=100_000,
        counts_per_unit=16384.0,
        unit=UnitCode.G,
        range_unit=2.0,
        sensor="MPU-6050",
    ),
    "hello of a board that infers": Hello(
        boot_id=0xFFFF,
        abilities=Ability.SENSES | Ability.INFERS | Ability.LOADS | Ability.FLOATS,
        rate_mhz=104_000,
        counts_per_unit=417.670654296875,
        unit=UnitCode.M_S2,
        range_unit=78.5,
        axes=(-2, 1, 3),
        dropped=7,
        model_hash=bytes.fromhex("00112233445566aa"),
        window=200,
        classes=12,
        longest_body=64,
        credit=2,
        sensor="LSM6DSOX",
        placement="front right hip",
        model="lstm",
    ),
    "one sample at rest": Samples(0x1234, 0, 0, 0, GRAVITY),
    "ten samples: 79 bytes on the line": Samples(0x1234, 1000, 10_000_000, 0, TEN),
    "samples after drops, counters about to wrap": Samples(0xBEEF, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFF, TEN[:18]),
    "39 samples, the most, without a zero byte": Samples(0x0101, 0x01010101, 0x01010101, 0x0101, b"\x01\x02" * 117),
    "39 samples of zeros": Samples(0, 0, 0, 0, bytes(234)),
    "stats": Stats(0x1234, 1010, 10_100_000, 3, 12, 1),
    "a remark": Log(Level.INFO, "Grüße vom Sensor"),
    "an error: window out of order": DeviceError(ErrorCode.OUT_OF_ORDER, Type.INFER, "window 5, expected 0"),
    "ack of a chunk": Ack(Type.INFER, 5, 8),
    "ack of a whole model": Ack(Type.LOAD, 0, 5120),
    "integer result of 3 classes": Result(5, 0xCAFEBABE, 974_000, DurationUnit.MICROSECONDS, (32768, 0, 255)),
    "float result of 2 classes": Result(65535, 1, 17_800_000, DurationUnit.INSTRUCTIONS, (0.75, 0.25), Numbers.FLOAT),
    "who": Who(),
    "start as you like": Start(),
    "start at 50 Hz, 10 samples a frame": Start(50_000, 10),
    "stop": Stop(),
    "ask": Ask(),
    "integer chunk of 2 samples": Infer(5, Numbers.INTEGER, 0, struct.pack("<6h", 0, 0, 2048, 1, -1, 2047)),
    "float chunk of 1 sample": Infer(5, Numbers.FLOAT, 199, struct.pack("<3f", 0.0, -0.5, 1.0)),
    "load": Load(5120, 200, bytes(range(50))),
    "hello of a board with a gyroscope, version 2": Hello(
        boot_id=0x1234,
        abilities=Ability.SENSES | Ability.STREAMS | Ability.INFERS,
        rate_mhz=100_000,
        counts_per_unit=4096.0,
        unit=UnitCode.G,
        range_unit=8.0,
        window=128,
        classes=6,
        longest_body=96,
        sensor="MPU-6050",
        placement="right wrist",
        major=CHANNELS_MAJOR,
        channels=MOTION,
        counts_per_deg_s=16.3984375,
        range_deg_s=2000.0,
    ),
    "hello of a sensor of two channels, version 2": Hello(
        boot_id=7,
        abilities=Ability.SENSES,
        rate_mhz=50_000,
        counts_per_unit=1000.0,
        unit=UnitCode.G,
        range_unit=0.0,
        major=CHANNELS_MAJOR,
        channels=(Channel.Z, Channel.GX),
        counts_per_deg_s=10.0,
    ),
    "two samples of six channels": Samples(0x1234, 1000, 10_000_000, 0, SIX, channels=6),
    "19 samples of six channels, the most": Samples(0x1234, 1000, 10_000_000, 0, bytes(range(228)), channels=6),
    "integer chunk of 1 sample of six channels": Infer(5, Numbers.INTEGER, 0, SIX[:12], channels=6),
}


def as_fields(message: Message) -> dict[str, Any]:
    """Return a message as JSON-ready fields, bytes in hexadecimal."""
    fields = {field.name: getattr(message, field.name) for field in dataclasses.fields(message)}
    if getattr(message, "major", None) != CHANNELS_MAJOR and fields.get("channels") in (AXES, ACCELERATION):
        for name in ("channels", "counts_per_deg_s", "range_deg_s"):
            fields.pop(name, None)
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in fields.items()}


def damaged_pieces() -> dict[str, bytes]:
    """Return bytes that are no frame, one for every way to be damaged."""
    good = encode_frame(Samples(0x1234, 1000, 10_000_000, 0, TEN).pack())[:-1]
    return {
        "a bit flipped in a sample": good[:40] + bytes([good[40] ^ 4]) + good[41:],
        "a bit flipped in the checksum": good[:-1] + bytes([good[-1] ^ 0x80]),
        "a byte lost": good[:30] + good[31:],
        "a byte twice": good[:30] + good[29:],
        "the end lost": good[:50],
        "the beginning lost": good[50:],
        "stuffing that points outside": b"\xff" + good[1:],
        "shorter than any frame": b"\x03\x01\x02",
        "a checksum and nothing else": cobs.encode(zlib.crc32(b"").to_bytes(4, "little")),
        "longer than any frame": bytes([0x55]) * 300,
    }


def streams() -> list[dict[str, Any]]:
    """Return reads of a line, with their times in seconds, and what a reader finds."""
    who, stop, samples = (encode_frame(message.pack()) for message in (Who(), Stop(), MESSAGES["one sample at rest"]))
    cases: list[tuple[str, list[tuple[float, bytes]]]] = [
        ("two frames in one read", [(0.0, who + stop)]),
        ("a frame in three reads", [(0.0, who[:2]), (0.001, who[2:5]), (0.002, who[5:])]),
        ("zeros between frames are nothing", [(0.0, b"\0\0" + who + b"\0\0\0" + stop)]),
        ("noise up to a zero, then a frame", [(0.0, b"\xff\x80noise\0" + who)]),
        ("a terminator lost without a pause takes two frames", [(0.0, who[:-1] + stop + samples)]),
        ("a terminator lost before a pause takes one frame", [(0.0, who[:-1]), (0.2, stop)]),
        ("a reader that pauses inside a frame loses nothing", [(0.0, who[:4]), (0.5, who[4:] + stop)]),
        ("endless noise without a zero, a pause, a frame", [(0.0, b"\xaa" * 5000), (0.2, who)]),
        ("a frame longer than any", [(0.0, b"\x11" * 256 + b"\0" + who)]),
        ("a beginning left over, then two pauses inside a frame", [(0, b"\7\7"), (1, who[:3]), (2, who[3:])]),
    ]
    found = []
    for name, reads in cases:
        parser = FrameParser()
        events = [event for now_s, data in reads for event in parser.feed(data, now_s)]
        found.append(
            {
                "name": name,
                "reads": [{"t_s": now_s, "hex": data.hex()} for now_s, data in reads],
                "finds": [
                    {"body": event.body.hex()} if isinstance(event, Frame) else {"damaged": event.cause.value}
                    for event in events
                ],
            }
        )
    return found


def document() -> dict[str, Any]:
    """Return everything the file holds."""
    frames = []
    for name, message in MESSAGES.items():
        body = message.pack()
        entry = {"name": name, "type": message.TYPE.name, "fields": as_fields(message)}
        frames.append({**entry, "body": body.hex(), "line": encode_frame(body).hex()})
    damaged = []
    for name, piece in damaged_pieces().items():
        event = decode_frame(piece)
        if isinstance(event, Frame):
            raise SystemExit(f"{name}: expected damage, got a frame")
        damaged.append({"name": name, "between_terminators": piece.hex(), "cause": event.cause.value})
    return {"protocol": "2.0", "made_by": "tools/make_golden_frames.py", "frames": frames} | {
        "damaged": damaged,
        "streams": streams(),
    }


def main() -> None:
    """Write the file, or check it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail if the file would change")
    text = json.dumps(document(), indent=1, ensure_ascii=False) + "\n"
    if not parser.parse_args().check:
        PATH.write_text(text, encoding="utf-8")
    elif PATH.read_text(encoding="utf-8") != text:
        sys.exit(f"{PATH}: differs from what the code makes; the protocol has changed")


if __name__ == "__main__":
    main()
