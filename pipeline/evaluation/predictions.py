"""What models that never saw a person said of that person's windows: kept, so that any metric can be had of it later.

The file is ``predictions.npz``: ``probabilities`` (seeds, windows, classes), float32; ``truth``, ``starts`` and
``segment_starts`` (windows,), int64; ``subjects``, ``recordings`` and ``folds`` (windows,), text; ``about``, JSON in
UTF-8: a `PredictionsOrigin`.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle.npz import read_npz, write_npz
from edgehar.models.errors import BundleError, DataError
from edgehar.models.files import atomic_path
from edgehar.pipeline.data.recordings import in_natural_order
from edgehar.pipeline.data.windows import Indices, Windows
from edgehar.pipeline.evaluation import Evaluation
from edgehar.pipeline.evaluation.metrics import Scores

PREDICTIONS: Final = "predictions.npz"
FOLDS_SUFFIX: Final = ".groups"
"""What the folder of a run's models is called after the run's name."""

_TEXTS: Final = ("subjects", "recordings", "folds")
_POSITIONS: Final = ("truth", "starts", "segment_starts")
_MOST_BYTES: Final = 128 * 2**20


@dataclass(frozen=True, slots=True)
class PredictionsOrigin:
    """Where predictions come from."""

    model: str
    dataset: str
    dataset_sha256: str
    protocol: str
    engine: str
    runtime: str
    artifact: str
    quantization: str
    labels: tuple[str, ...]
    seeds: tuple[int, ...]
    hop: int
    window_length: int
    rate_hz: float


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Out-of-fold predictions of some windows.

    Parameters
    ----------
    origin
        Where they come from.
    probabilities : ndarray of shape (n_seeds, n_windows, n_classes), float32
        Of the one model of each seed that had not seen the window's person.
    truth : ndarray of shape (n_windows,), int64
        Positions in the labels.
    starts, segment_starts : ndarray of shape (n_windows,), int64
        The first sample of each window and of its segment, among all samples of the data set at the model's rate.
    subjects, recordings, folds : ndarray of shape (n_windows,), str
        Whose window it is, from which recording, and which split it was judged in.
    """

    origin: PredictionsOrigin
    probabilities: NDArray[np.float32]
    truth: Indices
    starts: Indices
    segment_starts: Indices
    subjects: NDArray[np.str_]
    recordings: NDArray[np.str_]
    folds: NDArray[np.str_]

    @classmethod
    def of(
        cls,
        origin: PredictionsOrigin,
        windows: Windows,
        folds: Iterable[tuple[str, Indices, list[NDArray[np.float32]]]],
    ) -> "Predictions":
        """Return the predictions of several folds.

        Parameters
        ----------
        origin
            Where they come from.
        windows
            Of all folds.
        folds
            The name of each, its windows, and for every seed the probabilities of these.
        """
        found = list(folds)
        indices = np.concatenate([own for _, own, _ in found])
        order = np.argsort(indices, kind="stable")
        chosen = indices[order]
        names = np.concatenate([np.full(len(own), name) for name, own, _ in found])
        seeds = range(len(origin.seeds))
        return cls(
            origin,
            np.stack([np.concatenate([parts[seed] for _, _, parts in found])[order] for seed in seeds]),
            windows.labels[chosen],
            windows.starts[chosen],
            windows.segment_starts[chosen],
            windows.subjects[chosen],
            windows.recording_ids[chosen],
            names[order],
        )

    def per_subject(self) -> list[dict[str, Scores]]:
        """Return for every seed the scores of each person, in natural order."""
        names = in_natural_order(np.unique(self.subjects).tolist())
        return [
            {
                name: Scores.of(
                    self.origin.labels,
                    truth=self.truth[self.subjects == name],
                    predicted=probabilities[self.subjects == name].argmax(axis=1),
                )
                for name in names
            }
            for probabilities in self.probabilities
        ]

    def evaluation(self) -> Evaluation:
        """Return the evaluation of all folds and seeds together."""
        origin, seeds = self.origin, self.per_subject()
        pooled = {name: Scores.pooled([scores[name] for scores in seeds]) for name in seeds[0]}
        return Evaluation(
            origin.protocol,
            origin.engine,
            origin.runtime,
            origin.artifact,
            origin.quantization,
            tuple(pooled),
            pooled,
        )

    def by_seed(self) -> list[dict[str, Any]]:
        """Return the figures of every seed, as JSON-ready data."""
        scores = [Scores.pooled(each.values()) for each in self.per_subject()]
        return [
            {"seed": seed, "accuracy": each.accuracy, "macro_f1": each.macro_f1}
            for seed, each in zip(self.origin.seeds, scores, strict=True)
        ]

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        arrays: dict[str, NDArray[Any]] = {
            "about": np.frombuffer(json.dumps(asdict(self.origin), ensure_ascii=False).encode(), np.uint8),
            "probabilities": self.probabilities.astype("<f4"),
            **{name: getattr(self, name).astype("<i8") for name in _POSITIONS},
            **{name: getattr(self, name) for name in _TEXTS},
        }
        with atomic_path(path) as temporary:
            temporary.write_bytes(write_npz(arrays))


def read_predictions(path: Path) -> Predictions:
    """Read the predictions of `Predictions.save`.

    Parameters
    ----------
    path
        The file, or the folder that holds it.

    Raises
    ------
    DataError
        If there are none, or the file is not what was written.
    """
    file = path / PREDICTIONS if path.is_dir() else path
    if not file.is_file():
        raise DataError(
            f"{file}: expected predictions, found none",
            next_step="Name the folder of models that har train --groups or --leave-one-subject-out wrote.",
        )
    if file.stat().st_size > _MOST_BYTES:
        raise _damaged(file, f"it is larger than {_MOST_BYTES:,} bytes")
    try:
        arrays = read_npz(file.read_bytes(), where=str(file))
    except BundleError as error:
        raise _damaged(file, error.message) from error
    try:
        about = json.loads(arrays["about"].tobytes())
        origin = PredictionsOrigin(**{**about, "labels": tuple(about["labels"]), "seeds": tuple(about["seeds"])})
        found = Predictions(origin, arrays["probabilities"], *(arrays[name] for name in (*_POSITIONS, *_TEXTS)))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _damaged(file, str(error)) from error
    _check(found, file)
    return found


def _check(found: Predictions, file: Path) -> None:
    """Refuse arrays that do not fit one another."""
    origin, count = found.origin, len(found.truth)
    texts = [origin.model, origin.dataset, origin.protocol, origin.engine, origin.artifact, *origin.labels]
    numbers = [getattr(found, name) for name in _POSITIONS]
    fits = (
        all(isinstance(text, str) for text in texts)
        and all(type(seed) is int for seed in origin.seeds)
        and found.probabilities.shape == (len(origin.seeds), count, len(origin.labels))
        and found.probabilities.dtype == np.float32
        and count > 0
        and len(origin.seeds) > 0
        and all(array.dtype == np.int64 and array.shape == (count,) for array in numbers)
        and all(array.dtype.kind == "U" and array.shape == (count,) for array in map(found.__getattribute__, _TEXTS))
    )
    if not fits or not np.isfinite(found.probabilities).all():
        raise _damaged(file, "its arrays do not fit one another")
    if found.truth.min() < 0 or found.truth.max() >= len(origin.labels):
        raise _damaged(file, "it holds labels that it does not name")


def _damaged(file: Path, why: str) -> DataError:
    """Return the error about a file that is not what was written."""
    return DataError(
        f"{file}: expected predictions as har train writes them, got something else ({why[:120]})",
        next_step="The file is damaged or of another version: train again, with --resume if the models are there.",
    )
