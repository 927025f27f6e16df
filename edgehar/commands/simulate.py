"""`har simulate`: a virtual sensor that plays a recording into a serial port."""

import contextlib
import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, TextIO

import numpy as np
import numpy.typing as npt
import typer

from edgehar.commands.interruption import stop_on_signals
from edgehar.commands.playback import Play, play_frames, play_text, say
from edgehar.commands.progress import progress_bar
from edgehar.commands.stream_options import require_not_negative, require_positive, require_rate
from edgehar.firmware_bridge.simulate.faults import FAULT_HELP, parse_faults
from edgehar.firmware_bridge.simulate.frame_sensor import Mishaps, SensorSpec
from edgehar.firmware_bridge.simulate.simulator import Segment, SegmentStart
from edgehar.firmware_bridge.simulate.text_writer import TextWriter
from edgehar.models.errors import UsageError
from edgehar.models.units import UNIT_HELP, Unit, parse_unit
from edgehar.pipeline.data.rate_conversion import resample
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset, Recording

_COUNTS = "raw:2048"
"""Frames carry counts: those of a sensor of ±16 g, unless another unit is asked for."""


def simulate(
    data: Annotated[str, typer.Option(help="Recordings: a store, a data set's folder, a CSV, or synthetic.")],
    subject: Annotated[
        str | None, typer.Option(help="Whose recordings to play.", show_default="the first person's")
    ] = None,
    link: Annotated[
        Path | None,
        typer.Option(help="Name of the port: a link that stays the same.", show_default="the system's name"),
    ] = None,
    speed: Annotated[
        str, typer.Option(help="How many times faster than real time; max is as fast as it is read.")
    ] = "1",
    activity: Annotated[
        list[str] | None, typer.Option(help="Play only this activity; may be repeated.", show_default="all")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Samples a second of the sensor.", show_default="the recordings'")
    ] = None,
    unit: Annotated[str, typer.Option(help=f"What the sensor prints: {UNIT_HELP}.")] = "g",
    timestamps: Annotated[bool, typer.Option("--timestamps", help="Begin every line with microseconds.")] = False,
    loop: Annotated[bool, typer.Option("--loop/--once", help="Begin anew at the end, or unplug.")] = False,
    duration: Annotated[
        float | None,
        typer.Option(metavar="S", help="Stop after so many seconds of the sensor's time.", show_default="at the end"),
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="Write what is played, and when, as lines of JSON.")] = None,
    protocol: Annotated[str, typer.Option(help="text or frames.")] = "text",
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=P", help=f"Damage what is sent: {FAULT_HELP}; may be repeated.", show_default="none"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed does the same damage.")] = 0,
    account: Annotated[
        Path | None, typer.Option(help="Write what was injected, and what a reader must report, as JSON.")
    ] = None,
    samples_per_frame: Annotated[
        int, typer.Option(help="Frames: samples in each, 1 to 39; with a gyroscope, to 19.")
    ] = 10,
    jitter: Annotated[float, typer.Option(metavar="MS", help="Frames: standard deviation of the times told.")] = 0.0,
    drift: Annotated[float, typer.Option(metavar="PPM", help="Frames: how much too fast its clock runs.")] = 0.0,
    reboot_every: Annotated[
        float | None, typer.Option(metavar="S", help="Frames: begin anew so often.", show_default="never")
    ] = None,
    unplug_every: Annotated[
        float | None, typer.Option(metavar="S", help="Frames: be unplugged so often.", show_default="never")
    ] = None,
    unplug_for: Annotated[float, typer.Option(metavar="S", help="Frames: and for so long.")] = 1.0,
) -> None:
    """Be a sensor: play a person's recordings into a virtual serial port, as text lines or as binary frames.

    Prints the port's name, then what is being done as it plays (on stderr). The recording waits until a program
    opens the port, and waits for a slow reader. Only --fault, --reboot-every and --unplug-every lose samples, and the
    loss is counted. Stop it with Ctrl-C; the port's link is removed.
    """
    faults, factor = parse_faults(fault or []), _parse_speed(speed)
    for option, seconds in (
        ("--reboot-every", reboot_every),
        ("--unplug-every", unplug_every),
        ("--duration", duration),
    ):
        require_positive(option, seconds)
    for option, number in (("--unplug-for", unplug_for), ("--jitter", jitter)):
        require_not_negative(option, number)
    require_rate(rate)
    mishaps = Mishaps(reboot_every_s=reboot_every, unplug_every_s=unplug_every, unplug_for_s=unplug_for)
    declared = parse_unit(_COUNTS if protocol == "frames" and unit == "g" else unit)
    _check_protocol(protocol, only_frames=mishaps != Mishaps(unplug_for_s=unplug_for) or bool(jitter or drift))
    spec = None
    if protocol == "frames":
        spec = SensorSpec(
            declared, rate or 1.0, samples_per_frame=samples_per_frame, jitter_s=jitter / 1e3, drift_ppm=drift
        )
    with progress_bar("reading recordings") as advance:
        recordings = _choose(load_dataset(data, progress=advance), subject)
    rate_hz = _common_rate(recordings) if rate is None else rate
    segments = list(_segments(recordings, rate_hz=rate_hz, activities=activity or []))
    _warn_of_saturation(segments, declared)
    with stop_on_signals() as stop, contextlib.ExitStack() as opened:
        truth_file = None if truth is None else opened.enter_context(_open_truth(truth))
        account_file = None if account is None else opened.enter_context(_open_truth(account))
        play = Play(
            segments=segments,
            link=link,
            rate_hz=rate_hz,
            speed=factor,
            loop=loop,
            duration_s=duration,
            faults=faults,
            seed=seed,
            tell=_segment_reporter(truth_file, recordings[0].subject),
            account_file=account_file,
        )
        _introduce(recordings, segments, rate_hz)
        if spec is not None:
            play_frames(play, dataclasses.replace(spec, rate_hz=rate_hz), mishaps, stop=stop)
        else:
            channels = recordings[0].channels
            writer = TextWriter(unit=declared, rate_hz=rate_hz, timestamps=timestamps, channels=channels)
            play_text(play, writer, declared, stop=stop)
    if stop():
        raise typer.Exit(stop.exit_code)


def _check_protocol(protocol: str, *, only_frames: bool) -> None:
    """Refuse a protocol there is not, and text where a device was asked for that text cannot tell of."""
    if protocol not in ("text", "frames"):
        raise UsageError(f"expected --protocol text or frames, got {protocol!r}", next_step="Leave it out for text.")
    if protocol == "text" and only_frames:
        raise UsageError(
            "expected --protocol frames with --jitter, --drift, --reboot-every or --unplug-every, got text",
            next_step="Text lines cannot tell of a reboot or a drifting clock: add --protocol frames.",
        )


def _parse_speed(text: str) -> float:
    """Return the factor by which time runs faster; 0 for as fast as possible."""
    try:
        factor = 0.0 if text.strip().lower() == "max" else float(text)
    except ValueError:
        factor = math.nan
    if not (math.isfinite(factor) and factor >= 0):
        raise UsageError(f"expected a --speed of 0 or more, or max, got {text!r}", next_step="Pass --speed 1.")
    return factor


def _choose(dataset: Dataset, subject: str | None) -> tuple[Recording, ...]:
    """Return the recordings of one person."""
    return dataset.of_subject(dataset.subjects[0] if subject is None else subject)


def _common_rate(recordings: Iterable[Recording]) -> float:
    """Return the rate of the recordings, if they have one in common."""
    rates = sorted({recording.rate_hz for recording in recordings})
    if len(rates) > 1:
        listed = ", ".join(f"{rate:g}" for rate in rates)
        raise UsageError(f"the recordings have different rates: {listed} Hz", next_step="Choose one with --rate.")
    return rates[0]


def _segments(recordings: Iterable[Recording], *, rate_hz: float, activities: Iterable[str]) -> Iterator[Segment]:
    """Yield what is to be played: everything in order, or only the named activities."""
    wanted = {name.lower() for name in activities}
    known = {label.activity for recording in recordings for label in recording.labels}
    unknown = wanted - {name.lower() for name in known}
    if unknown:
        raise UsageError(
            f"activity {sorted(unknown)[0]!r} is not in these recordings; there are {', '.join(sorted(known))}",
            next_step="Choose from these.",
        )
    for recording in recordings:
        samples_g = _at_rate(recording, rate_hz)
        for start, stop, label in _spans(recording, rate_hz, len(samples_g)):
            if not wanted or (label is not None and label.lower() in wanted):
                yield Segment(samples_g[start:stop], label, recording.recording_id)


def _at_rate(recording: Recording, rate_hz: float) -> npt.NDArray[np.float32]:
    """Return a recording's samples at the sensor's rate."""
    return resample(recording.samples, from_hz=recording.rate_hz, to_hz=rate_hz)


def _spans(recording: Recording, rate_hz: float, length: int) -> Iterator[tuple[int, int, str | None]]:
    """Yield (start, stop, label) over a whole recording at the sensor's rate; the label is None between intervals."""
    scale = rate_hz / recording.rate_hz
    done = 0
    for interval in recording.labels:
        start, stop = (min(length, round(edge * scale)) for edge in (interval.start, interval.stop))
        if start > done:
            yield done, start, None
        if stop > start:
            yield start, stop, interval.activity
        done = stop
    if length > done:
        yield done, length, None


def _warn_of_saturation(segments: list[Segment], declared: Unit) -> None:
    """Say how many samples a 16-bit sensor of this sensitivity cannot express."""
    if not declared.counts:
        return
    limit_g = 32767 / declared.per_g
    beyond = sum(int((np.abs(segment.samples_g[:, :3]) > limit_g).any(axis=1).sum()) for segment in segments)
    if beyond:
        say(f"warning: {beyond:,} samples are beyond ±{limit_g:.3g} g and saturate, as they would in such a sensor")


def _open_truth(path: Path) -> TextIO:
    """Open the file that tells what was played."""
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{path}: expected a file to write the truth to, got {error.strerror}", next_step="Choose another --truth."
        ) from error


def _introduce(recordings: tuple[Recording, ...], segments: list[Segment], rate_hz: float) -> None:
    """Say what will be played."""
    seconds = sum(len(segment.samples_g) for segment in segments) / rate_hz
    say(f"subject {recordings[0].subject}: {seconds:,.0f} s in {len(recordings)} recordings, at {rate_hz:g} Hz")


def _segment_reporter(truth: TextIO | None, subject: str) -> Callable[[SegmentStart], None]:
    """Return what reports to a person, and to the truth file, which activity begins."""

    def tell(start: SegmentStart) -> None:
        segment = start.segment
        say(f"{start.start_s:10.2f} s   {segment.label or '(no label)':<20} {segment.source}")
        if truth is not None:
            line = {
                "t_s": round(start.start_s, 6),
                "until_s": round(start.stop_s, 6),
                "label": segment.label,
                "subject": subject,
                "recording": segment.source,
            }
            truth.write(json.dumps(line, ensure_ascii=False) + "\n")
            truth.flush()

    return tell
