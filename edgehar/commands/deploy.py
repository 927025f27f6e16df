"""`har deploy`: put a bundle onto another computer, with everything it takes to run there."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edgehar.commands.bundle_argument import BundleArgument
from edgehar.commands.sensors import plan_sensors
from edgehar.commands.stream_options import require_mqtt, require_rate
from edgehar.commands.terminal_text import escape
from edgehar.firmware_bridge.deployment.machine import AARCH64, Machine, default_pythons
from edgehar.firmware_bridge.deployment.pi_folder import check_destination, write_pi_folder
from edgehar.firmware_bridge.deployment.remote import RemoteMachine
from edgehar.firmware_bridge.deployment.service import ServiceOptions
from edgehar.models.bundle import read_bundle
from edgehar.models.bundle.recognition import check_recognises_activities
from edgehar.models.errors import UsageError
from edgehar.models.units import parse_unit

app = typer.Typer(no_args_is_help=True, help="Put a model onto another computer, with all it takes to run there.")


@app.callback()
def deploy() -> None:
    """Put a model onto another computer, with all it takes to run there."""


@app.command()
def pi(
    bundle: BundleArgument,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder to write: copy it to the Pi, run its install.sh there.",
            show_default="none is written",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="USER@HOST",
            help="Install it there over ssh; the Pi is asked what it is.",
            show_default="nowhere",
        ),
    ] = None,
    processor: Annotated[str, typer.Option(help="With --out: aarch64, or armv7l for a system of 32 bits.")] = AARCH64,
    python: Annotated[
        str | None,
        typer.Option(metavar="3.X,...", help="With --out: Pythons to serve. Default: those of Debian 12 and 13."),
    ] = None,
    port: Annotated[str, typer.Option(help="Of the sensor on the Pi, as in har live.")] = "/dev/ttyUSB0",
    unit: Annotated[
        str | None, typer.Option(help="Unit of the sensor's numbers, as in har live.", show_default="found out")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Samples a second the sensor sends.", show_default="measured")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Columns of a text line, as in har live.", show_default="found out")
    ] = None,
    hop: Annotated[int, typer.Option(min=1, help="Samples between two labels.")] = 20,
    mqtt: Annotated[
        str | None, typer.Option(metavar="URL", help="Where the labels go, as in har live: an MQTT broker.")
    ] = None,
    home_assistant: Annotated[
        bool, typer.Option("--home-assistant", help="Let Home Assistant find the sensor by itself; needs --mqtt.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write a folder that turns a Raspberry Pi into a sensor of activities, without a network there; or install it.

    The folder holds the model, wheels of everything that it needs, a systemd unit with its settings and a udev rule.
    The installer tries the model's golden windows on the Pi first, and replaces what runs there only if they agree.
    """
    if out is None and to is None:
        raise UsageError("expected --out DIR, --to USER@HOST or both, got neither", next_step="Pass --out pi.")
    # What `har live` would refuse on the Pi is refused here.
    require_mqtt(mqtt, home_assistant=home_assistant)
    require_rate(rate)
    plan_sensors([port], None if columns is None else [columns])
    if unit is not None:
        parse_unit(unit)
    if out is not None:
        check_destination(out)
    model = read_bundle(bundle)
    check_recognises_activities(model.manifest, for_what="deploy")
    options = ServiceOptions(
        port=port, unit=unit, rate_hz=rate, columns=columns, hop=hop, mqtt=mqtt, home_assistant=home_assistant
    )
    remote = None if to is None else RemoteMachine(to)
    if remote is not None:
        machine = remote.identify()
    else:
        machine = Machine(processor, tuple(python.split(",")) if python else default_pythons(processor))
    with tempfile.TemporaryDirectory() as temporary:
        folder = out or Path(temporary) / "pi"
        write_pi_folder(model, folder, machine=machine, options=options, report=_report)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if remote is not None:
            remote.install(folder)
    if as_json:
        document = {"folder": None if out is None else str(out), "to": to, "processor": machine.processor}
        typer.echo(json.dumps({**document, "pythons": machine.pythons, "bytes": size}))
    elif remote is None:
        console = Console(highlight=False, soft_wrap=True)
        console.print(escape(f"{folder}: {size / 1e6:.0f} MB for {machine.processor}, Python {_either(machine)}"))
        console.print(escape(f"Copy it to the Pi, then run there: sudo sh {folder.name}/install.sh"))


def _report(text: str) -> None:
    """Say what is being done."""
    sys.stderr.write(f"{text}\n")


def _either(machine: Machine) -> str:
    """Return the Pythons in words."""
    return " or ".join(machine.pythons)
