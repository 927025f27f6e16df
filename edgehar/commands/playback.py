"""The parts of `har simulate` that play: lines or frames into a virtual port, with an account of what was injected."""

import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import typer

from edgehar.firmware_bridge.line.pseudo_terminal import VirtualPort
from edgehar.firmware_bridge.simulate.faults import FaultInjector, Faults, Injected
from edgehar.firmware_bridge.simulate.frame_sensor import Account, FrameSensor, Mishaps, SensorSpec
from edgehar.firmware_bridge.simulate.simulator import Played, Segment, SegmentStart, VirtualSensor
from edgehar.firmware_bridge.simulate.text_writer import FaultyWriter, TextWriter
from edgehar.models.foreign_text import printable
from edgehar.models.units import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What to play, where, how fast, and what happens to it.

    Parameters
    ----------
    segments, rate_hz
        What a sensor of that rate measures.
    link
        Name of the port.
    speed
        How many times faster than real time; 0 is as fast as it is read.
    loop, duration_s
        When to end.
    faults, seed
        Damage on the line.
    tell
        Told when a segment begins.
    account_file
        Where to write what was injected.
    """

    segments: Sequence[Segment]
    link: Path | None
    rate_hz: float
    speed: float
    loop: bool
    duration_s: float | None
    faults: Faults
    seed: int
    tell: Callable[[SegmentStart], None]
    account_file: TextIO | None

    def write_account(self, account: dict[str, object]) -> None:
        """Write what was injected, where that is wanted."""
        if self.account_file is not None:
            self.account_file.write(json.dumps(account) + "\n")


def play_text(play: Play, writer: TextWriter, unit: Unit, *, stop: Callable[[], bool]) -> None:
    """Be a sensor that prints lines, until everything is played or ``stop`` says so; print the port's name first."""
    line = FaultInjector(play.faults, seed=play.seed)
    port = VirtualPort(play.link)
    try:
        columns = writer.header.decode().strip()
        say(f"lines {columns} in {unit.name}")
        turning = " --columns x,y,z,gx,gy,gz --gyroscope-unit deg/s" if "gx" in columns else ""
        say(f"listen with: har live BUNDLE --port {port.name} --unit {unit.name} --rate {play.rate_hz:g}{turning}")
        typer.echo(port.name)
        played = VirtualSensor(
            port,
            play.segments,
            writer=FaultyWriter(writer, line) if play.faults else writer,
            rate_hz=play.rate_hz,
            speed=play.speed,
            loop=play.loop,
            duration_s=play.duration_s,
            on_segment=play.tell,
            on_reader=_tell_reader,
        ).run(stop)
    finally:
        port.close()
    play.write_account({"sent": played.samples, "injected": dataclasses.asdict(line.injected)})
    _report(played, line.injected)


def play_frames(play: Play, spec: SensorSpec, mishaps: Mishaps, *, stop: Callable[[], bool]) -> None:
    """Be a sensor that speaks frames, until everything is played or ``stop`` says so; print the port's name first."""
    samples_g = np.concatenate([segment.samples_g for segment in play.segments])
    total = float("inf") if play.loop else len(samples_g)
    if play.duration_s is not None:
        total = min(total, round(play.duration_s * play.rate_hz))
    sensor = FrameSensor(
        play.link,
        samples_g,
        spec=spec,
        faults=play.faults,
        mishaps=mishaps,
        seed=play.seed,
        speed=play.speed,
        on_sample=_SegmentFollower(play, total).reached,
    )
    try:
        say(f"frames of {spec.samples_per_frame} samples, {spec.unit.per_g:g} counts a g")
        say(f"listen with: har live BUNDLE --port {sensor.name}")
        typer.echo(sensor.name)
        account = sensor.run(total=total, stop=stop)
    finally:
        sensor.close()
    play.write_account(dataclasses.asdict(account))
    say(_in_words(account))


def say(text: str) -> None:
    """Print a line on stderr."""
    sys.stderr.write(printable(text) + "\n")
    sys.stderr.flush()


class _SegmentFollower:
    """Tell when a segment begins, as samples are played in frames."""

    def __init__(self, play: Play, total: float) -> None:
        self._play, self._total = play, total
        self._next = self._turn = 0

    def reached(self, number: int) -> None:
        """Tell of every segment that has begun by sample ``number``."""
        segments, rate_hz = self._play.segments, self._play.rate_hz
        while self._next <= number:
            segment = segments[self._turn % len(segments)]
            stop = min(self._next + len(segment.samples_g), self._total)
            self._play.tell(SegmentStart(self._next / rate_hz, stop / rate_hz, segment))
            self._next += len(segment.samples_g)
            self._turn += 1


def _tell_reader(present: bool) -> None:
    """Say that a reader opened or closed the port."""
    say("a reader has opened the port" if present else "the reader has closed the port; the recording waits")


def _report(played: Played, injected: Injected) -> None:
    """Say what was done with lines."""
    lag = f", held up by the reader by up to {played.longest_lag_s:.1f} s" if played.longest_lag_s > 0.5 else ""
    unread = f", {played.unread:,} bytes left unread" if played.unread else ""
    readers = f"{played.readers} reader{'' if played.readers == 1 else 's'}"
    say(f"played {played.samples:,} samples to {readers}{lag}{unread}; injected: {_injected_in_words(injected)}")


def _in_words(account: Account) -> str:
    """Return what was done with frames, and what a reader that stayed to the end has lost."""
    truth = account.truth
    return (
        f"played {truth.sent:,} samples; injected: {_injected_in_words(account.injected)}; rebooted {account.reboots}, "
        f"unplugged {account.unplugs} times; a reader must report {truth.lost:,} samples lost, {truth.late:,} late, "
        f"{truth.repeated:,} repeated, and cannot know of {truth.unknowable:,}"
    )


def _injected_in_words(injected: Injected) -> str:
    """Return how often each fault was injected."""
    counts = dataclasses.asdict(injected)
    return ", ".join(f"{name} {count:,}" for name, count in counts.items() if count) or "nothing"
