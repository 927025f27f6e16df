"""Put a simulated week of samples through source, resampler, windows, engine and decoder; print how memory grows.

    python tools/soak_live.py [--samples 60_000_000] [--rate 100] [--hop 20] [--bundle PATH --engine litert] [--blocks]

60 million samples at 100 Hz are 6.9 days. Samples reach the decoder of the wire as text lines with timestamps, in reads
of two seconds, some of them lost, so that every part ages; device ticks wrap every 71.6 minutes as ``micros()`` does.
With ``--blocks`` they enter behind the wire, as blocks, which is faster. Windows go through an engine every ``--hop``
samples. Resident memory is read from the kernel after a warm-up and at ten points; ends with 1 if it grew by
``--limit-mb`` or more.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgehar.firmware_bridge.live.pipeline import LivePipeline
from edgehar.firmware_bridge.stream.samples import SampleBlock
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.bundle import read_bundle
from edgehar.models.bundle.manifest import DecoderSpec
from edgehar.models.decoder import Decoder
from edgehar.models.engines import load_engine
from edgehar.models.units import parse_unit

_READ_S = 2.0
_LOSS_EVERY = 997
_WRAP = 2**32
_POINTS = 10


class _Linear:
    """An engine that costs next to nothing: a linear map of the window's mean and spread."""

    def __init__(self, classes: int) -> None:
        self._weights = np.random.default_rng(0).normal(size=(6, classes))

    def predict(self, windows: np.ndarray) -> np.ndarray:
        """Return probabilities."""
        features = np.concatenate([windows.mean(axis=1), windows.std(axis=1)], axis=1)
        powers = np.exp(features @ self._weights)
        return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def main() -> int:
    """Run, print, judge."""
    options = _options()
    live = _pipeline(options)
    source = TextSource(unit=parse_unit("g"), rate_hz=options.rate)
    chunks = _blocks(options) if options.blocks else _decoded(options, source)
    began_s, taken, due, points = time.monotonic(), 0, options.samples // 20, []
    for block in chunks:
        live.feed(block)
        taken += len(block.samples_g)
        if taken >= due:
            gc.collect()
            points.append((taken, _resident_mb()))
            due += options.samples // _POINTS
            if not options.json:
                print(
                    f"{taken:12,} samples   {points[-1][1]:7.2f} MB   {time.monotonic() - began_s:6.0f} s", flush=True
                )
    growth_mb = points[-1][1] - points[0][1]
    found = {
        "samples": taken,
        "days": round(taken / options.rate / 86400, 2),
        "windows": live.classified,
        "bridged_samples": live.bridged,
        "wall_s": round(time.monotonic() - began_s, 1),
        "resident_mb": [round(size, 2) for _, size in points],
        "growth_mb": round(growth_mb, 3),
    }
    print(json.dumps(found) if options.json else f"growth {growth_mb:.3f} MB over {found['days']} days")
    return int(growth_mb >= options.limit_mb)


def _options() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=60_000_000)
    parser.add_argument("--rate", type=float, default=100.0, help="of the sensor; the model's is 100 Hz")
    parser.add_argument("--hop", type=int, default=20)
    parser.add_argument("--bundle", type=Path, default=None, help="a model to run; a linear map without one")
    parser.add_argument("--engine", default="litert")
    parser.add_argument("--blocks", action="store_true", help="leave the text lines out")
    parser.add_argument("--limit-mb", type=float, default=1.0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _pipeline(options: argparse.Namespace) -> LivePipeline:
    """Return what classifies, with every part of it in use."""
    labels = tuple(f"activity {number}" for number in range(12))
    engine, length = _Linear(len(labels)), 200
    if options.bundle is not None:
        bundle = read_bundle(options.bundle)
        labels, length = bundle.manifest.labels, bundle.manifest.window.length
        engine = load_engine(bundle, options.engine)
    spec = DecoderSpec(smoothing_windows=3, reject_below=0.1, minimum_dwell_windows=2)
    return LivePipeline(
        engine,
        labels=labels,
        window_length=length,
        hop=options.hop,
        model_rate_hz=100.0,
        source_rate_hz=options.rate,
        decoder=Decoder(spec, labels, hop=options.hop, spec_hop=100, window_length=length),
        bridge_s=0.05,
    )


def _blocks(options: argparse.Namespace) -> Iterator[SampleBlock]:
    """Yield blocks of two seconds, a sample lost here and there."""
    count = max(1, round(_READ_S * options.rate))
    generator = np.random.default_rng(1)
    pool = generator.normal(0, 0.3, (count, 3)).astype(np.float32) + np.float32([0, 0, 1])
    lost = 0
    for number in range(options.samples // count):
        gone = int(number % _LOSS_EVERY == _LOSS_EVERY - 1) * (1 + number % 9)
        lost += gone
        times_s = (number * count + lost + np.arange(count)) / options.rate
        yield SampleBlock(pool, times_s, float(times_s[-1]), lost=gone, continues=not gone)


def _decoded(options: argparse.Namespace, source: TextSource) -> Iterator[SampleBlock]:
    """Yield what the decoder of text lines makes of two seconds at a time, a line lost here and there."""
    count = max(1, round(_READ_S * options.rate))
    generator = np.random.default_rng(1)
    rows = [
        f",{x:.3f},{y:.3f},{z:.3f}\n" for x, y, z in generator.normal(0, 0.3, (count, 3)) + np.array([0.0, 0.0, 1.0])
    ]
    source.feed(b"t_us,x,y,z\n", 0.0)
    for number in range(options.samples // count):
        first = number * count
        ticks = (np.arange(first, first + count) * (1e6 / options.rate)).astype(np.int64) % _WRAP
        lines = [f"{tick}{row}" for tick, row in zip(ticks.tolist(), rows, strict=True)]
        if number % _LOSS_EVERY == _LOSS_EVERY - 1:
            del lines[count // 2 : count // 2 + 1 + number % 9]
        yield from source.feed("".join(lines).encode(), (first + count) / options.rate).blocks


def _resident_mb() -> float:
    """Return resident memory of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("no VmRSS: is this Linux?")


if __name__ == "__main__":
    sys.exit(main())
