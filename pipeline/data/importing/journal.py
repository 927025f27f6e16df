"""What an import has read so far, kept beside the store until that is written: an interrupted import goes on.

::

    .NAME.importing/journal.jsonl    a line about the import, then a line for every file whose recordings are kept
    .NAME.importing/samples          float32 rows of these recordings, one after the other
    .NAME.importing/times            float64 values, of those that have times

The line of a file is written after its rows are on the disk, and says how large the file was and when it was changed:
one that is another now is read again. What holds no recordings is always read again; that costs little.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Final

from edgehar.models import __version__
from edgehar.models.errors import DataError, HarError, UsageError
from edgehar.models.files.locking import locked
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.importing.sources import Source
from edgehar.pipeline.data.importing.spool import Workspace
from edgehar.pipeline.data.importing.table import Imported
from edgehar.pipeline.data.store import entry_of, recording_of

FORMAT: Final = "edgehar import 1"
_LINES: Final = "journal.jsonl"
_ROWS: Final = ("samples", "times")
_EVERY_S: Final = 3.0
"""So often at most is what was read brought to the disk."""
_REST: Final = 20.0
"""And so many times as long as that takes passes before it is done again: some cards are slow."""
_PATIENCE_S: Final = 2.0


class Journal:
    """The journal of one import; made by `open_journal`.

    Parameters
    ----------
    folder
        Where it is kept.
    about
        What the import is: its path and its options.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any]) -> None:
        self._folder = folder
        self._about = dict(about)
        self._workspace: Workspace | None = None
        self._stream: IO[bytes] | None = None
        self._entries: dict[str, dict[str, Any]] = {}
        self._waiting: list[bytes] = []
        self._kept = 0
        self._written = 0.0
        self._pause_s = _EVERY_S
        self.found: Mapping[str, Any] | None = None
        self._whole_bytes = 0
        self._read_lines()

    @property
    def files(self) -> int:
        """How many files an interrupted import of the same kind has read."""
        return len(self._entries) if self.goes_on else 0

    @property
    def goes_on(self) -> bool:
        """Whether an interrupted import is there, and it is the same as this one."""
        return self.found == self._about

    def differences(self) -> list[str]:
        """Return what differs from the interrupted import, as ``name: was, is``."""
        then, now = (flattened if (flattened := _flat(about)) else {} for about in (self.found or {}, self._about))
        return [f"{key} was {then.get(key)}, is {now.get(key)}" for key in now if then.get(key) != now.get(key)]

    def workspace(self, scratch: Path | None, channels: int) -> Workspace:
        """Return where samples and times are kept, with those of the interrupted import if it is the same."""
        self._folder.mkdir(parents=True, exist_ok=True)
        entries = [entry for file in self._entries.values() for entry in file["recordings"]] if self.goes_on else []
        rows = max((entry["samples_stop"] for entry in entries), default=0)
        timed = [entry for entry in entries if entry["timestamps_start"] is not None]
        times = max(
            (item["timestamps_start"] + item["samples_stop"] - item["samples_start"] for item in timed), default=0
        )
        samples, clock = (self._folder / name for name in _ROWS)
        if not self.goes_on:
            self._entries, self._whole_bytes = {}, 0
        self._workspace = Workspace(scratch, channels=channels, samples=(samples, rows), times=(clock, times))
        self._stream = (self._folder / _LINES).open("r+b" if self._whole_bytes else "wb")
        self._stream.truncate(self._whole_bytes)
        self._stream.seek(self._whole_bytes)
        if not self._whole_bytes:
            self._stream.write(_line(self._about))
            self._stream.flush()
        self._written = time.monotonic()
        return self._workspace

    def read_before(self, source: Source) -> Imported | None:
        """Return what came of a file in the interrupted import; None if it was not read, or is another now."""
        entry = self._entries.get(source.inner)
        if entry is None or self._workspace is None or entry["file"] != _state_of(source):
            return None
        samples, times = self._workspace.samples, self._workspace.times
        recordings = [
            recording_of(
                item,
                samples.view(0, item["samples_stop"]),
                None if item["timestamps_start"] is None else times.view(0, len(times)),
            )
            for item in entry["recordings"]
        ]
        header = entry["header"]
        return Imported(
            recordings=recordings,
            notes=entry["notes"],
            unit=entry["unit"],
            terms=entry["terms"],
            header=None if header is None else tuple(header),
            ended=entry["ended"],
        )

    def keep(self, source: Source, imported: Imported, places: list[tuple[int, int | None]]) -> None:
        """Note what came of a file; ``places`` says at which rows the samples and times of each recording begin."""
        entries = [entry_of(item, *place) for item, place in zip(imported.recordings, places, strict=True)]
        kept = {
            "inner": source.inner,
            "file": _state_of(source),
            "unit": imported.unit,
            "terms": imported.terms,
            "notes": imported.notes,
            "header": imported.header,
            "ended": imported.ended,
            "recordings": entries,
        }
        self._waiting.append(_line(kept))
        self._kept += 1
        if time.monotonic() - self._written >= self._pause_s:
            self.flush()

    def flush(self) -> None:
        """Bring the rows to the disk, and then the lines about them."""
        if self._stream is None or self._workspace is None or not self._waiting:
            return
        begun = time.monotonic()
        try:
            self._workspace.samples.to_disk()
            self._workspace.times.to_disk()
            self._stream.write(b"".join(self._waiting))
            self._stream.flush()
        except OSError as error:
            raise DataError(
                f"expected room in {self._folder.parent}, but {error.strerror or error}",
                next_step="Make room there, or write the store where there is some.",
                path=str(self._folder),
            ) from error
        self._waiting = []
        self._written = time.monotonic()
        self._pause_s = max(_EVERY_S, _REST * (self._written - begun))

    def close(self, error: BaseException | None = None) -> bool:
        """End the journal, remove it unless something goes on with it, and return whether it is kept.

        It is kept where the import was interrupted, or failed by no fault of the recordings, such as a full disk; and
        one that was there before is kept by whatever ends its continuation.
        """
        mishap = not isinstance(error, HarError) or isinstance(error.__cause__, OSError) or bool(self.files)
        started = self._stream is not None
        kept = self.found is not None and not started
        if error is not None and mishap and started and (self.files or self._kept):
            with contextlib.suppress(DataError):
                self.flush()
            kept = True
        if self._stream is not None:
            self._stream.close()
        if not kept and self._folder.is_dir():
            for name in (*_ROWS, _LINES):
                (self._folder / name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self._folder.rmdir()
        return kept

    def _read_lines(self) -> None:
        """Read the journal that is there, up to a line that is not whole."""
        try:
            lines = (self._folder / _LINES).read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            if self._folder.exists() and (
                not self._folder.is_dir() or {item.name for item in self._folder.iterdir()} - {*_ROWS}
            ):
                raise _not_ours(self._folder) from None
            return
        except OSError as error:
            raise _not_ours(self._folder) from error
        first = _parsed(lines[0]) if lines else {}
        if first is None or (first and first.get("format") != FORMAT):
            raise _not_ours(self._folder)
        self.found = first or None
        self._whole_bytes = len(lines[0]) if first else 0
        for line in lines[1:]:
            entry = _parsed(line)
            if entry is None:
                break
            self._entries[entry["inner"]] = entry
            self._whole_bytes += len(line)


@contextlib.contextmanager
def open_journal(out: Path, path: str | Path, options: Options, *, must_continue: bool = False) -> Iterator[Journal]:
    """Yield the journal of an import to a store; it is removed where the import succeeds.

    Parameters
    ----------
    out
        The store that shall be written.
    path, options
        What is imported, and what is declared about it.
    must_continue
        Whether it is an error where there is nothing to go on with.

    Raises
    ------
    UsageError
        When something else stands where the journal would, or the import must go on and cannot.
    HarError
        When another import to the same store is running.
    """
    folder = journal_folder(out)
    missing = [parent for parent in folder.parents if not parent.exists()]
    folder.parent.mkdir(parents=True, exist_ok=True)
    kept = False
    try:
        with locked(folder, patience_s=_PATIENCE_S):
            journal = Journal(folder, _about(path, options))
            if must_continue and not journal.goes_on:
                raise _nothing_to_continue(out, journal)
            try:
                yield journal
            except BaseException as error:
                kept = journal.close(error)
                raise
            kept = journal.close()
    finally:
        for parent in missing if not kept else ():
            with contextlib.suppress(OSError):
                parent.rmdir()


def journal_folder(out: Path) -> Path:
    """Return where the journal of an import to a store is kept."""
    place = Path(os.path.abspath(out))  # noqa: PTH100
    return place.with_name(f".{place.name}.importing")


def _about(path: str | Path, options: Options) -> dict[str, Any]:
    """Return what makes two imports the same."""
    declared: dict[str, Any] = json.loads(json.dumps(asdict(options)))
    if options.profile is not None and Path(options.profile).is_file():
        declared["profile"] = [options.profile, hashlib.sha256(Path(options.profile).read_bytes()).hexdigest()]
    place = os.path.abspath(path)  # noqa: PTH100
    return {"format": FORMAT, "version": __version__, "path": place, "options": declared}


def _state_of(source: Source) -> list[int]:
    """Return how large the file of a source is, and when it was changed."""
    state = source.path.stat()
    return [state.st_size, state.st_mtime_ns]


def _flat(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description without levels."""
    options = about.get("options")
    flat = {key: value for key, value in about.items() if key != "options"}
    return flat | ({f"--{key.replace('_', '-')}": value for key, value in options.items()} if options else {})


def _line(content: Mapping[str, Any]) -> bytes:
    """Return a line of the journal."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace") + b"\n"


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return what a whole line holds; None where it was cut."""
    try:
        content = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _not_ours(folder: Path) -> UsageError:
    """Return the error for a folder of somebody else's."""
    return UsageError(
        f"{folder}: expected nothing, or what an interrupted import left, found something else",
        next_step="Move it away, or choose another path for the store.",
        path=str(folder),
    )


def _nothing_to_continue(out: Path, journal: Journal) -> UsageError:
    """Return the error for an import that must go on and cannot."""
    if journal.found is None:
        return UsageError(
            f"{out}: expected an interrupted import to go on with, found none", next_step="Leave out --resume."
        )
    return UsageError(
        f"{out}: expected the interrupted import with the same options, but {'; '.join(journal.differences())}",
        next_step="Repeat the same command, or start over: leave out --resume.",
    )
