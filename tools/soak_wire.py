"""Send frames through a line that damages them, and hold the reader to the truth: nothing damaged passes, nothing whole
is lost, and the loss that is reported is the loss that was injected, exactly.

    python tools/soak_wire.py                        ten million frames, some minutes
    python tools/soak_wire.py --frames 100000        a short form
    python tools/soak_wire.py pty                    samples a second through a pty, on one core
    python tools/soak_wire.py week                   growth of memory over a simulated week: 60 million samples
"""

import argparse
import json
import os
import random
import resource
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from edgehar.firmware_bridge.frames.fields import Ability, UnitCode
from edgehar.firmware_bridge.frames.framing import Frame, FrameParser, encode_frame
from edgehar.firmware_bridge.frames.messages import Hello, Samples, Stats
from edgehar.firmware_bridge.frames.source import FrameSource
from edgehar.firmware_bridge.simulate.faults import FaultInjector, Faults, WireTruth
from edgehar.firmware_bridge.simulate.text_writer import TextWriter
from edgehar.firmware_bridge.stream.samples import SampleSource
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.units import parse_unit

FAULTS = Faults(drop=0.002, lose=0.004, cut=0.01, flip=0.02, stutter=0.005, repeat=0.003, swap=0.003)
RATE_HZ, SAMPLES_PER_FRAME = 100, 10
FRAMES_PER_BOOT = 20_000
BATCH = 64


class Device:
    """A sensor whose samples tell their own number, so that a wrong one shows."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self.boot_id, self.sequence, self.dropped = 1, 0, 0

    def hello(self) -> bytes:
        """Return what it says when it boots or is asked."""
        abilities = Ability.SENSES | Ability.STREAMS
        hello = Hello(self.boot_id, abilities, RATE_HZ * 1000, 1000.0, UnitCode.G, 32.0, sensor="soak")
        return encode_frame(hello.pack(), after_silence=True)

    def reboot(self) -> None:
        """Begin anew."""
        self.boot_id, self.sequence, self.dropped = self.boot_id + 1, 0, 0

    def stats(self) -> bytes:
        """Return how far it is."""
        micros = self.sequence * 1_000_000 // RATE_HZ % 2**32
        stats = Stats(self.boot_id, self.sequence, micros, self.dropped, 0, 0)
        return encode_frame(stats.pack(), after_silence=True)

    def payloads(self) -> Iterator[bytes]:
        """Yield samples, as random bytes."""
        size = SAMPLES_PER_FRAME * 6
        while True:
            block = self._rng.integers(0, 256, 1000 * size, np.uint8).tobytes()
            for at in range(0, len(block), size):
                yield block[at : at + size]

    def frame(self, payload: bytes) -> bytes:
        """Return the next frame, whether it is sent or not."""
        micros = self.sequence * 1_000_000 // RATE_HZ % 2**32
        samples = Samples(self.boot_id, self.sequence, micros, self.dropped % 2**16, payload)
        self.sequence += SAMPLES_PER_FRAME
        return encode_frame(samples.pack())


def soak(frames: int, seed: int) -> dict[str, Any]:
    """Send frames through a damaging line, and compare what the reader says with the truth."""
    device, line, account = Device(seed), FaultInjector(FAULTS, seed=seed), WireTruth()
    parser, source, rng, cuts = FrameParser(), FrameSource(), random.Random(seed), 0
    payloads, now_s, wrong, undelivered, started_s = device.payloads(), 0.0, 0, 0, time.perf_counter()
    source.feed(device.hello(), now_s)
    for done in range(0, frames, BATCH):
        out = []
        if done and done % FRAMES_PER_BOOT < BATCH:
            device.reboot()
            out.append(line.flush() + line.through(device.hello()))
        for payload in (next(payloads) for _ in range(min(BATCH, frames - done))):
            dropped = line.drops()
            frame = device.frame(payload)
            account.sent(None if dropped else frame, boot_id=device.boot_id, count=SAMPLES_PER_FRAME)
            if dropped:
                device.dropped += SAMPLES_PER_FRAME
            else:
                out.append(line.through(frame))
        data = b"".join(out)
        expected = account.arrived(data)
        accepted = []
        edges = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(4)))
        for start, stop in zip([0, *edges], [*edges, len(data)], strict=True):
            now_s += 0.01
            cuts += 1
            accepted += [event.body for event in parser.feed(data[start:stop], now_s) if isinstance(event, Frame)]
            source.feed(data[start:stop], now_s)
        if source.outgoing():
            reply = line.flush() + line.through(device.hello())
            expected += account.arrived(reply)
            accepted += [event.body for event in parser.feed(reply, now_s) if isinstance(event, Frame)]
            source.feed(reply, now_s)
        bodies = [body for body in accepted if body[0] == Samples.TYPE]
        whole = expected_bodies(expected)
        if bodies != whole:
            wrong += max(1, sum(body not in whole for body in bodies))
            undelivered += sum(body not in bodies for body in whole)
    return report(device, source, parser, account, line, cuts, wrong, undelivered, started_s, now_s)


def expected_bodies(pieces: list[bytes]) -> list[bytes]:
    """Return the bodies of whole frames."""
    from cobs import cobs

    return [cobs.decode(piece)[:-4] for piece in pieces]


def report(
    device: Device,
    source: FrameSource,
    parser: FrameParser,
    account: WireTruth,
    line: FaultInjector,
    reads: int,
    wrong: int,
    undelivered: int,
    started_s: float,
    now_s: float,
) -> dict[str, Any]:
    """End the stream, and return what was injected, what was reported, and whether they are one."""
    rest = line.flush()
    account.arrived(rest)
    source.feed(rest + device.stats(), now_s + 0.01)
    truth, counts = account.finish(), source.counts
    reported = {
        "used": counts.samples,
        "lost": counts.lost,
        "dropped": counts.dropped,
        "late": counts.late,
        "repeated": counts.repeated,
        "restarts": counts.restarts,
    }
    exact = all(reported[name] == getattr(truth, name) for name in reported) and not wrong and not undelivered
    damaged = {cause.value: number for cause, number in parser.counts.damaged.items()}
    return {
        "frames": truth.sent // SAMPLES_PER_FRAME,
        "reads": reads,
        "injected": asdict(line.injected),
        "truth": asdict(truth),
        "reported": reported,
        "damaged_frames": damaged,
        "damaged_accepted": wrong,
        "whole_not_delivered": undelivered,
        "exact": exact,
        "seconds": round(time.perf_counter() - started_s, 1),
    }


def through_pty(samples: int, *, text: bool) -> dict[str, Any]:
    """Send samples through a pty, and time this process, both ends together."""
    import tty

    source, wire = text_stream(samples) if text else frame_stream(samples)
    sender, reader = os.openpty()
    tty.setraw(reader)

    def send() -> None:
        view = memoryview(wire)
        while view:
            view = view[os.write(sender, view[:65536]) :]

    thread = threading.Thread(target=send)
    started_s, processor_s = time.perf_counter(), time.process_time()
    thread.start()
    while source.counts.samples < samples:
        source.feed(os.read(reader, 65536), time.perf_counter())
    elapsed_s, processor_s = time.perf_counter() - started_s, time.process_time() - processor_s
    thread.join()
    os.close(sender)
    os.close(reader)
    return {
        "samples": samples,
        "lost": source.counts.lost,
        "damaged": source.counts.damaged,
        "samples_per_s": round(samples / elapsed_s),
        "core_share_at_20000_per_s": round(20_000 * processor_s / samples, 4),
        "exact": source.counts.lost == 0 and source.counts.damaged == 0,
    }


def frame_stream(samples: int) -> tuple[SampleSource, bytes]:
    """Return a decoder of frames that has met its device, and frames."""
    device, source = Device(0), FrameSource()
    source.feed(device.hello(), 0.0)
    payloads = device.payloads()
    return source, b"".join(device.frame(next(payloads)) for _ in range(samples // SAMPLES_PER_FRAME))


def text_stream(samples: int) -> tuple[SampleSource, bytes]:
    """Return a decoder of text, and lines with microseconds."""
    unit = parse_unit("g")
    writer = TextWriter(unit=unit, rate_hz=RATE_HZ, timestamps=True)
    values = np.random.default_rng(0).normal(0, 0.5, (samples, 3)).astype(np.float32)
    return TextSource(unit=unit, rate_hz=RATE_HZ), writer.header + b"".join(writer.lines(values, first=0))


def week(samples: int) -> dict[str, Any]:
    """Decode a week of samples in short reads, and watch memory."""
    device, source = Device(0), FrameSource()
    source.feed(device.hello(), 0.0)
    payloads, now_s, marks = device.payloads(), 0.0, []
    total = samples // SAMPLES_PER_FRAME
    for done in range(total):
        now_s += SAMPLES_PER_FRAME / RATE_HZ
        source.feed(device.frame(next(payloads)), now_s)
        if done % (total // 20) == total // 40:
            marks.append(resident_bytes())
    return {
        "samples": source.counts.samples,
        "days": round(now_s / 86400, 2),
        "growth_bytes": marks[-1] - marks[0],
        "largest_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "exact": source.counts.samples == samples and marks[-1] - marks[0] < 1_000_000,
    }


def resident_bytes() -> int:
    """Return the memory this process has now."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Run one of the soaks; exit 1 if it is not exact."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("faults", "pty", "week"), default="faults")
    parser.add_argument("--frames", type=int, default=10_000_000)
    parser.add_argument("--samples", type=int)
    parser.add_argument("--text", action="store_true", help="pty: lines of text instead of frames")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.what == "faults":
        result = soak(options.frames, options.seed)
    elif options.what == "pty":
        result = through_pty(options.samples or 1_000_000, text=options.text)
    else:
        result = week(options.samples or 60_480_000)
    print(json.dumps(result, indent=1))
    sys.exit(0 if result["exact"] else 1)


if __name__ == "__main__":
    main()
