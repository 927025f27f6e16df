"""Evaluation: run any engine over labelled windows, and say how well it did, on whom, and whether that is honest."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle.manifest import MetricsEntry
from edgehar.models.engines import Engine
from edgehar.pipeline.data.recordings import in_natural_order
from edgehar.pipeline.data.windows import Indices, Windows
from edgehar.pipeline.evaluation.metrics import Scores, mean_and_deviation

_AT_ONCE: Final = 1024


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evaluation:
    """What was measured of one artifact on one engine.

    Parameters
    ----------
    protocol
        One sentence: who was judged, and who the model had learned from.
    engine, runtime, artifact, quantization
        What computed, and which file of the bundle.
    train_subjects
        Who the model had learned from.
    per_subject
        Scores of every subject judged.
    """

    protocol: str
    engine: str
    runtime: str
    artifact: str
    quantization: str
    train_subjects: tuple[str, ...]
    per_subject: Mapping[str, Scores]

    def __repr__(self) -> str:
        scores = self.scores
        return (
            f"<Evaluation of {self.artifact} on {self.engine}: accuracy {scores.accuracy:.3f}, macro-F1 "
            f"{scores.macro_f1:.3f}, {scores.windows:,} windows. {self.protocol}>"
        )

    @property
    def scores(self) -> Scores:
        """Scores of all windows together."""
        return Scores.pooled(self.per_subject.values())

    @property
    def test_subjects(self) -> tuple[str, ...]:
        """Who was judged, in natural order."""
        return in_natural_order(self.per_subject)

    def metrics_entry(self) -> MetricsEntry:
        """Return the evaluation as a bundle keeps it."""
        scores = self.scores
        return MetricsEntry(
            protocol=self.protocol,
            engine=self.engine,
            artifact=self.artifact,
            quantization=self.quantization,
            train_subjects=self.train_subjects,
            test_subjects=self.test_subjects,
            windows=scores.windows,
            accuracy=scores.accuracy,
            macro_f1=scores.macro_f1,
            per_class_f1=scores.per_class_f1,
        )

    def headline(self) -> dict[str, Any]:
        """Return the protocol and the two figures people quote, as JSON-ready data."""
        return {"protocol": self.protocol, "accuracy": self.scores.accuracy, "macro_f1": self.scores.macro_f1}

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON-ready data; subjects in natural order."""
        scores = self.scores
        by_subject = {name: self.per_subject[name] for name in self.test_subjects}
        accuracy, macro_f1 = (
            mean_and_deviation(getattr(each, name) for each in by_subject.values()) for name in ("accuracy", "macro_f1")
        )
        return {
            "protocol": self.protocol,
            "windows": scores.windows,
            "accuracy": scores.accuracy,
            "macro_f1": scores.macro_f1,
            "per_class_f1": scores.per_class_f1,
            "per_subject": {
                name: {"windows": each.windows, "accuracy": each.accuracy, "macro_f1": each.macro_f1}
                for name, each in by_subject.items()
            },
            "subjects_mean": {"accuracy": accuracy[0], "macro_f1": macro_f1[0]},
            "subjects_sd": {"accuracy": accuracy[1], "macro_f1": macro_f1[1]},
            "labels": list(scores.labels),
            "confusion": scores.confusion.tolist(),
            "engine": self.engine,
            "runtime": self.runtime,
            "artifact": self.artifact,
            "quantization": self.quantization,
        }


def evaluate_windows(
    engine: Engine,
    windows: Windows,
    indices: Indices,
    *,
    protocol: str,
    train_subjects: Sequence[str],
    predicted: NDArray[np.int64] | None = None,
) -> Evaluation:
    """Judge an engine's labels for some windows against the truth.

    Parameters
    ----------
    engine
        Any engine; it takes raw g.
    windows, indices
        Whose ``activities`` are the model's labels; which of them to judge.
    protocol, train_subjects
        What `Evaluation` says of the split.
    predicted : ndarray of shape (len(indices),), int64, or None
        What `predict_labels` returned before; None asks the engine.
    """
    if predicted is None:
        predicted = predict_labels(engine, windows, indices)
    truth, subjects = windows.labels[indices], windows.subjects[indices]
    per_subject = {}
    for name in in_natural_order(np.unique(subjects).tolist()):
        own = subjects == name
        per_subject[name] = Scores.of(windows.activities, truth=truth[own], predicted=predicted[own])
    return Evaluation(
        protocol=protocol,
        engine=engine.name,
        runtime=engine.runtime,
        artifact=engine.artifact,
        quantization=engine.quantization,
        train_subjects=tuple(train_subjects),
        per_subject=per_subject,
    )


def predict_labels(
    engine: Engine, windows: Windows, indices: Indices, *, advance: Callable[[int], None] | None = None
) -> NDArray[np.int64]:
    """Return the most probable class of every window; ``advance`` is told how many were done."""
    return np.asarray(predict_probabilities(engine, windows, indices, advance=advance).argmax(axis=1))


def predict_probabilities(
    engine: Engine, windows: Windows, indices: Indices, *, advance: Callable[[int], None] | None = None
) -> NDArray[np.float32]:
    """Return the probabilities (n, n_classes) of every window; few are copied out at a time."""
    parts = np.split(indices, range(_AT_ONCE, len(indices), _AT_ONCE))
    found = []
    for part in parts:
        found.append(engine.predict(windows.batch(part)))
        if advance is not None:
            advance(len(part))
    return np.concatenate(found)


def pool_evaluations(parts: Iterable[Evaluation], *, protocol: str) -> Evaluation:
    """Return evaluations of several models, each on subjects of its own, as one.

    Accuracy and F1 are then of all windows together, not means over the models.
    """
    found = list(parts)
    per_subject: dict[str, Scores] = {}
    for part in found:
        for name, scores in part.per_subject.items():
            per_subject[name] = Scores.pooled([per_subject[name], scores]) if name in per_subject else scores
    everyone = in_natural_order({name for part in found for name in part.train_subjects})
    first = found[0]
    return Evaluation(protocol, first.engine, first.runtime, first.artifact, first.quantization, everyone, per_subject)
