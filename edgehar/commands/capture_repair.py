"""Read captures again with the unit, the rate or the columns that a person declares when importing them."""

from functools import partial
from pathlib import Path

from edgehar.models.capture_file import SUFFIX, read_capture
from edgehar.models.contract import CHANNELS, MOTION_CHANNELS
from edgehar.models.units import parse_unit
from edgehar.pipeline.data.readers import Progress, capture
from edgehar.pipeline.data.recordings import Dataset


def repaired_captures(
    path: str,
    *,
    format: str,  # noqa: A002
    unit: str | None,
    rate_hz: float | None,
    columns: tuple[str, ...] | None,
    gyroscope: bool | None = None,
    gyroscope_unit: str | None = None,
    progress: Progress | None = None,
) -> Dataset | None:
    """Return captures as they would be with other settings; None where there are no captures, or no settings.

    Parameters
    ----------
    path, format
        Where they may be.
    unit, rate_hz, columns, gyroscope_unit
        What the sensor really sent; None for what the capture says.
    gyroscope
        Whether the turning rate is wanted; None for what was recorded.
    progress
        Called after each capture.

    Raises
    ------
    UsageError
        When a unit is none.
    DataError
        When a capture cannot be read, or does not hold what other settings need.
    """
    place = Path(path)
    if {unit, rate_hz, columns, gyroscope, gyroscope_unit} == {None} or format not in ("auto", "capture"):
        return None
    if not place.exists() or not capture.recognises(place):
        return None
    # The bridge loads when there are captures to repair.
    from edgehar.firmware_bridge.record.repair import repaired

    declared = None if unit is None else parse_unit(unit)
    files = [place] if place.is_file() else sorted(place.glob(f"*{SUFFIX}"))
    read_again = partial(repaired, unit=declared, rate_hz=rate_hz, columns=columns, gyroscope_unit=gyroscope_unit)
    changed = ((file, read_again(file, read_capture(file))) for file in files)
    channels = None if gyroscope is None else len(MOTION_CHANNELS if gyroscope else CHANNELS)
    return capture.from_captures(place, changed, len(files), channels=channels, progress=progress)
