"""`har dashboard`: a page of this machine with a live session, or with what was recorded."""

import contextlib
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from edgehar.commands.bundle_argument import DefaultBundleArgument, or_default
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
from edgehar.commands.live import live
from edgehar.commands.stream_options import (
    PORT_HELP,
    BaudOption,
    ColumnsOption,
    GyroscopeUnitOption,
    ProtocolOption,
    UnitOption,
)
from edgehar.firmware_bridge.line.transport import DEFAULT_BAUD
from edgehar.firmware_bridge.web import LOOPBACK
from edgehar.models.bundle import read_bundle
from edgehar.models.engines import ENGINES, load_engine
from edgehar.models.errors import UsageError


def dashboard(
    bundle: DefaultBundleArgument = None,
    port: Annotated[
        str | None, typer.Option(help=f"A sensor to classify: {PORT_HELP}", show_default="none, only captures")
    ] = None,
    capture: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="A capture to play with its labels; may be repeated. Default: those recorded."
        ),
    ] = None,
    protocol: ProtocolOption = "auto",
    unit: UnitOption = None,
    columns: ColumnsOption = None,
    gyroscope_unit: GyroscopeUnitOption = None,
    baud: BaudOption = DEFAULT_BAUD,
    engine: Annotated[str, typer.Option(help=f"auto, {', '.join(ENGINES)}.")] = "auto",
    quantization: Annotated[str, typer.Option(help="Which artifact of the bundle to run.")] = "float32",
    dashboard_port: DashboardPortOption = None,
    dashboard_host: DashboardHostOption = LOOPBACK,
    recordings: RecordingsOption = DEFAULT_RECORDINGS,
    also: AlsoOption = None,
    browser: BrowserOption = False,
) -> None:
    """Show a page of this machine: labels of a live sensor (as har live --dashboard does), or captures with theirs.

    The page records, labels, changes model and engine, and fits the model to its wearer. Ctrl-C ends it.
    """
    missing = [str(path) for path in capture or () if not path.is_file()]
    if missing:
        raise UsageError(f"{missing[0]}: expected a capture, there is no such file", next_step="Check --capture.")
    path = or_default(bundle)
    if port is not None:
        live(
            bundle=path,
            port=[port],
            protocol=protocol,
            unit=unit,
            columns=None if columns is None else [columns],
            gyroscope_unit=gyroscope_unit,
            baud=baud,
            engine=engine,
            quantization=quantization,
            dashboard=True,
            dashboard_port=dashboard_port,
            dashboard_host=dashboard_host,
            recordings=recordings,
            also=also,
            browser=browser,
        )
        return
    from edgehar.commands.dashboard_service.session import DashboardSession

    model = read_bundle(path)
    runner = load_engine(model, engine, quantization)
    options = DashboardOptions(dashboard_host, dashboard_port, recordings, also or (), capture or ())
    with stop_on_signals() as stop, contextlib.ExitStack() as opened:
        session = DashboardSession(options, path, model, runner, port=None)
        opened.callback(session.close)
        typer.echo(session.invitation())
        if browser:
            webbrowser.open(session.url)
        session.wait(stop)
    raise typer.Exit(stop.exit_code)
