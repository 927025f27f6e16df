"""The models and captures that a page may name: those the command line gave, and those made since. Never a path."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edgehar.models.bundle import Bundle, read_bundle
from edgehar.models.bundle.recognition import check_recognises_activities
from edgehar.models.capture_file import SUFFIX
from edgehar.models.engines import runnable
from edgehar.models.errors import UsageError
from edgehar.models.foreign_text import printable

AUTO: Final = "auto"
_MOST_CAPTURES: Final = 100
_LARGEST_CAPTURE_BYTES: Final = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Model:
    """A bundle under the name that pages use for it; it is read again when it is used, for pages need little of it.

    Parameters
    ----------
    name
        Its name on pages.
    path
        Where it is.
    description
        What a page offers: the name, the model, its labels, and what can run it.
    """

    name: str
    path: Path
    description: dict[str, Any]

    def open(self) -> Bundle:
        """Return the bundle."""
        return read_bundle(self.path)


class Catalog:
    """Models and captures by name.

    Parameters
    ----------
    recordings
        The folder that captures are written to, and offered from.
    captures
        Other captures to offer.
    """

    def __init__(self, recordings: Path, captures: tuple[Path, ...] = ()) -> None:
        self.recordings = recordings
        self._others = captures
        self._models: dict[str, Model] = {}
        self._lock = threading.Lock()

    def add(self, path: Path, bundle: Bundle | None = None) -> Model:
        """Offer a bundle, under the name of its folder or one like it that is free.

        Raises
        ------
        BundleError
            When there is none, or it is damaged.
        UsageError
            When it tells no activities.
        """
        opened = read_bundle(path) if bundle is None else bundle
        check_recognises_activities(opened.manifest, for_what="dashboard", gyroscope=True)
        wanted = printable(path.resolve().name, 60)
        with self._lock:
            name, number = wanted, 2
            while name in self._models:
                name, number = f"{wanted} ({number})", number + 1
            self._models[name] = Model(name, path, _description(name, opened))
            return self._models[name]

    def model(self, name: str) -> Model:
        """Return a model by its name.

        Raises
        ------
        UsageError
            When none is offered under it.
        """
        if name not in self._models:
            raise UsageError("expected one of the models on the page, got another name")
        return self._models[name]

    def models(self) -> list[Model]:
        """Return all models, as they were offered."""
        return list(self._models.values())

    def captures(self) -> dict[str, Path]:
        """Return the captures there are now, by name, the newest first."""
        inside = list(self.recordings.glob(f"*{SUFFIX}")) if self.recordings.is_dir() else []
        found = sorted({*inside, *self._others}, key=_modified_s, reverse=True)[:_MOST_CAPTURES]
        return {printable(path.name): path for path in reversed(found)}

    def capture(self, name: str) -> Path:
        """Return a capture by its name.

        Raises
        ------
        UsageError
            When none is offered under it, or it is too large for a page.
        """
        path = self.captures().get(name)
        if path is None:
            raise UsageError("expected one of the recordings on the page, got another name")
        if path.stat().st_size > _LARGEST_CAPTURE_BYTES:
            raise UsageError(
                f"{path.name}: expected at most {_LARGEST_CAPTURE_BYTES // 2**20} MiB to show on a page",
                next_step="Use it with har data import.",
            )
        return path

    def captures_as_json(self) -> list[dict[str, Any]]:
        """Return captures as a page lists them, the newest first."""
        return [{"name": name, "kilobytes": _size(path) // 1000} for name, path in reversed(self.captures().items())]


def _description(name: str, bundle: Bundle) -> dict[str, Any]:
    """Return what a page offers of a bundle."""
    choices = [{"engine": engine, "quantization": quantization} for engine, _, quantization in runnable(bundle)]
    quantizations = dict.fromkeys(each["quantization"] for each in choices)
    return {
        "name": name,
        "model_id": printable(bundle.manifest.model_id),
        "labels": list(bundle.manifest.labels),
        "engines": [{"engine": AUTO, "quantization": each} for each in quantizations] + choices,
    }


def _modified_s(path: Path) -> float:
    """Return when a file was changed; one that is gone meanwhile is the oldest."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _size(path: Path) -> int:
    """Return how large a file is; one that is gone meanwhile is empty."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
