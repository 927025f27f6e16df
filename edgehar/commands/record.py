"""`har record`: capture labelled recordings from a sensor on a serial line."""

import contextlib
import datetime
import json
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from edgehar.commands.interruption import stop_on_signals
from edgehar.firmware_bridge.frames.hello import range_g, unit_of
from edgehar.firmware_bridge.frames.source import FrameSource
from edgehar.firmware_bridge.line.reconnection import open_reader
from edgehar.firmware_bridge.line.transport import DEFAULT_BAUD
from edgehar.firmware_bridge.record.keys import single_keys
from edgehar.firmware_bridge.record.loop import RecordEnd, RecordLoop
from edgehar.firmware_bridge.record.script import Session, Step, parse_script, parse_step
from edgehar.firmware_bridge.record.view import LineRecordView, TerminalRecordView
from edgehar.firmware_bridge.record.writer import CaptureWriter
from edgehar.firmware_bridge.session.detection import GIVE_UP_S, greet
from edgehar.firmware_bridge.stream.checks import SilenceCheck, StreamChecks
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.capture_file import SUFFIX, CaptureInfo
from edgehar.models.contract import SAMPLE_RATE_HZ
from edgehar.models.errors import UsageError
from edgehar.models.foreign_text import printable
from edgehar.models.units import UNIT_HELP, parse_unit

_GRAVITY_SAMPLES: Final = 200


def record(
    port: Annotated[
        str,
        typer.Option(help="/dev/ttyUSB0, COM3, usb:VENDOR:PRODUCT[:SERIAL], socket://HOST:PORT, rfc2217://HOST:PORT."),
    ],
    subject: Annotated[str, typer.Option(help="Who wears the sensor: a name or number that tells people apart.")],
    placement: Annotated[str, typer.Option(help="Where on the body, and how mounted.")] = "",
    activity: Annotated[
        list[str] | None, typer.Option(metavar="NAME:SECONDS", help='What to do, such as "walk:60"; may be repeated.')
    ] = None,
    script: Annotated[Path | None, typer.Option(help="A file of NAME:SECONDS lines instead.")] = None,
    ready: Annotated[float, typer.Option(help="Seconds to get ready before each activity.")] = 5.0,
    out: Annotated[
        Path | None, typer.Option(help=f"The capture to write, or a folder for it. Default: SUBJECT-TIME{SUFFIX}.")
    ] = None,
    protocol: Annotated[str, typer.Option(help="auto, frames (binary) or text.")] = "auto",
    reconnect: Annotated[
        bool | None,
        typer.Option("--reconnect/--no-reconnect", help="Wait for an unplugged sensor. Default: for USB devices."),
    ] = None,
    unit: Annotated[str, typer.Option(help=f"What a sensor of text lines prints: {UNIT_HELP}.")] = "g",
    rate: Annotated[float, typer.Option(help="Samples a second that a sensor of text lines sends.")] = SAMPLE_RATE_HZ,
    duration: Annotated[float | None, typer.Option(help="Stop after so many seconds at the latest.")] = None,
    baud: Annotated[int, typer.Option(help="Bits a second, as the sensor was set to.")] = DEFAULT_BAUD,
    plain: Annotated[bool, typer.Option("--plain", help="Print lines, even on a terminal.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> None:
    """Record a person: say what to do and for how long, keep every sample with its label, mark every loss.

    Keys while it runs: n begins or ends an activity early, d discards it and asks again, 1-9 gives it another label,
    p pauses, q ends. Pulling the power loses at most one second, and the file needs no repair. Without any activity,
    samples are kept without labels until Ctrl-C. Read the capture with: har data import FILE --out STORE.
    """
    declared = parse_unit(unit)
    steps = _steps(activity or [], script)
    if not 0 < rate < float("inf") or not 0 <= ready < float("inf") or (duration is not None and not duration > 0):
        raise UsageError(
            f"expected --rate and --duration above 0 and --ready not below, got {rate:g}, {duration} and {ready:g}",
            next_step="Pass what the sensor's data sheet and your patience say.",
        )
    if not subject.strip():
        raise UsageError("expected a --subject, got an empty name", next_step="Name the wearer: --subject 7.")
    session = Session(steps, ready_s=ready)
    with stop_on_signals() as stop, contextlib.ExitStack() as opened:
        reader = open_reader(port, baud=baud, reconnect=reconnect)
        opened.callback(reader.close)
        patience_s = GIVE_UP_S if duration is None else min(GIVE_UP_S, duration)
        greeting = greet(reader, protocol=protocol, give_up_s=patience_s, stop=stop)
        hello = greeting.hello
        limit_g = 32767 / declared.per_g if declared.counts else None
        if hello is not None:
            declared, rate, limit_g = unit_of(hello), hello.rate_mhz / 1000, range_g(hello)
        path = _destination(out, subject)
        writer = CaptureWriter(path, CaptureInfo(subject, placement, declared.name, rate, _utc_now(), port))
        opened.callback(writer.close)
        keys = opened.enter_context(single_keys())
        console = Console()
        view: TerminalRecordView | LineRecordView
        if console.is_terminal and not plain and not as_json:
            view = TerminalRecordView(console, title=f"subject {subject} · {port} · {path}", rate_hz=rate)
        else:
            view = LineRecordView(sys.stderr)
        opened.callback(view.close)
        loop = RecordLoop(
            reader,
            TextSource(unit=declared, rate_hz=rate) if hello is None else FrameSource(),
            writer,
            session=session,
            silence=SilenceCheck(port=port, baud=baud, started_s=time.monotonic()),
            checks=StreamChecks(
                unit_name=declared.name, declared_rate_hz=rate, window_length=_GRAVITY_SAMPLES, range_g=limit_g
            ),
            view=view,
            keys=keys,
            arrived=greeting.arrivals,
        )
        end = loop.run(duration_s=duration, stop=stop)
    _report(end, session, path, to_json=as_json)
    if end.error is not None:
        raise end.error
    if stop():
        raise typer.Exit(stop.exit_code)


def _steps(activities: list[str], script: Path | None) -> tuple[Step, ...]:
    """Return what is to be done."""
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


def _destination(out: Path | None, subject: str) -> Path:
    """Return the file to write."""
    if out is not None and not out.is_dir():
        return out if out.suffix == SUFFIX else out.with_name(out.name + SUFFIX)
    safe = "".join(letter if letter.isalnum() else "-" for letter in subject)
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S")
    return (out or Path()) / f"{safe}-{stamp}{SUFFIX}"


def _utc_now() -> str:
    """Return the time of day, everywhere the same."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _report(end: RecordEnd, session: Session, path: Path, *, to_json: bool) -> None:
    """Say what was recorded, and where it is."""
    counts = end.status.counts
    if to_json:
        facts = {
            "capture": str(path),
            "samples": end.status.samples_safe,
            "lost_samples": counts.lost,
            "holes_of_unknown_size": counts.restarts,
            "rate_hz": end.status.rate and round(end.status.rate.rate_hz, 4),
            "takes": [{"activity": take.activity, "seconds": round(take.seconds, 3)} for take in session.kept],
        }
        typer.echo(json.dumps(facts, ensure_ascii=False))
        return
    takes = "1 take" if len(session.kept) == 1 else f"{len(session.kept)} takes"
    typer.echo(printable(f"{path}: {end.status.samples_safe:,} samples, {counts.lost:,} lost, {takes}"))
    typer.echo(printable(f"Use it with --data {path}, or: har data import {path} --out STORE"))
