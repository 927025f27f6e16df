"""`har record`: capture labelled recordings from a sensor on a serial line."""

import contextlib
import datetime
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from edgehar.commands.interruption import StopRequest, stop_on_signals
from edgehar.commands.sensors import Sensor, open_lines, plan_sensors, require_gyroscope_unit, shares_a_port
from edgehar.commands.stream_options import (
    BaudOption,
    GyroscopeUnitOption,
    PlainOption,
    PortsOption,
    ProtocolOption,
    ReconnectOption,
    SensorsOption,
    UnitOption,
    require_not_negative,
    require_positive,
    require_rate,
)
from edgehar.firmware_bridge.frames.device_description import range_g, unit_of
from edgehar.firmware_bridge.frames.source import FrameSource
from edgehar.firmware_bridge.line.reader import Arrival, Line
from edgehar.firmware_bridge.line.transport import DEFAULT_BAUD, has_ended
from edgehar.firmware_bridge.record.following import FollowingSensor
from edgehar.firmware_bridge.record.guides import steps_of_guide
from edgehar.firmware_bridge.record.kept_lines import KeptLinesSource
from edgehar.firmware_bridge.record.keys import single_keys
from edgehar.firmware_bridge.record.loop import RecordEnd, RecordLoop
from edgehar.firmware_bridge.record.script import ScriptRunner, Step, parse_script, parse_step
from edgehar.firmware_bridge.record.view import LineRecordView, TerminalRecordView
from edgehar.firmware_bridge.record.writer import CaptureWriter
from edgehar.firmware_bridge.session.protocol_detection import GIVE_UP_S, DetectedProtocol, detect_protocol
from edgehar.firmware_bridge.stream.checks import SilenceCheck, StreamChecks
from edgehar.firmware_bridge.stream.samples import SampleSource
from edgehar.firmware_bridge.text.selection import SensorSelection
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.firmware_bridge.text.witmotion_source import WitMotionOrTextSource
from edgehar.firmware_bridge.web.phone_address import PATIENCE_S, is_phone
from edgehar.models.capture_file import SUFFIX, CaptureInfo
from edgehar.models.contract import CHANNELS, DEGREES_PER_SECOND, SAMPLE_RATE_HZ
from edgehar.models.errors import UsageError
from edgehar.models.foreign_text import printable
from edgehar.models.units import Unit, parse_unit

_GRAVITY_SAMPLES: Final = 200
_SEPARATORS: Final = tuple(filter(None, (os.sep, os.altsep)))


def record(
    port: PortsOption,
    subject: Annotated[str, typer.Option(help="Who wears the sensor: a name or number that tells people apart.")],
    placement: Annotated[str, typer.Option(help="Where on the body, and how mounted. Default: not stated.")] = "",
    activity: Annotated[
        list[str] | None, typer.Option(metavar="NAME:SECONDS", help='What to do, such as "walk:60"; may be repeated.')
    ] = None,
    script: Annotated[Path | None, typer.Option(help="A file of NAME:SECONDS lines instead.")] = None,
    guide: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Lead through a script of the package: personalize. Default: no guide."),
    ] = None,
    ready: Annotated[float, typer.Option(metavar="S", help="Seconds to get ready before each activity.")] = 5.0,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="The capture to write, or a folder for it; a path that ends with / is a folder.",
            show_default=f"SUBJECT-TIME{SUFFIX}",
        ),
    ] = None,
    protocol: ProtocolOption = "auto",
    reconnect: ReconnectOption = None,
    unit: UnitOption = None,
    columns: SensorsOption = None,
    gyroscope_unit: GyroscopeUnitOption = None,
    rate: Annotated[
        float | None,
        typer.Option(help="Samples a second that a sensor of text lines sends.", show_default="measured"),
    ] = None,
    duration: Annotated[
        float | None, typer.Option(metavar="S", help="Stop after so many seconds at the latest.", show_default="never")
    ] = None,
    baud: BaudOption = DEFAULT_BAUD,
    plain: PlainOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> None:
    """Record a person: say what to do and for how long, keep every sample with its label, mark every loss.

    Keys while it runs: n begins or ends an activity early, d discards it and asks again, 1-9 gives it another label,
    p pauses, q ends. Pulling the power loses at most one second, and the file needs no repair. Without any activity,
    samples are kept without labels until Ctrl-C. Read the capture with: har data import FILE --out STORE.
    """
    declared = None if unit is None else parse_unit(unit)
    sensors = plan_sensors(port, columns, gyroscope=True)
    require_gyroscope_unit(sensors, gyroscope_unit)
    steps = _steps(activity or [], script, guide)
    require_rate(rate)
    require_positive("--duration", duration)
    require_not_negative("--ready", ready)
    if not subject.strip():
        raise UsageError("expected a --subject, got an empty name", next_step="Name the wearer: --subject 7.")
    made = capture(
        sensors,
        steps,
        _destination(out, subject),
        subject=subject,
        placement=placement,
        ready_s=ready,
        protocol=protocol,
        reconnect=reconnect,
        unit=declared,
        gyroscope_unit=gyroscope_unit,
        rate_hz=rate,
        duration_s=duration,
        baud=baud,
        plain=plain or as_json,
    )
    _report(made, to_json=as_json)
    for error in (made.end.error, *(follower.error for follower in made.followers)):
        if error is not None and not has_ended(error):
            raise error
    if made.stop():
        raise typer.Exit(made.stop.exit_code)


@dataclass(frozen=True, slots=True)
class Captured:
    """Captures that were made, what was done for them, how they ended, and whether a signal ended them."""

    first: "_Started"
    followers: list[FollowingSensor]
    script: ScriptRunner
    end: RecordEnd
    stop: StopRequest


def capture(
    sensors: Sequence[Sensor],
    steps: tuple[Step, ...],
    path: Path,
    *,
    subject: str,
    placement: str,
    ready_s: float,
    protocol: str,
    reconnect: bool | None,
    unit: Unit | None,
    rate_hz: float | None,
    duration_s: float | None,
    baud: int,
    plain: bool,
    gyroscope_unit: str | None = None,
) -> Captured:
    """Lead a wearer through some activities, and write what each sensor sends meanwhile, into a file each."""
    runner = ScriptRunner(steps, ready_s=ready_s)
    with stop_on_signals() as stop, contextlib.ExitStack() as opened:
        lines = open_lines(sensors, baud=baud, reconnect=reconnect, opened=opened)
        longest_s = PATIENCE_S if any(is_phone(sensor.port) for sensor in sensors) else GIVE_UP_S
        patience_s = longest_s if duration_s is None else min(longest_s, duration_s)
        first, *others = [
            _start(
                sensor,
                line,
                path=path if not sensor.name else path.with_name(f"{path.stem}-{_safe(sensor.name)}{path.suffix}"),
                info=CaptureInfo(
                    subject, placement or sensor.name, "", rate_hz or SAMPLE_RATE_HZ, _utc_now(), sensor.port
                ),
                unit=unit,
                gyroscope_unit=gyroscope_unit,
                rate_is_adopted=rate_hz is None,
                detected=detect_protocol(
                    line,
                    protocol="text" if shares_a_port(sensors, sensor) else protocol,
                    give_up_s=patience_s,
                    stop=stop,
                ),
                baud=baud,
                opened=opened,
            )
            for sensor, line in zip(sensors, lines, strict=True)
        ]
        keys = opened.enter_context(single_keys())
        console = Console()
        view: TerminalRecordView | LineRecordView
        if console.is_terminal and not plain:
            ports = ", ".join(dict.fromkeys(sensor.port for sensor in sensors))
            title = printable(f"subject {subject} · {ports} · {first.writer.path}")
            view = TerminalRecordView(console, title=title, rate_hz=first.info.rate_hz)
        else:
            view = LineRecordView(sys.stderr)
        opened.callback(view.close)
        followers = [each.follow() for each in others]
        loop = RecordLoop(
            first.line,
            first.source,
            first.writer,
            script=runner,
            silence=first.silence,
            checks=first.checks,
            view=view,
            keys=keys,
            arrived=first.arrivals,
            followers=followers,
        )
        end = loop.run(duration_s=duration_s, stop=stop)
    return Captured(first, followers, runner, end, stop)


@dataclass(frozen=True, slots=True)
class _Started:
    """A sensor whose capture has begun."""

    name: str
    info: CaptureInfo
    line: Line
    source: SampleSource
    writer: CaptureWriter
    silence: SilenceCheck
    checks: StreamChecks
    arrivals: tuple[Arrival, ...]

    def follow(self) -> FollowingSensor:
        """Record it beside the first one."""
        return FollowingSensor(
            self.name,
            self.line,
            self.source,
            self.writer,
            silence=self.silence,
            checks=self.checks,
            arrived=self.arrivals,
        )


def _start(
    sensor: Sensor,
    line: Line,
    *,
    path: Path,
    info: CaptureInfo,
    unit: Unit | None,
    gyroscope_unit: str | None,
    rate_is_adopted: bool,
    detected: DetectedProtocol,
    baud: int,
    opened: contextlib.ExitStack,
) -> _Started:
    """Begin the capture of one sensor, with what it says of itself or what was declared."""
    hello, rate_hz = detected.hello, info.rate_hz
    limit_g = 32767 / unit.per_g if unit is not None and unit.counts else None
    if hello is not None:
        unit, rate_hz, limit_g = unit_of(hello), hello.rate_mhz / 1000, range_g(hello)
    info = replace(info, unit=unit.name if unit is not None else "", rate_hz=rate_hz)
    writer = CaptureWriter(path, info)
    opened.callback(writer.close)
    turns = hello is None and sensor.columns is not None and len(sensor.columns) > len(CHANNELS)
    if turns and gyroscope_unit is not None:
        writer.turning_unit(gyroscope_unit)

    def text_source(unit: Unit | None, columns: tuple[str, ...] | None = None) -> TextSource:
        return TextSource(
            unit=unit,
            rate_hz=rate_hz,
            columns=columns,
            turning_scale=DEGREES_PER_SECOND[gyroscope_unit] if turns and gyroscope_unit is not None else 1.0,
            selection=SensorSelection(sensor.choice, placement=info.placement),
            adopts_rate=rate_is_adopted,
        )

    source: SampleSource = (
        FrameSource()
        if hello is not None
        else KeptLinesSource(
            text_source(unit, sensor.columns)
            if turns
            else WitMotionOrTextSource(
                text_source(unit, sensor.columns), make_source=lambda: text_source(unit or parse_unit("g"))
            ),
            writer,
            unit=unit,
        )
    )
    return _Started(
        sensor.name,
        info,
        line,
        source,
        writer,
        SilenceCheck(port=sensor.port, baud=baud, started_s=time.monotonic()),
        StreamChecks(
            declared_rate_hz=rate_hz,
            window_length=_GRAVITY_SAMPLES,
            range_g=limit_g,
            rate_is_adopted=rate_is_adopted and hello is None,
        ),
        detected.arrivals,
    )


def _steps(activities: list[str], script: Path | None, guide: str | None) -> tuple[Step, ...]:
    """Return what is to be done."""
    if guide is not None:
        if activities or script is not None:
            raise UsageError(
                "expected --guide or --activity or --script, got several", next_step="Leave the others out."
            )
        return steps_of_guide(guide)
    if script is None:
        return tuple(parse_step(text) for text in activities)
    if activities:
        raise UsageError("expected --activity or --script, got both", next_step="Put everything into the script.")
    try:
        steps = parse_script(script.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{script}: expected a script of NAME:SECONDS lines, got {error}", next_step="Check the path."
        ) from error
    if not steps:
        raise UsageError(f"{script}: expected at least one NAME:SECONDS line, got none", next_step="Add one.")
    return steps


def _destination(out: str | None, subject: str) -> Path:
    """Return the file to write: ``out``, or a new name in it where it is a folder, or shall become one."""
    path = Path(out or ".")
    if out and not path.is_dir() and not out.endswith(_SEPARATORS):
        return path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S")
    return path / f"{_safe(subject)}-{stamp}{SUFFIX}"


def _safe(name: str) -> str:
    """Return a name as a part of a file's name."""
    return "".join(letter if letter.isalnum() else "-" for letter in name)


def _utc_now() -> str:
    """Return the time of day, everywhere the same."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _report(made: Captured, *, to_json: bool) -> None:
    """Say what was recorded, and where it is."""
    first, status = made.first, made.end.status
    takes = [{"activity": take.activity, "seconds": round(take.seconds, 3)} for take in made.script.kept]
    recorded = [(first.name, first.writer, status.counts, status.rate)]
    for follower in made.followers:
        state = follower.state
        recorded.append((follower.name, follower.writer, state.counts, state.rate))
    if to_json:
        facts = [
            {
                **({"sensor": name} if name else {}),
                "capture": str(writer.path),
                "samples": writer.samples_safe,
                "lost_samples": counts.lost,
                "holes_of_unknown_size": counts.restarts,
                "rate_hz": rate and round(rate.rate_hz, 4),
                "takes": takes,
            }
            for name, writer, counts, rate in recorded
        ]
        typer.echo(json.dumps({"sensors": facts} if first.name else facts[0], ensure_ascii=False))
        return
    count = "1 take" if len(takes) == 1 else f"{len(takes)} takes"
    for _, writer, counts, _ in recorded:
        path = writer.path
        typer.echo(printable(f"{path}: {writer.samples_safe:,} samples, {counts.lost:,} lost, {count}"))
        typer.echo(printable(f"Use it with --data {path}, or: har data import {path} --out STORE"))
