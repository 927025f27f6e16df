"""What the caller declares about recordings; everything left out is detected, and said."""

from dataclasses import dataclass, field, replace
from typing import Final

NO_COLUMN: Final = "none"
"""Declares that a column that is there is not to be used."""
UNKNOWN_SUBJECT: Final = "unknown"
"""The person of a recording of which nothing says who wore the sensor."""
DROP_OPTION: Final = "--drop-bad-rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the caller, or a profile, declares about files of recordings.

    Parameters
    ----------
    axes
        Columns of x, y and z: names, or numbers counted from 1; of six, the last three are the gyroscope's.
    channels
        ``accelerometer``, or that and ``gyroscope``.
    gyroscope_unit
        ``deg/s`` or ``rad/s``; None takes the one written in the file.
    time, label, subject
        Columns of the timestamp, the activity and the person; ``none`` ignores one that is there.
    unit
        ``g``, ``m/s2`` or ``raw:SCALE`` with SCALE in counts per g; None takes the unit written in the file, or finds
        it by the magnitude of gravity.
    rate_hz
        Samples per second; None takes it from the timestamps, or from what the head of the file says.
    time_unit
        ``s``, ``ms``, ``us``, ``ns``, ``min``, ``h``, ``d`` or ``iso``; None finds it.
    delimiter
        One character, or one of the words tab, semicolon, bar, comma, space.
    activity_name, subject_name
        The activity or the person of all rows, where no column says it.
    file_pattern
        Where file names say it: ``{subject}_{activity}*.csv``, matched against the end of the path;
        ``{placement}`` too. ``*`` is anything.
    unlabelled
        Labels that mean "no label", such as 0 in MHEALTH and PAMAP2.
    drop_bad_rows
        Leave out, count and report rows that cannot be used, instead of refusing the file.
    placement
        Where on the body the sensor was.
    label_map
        From labels as they are to labels as they should be.
    profile
        The name of a profile, or a file that holds one; None looks for one that fits.
    add_axes
        Three more columns that are added to ``axes``: gravity, where a program took it away.
    names
        Names of the columns, where the file has none.
    skip_lines
        How many lines before the table are passed over, whatever they look like.
    """

    axes: tuple[str, ...] | None = None
    channels: tuple[str, ...] = ("accelerometer",)
    gyroscope_unit: str | None = None
    time: str | None = None
    label: str | None = None
    subject: str | None = None
    unit: str | None = None
    rate_hz: float | None = None
    time_unit: str | None = None
    delimiter: str | None = None
    activity_name: str | None = None
    subject_name: str | None = None
    file_pattern: str | None = None
    unlabelled: tuple[str, ...] = ()
    drop_bad_rows: bool = False
    placement: str = ""
    label_map: dict[str, str] = field(default_factory=dict)
    profile: str | None = None
    add_axes: tuple[str, str, str] | None = None
    names: tuple[str, ...] = ()
    skip_lines: int = 0

    @property
    def says_only_channels(self) -> bool:
        """Whether nothing else is declared than the channels that are wanted."""
        return replace(self, channels=Options().channels) == Options()
