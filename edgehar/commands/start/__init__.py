"""`har start`: the first hour. Find a sensor, say what it sends, pick a model, and show labels on a page."""

import contextlib
import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from edgehar.commands.bundle_argument import DefaultBundleArgument, or_default
from edgehar.commands.dashboard_options import (
    DEFAULT_RECORDINGS,
    BrowserOption,
    DashboardPortOption,
    RecordingsOption,
)
from edgehar.commands.interruption import stop_on_signals
from edgehar.commands.live import live
from edgehar.commands.start.hearing import Heard, hear
from edgehar.commands.start.mounting import offer_mounting
from edgehar.commands.start.questions import Questions
from edgehar.commands.start.sensor import PHONE, SIMULATOR, choose_sensor, simulated_sensor
from edgehar.commands.stream_options import PORT_HELP, ColumnsOption, UnitOption, parse_columns, require_positive
from edgehar.firmware_bridge.web.phone_address import SCHEME
from edgehar.models.bundle import Bundle, read_bundle
from edgehar.models.bundle.recognition import check_recognises_activities
from edgehar.models.foreign_text import printable
from edgehar.models.units import parse_unit

_PHONE: Final = """The phone becomes the sensor: scan the code below with its camera, in the same network.
It can also classify by itself, without this machine: har phone {bundle} --out page."""


def start(
    bundle: DefaultBundleArgument = None,
    port: Annotated[str | None, typer.Option(help=PORT_HELP, show_default="found, or asked for")] = None,
    baud: Annotated[
        int | None, typer.Option(help="Bits a second, as the sensor was set to.", show_default="found by listening")
    ] = None,
    unit: UnitOption = None,
    columns: ColumnsOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take every default.")] = False,
    duration: Annotated[
        float | None, typer.Option(metavar="S", help="Stop after so many seconds of labels.", show_default="never")
    ] = None,
    jsonl: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write every label as a line of JSON; - is stdout.")
    ] = None,
    browser: BrowserOption = True,
    dashboard_port: DashboardPortOption = None,
    recordings: RecordingsOption = DEFAULT_RECORDINGS,
) -> None:
    """Begin here: from a sensor that prints three numbers to labels on a page, without reading anything first.

    Finds the serial port, or asks which one; without one, simulates a person. Listens and says what the sensor sends:
    format, rate, unit and axes. Takes the released model unless another one is named. Every question has a default,
    which Enter takes. Ctrl-C ends it at any point.
    """
    require_positive("--duration", duration)
    declared, axes = None if unit is None else parse_unit(unit), parse_columns(columns)
    questions = Questions(takes_defaults=yes)
    path = or_default(bundle)
    model = read_bundle(path)
    check_recognises_activities(model.manifest, for_what="start")
    found = port if port is not None else choose_sensor(questions)
    if found == PHONE or found.startswith(SCHEME):
        address = SCHEME if found == PHONE else found
        # Its page says unit and rate; the code that is shown leads there, and may be followed once.
        questions.say(_PHONE.format(bundle=printable(str(path))))
        _classify(address, path, None, None, baud, unit, columns, duration, jsonl, browser, dashboard_port, recordings)
        return
    with contextlib.ExitStack() as opened:
        is_simulated = found == SIMULATOR
        if is_simulated:
            questions.say("Simulating a person with a sensor, so that there is something to look at.")
            found = opened.enter_context(simulated_sensor())
        with stop_on_signals() as stop:
            heard = hear(found, model.manifest, baud=baud, unit=declared, columns=axes, say=questions.say, stop=stop)
        if stop():
            raise typer.Exit(stop.exit_code)
        _introduce(model, questions)
        mounting = None
        if heard is not None and not is_simulated:
            place = recordings / f"mounting-{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}.json"
            mounting = offer_mounting(found, heard, model, questions, place=place)
        questions.say(
            "The page opens now. To fit the model to you, let the page lead you through some activities (two minutes "
            "in all), then press “Fit the model to me”. Ctrl-C ends."
        )
        _classify(
            found, path, heard, mounting, baud, unit, columns, duration, jsonl, browser, dashboard_port, recordings
        )


def _introduce(model: Bundle, questions: Questions) -> None:
    """Say which model runs, and what it knows."""
    manifest = model.manifest
    questions.say(
        f"The model {printable(manifest.model_id)} knows {len(manifest.labels)} activities, from a sensor worn at: "
        f"{printable(manifest.window.mounting, 120) or 'a place it does not name'}."
    )


def _classify(
    port: str,
    path: Path,
    heard: Heard | None,
    mounting: Path | None,
    baud: int | None,
    unit: str | None,
    columns: str | None,
    duration: float | None,
    jsonl: str | None,
    browser: bool,
    dashboard_port: int | None,
    recordings: Path,
) -> None:
    """Go on as `har live --dashboard` with what was found out."""
    from edgehar.firmware_bridge.line.transport import DEFAULT_BAUD

    found_unit = None if heard is None or heard.is_frames or heard.unit is None else heard.unit.name
    live(
        port=[port],
        bundle=path,
        unit=unit or found_unit,
        columns=None if columns is None else [columns],
        mounting=mounting,
        baud=baud or (DEFAULT_BAUD if heard is None else heard.baud),
        duration=duration,
        jsonl=jsonl,
        dashboard=True,
        dashboard_port=dashboard_port,
        recordings=recordings,
        browser=browser,
    )
