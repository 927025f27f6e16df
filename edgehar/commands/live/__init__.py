"""`har live`: classify a sensor on a serial line as it moves."""

import contextlib
import time
import webbrowser
from pathlib import Path
from typing import Annotated, Final

import typer

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
from edgehar.commands.interruption import stop_on_signals
from edgehar.commands.live.ending import exit_as_it_went, report_ends
from edgehar.commands.live.listening import Listening
from edgehar.commands.live.outputs import STDOUT, open_dashboard, open_mqtt, open_sinks
from edgehar.commands.live.streaming import StreamingOption, live_engine
from edgehar.commands.sensors import (
    Sensor,
    open_lines,
    plan_sensors,
    require_gyroscope_unit,
    shares_a_port,
    with_turning_of_phones,
)
from edgehar.commands.stream_options import (
    BaudOption,
    GyroscopeUnitOption,
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
from edgehar.firmware_bridge.line.transport import DEFAULT_BAUD
from edgehar.firmware_bridge.live.pipeline import Classifier
from edgehar.firmware_bridge.live.several import OneAtATime, run_sessions
from edgehar.firmware_bridge.web import LOOPBACK
from edgehar.models.bundle import Bundle, read_bundle
from edgehar.models.contract import CHANNELS
from edgehar.models.decoder.decoder import lag_in_windows
from edgehar.models.engines import ENGINES, Engine
from edgehar.models.errors import UsageError
from edgehar.models.foreign_text import printable
from edgehar.models.mounting import MountedEngine, Mounting
from edgehar.models.units import parse_unit

STANDARD_INPUT: Final = "-"

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
    gyroscope_unit: GyroscopeUnitOption = None,
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
    streaming: StreamingOption = None,
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
    if as_json and jsonl == STDOUT:
        raise UsageError("expected --json or --jsonl - to use stdout, got both", next_step="Write --jsonl to a file.")
    require_mqtt(mqtt, home_assistant=home_assistant)
    _check_numbers(duration, bridge, hop, rate)
    sensors = plan_sensors(port, columns, gyroscope=True)
    path = or_default(bundle)
    model = read_bundle(path)
    if len(model.manifest.window.channels) > len(CHANNELS):
        sensors, gyroscope_unit = with_turning_of_phones(sensors, gyroscope_unit)
    listening = Listening(
        protocol=protocol,
        unit=None if unit is None else parse_unit(unit),
        gyroscope_unit=gyroscope_unit,
        rate_hz=rate,
        hop=hop,
        duration_s=duration,
        raw=raw,
        lag_s=lag,
        bridge_s=bridge / 1e3,
        baud=baud,
    )
    _check_lag(lag, model, raw=raw)
    _check_alone(len(sensors), streaming=bool(streaming))
    runner = live_engine(model, engine, quantization, hop=hop, streaming=streaming, sensors=len(sensors))
    require_gyroscope_unit(sensors, gyroscope_unit)
    _check_alone(len(sensors), mounting=calibrate or mounting is not None or wearer is not None, dashboard=dashboard)
    turned: Mounting | None
    if calibrate:
        place, quiet = place_of(mounting, wearer), plain or as_json or jsonl == STDOUT
        turned = _found_mounting(model, sensors[0], listening, place, wearer, reconnect=reconnect, plain=quiet)
    else:
        turned = chosen_mounting(model, mounting, wearer)
    several = bool(sensors[0].name)
    with stop_on_signals() as stop, contextlib.ExitStack() as opened:
        if dashboard and reconnect is None:
            # A page that is open shall see that the sensor is gone, and when it is there again.
            reconnect = sensors[0].port != STANDARD_INPUT
        lines = open_lines(sensors, baud=baud, reconnect=reconnect, opened=opened)
        watched = None
        if dashboard:
            where = DashboardOptions(dashboard_host, dashboard_port, recordings, also or ())
            watched = open_dashboard(
                where, path, model, runner, turned, sensors[0].port, opened, gyroscope_unit=gyroscope_unit
            )
            if browser:
                webbrowser.open(watched.url)
            opened.push(watched.staying(stop))
        title = f"{model.manifest.model_id} on {runner.name} {runner.quantization} · {', '.join(port)}"
        sinks = open_sinks(model, title, jsonl, opened, show_labels=not as_json, plain=plain or several)
        if mqtt is not None:
            sinks.append(open_mqtt(mqtt, model, opened, announce=home_assistant))
        sinks += [watched.sink] if watched is not None else []
        classifier = _classifier(runner, turned, sensors=len(sensors))
        began_s = time.monotonic()
        sessions = {
            sensor.name: listening.session(
                line, sensor, classifier, model.manifest, text_only=shares_a_port(sensors, sensor), watched=watched
            )
            for sensor, line in zip(sensors, lines, strict=True)
        }
        ends = run_sessions(sessions, sinks, stop=stop) if several else {"": sessions[""](sinks, stop=stop)}
        error = next(iter(ends.values())).error if watched is not None else None
        if watched is not None and error is not None and not stop():
            watched.serve_on(str(error), stop=stop)
    report_ends(ends, to_json=as_json, to_stderr=jsonl == STDOUT)
    exit_as_it_went(ends, {sensor.name: sensor.port for sensor in sensors}, stop, listened_s=time.monotonic() - began_s)


def _found_mounting(
    model: Bundle,
    sensor: Sensor,
    listening: Listening,
    place: Path,
    wearer: str | None,
    *,
    reconnect: bool | None,
    plain: bool,
) -> Mounting:
    """Lead the wearer through standing and walking, and return how the sensor is mounted."""
    return find_mounting(
        model,
        sensor.port,
        place,
        wearer=wearer or "wearer",
        protocol=listening.protocol,
        reconnect=reconnect,
        unit=listening.unit,
        columns=sensor.columns,
        gyroscope_unit=listening.gyroscope_unit,
        rate_hz=listening.rate_hz,
        baud=listening.baud,
        plain=plain,
    )


def _classifier(engine: Engine, mounting: Mounting | None, *, sensors: int) -> Classifier:
    """Return what labels windows: the engine, in the wearer's axes, one sensor at a time."""
    mounted: Classifier = engine if mounting is None else MountedEngine(engine, mounting)
    return OneAtATime(mounted) if sensors > 1 else mounted


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
