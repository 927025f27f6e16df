"""What a model that takes the turning rate as well must be told about a sensor that prints text: frames say it."""

from edgehar.models.bundle.manifest import Manifest
from edgehar.models.contract import CHANNELS, DEGREES_PER_SECOND, MOTION_CHANNELS
from edgehar.models.errors import BridgeError, UsageError


def check_takes_acceleration_alone(manifest: Manifest) -> None:
    """Refuse a model that takes the turning rate, for a sensor of text that was not said to send it.

    Raises
    ------
    BridgeError
        If it does.
    """
    if len(manifest.window.channels) > len(CHANNELS):
        raise BridgeError(
            f"{manifest.model_id} takes {', '.join(MOTION_CHANNELS)}: expected a sensor that was said to send the "
            "turning rate, this session reads acceleration alone",
            next_step="Start with this model, six --columns and --gyroscope-unit, or with a device that sends frames.",
        )


def check_columns(
    manifest: Manifest, columns: tuple[str, ...] | None, gyroscope_unit: str | None, *, frames: bool = False
) -> float:
    """Return what to multiply a turning rate with to get degrees per second.

    Nothing in the numbers tells degrees from radians for sure, nor which of two sensors is the gyroscope: so both are
    asked for.

    Parameters
    ----------
    manifest
        The model's.
    columns, gyroscope_unit
        What a person has declared.
    frames
        Whether the sensor speaks frames, which say what they hold.

    Raises
    ------
    UsageError
        If a declaration is missing, or means nothing for the model.
    """
    wanted = len(manifest.window.channels)
    if wanted == len(CHANNELS):
        if gyroscope_unit is not None or (columns is not None and len(columns) != wanted):
            raise UsageError(
                f"expected the three --columns of acceleration and no --gyroscope-unit: {manifest.model_id} takes "
                "acceleration alone",
                next_step="For example --columns ax,ay,az.",
            )
        return 1.0
    if frames:
        return 1.0
    if columns is None or len(columns) != wanted or gyroscope_unit not in DEGREES_PER_SECOND:
        raise UsageError(
            f"{manifest.model_id} takes {', '.join(MOTION_CHANNELS)}: expected six --columns of a line of text, and "
            f"the --gyroscope-unit, one of {', '.join(DEGREES_PER_SECOND)}",
            next_step="For example --columns ax,ay,az,gx,gy,gz --gyroscope-unit deg/s. A device that sends frames says "
            "them itself: pass --protocol frames.",
        )
    return DEGREES_PER_SECOND[gyroscope_unit]
