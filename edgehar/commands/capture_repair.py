"""Read captures again with the unit, the rate or the columns that a person declares when importing them."""

from pathlib import Path

from edgehar.models.capture_file import SUFFIX, read_capture
from edgehar.models.units import parse_unit
from edgehar.pipeline.data.readers import Progress, capture
from edgehar.pipeline.data.recordings import Dataset


def repaired_captures(
    path: str,
    *,
    format: str,  # noqa: A002
    unit: str | None,
    rate_hz: float | None,
    columns: tuple[str, str, str] | None,
    progress: Progress | None = None,
) -> Dataset | None:
    """Return captures as they would be with other settings; None where there are no captures, or no settings.

    Raises
    ------
    UsageError
        When the unit is none.
    DataError
        When a capture cannot be read, or does not hold what other settings need.
    """
    place = Path(path)
    if (unit, rate_hz, columns) == (None, None, None) or format not in ("auto", "capture"):
        return None
    if not place.exists() or not capture.recognises(place):
        return None
    # The bridge loads when there are captures to repair.
    from edgehar.firmware_bridge.record.repair import repaired

    declared = None if unit is None else parse_unit(unit)
    files = [place] if place.is_file() else sorted(place.glob(f"*{SUFFIX}"))
    changed = (
        (file, repaired(file, read_capture(file), unit=declared, rate_hz=rate_hz, columns=columns)) for file in files
    )
    return capture.from_captures(place, changed, len(files), progress=progress)
