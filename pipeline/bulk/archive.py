"""The output folder: whole files of labels, a journal of what is done, what was put aside, and the summary.

::

    DIR/classification.json   what the labels depend on: model, engine, hop, options
    DIR/labels/KEY.parquet    the labels of one file; KEY is the hash of its content. There whole, or not at all
    DIR/done.jsonl            the journal: a line when a file of labels is there
    DIR/put-aside.json        files that could not be read, and why
    DIR/summary.parquet       minutes per person, day and activity
"""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from edgehar.models.errors import DataError, UsageError
from edgehar.models.files import alone, atomic_path
from edgehar.models.foreign_text import printable
from edgehar.pipeline.bulk.days import DATE, Day, Days, kind_of, summary_rows
from edgehar.pipeline.bulk.labels_table import Labels, read_record

FORMAT: Final = "edgehar labels"
SETTINGS: Final = "classification.json"
LABELS: Final = "labels"
JOURNAL: Final = "done.jsonl"
PUT_ASIDE: Final = "put-aside.json"
SUMMARY: Final = "summary.parquet"
_MOST_SETTINGS: Final = 2**20
_CHUNK_ROWS: Final = 2**16


class Archive:
    """The output folder of a run; use it inside `opened_archive`."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.folder = folder
        self.settings = settings
        self._done = _read_journal(folder)

    def has(self, key: str) -> bool:
        """Tell whether the labels of a file with this content are there."""
        return key in self._done

    def keep(self, key: str, labels: Labels) -> None:
        """Write the labels of a file, then the line of the journal that says so.

        Raises
        ------
        DataError
            When there is no room, or the folder cannot be written.
        """
        name = f"{LABELS}/{key}.parquet"
        with _writable(self.folder):
            with atomic_path(self.folder / name) as place:
                place.write_bytes(labels.content)
            entry = {"key": key, "labels": name, "bytes": len(labels.content), "file": labels.record["file"]}
            with (self.folder / JOURNAL).open("ab") as journal:
                journal.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
                journal.flush()
                os.fsync(journal.fileno())
        self._done[key] = entry

    def record(self, key: str) -> dict[str, Any]:
        """Return what is known of a file that is done."""
        return read_record(self.folder / LABELS / f"{key}.parquet")

    def put_aside(self, refused: dict[str, str]) -> None:
        """Write which files could not be read, and why."""
        with _writable(self.folder), atomic_path(self.folder / PUT_ASIDE) as place:
            listed = [{"file": file, "reason": reason} for file, reason in refused.items()]
            place.write_text(json.dumps(listed, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    def summarize(self, names: tuple[str, ...], *, hop_s: float) -> dict[str, Any]:
        """Add up all files that are done, write the summary, and return what is worth saying of them."""
        days = Days(len(names))
        people: dict[str, list[tuple[float, float, str]]] = {}
        windows = not_worn = doubtful = undated = 0
        for key in sorted(self._done):
            record = self.record(key)
            for entry in record["days"]:
                days.add(entry["subject"], entry["day"], Day.from_json(entry))
                windows += sum(entry["windows"]) + entry["not_worn"]
                not_worn += entry["not_worn"]
                doubtful += entry["doubtful"]
            undated += sum(entry["began_s"] is None for entry in record["recordings"])
            for entry in record["recordings"]:
                if entry["began_s"] is not None:
                    span = (entry["began_s"], entry["began_s"] + entry["seconds"], entry["recording"])
                    people.setdefault(entry["subject"], []).append(span)
        with _writable(self.folder):
            self._write_summary(days, names, hop_s)
        return {
            "people": len({subject for subject, _ in days.found}),
            "days": sum(kind_of(name) == DATE for _, name in days.found),
            "undated_recordings": undated,
            "windows": windows,
            "hours": windows * hop_s / 3600,
            "not_worn_hours": not_worn * hop_s / 3600,
            "doubtful_windows": doubtful,
            "overlaps": _overlaps(people),
        }

    def _write_summary(self, days: Days, names: tuple[str, ...], hop_s: float) -> None:
        """Write the summary."""
        ordered = sorted(days.found.items())
        with atomic_path(self.folder / SUMMARY) as place:
            table = pa.table(summary_rows(ordered, names, hop_s=hop_s), schema=_SUMMARY_SCHEMA)
            pq.write_table(table, place, compression="zstd")


_SUMMARY_SCHEMA: Final = pa.schema(
    [(name, pa.string()) for name in ("subject", "day", "day_kind", "activity")]
    + [("minutes", pa.float64()), ("begun", pa.int64()), ("probability", pa.float64()), ("transitions", pa.int64())]
    + [(f"{name}_minutes", pa.float64()) for name in ("worn", "non_wear", "doubtful", "bridged")]
)


@contextlib.contextmanager
def opened_archive(folder: Path, settings: dict[str, Any]) -> Iterator[Archive]:
    """Yield the output folder, new or continued, for this process alone.

    Parameters
    ----------
    folder
        Where.
    settings
        What labels depend on; a folder of others is refused.

    Raises
    ------
    UsageError
        When something else is there, or labels of another model or other options.
    HarError
        When another process writes there.
    """
    found = read_settings(folder)
    if found is None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder}: expected a new folder or one of har classify, found something else there",
            next_step="Choose another --out.",
            path=str(folder),
        )
    if found is not None and found != settings:
        raise _of_another_model(folder, found, settings)
    with _writable(folder):
        (folder / LABELS).mkdir(parents=True, exist_ok=True)
    with alone(folder / LABELS / "run"):
        _sweep(folder / LABELS)
        if found is None:
            with _writable(folder), atomic_path(folder / SETTINGS) as place:
                place.write_text(json.dumps({"format": FORMAT, **settings}, indent=1) + "\n", encoding="utf-8")
        yield Archive(folder, settings)


def read_settings(folder: Path) -> dict[str, Any] | None:
    """Return what the labels in a folder depend on; None where there is no such folder.

    Raises
    ------
    DataError
        When the file that says so is damaged.
    """
    place = folder / SETTINGS
    if not place.is_file():
        return None
    try:
        if place.stat().st_size > _MOST_SETTINGS:
            raise ValueError("it is too long")
        found = json.loads(place.read_text(encoding="utf-8"))
        if not isinstance(found, dict) or found.pop("format", None) != FORMAT:
            raise ValueError(f"it does not say {FORMAT!r}")
    except (ValueError, RecursionError, OSError) as error:
        raise DataError(
            f"{place}: expected the settings of har classify, but {printable(str(error), 120)}",
            next_step="Choose another --out.",
            path=str(place),
        ) from error
    return found


def _of_another_model(folder: Path, found: dict[str, Any], wanted: dict[str, Any]) -> UsageError:
    """Return the error of a folder whose labels come from another model, or were made in another way."""
    different = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
    shown = [key for key in ("model", "engine", "quantization", "hop", "bridge_s") if key in different]
    what = ", ".join(f"{key} {printable(str(found.get(key)), 60)}" for key in shown) or f"other {', '.join(different)}"
    now = ", ".join(f"{key} {printable(str(wanted.get(key)), 60)}" for key in shown) or "those asked for"
    if shown == [] and set(different) <= {"weights", "artifact", "decoder", "labels"}:
        what, now = f"another bundle of the name {printable(str(found.get('model')), 60)}", "this one"
    return UsageError(
        f"{folder}: expected labels of {now}, found those of {what}",
        next_step="Choose another --out, or pass the bundle and the options that this folder was made with.",
        path=str(folder),
    )


def _read_journal(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what is done: lines of the journal whose file is there, whole; a line cut short is taken off."""
    place = folder / JOURNAL
    if not place.exists():
        return {}
    content = place.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        with _writable(folder):
            os.truncate(place, len(whole))
    done = {}
    for line in whole.splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError, OSError):
            entry = json.loads(line)
            key = str(entry["key"])
            if (folder / LABELS / f"{key}.parquet").stat().st_size == entry["bytes"]:
                done[key] = entry
    return done


def _sweep(folder: Path) -> None:
    """Remove what a killed writer left: it never got its name."""
    for orphan in folder.glob(".*.writing-*"):
        orphan.unlink(missing_ok=True)
    for lock in folder.glob(".*.parquet.lock"):
        lock.unlink(missing_ok=True)


def _overlaps(people: dict[str, list[tuple[float, float, str]]]) -> list[str]:
    """Say whose recordings lie over one another in time: their minutes count twice."""
    found = []
    for subject, spans in sorted(people.items()):
        spans.sort()
        until, before = spans[0][1], spans[0][2]
        for start, end, name in spans[1:]:
            if start < until - 1.0:
                hours = (min(end, until) - start) / 3600
                found.append(
                    f"{printable(subject, 80)}: {printable(before, 80)} and {printable(name, 80)} are of the same "
                    f"{hours:.2f} hours; both count in the summary."
                )
            if end > until:
                until, before = end, name
    return found


@contextlib.contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Turn what the system says of a folder that cannot be written into one sentence."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{folder}: expected room for the labels, but {(error.strerror or str(error)).lower()}; "
            "what is there is whole",
            next_step="Make room or choose another --out, and run the same command again: it goes on where it stopped.",
            path=str(folder),
        ) from error
