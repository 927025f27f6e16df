"""Files as devices write them: ActiGraph .gt3x, Axivity and OpenMovement .cwa, GENEActiv .bin; one recording a file.

Their own time is kept as gaps: where a block is damaged or missing, no window spans the hole.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from edgehar.models.errors import DataError
from edgehar.pipeline.data.importing.journal import Journal
from edgehar.pipeline.data.importing.kept_files import KeptFiles
from edgehar.pipeline.data.importing.sources import DOCUMENTS, TABLES
from edgehar.pipeline.data.importing.spool import Workspace
from edgehar.pipeline.data.readers import Progress
from edgehar.pipeline.data.readers.device_formats import cwa, geneactiv, gt3x
from edgehar.pipeline.data.readers.device_formats.blocks import Block
from edgehar.pipeline.data.recordings import Dataset, Recording

READERS: Final[dict[str, Callable[[Path], Iterable[Block]]]] = {
    ".gt3x": gt3x.blocks,
    ".cwa": cwa.blocks,
    ".bin": geneactiv.blocks,
}
_TITLES: Final = {".gt3x": "ActiGraph", ".cwa": "Axivity or OpenMovement", ".bin": "GENEActiv"}
_LATE_S: Final = 0.25
"""By so much more than its samples take, a block may come after the one before: device clocks drift."""


@dataclass(slots=True, eq=False)
class _Sum:
    """What came of a file so far."""

    samples: int = 0
    rate_hz: float = 0.0
    ends_s: float | None = None
    gaps: list[int] = field(default_factory=list)
    missing_s: float = 0.0
    damaged: int = 0
    broken: bool = False


def recognises(path: Path) -> bool:
    """Tell whether the path is such a file, or a folder that holds some."""
    return bool(_files(path))


def read(
    path: Path, *, scratch: Path | None = None, journal: Journal | None = None, progress: Progress | None = None
) -> Dataset:
    """Read a file, or every one of a folder; a broken one among several is put aside.

    Parameters
    ----------
    path
        A file, or a folder.
    scratch
        Where temporary files live.
    journal
        Keeps what was read of a folder, and knows what an interrupted import has read.
    progress
        Called after each file.

    Raises
    ------
    DataError
        When none can be used.
    """
    files, recordings, broken = _files(path), [], []
    # A file alone is read from its beginning: there is nothing to go on with.
    kept = KeptFiles(path, journal if len(files) > 1 else None, scratch=scratch)
    for number, file in enumerate(files, start=1):
        name = file.stem if path.is_file() else _name(file, path)
        try:
            recording, _ = kept.read(file, partial(_recording, file, name, scratch))
            recordings.append(recording)
        except DataError as error:
            if len(files) == 1:
                raise
            broken.append((file, error))
        if progress is not None:
            progress(number, len(files))
    if not recordings:
        raise broken[0][1]
    kinds = dict.fromkeys(_TITLES[file.suffix.lower()] for file in files)
    return Dataset(
        name=path.stem,
        activities=(),
        recordings=tuple(recordings),
        problems=(
            *(f"{file.name} was put aside: {error}" for file, error in broken),
            *_left_out(path),
            "Nothing in these files says what was done: nothing is labelled.",
            "Nothing in these files says who wore the sensor: each is taken as one person, named after it.",
        ),
        notes=(f"Read as files of {' and '.join(kinds)} devices, in g.",),
        quarantined=tuple(str(file) for file, _ in broken),
    )


def _files(path: Path) -> list[Path]:
    """Return the files of devices at a path."""
    found = [path] if path.is_file() else sorted(path.rglob("*")) if path.is_dir() else []
    return [file for file in found if file.suffix.lower() in READERS and file.is_file() and _is_one(file)]


def _is_one(file: Path) -> bool:
    """Tell whether a file is what its suffix says, where other programs use the suffix too."""
    return file.suffix.lower() != ".bin" or geneactiv.begins_like_one(file)


def _left_out(path: Path) -> Iterator[str]:
    """Say which tables and documents of the folder are not read."""
    others = (
        [] if path.is_file() else [file for file in path.rglob("*") if file.suffix.lower() in (*TABLES, *DOCUMENTS)]
    )
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        yield f"{others[0].name}{more} are no files of devices and left out: import them apart."


def _name(file: Path, folder: Path) -> str:
    """Return the id of a file in a folder."""
    return file.relative_to(folder).with_suffix("").as_posix()


def _recording(file: Path, name: str, scratch: Path | None, workspace: Workspace | None) -> tuple[Recording, list[str]]:
    """Read one file, into a workspace of its own where there is none."""
    total, place = _Sum(), workspace or Workspace(scratch)
    row = len(place.samples)
    for block in READERS[file.suffix.lower()](file):
        _take(total, block, place)
    if not total.samples:
        raise DataError(f"{file}: expected samples, got none", next_step="Export the file again.", path=str(file))
    recording = Recording(
        recording_id=name,
        subject=file.stem,
        samples=place.samples.view(row, row + total.samples),
        rate_hz=total.rate_hz,
        source=file.name,
        gaps=tuple(gap for gap in total.gaps if gap < total.samples),
        problems=tuple(_problems(total)),
    )
    return recording, []


def _take(total: _Sum, block: Block, workspace: Workspace) -> None:
    """Add a block; one that does not follow the one before begins after a gap."""
    if block.damaged:
        total.damaged += 1
        total.broken = True
        return
    if total.rate_hz and block.rate_hz != total.rate_hz:
        raise DataError(
            f"{block.place}: expected {total.rate_hz:g} Hz as before, got {block.rate_hz:g} Hz",
            next_step="Export the file in parts, one for each rate.",
        )
    total.rate_hz = block.rate_hz
    late_s = 0.0 if total.ends_s is None else block.starts_s - total.ends_s
    if (total.broken or abs(late_s) > _LATE_S) and total.samples and total.samples not in total.gaps[-1:]:
        total.gaps.append(total.samples)
        total.missing_s += max(0.0, late_s)
    total.broken = False
    workspace.samples.append(block.samples_g)
    total.samples += len(block.samples_g)
    total.ends_s = block.starts_s + len(block.samples_g) / block.rate_hz


def _problems(total: _Sum) -> Iterator[str]:
    """Say what is missing."""
    if total.damaged:
        yield f"{total.damaged} blocks are damaged and left out."
    if total.gaps:
        yield f"{len(total.gaps)} gaps in time, together {total.missing_s:.3g} s."
