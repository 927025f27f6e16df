"""Feed the wire's decoders whatever bytes at whatever times: nothing may raise, hang or grow.

    pip install atheris && python tools/fuzz_decoders.py --seconds 600    guided by coverage
    python tools/fuzz_decoders.py --plain --inputs 20000                  without atheris: golden frames, altered

Only BridgeError may leave a decoder: the device is not what was promised.
"""

import argparse
import json
import random
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from edgehar.firmware_bridge.frames.framing import MAX_ENCODED_BYTES, Frame, FrameParser
from edgehar.firmware_bridge.frames.message_reader import decode_message
from edgehar.firmware_bridge.frames.source import FrameSource
from edgehar.firmware_bridge.session.protocol_detection import ProtocolDetector
from edgehar.firmware_bridge.stream.samples import SampleSource
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.firmware_bridge.text.witmotion_source import WitMotionOrTextSource
from edgehar.models.errors import BridgeError
from edgehar.models.units import parse_unit

GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "golden" / "frames.json"
WAITS_S = (0.0, 0.001, 0.04, 0.06, 3.0, 1e6)
MOST_WAITING = 300
FUZZED = (
    *("frames.framing", "frames.message_reader", "frames.source", "frames.sequence", "frames.clock"),
    *("frames.device_description", "session.protocol_detection", "stream.device_clock"),
    *(
        "text.source",
        "text.lines",
        "text.line_reader",
        "text.layout",
        "text.learning",
        "text.kinds",
        "text.across",
        "text.titles",
        "text.template",
        "text.evidence",
        "text.ticks",
    ),
    *("text.witmotion", "text.witmotion_source"),
)
"""Modules in which coverage guides the search."""
TEXT = (
    b"x,y,z\n0.1,0.2,0.9\n-0.1,0.2,1.1\n" * 12,
    b"t_us,x,y,z\n" + b"".join(b"%d,0,0,1\n" % (10_000 * line) for line in range(40)),
    b"1;2;3\r\n" * 30 + b"1\t2\t3\r\n" * 30,
    b"AcX = 12 | AcY = -34 | AcZ = 16000 | Tmp = 26.5\r\n" * 30,
    b"Acceleration X: 0.1, Y: 0.2, Z: 9.7 m/s^2\r\nRotation X: 1, Y: 2, Z: 3 rad/s\r\n" * 20,
    b">ax:0.1\n>ay:0.2\n>az:0.9\n" * 20,
    b"-- acc (g) --\n0.1\t0.2\t0.9\n-- gyro --\n1\t2\t3\n" * 20,
    b"Acc: 0.1 x, 0.2 y, 0.9 z, 25.0C\n" * 20 + b"0.1,0.2,0.9,left\n0.2,0.1,0.9,right\n" * 20,
    b"$ACC,0.-012345,1.-234567,9.8*5C\n" * 20 + b"ax, ay, az: 1,2,3\n" * 20,
    b'{"acc":{"x":0.1,"y":0.2,"z":0.9},"t":123}\n' * 30,
    b"0,44,0,83,-0,78\n" * 30 + "0.1,0.2,0.9\n".encode("utf-16-le") * 20,
    b"\x1b[0;32mI (12) imu: ax:0.1 ay:nan az:ovf\x1b[0m\r\n" * 20,
    (b"\x55\x51\x00\x01\x00\x02\x00\x08\x00\x00\xb1" + b"\x55\x61" + bytes(18)) * 20,
)


def one_input(data: bytes) -> None:
    """Feed one input to every decoder: the first two bytes say how it is cut and timed."""
    if len(data) < 3:
        return
    size, rhythm, wire = 1 + data[0], data[1], data[2:]
    parser, detector = FrameParser(), ProtocolDetector()
    text = TextSource(unit=parse_unit("raw:1000"), rate_hz=100.0)
    curious = WitMotionOrTextSource(
        TextSource(unit=None, rate_hz=100.0, adopts_rate=True),
        make_source=lambda: TextSource(unit=parse_unit("g"), rate_hz=100.0, adopts_rate=True),
    )
    sources: list[SampleSource] = [FrameSource(), text, curious]
    now_s = 0.0
    for turn, at in enumerate(range(0, len(wire), size)):
        read = wire[at : at + size]
        now_s += WAITS_S[(rhythm + turn * (rhythm >> 4)) % len(WAITS_S)]
        for event in parser.feed(read, now_s):
            if isinstance(event, Frame):
                decode_message(event.body)
        if parser.held_back > MAX_ENCODED_BYTES + 1:
            raise RuntimeError(f"the parser keeps {parser.held_back} bytes")
        detector.feed(read, now_s)
        sources = [source for source in sources if survives(source, read, now_s, cut=turn % 7 == rhythm % 11)]
    for source in sources:
        source.finish(now_s)
        source.rate  # noqa: B018 (a property that computes)
    decode_message(data)


def survives(source: SampleSource, read: bytes, now_s: float, *, cut: bool) -> bool:
    """Feed a source, and tell whether it goes on."""
    try:
        if cut:
            source.line_was_cut(now_s)
            source.fell_silent(now_s)
        decoded = source.feed(read, now_s)
    except BridgeError:
        return False
    source.outgoing()
    for block in decoded.blocks:
        if len(block.samples_g) != len(block.times_s) or block.lost < 0:
            raise RuntimeError("a block contradicts itself")
    return True


def seeds() -> Iterator[bytes]:
    """Yield inputs to begin with: every golden frame, whole streams, and text."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    lines = [bytes.fromhex(entry["line"]) for entry in golden["frames"]]
    for line in lines:
        yield b"\xff\x00" + line
        yield b"\x00\x01" + bytes.fromhex("00") + line
    yield b"\x20\x13" + b"".join(lines)
    for stream in golden["streams"]:
        yield b"\x08\x31" + b"".join(bytes.fromhex(read["hex"]) for read in stream["reads"])
    for text in TEXT:
        yield b"\x40\x00" + text


def altered(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """Return an input with a few bytes changed, moved, doubled or taken from another."""
    out = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(out))
        match rng.randrange(5):
            case 0:
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                out[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, 10, 44, 46, 45, rng.randrange(256)))
            case 2:
                del out[at : at + rng.randrange(1, 20)]
                out = out or bytearray(b"\0\0\0")
            case 3:
                out[at:at] = rng.choice(others)[2:]
            case _:
                out[at:at] = struct.pack("<I", rng.choice((0, 1, 2**31 - 1, 2**31, 2**32 - 1)))
    return bytes(out)


def plain(inputs: int, seed: int) -> int:
    """Feed altered seeds; return how many."""
    rng, corpus = random.Random(seed), list(seeds())
    for data in corpus:
        one_input(data)
    for _ in range(inputs):
        one_input(altered(rng.choice(corpus), rng, corpus)[:4096])
    return len(corpus) + inputs


def guided(seconds: float) -> None:
    """Let atheris look for inputs; it ends the process, with an error if it finds one that breaks a decoder."""
    import atheris

    corpus = Path(tempfile.mkdtemp(prefix="fuzz-decoders-"))
    for number, data in enumerate(seeds()):
        (corpus / f"seed-{number}").write_bytes(data)
    for name in FUZZED:
        instrument(atheris, f"edgehar.firmware_bridge.{name}")
    limits = [f"-max_total_time={int(seconds)}", "-timeout=10", "-rss_limit_mb=1024", "-max_len=4096"]
    atheris.Setup([sys.argv[0], str(corpus), *limits, f"-artifact_prefix={corpus}/"], one_input)
    atheris.Fuzz()


def instrument(atheris: object, module_name: str) -> None:
    """Let atheris see which lines of a module run."""
    import types

    module = sys.modules[module_name]
    for value in [vars(owner) for owner in vars(module).values() if isinstance(owner, type)] + [vars(module)]:
        for function in list(value.values()):
            if isinstance(function, types.FunctionType) and function.__module__ == module_name:
                atheris.instrument_func(function)


def main() -> None:
    """Fuzz until an input breaks a decoder, or time is up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--plain", action="store_true", help="do without atheris")
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not options.plain:
        guided(options.seconds)
        return
    started_s = time.perf_counter()
    count = plain(options.inputs, options.seed)
    print(f"{count:,} inputs in {time.perf_counter() - started_s:.1f} s: no exception, no hang, memory bounded")


if __name__ == "__main__":
    main()
