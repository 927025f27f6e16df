"""How a wearer's sensor is mounted: read from a file or by name, or found by leading the wearer for twenty seconds."""

import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer

from edgehar.commands.record import capture
from edgehar.commands.sensors import Sensor
from edgehar.firmware_bridge.line.transport import DEFAULT_BAUD, has_ended
from edgehar.firmware_bridge.record.script import Step
from edgehar.models.bundle import Bundle
from edgehar.models.errors import UsageError
from edgehar.models.foreign_text import printable
from edgehar.models.mounting import Frame, Mounting, file_of_wearer, mounting_of_wearer, read_mounting
from edgehar.models.units import Unit

STEPS: Final = (Step("Stand still", 5.0), Step("Walk straight ahead", 12.0))
"""A second at the beginning of each is left out."""
_READY_S: Final = 5.0

MountingOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="How the wearer's sensor is mounted: a file of --calibrate or of har personalize --save-mounting. "
        "Default: mounted as in training.",
    ),
]
WearerOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Use the mounting kept for this wearer by --calibrate. Default: no wearer's."),
]


def chosen_mounting(model: Bundle, file: Path | None, wearer: str | None) -> Mounting | None:
    """Return the mounting that is asked for, or None.

    Raises
    ------
    UsageError
        If both are given, none is kept for the wearer, or the model holds a mounting already.
    DataError
        If the file holds none.
    """
    if file is not None and wearer is not None:
        raise UsageError("expected --mounting or --wearer, got both", next_step="Leave one of them out.")
    if file is None and wearer is None:
        return None
    check_not_mounted(model)
    return mounting_of_wearer(str(wearer)) if file is None else read_mounting(file)


def check_not_mounted(model: Bundle) -> None:
    """Refuse a model that har personalize turned to a wearer's mounting: turned twice, it would know nothing."""
    fitted = model.manifest.provenance.configuration.get("personalized")
    if isinstance(fitted, dict) and fitted.get("mounting") is not None:
        raise UsageError(
            f"{model.manifest.model_id}: expected a model in its own axes, this one is turned to a wearer's mounting "
            "already",
            next_step="Leave the mounting out, or use the model it was made from.",
        )


def place_of(file: Path | None, wearer: str | None) -> Path:
    """Return where a mounting that is found is kept.

    Raises
    ------
    UsageError
        Unless a file or a wearer is named.
    """
    if (file is None) == (wearer is None):
        got = "neither" if file is None else "both"
        raise UsageError(
            f"--calibrate: expected --wearer NAME or --mounting FILE, where the mounting is kept, got {got}",
            next_step="Pass --wearer NAME.",
        )
    return file_of_wearer(str(wearer)) if file is None else file


def calibrate(
    model: Bundle,
    port: str,
    place: Path,
    *,
    wearer: str,
    protocol: str = "auto",
    reconnect: bool | None = None,
    unit: Unit | None = None,
    columns: tuple[str, ...] | None = None,
    gyroscope_unit: str | None = None,
    rate_hz: float | None = None,
    baud: int = DEFAULT_BAUD,
    plain: bool = False,
) -> Mounting:
    """Lead the wearer through standing still and walking, find the mounting, and keep it in a file.

    Raises
    ------
    DataError
        If the model does not name its axes, or what was recorded does not show the mounting; then nothing is kept.
    BridgeError
        If the sensor goes away.
    typer.Exit
        If the wearer stops it.
    """
    from edgehar.pipeline.data.readers import load_dataset
    from edgehar.pipeline.training.personalization.mounting_takes import mounting_of

    check_not_mounted(model)
    Frame.of_model(model.manifest)
    typer.echo("Stand still when asked, then walk straight ahead for ten seconds at your usual pace.", err=True)
    with tempfile.TemporaryDirectory(prefix="har-calibrate-") as folder:
        path = Path(folder) / "calibration.harcap"
        made = capture(
            (Sensor("", port, columns),),
            STEPS,
            path,
            subject=wearer,
            placement="",
            ready_s=_READY_S,
            protocol=protocol,
            reconnect=reconnect,
            unit=unit,
            gyroscope_unit=gyroscope_unit,
            rate_hz=rate_hz,
            duration_s=None,
            baud=baud,
            plain=plain,
        )
        if made.stop():
            raise typer.Exit(made.stop.exit_code)
        if made.end.error is not None and not has_ended(made.end.error):
            raise made.end.error
        found = mounting_of(model, load_dataset(path))
    place.parent.mkdir(parents=True, exist_ok=True)
    found.save(place)
    typer.echo(printable(sentence(found, place)), err=True)
    return found


def sentence(found: Mounting, place: Path) -> str:
    """Return what was found, and where it is kept."""
    return (
        f"The sensor is turned by {found.angle_deg:.0f}° against the model's axes; your walk agrees with other "
        f"people's by {found.agreement:.0%}. Kept in {place}"
    )
