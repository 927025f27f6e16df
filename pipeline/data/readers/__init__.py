"""One module per data set or file format, each turning files into recordings; chosen by name or by looking.

A reader is a module with two functions, ``recognises`` and ``read`` (see :class:`Reader`). It is imported when its
format is asked for, or when its turn comes while looking.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol, cast

from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.importing.gyroscope import wants_gyroscope
from edgehar.pipeline.data.importing.journal import Journal
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.label_file import with_label_file
from edgehar.pipeline.data.mixing import mix
from edgehar.pipeline.data.recordings import Dataset

Progress = Callable[[int, int], None]
"""Called with (files done, files in all)."""


class Reader(Protocol):
    """What a module of this package offers."""

    def recognises(self, path: Path) -> bool:
        """Tell, from names alone, whether ``path`` looks like this format."""

    def read(self, path: Path, *, progress: Progress | None = None, **options: Any) -> Dataset:
        """Read everything at ``path``; options are the format's own."""


@dataclass(frozen=True, slots=True)
class _Format:
    """Where the reader of a format lives, what it looks for, and which options it understands."""

    module: str
    looks_for: str
    options: tuple[str, ...] = ()


_FORMATS: Final[dict[str, _Format]] = {
    "store": _Format("edgehar.pipeline.data.readers.stored", "a store (index.json and samples.npy)"),
    "usc-had": _Format(
        "edgehar.pipeline.data.readers.usc_had",
        "USC-HAD (SubjectN/a1t1.mat)",
        ("exclude_suspect", "allow_missing", "gyroscope", "journal"),
    ),
    "hapt": _Format(
        "edgehar.pipeline.data.readers.hapt",
        "HAPT (RawData/acc_exp01_user01.txt and RawData/labels.txt)",
        ("journal",),
    ),
    "capture": _Format("edgehar.pipeline.data.readers.capture", "captures of har record (.harcap)", ("gyroscope",)),
    "device": _Format(
        "edgehar.pipeline.data.readers.devices",
        "files of ActiGraph (.gt3x), Axivity (.cwa) and GENEActiv (.bin) devices",
        ("scratch", "journal"),
    ),
    "csv": _Format(
        "edgehar.pipeline.data.readers.delimited",
        "recordings as text or JSON, or a folder or .zip of them (.csv, .tsv, .txt, .json, .gz)",
        ("layout", "scratch", "journal"),
    ),
}

_SHEET: Final = ("a spreadsheet", "Open it, and save the sheet with the accelerometer as CSV.")
_TABLE: Final = ("a table of another program", "Write it as CSV there.")
_ELSEWHERE: Final = {
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".ods", ".numbers"), _SHEET),
    **dict.fromkeys((".parquet", ".feather", ".avro", ".h5", ".hdf5", ".pkl", ".rds", ".rdata", ".sav"), _TABLE),
    **dict.fromkeys((".npy", ".npz", ".mat"), ("an array of another program", "Write its columns as CSV there.")),
}
"""Files whose names say what they are, and what to do with them."""
SYNTHETIC: Final = "synthetic"
"""The path that stands for the built-in synthetic recordings; ``synthetic:7`` is the same with seed 7."""

FORMATS: Final = ("auto", *_FORMATS)
"""Names that ``load_dataset`` takes as ``format``."""


def load_dataset(
    path: str | Path,
    *,
    format: str = "auto",  # noqa: A002
    progress: Progress | None = None,
    scratch: Path | None = None,
    journal: Journal | None = None,
    labels: Path | None = None,
    **options: Any,
) -> Dataset:
    """Read recordings from anything this project can read.

    Parameters
    ----------
    path
        A store, a USC-HAD or HAPT folder, captures of `har record`, CSV files, or the word ``synthetic``
        (``synthetic:SEED``) for the built-in synthetic recordings. A folder of that name is reached as ``./synthetic``.
    format
        One of ``FORMATS``; ``auto`` looks.
    progress
        Called after each file with (files done, files in all).
    scratch
        Folder for the nameless temporary files of recordings longer than memory; by default the system's.
    journal
        Keeps what is read, so that an interrupted import goes on; stores and captures are read again.
    labels
        A label file of ``har data label``; by default the one beside the recordings, if there is one.
    **options
        Options of the format: ``exclude_suspect`` and ``allow_missing`` (bool) for USC-HAD, ``layout``
        (``edgehar.pipeline.data.importing.options.Options``) for CSV and the like.

    Raises
    ------
    DataError
        When nothing at ``path`` is readable as a data set.
    UsageError
        When the format, or an option for it, does not exist.
    """
    if isinstance(path, str) and path.partition(":")[0] == SYNTHETIC:
        _accepted(SYNTHETIC, options, ())
        return _synthetic(path)
    if format not in FORMATS:
        raise UsageError(f"format {format!r} is not one of {', '.join(FORMATS)}", next_step="Choose one of these.")
    place = Path(path)
    if not place.exists():
        raise DataError(
            f"{place}: expected a file or folder, found nothing", next_step="Check the path.", path=str(place)
        )
    name = recognise(place) if format == "auto" else format
    known = _FORMATS[name].options
    layout = options.get("layout")
    label_map: dict[str, str] = {}
    if isinstance(layout, Options) and "layout" not in known:
        # Labels can be renamed whatever the files look like; the rest of a layout describes text.
        label_map, layout = layout.label_map, replace(layout, label_map={})
        if "gyroscope" in known and layout.says_only_channels:
            options = {**options, "gyroscope": wants_gyroscope(layout.channels)}
            layout = Options()
        options = {**options, "layout": None if layout == Options() else layout}
    accepted = _accepted(name, options, known)
    for extra, value in (("scratch", scratch), ("journal", journal)):
        if value is not None and extra in known:
            accepted[extra] = value
    found = with_label_file(_reader(name).read(place, progress=progress, **accepted), place, labels)
    return mix([found], label_map=label_map)


def recognise(path: Path) -> str:
    """Return the name of the first format that recognises a path.

    Raises
    ------
    DataError
        When none does.
    """
    for name in _FORMATS:
        if _reader(name).recognises(path):
            return name
    if path.suffix.lower() in _ELSEWHERE:
        what, step = _ELSEWHERE[path.suffix.lower()]
        raise DataError(f"{path}: expected recordings as text, got {what}", next_step=step, path=str(path))
    content = "an empty folder" if path.is_dir() and not any(path.iterdir()) else "none of these"
    raise DataError(
        f"{path}: looked for {'; '.join(entry.looks_for for entry in _FORMATS.values())}; found {content}",
        next_step="Point to the folder that holds the recordings, or name the format.",
        path=str(path),
    )


def _reader(name: str) -> Reader:
    """Import the module of a format."""
    return cast(Reader, importlib.import_module(_FORMATS[name].module))


def _synthetic(path: str) -> Dataset:
    """Return the synthetic recordings that ``synthetic`` or ``synthetic:SEED`` stands for."""
    from edgehar.pipeline.data.synthetic import synthetic_dataset

    _, colon, seed = path.partition(":")
    if colon and not seed.isdecimal():
        raise UsageError(
            f"{path!r}: expected synthetic or synthetic:SEED", next_step="Give a whole number as the seed."
        )
    return synthetic_dataset(seed=int(seed) if colon else 0)


def _accepted(name: str, options: dict[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    """Return the options that were set, and refuse one that the format would not look at."""
    chosen = {option: value for option, value in options.items() if value}
    for option in chosen:
        if option not in known:
            raise UsageError(
                f"option {option!r} means nothing for {name} recordings", next_step="Leave it out.", option=option
            )
    return chosen
