"""Where a command writes a model: a name of its own by default, and nothing that stands there is replaced unasked."""

import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console

from edgehar.models.bundle import MANIFEST, check_destination, read_bundle
from edgehar.models.errors import BundleError, UsageError
from edgehar.pipeline.evaluation.predictions import FOLDS_SUFFIX, PREDICTIONS


@dataclass(frozen=True, slots=True)
class Destination:
    """A place for a model.

    Parameters
    ----------
    path
        The folder.
    may_replace
        Whether what stands there may be replaced: somebody said so.
    """

    path: Path
    may_replace: bool

    def settled(self) -> Path:
        """Return where to write now: beside it, if something came to stand there while the model was made."""
        taken = self.path.exists() and not self.may_replace
        return free_name(self.path) if taken else self.path


def free_name(path: Path) -> Path:
    """Return the path, or the first of path-2, path-3, ... where neither a model nor folds of one stand."""
    number, place = 1, path
    while place.exists() or _folds(place).exists():
        number += 1
        place = path.with_name(f"{path.name}-{number}")
    return place


def latest_name(path: Path) -> Path | None:
    """Return the last of path, path-2, ... where a model or folds of one stand; None where there is none."""
    number, place, found = 1, path, None
    while place.exists() or _folds(place).exists():
        number, found = number + 1, place
        place = path.with_name(f"{path.name}-{number}")
    return found


def chosen_destination(path: Path, *, force: bool) -> Destination:
    """Return the place somebody named, once it is sure that a model can be written there.

    What stands there is replaced with ``force``, or if the person at the terminal says so.

    Raises
    ------
    BundleError
        If something other than a model stands there, or nothing can be written.
    UsageError
        If a model stands there and nobody said to replace it.
    """
    check_destination(path)
    check_writable(path)
    for place in (path, _folds(path)):
        if place.exists() and not force:
            _ask(place)
    return Destination(path, may_replace=path.exists())


def check_writable(path: Path, *, option: str = "--out") -> None:
    """Refuse a place that cannot be written to, before hours of work for it are done.

    Parameters
    ----------
    path
        What will be written: a folder or a file.
    option
        Which option named it.

    Raises
    ------
    BundleError
        If no folder can be made there.
    """
    above = next((folder for folder in path.absolute().parents if folder.exists()), Path("/"))
    try:
        with tempfile.TemporaryDirectory(dir=above):
            pass
    except OSError as error:
        raise BundleError(
            f"{path}: expected a folder that can be written to, {above} cannot ({error.strerror})",
            next_step=f"Choose another {option}.",
            path=path,
        ) from error


def clear_folds(folder: Path) -> None:
    """Remove the models of an earlier run that somebody said to replace: they would be taken for the new one's.

    Raises
    ------
    BundleError
        If something that no run makes is in the folder.
    """
    strange = [path for path in folder.glob("*") if not _is_of_a_run(path)]
    if strange:
        raise BundleError(
            f"{folder}: expected models of an earlier run, found {strange[0].name}", next_step="Choose another --out."
        )
    if folder.exists():
        shutil.rmtree(folder)


def _is_of_a_run(path: Path) -> bool:
    """Whether a run of several models makes this in its folder; leftovers of a killed one begin with a dot."""
    if path.name.startswith(".") or path.name == PREDICTIONS:
        return True
    inside = list(path.iterdir()) if path.is_dir() and path.name.startswith("seed-") else [path]
    return all(each.name.startswith(".") or (each / MANIFEST).is_file() for each in inside)


def _folds(path: Path) -> Path:
    """Return the folder of a run's folds."""
    return path.with_name(path.name + FOLDS_SUFFIX)


def _ask(place: Path) -> None:
    """Let the person at the terminal decide whether to replace a model; without one, refuse."""
    what = f"{place}: there is {_described(place)}"
    if sys.stdin.isatty() and sys.stderr.isatty():
        if typer.confirm(f"{what}. Replace it?", err=True):
            return
        Console(stderr=True, highlight=False, soft_wrap=True).print("Nothing was changed.")
        raise typer.Exit(1)
    raise UsageError(
        f"{what}: expected a new name, or --force to replace it",
        next_step="Choose another --out, leave it out for a name of its own, or pass --force.",
        path=place,
    )


def _described(place: Path) -> str:
    """Return what stands at a place, in a few words."""
    if place.name.endswith(FOLDS_SUFFIX):
        return "a folder of models of several groups"
    try:
        manifest = read_bundle(place).manifest
    except BundleError:
        return "a model that cannot be read"
    origin = manifest.provenance
    return f"the model {manifest.model_id}, trained on {origin.dataset} at {origin.created_utc}"
