"""The part of `har simulate` that speaks frames: play segments, and report what was injected."""

import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
import typer

from firmware_bridge.faults import Faults, Injected
from firmware_bridge.framesensor import Account, FrameSensor, Mishaps, SensorSpec
from firmware_bridge.simulator import Segment, SegmentStart


def play_frames(
    segments: Sequence[Segment],
    link: Path | None,
    *,
    spec: SensorSpec,
    faults: Faults,
    mishaps: Mishaps,
    seed: int,
    speed: float,
    loop: bool,
    duration_s: float | None,
    tell: Callable[[SegmentStart], None],
    account_file: TextIO | None,
    stop: Callable[[], bool],
) -> None:
    """Be a sensor that speaks frames, until everything is played or ``stop`` says so; print the port's name first."""
    samples_g = np.concatenate([segment.samples_g for segment in segments])
    total = float("inf") if loop else len(samples_g)
    if duration_s is not None:
        total = min(total, round(duration_s * spec.rate_hz))
    follower = _SegmentFollower(segments, total, spec.rate_hz, tell)
    sensor = FrameSensor(
        link, samples_g, spec=spec, faults=faults, mishaps=mishaps, seed=seed, speed=speed, on_sample=follower.reached
    )
    try:
        _say(f"listen with: har live BUNDLE --port {sensor.name}")
        typer.echo(sensor.name)
        account = sensor.run(total=total, stop=stop)
    finally:
        sensor.close()
    if account_file is not None:
        account_file.write(json.dumps(dataclasses.asdict(account)) + "\n")
    _say(_in_words(account))


def injected_in_words(injected: Injected) -> str:
    """Return how often each fault was injected."""
    counts = dataclasses.asdict(injected)
    return ", ".join(f"{name} {count:,}" for name, count in counts.items() if count) or "nothing"


class _SegmentFollower:
    """Tell when a segment begins, as samples are played in frames."""

    def __init__(
        self, segments: Sequence[Segment], total: float, rate_hz: float, tell: Callable[[SegmentStart], None]
    ) -> None:
        self._segments, self._total, self._rate_hz, self._tell = segments, total, rate_hz, tell
        self._next = self._turn = 0

    def reached(self, number: int) -> None:
        """Tell of every segment that has begun by sample ``number``."""
        while self._next <= number:
            segment = self._segments[self._turn % len(self._segments)]
            stop = min(self._next + len(segment.samples_g), self._total)
            self._tell(SegmentStart(self._next / self._rate_hz, stop / self._rate_hz, segment))
            self._next += len(segment.samples_g)
            self._turn += 1


def _in_words(account: Account) -> str:
    """Return what was done, and what a reader that stayed to the end has lost."""
    truth = account.truth
    return (
        f"played {truth.sent:,} samples; injected: {injected_in_words(account.injected)}; rebooted {account.reboots}, "
        f"unplugged {account.unplugs} times; a reader must report {truth.lost:,} samples lost, {truth.late:,} late, "
        f"{truth.repeated:,} repeated, and cannot know of {truth.unknowable:,}"
    )


def _say(text: str) -> None:
    """Print a line on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
