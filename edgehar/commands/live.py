"""`har live`: classify a sensor on a serial line as it moves."""

import contextlib
import json
import sys
import time
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TextIO

import typer
from rich.console import Console

from edgehar.commands.bundle_argument import DefaultBundleArgument, or_default
from edgehar.commands.calibration import MountingOption, WearerOption, chosen_mounting, place_of
from edgehar.commands.calibration import calibrate as find_mounting
from edgehar.commands.dashboard_options import (
    DEFAULT_RECORDINGS,
    AlsoOption,
    BrowserOption,
    DashboardHostOption,
    DashboardOptions,
    DashboardPortOption,
    RecordingsOption,
)
from edgehar.commands.interruption import StopRequest, stop_on_signals
from edgehar.commands.sensors import Sensor, open_lines, plan_sensors, shares_a_port
from edgehar.commands.stream_options import (
    BaudOption,
    PlainOption,
    PortsOption,
    ProtocolOption,
    ReconnectOption,
    SensorsOption,
    UnitOption,
    require_mqtt,
    require_positive,
    require_rate,
)
from edgehar.firmware_bridge.line.reader import Line
from edgehar.firmware_bridge.line.transport import DEFAULT_BAUD, has_ended
from edgehar.firmware_bridge.live.loop import LiveEnd, LiveLoop
from edgehar.firmware_bridge.live.pipeline import Classifier
from edgehar.firmware_bridge.live.several import OneAtATime, Session, run_sessions
from edgehar.firmware_bridge.live.sinks import LiveStatus, Sink
from edgehar.firmware_bridge.live.sinks.json_lines import JsonLinesSink
from edgehar.firmware_bridge.live.sinks.plain_lines import PlainLinesSink
from edgehar.firmware_bridge.session.protocol_detection import detect_protocol
from edgehar.firmware_bridge.stream.samples import Remark
from edgehar.firmware_bridge.web import LOOPBACK
from edgehar.models.bundle import Bundle, read_bundle
from edgehar.models.bundle.recognition import check_recognises_activities
from edgehar.models.contract import DEGREES_PER_SECOND
from edgehar.models.decoder.decoder import lag_in_windows
from edgehar.models.engines import ENGINES, Engine, load_engine
from edgehar.models.errors import BridgeError, UsageError
from edgehar.models.foreign_text import printable
from edgehar.models.mounting import MountedEngine, Mounting
from edgehar.models.units import UNIT_HELP, parse_unit

if TYPE_CHECKING:
    from edgehar.commands.dashboard_service.session import DashboardSession

_STDOUT = "-"
STANDARD_INPUT = "-"

DEFAULT_BRIDGE_MS: Final = 50.0
LONGEST_BRIDGE_MS: Final = 500.0
"""A quarter of a window."""


def live(
    port: PortsOption,
    bundle: DefaultBundleArgument = None,
    protocol: ProtocolOption = "auto",
    reconnect: ReconnectOption = None,
    unit: UnitOption = None,
    columns: SensorsOption = None,
    gyroscope_unit: Annotated[
        str | None,
        typer.Option(
            help=f"Unit of the last three of six --columns: {', '.join(DEGREES_PER_SECOND)}.",
            show_default="for models that take the turning rate",
        ),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Samples a second the sensor sends.", show_default="measured")
    ] = None,
    hop: Annotated[int | None, typer.Option(help="Samples between two labels.", show_default="the model's")] = None,
    duration: Annotated[
        float | None, typer.Option(metavar="S", help="Stop after so many seconds.", show_default="never")
    ] = None,
    jsonl: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write every label as a line of JSON; - is stdout.")
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Label every window alone, without the bundle's decoder.")] = False,
    lag: Annotated[
        float,
        typer.Option(
            metavar="S", help="Let every label wait so long for what comes after its window (after har tune)."
        ),
    ] = 0.0,
    bridge: Annotated[
        float, typer.Option(metavar="MS", help="Interpolate, and mark, gaps of up to so many milliseconds.")
    ] = DEFAULT_BRIDGE_MS,
    mqtt: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Publish every label: mqtt://[USER@]HOST[:PORT]/TOPIC, or mqtts://."),
    ] = None,
    home_assistant: Annotated[
        bool, typer.Option("--home-assistant", help="With --mqtt: let Home Assistant find the sensor by itself.")
    ] = False,
    mounting: MountingOption = None,
    wearer: WearerOption = None,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="First find how the sensor is mounted: stand still, then walk ten seconds. Kept for --wearer, or in "
            "--mounting.",
        ),
    ] = False,
    engine: Annotated[str, typer.Option(help=f"auto, {', '.join(ENGINES)}.")] = "auto",
    quantization: Annotated[str, typer.Option(help="Which artifact of the bundle to run.")] = "float32",
    baud: BaudOption = DEFAULT_BAUD,
    dashboard: Annotated[bool, typer.Option("--dashboard", help="Show it on a page of this machine as well.")] = False,
    dashboard_port: DashboardPortOption = None,
    dashboard_host: DashboardHostOption = LOOPBACK,
    recordings: RecordingsOption = DEFAULT_RECORDINGS,
    also: AlsoOption = None,
    browser: BrowserOption = False,
    plain: PlainOption = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as one JSON object, and no labels.")
    ] = False,
) -> None:
    """Classify live: samples from a serial port, as binary frames or as text lines x,y,z, become labels.

    Runs until --duration is over, Ctrl-C (exit code 130), or the sensor is unplugged (exit code 1) and not waited for;
    ends with a summary. Several sensors get labels each, with the names that --port and --columns give.
    Frames say their unit and rate. Of text lines the columns, the unit and the rate are found out:
    by names in a header or in the lines, by gravity, by measuring. What cannot be told is asked for: --columns, --unit.
    """
    if as_json and jsonl == _STDOUT:
        raise UsageError("expected --json or --jsonl - to use stdout, got both", next_step="Write --jsonl to a file.")
    require_mqtt(mqtt, home_assistant=home_assistant)
    _check_numbers(duration, bridge, hop, rate)
    declared = None if unit is None else parse_unit(unit)
    sensors = plan_sensors(port, columns, gyroscope=True)
    path = or_default(bundle)
    model = read_bundle(path)
    _check_lag(lag, model, raw=raw)
    runner = load_engine(model, engine, quantization)
    if dashboard or calibrate or mounting is not None or wearer is not None:
        check_recognises_activities(model.manifest, for_what="live with a dashboard or a mounting")
    _check_alone(len(sensors), mounting=calibrate or mounting is not None or wearer is not None, dashboard=dashboard)
    turned = (
        find_mounting(
            model,
            sensors[0].port,
            place_of(mounting, wearer),
            wearer=wearer or "wearer",
            protocol=protocol,
            reconnect=reconnect,
            unit=declared,
            columns=sensors[0].columns,
            rate_hz=rate,
            baud=baud,
            plain=plain or as_json or jsonl == _STDOUT,
        )
        if calibrate
        else chosen_mounting(model, mounting, wearer)
    )
    mounted: Classifier = runner if turned is None else MountedEngine(runner, turned)
    shared_engine = OneAtATime(mounted) if len(sensors) > 1 else mounted
    title = f"{model.manifest.model_id} on {runner.name} {runner.quantization} · {', '.join(port)}"
    began_s = time.monotonic()
    watched: DashboardSession | None = None

    def session_of(sensor: Sensor, line: Line) -> Session:
        wanted = "text" if shares_a_port(sensors, sensor) else protocol

        def session(sinks: Sequence[Sink], *, stop: Callable[[], bool]) -> LiveEnd:
            detected = detect_protocol(
                line,
                protocol=wanted,
                longest_s=duration,
                on_silence=_silence_reporter(sinks, sensor.port, baud),
                stop=stop,
            )
            left_s = None if duration is None else duration - (time.monotonic() - began_s)
            loop = LiveLoop.for_model(
                line,
                shared_engine,
                model.manifest,
                unit=declared,
                columns=sensor.columns,
                gyroscope_unit=gyroscope_unit,
                sensor=sensor.choice,
                rate_hz=rate,
                hop=hop,
                baud=baud,
                raw=raw,
                lag_s=lag,
                bridge_s=bridge / 1e3,
                hello=detected.hello,
                may_be_frames=wanted == "auto",
                arrived=detected.arrivals,
            )
            if watched is None:
                return loop.run(sinks, duration_s=left_s, stop=stop)
            watched.watch(loop)
            return loop.run(sinks, duration_s=left_s, stop=stop, on_block=watched.sampled)

        return session

    with stop_on_signals() as stop, contextlib.ExitStack() as opened:
        if dashboard and reconnect is None:
            # A page that is open shall see that the sensor is gone, and when it is there again.
            reconnect = sensors[0].port != STANDARD_INPUT
        lines = open_lines(sensors, baud=baud, reconnect=reconnect, opened=opened)
        several = bool(sensors[0].name)
        if dashboard:
            where = DashboardOptions(dashboard_host, dashboard_port, recordings, also or ())
            watched = _open_dashboard(where, path, model, runner, turned, sensors[0].port, opened)
            if browser:
                webbrowser.open(watched.url)
            opened.push(watched.staying(stop))
        sinks = _sinks(model, title, jsonl, opened, show_labels=not as_json, plain=plain or several)
        if mqtt is not None:
            sinks.append(_open_mqtt(mqtt, model, opened, announce=home_assistant))
        sinks += [watched.sink] if watched is not None else []
        sessions = {sensor.name: session_of(sensor, line) for sensor, line in zip(sensors, lines, strict=True)}
        began_s = time.monotonic()
        ends = run_sessions(sessions, sinks, stop=stop) if several else {"": sessions[""](sinks, stop=stop)}
        error = next(iter(ends.values())).error if watched is not None else None
        if watched is not None and error is not None and not stop():
            watched.serve_on(str(error), stop=stop)
    _report(ends, to_json=as_json, to_stderr=jsonl == _STDOUT)
    _exit(ends, {sensor.name: sensor.port for sensor in sensors}, stop, listened_s=time.monotonic() - began_s)


def _check_numbers(duration: float | None, bridge: float, hop: int | None, rate: float | None) -> None:
    """Refuse numbers that cannot be, before a device is waited for."""
    require_positive("--duration", duration)
    require_rate(rate)
    if not 0 <= bridge <= LONGEST_BRIDGE_MS:
        raise UsageError(
            f"expected --bridge from 0 to {LONGEST_BRIDGE_MS:g} ms, got {bridge:g}",
            next_step="A longer gap hides a movement: leave it a gap.",
        )
    if hop is not None and hop < 1:
        raise UsageError(f"expected a hop of at least 1 sample, got {hop}", next_step="Pass --hop 20, for example.")


def _check_alone(sensors: int, **options: bool) -> None:
    """Refuse what is for one sensor with several."""
    for name, is_given in options.items():
        if is_given and sensors > 1:
            raise UsageError(
                f"--{name}: expected one sensor with it, got {sensors}",
                next_step="Start one `har live` for each sensor, or leave it out.",
            )


def _check_lag(lag_s: float, model: Bundle, *, raw: bool) -> None:
    """Refuse to wait for nothing."""
    window = model.manifest.window
    lag_in_windows(lag_s, hop=window.hop, rate_hz=window.rate_hz)
    if lag_s and (raw or not model.manifest.decoder.is_markov):
        why = "--raw" if raw else f"the decoder of {model.manifest.model_id} has none"
        raise UsageError(
            f"--lag: expected a hidden Markov model to wait with, got {printable(why)}",
            next_step="Leave --lag out, or fit a decoder with har tune.",
        )


def _silence_reporter(sinks: Sequence[Sink], port: str, baud: int) -> Callable[[], None]:
    """Return what reports to a person that nothing has arrived yet."""
    text = (
        f"{port}: nothing has arrived yet; is the sensor on, and sending at {baud} baud? A device that waits to be "
        "asked needs --protocol frames"
    )

    def report() -> None:
        for sink in sinks:
            sink.remarked(Remark(text, warning=True))

    return report


def _open_jsonl(jsonl: str | None, opened: contextlib.ExitStack) -> TextIO | None:
    """Return where JSON lines go."""
    if jsonl is None:
        return None
    if jsonl == _STDOUT:
        return sys.stdout
    try:
        file = Path(jsonl).open("w", encoding="utf-8")  # noqa: SIM115 (closed by the stack)
    except OSError as error:
        raise UsageError(
            f"{jsonl}: expected a file to write labels to, got {error.strerror}",
            next_step="Choose another --jsonl.",
            path=jsonl,
        ) from error
    opened.callback(_close_quietly, file)
    return file


def _close_quietly(file: TextIO) -> None:
    """Close a file of labels; what a full disk did not take was said when it was written."""
    with contextlib.suppress(OSError):
        file.close()


def _open_dashboard(
    where: DashboardOptions,
    path: Path,
    model: Bundle,
    runner: Engine,
    mounting: Mounting | None,
    port: str,
    opened: contextlib.ExitStack,
) -> "DashboardSession":
    """Return the dashboard, and say where it is."""
    from edgehar.commands.dashboard_service.session import DashboardSession

    session = DashboardSession(where, path, model, runner, port=port, mounting=mounting)
    opened.callback(session.close)
    typer.echo(session.invitation(), err=True)
    return session


def _open_mqtt(url: str, model: Bundle, opened: contextlib.ExitStack, *, announce: bool) -> Sink:
    """Return the sink that publishes labels."""
    from edgehar.firmware_bridge.live.sinks.mqtt import MqttSink

    sink = MqttSink(url, labels=model.manifest.labels, model_id=model.manifest.model_id, announce=announce)
    opened.callback(sink.close)
    return sink


def _sinks(
    model: Bundle, title: str, jsonl: str | None, opened: contextlib.ExitStack, *, show_labels: bool, plain: bool
) -> list[Sink]:
    """Return where labels go: a file, and one sink for a person."""
    labels = model.manifest.labels
    sinks: list[Sink] = []
    labels_file = _open_jsonl(jsonl, opened)
    if labels_file is not None:
        sinks.append(JsonLinesSink(labels_file, name=jsonl or "", labels=labels))
    console = Console()
    if not show_labels or jsonl == _STDOUT:
        sinks.append(PlainLinesSink(labels_to=None, remarks_to=sys.stderr))
    elif console.is_terminal and not plain:
        from edgehar.firmware_bridge.live.sinks.terminal import TerminalView

        sinks.append(TerminalView(console, title=printable(title), labels=labels))
    else:
        sys.stderr.write(f"{printable(title)}\n")
        sinks.append(PlainLinesSink(labels_to=sys.stdout, remarks_to=sys.stderr))
    for sink in sinks:
        opened.callback(sink.close)
    return sinks


def _report(ends: Mapping[str, LiveEnd], *, to_json: bool, to_stderr: bool) -> None:
    """Print the summary: of one sensor, or of each of several."""
    if to_json:
        facts = [{**({"sensor": name} if name else {}), **end.status.to_json()} for name, end in ends.items()]
        typer.echo(json.dumps({"sensors": facts} if "" not in ends else facts[0], ensure_ascii=False))
        return
    for name, end in ends.items():
        typer.echo(printable(f"{name}: " if name else "") + end.status.sentence(), err=to_stderr)


def _exit(ends: Mapping[str, LiveEnd], ports: Mapping[str, str], stop: StopRequest, *, listened_s: float) -> None:
    """End with the exit code that tells how it went."""
    for end in ends.values():
        if end.error is not None and not has_ended(end.error):
            raise end.error
    if stop():
        raise typer.Exit(stop.exit_code)
    for name, end in ends.items():
        if not end.status.counts.samples:
            raise _no_sample(end.status, ports[name], listened_s)


def _no_sample(status: LiveStatus, port: str, listened_s: float) -> BridgeError:
    """Return the error of a stream that had no sample in it."""
    if status.counts.implausible:
        expected = "expected samples in the declared unit"
        got = f"{status.counts.implausible:,} lines, all with values that no accelerometer measures"
        next_step = f"Pass the --unit the sensor sends: {UNIT_HELP}."
    else:
        expected = "expected samples, as frames or lines of text"
        got = f"{status.counts.bytes_read:,} bytes and not one sample in {listened_s:.0f} s"
        next_step = "Check the wiring, --baud, and that the sensor sends frames or one x,y,z line a sample."
    return BridgeError(f"{port}: {expected}, got {got}", next_step=next_step, port=port)
