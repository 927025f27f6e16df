"""What a model reaches on one person, window by window and decoded, and what to record to reach more."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle.manifest import Manifest
from edgehar.pipeline.data.windows import Indices, Windows
from edgehar.pipeline.evaluation.metrics import Scores
from edgehar.pipeline.tuning.continuous import DECODED, labels_of, score_streams
from edgehar.pipeline.tuning.scores import Confusion, macro_f1_of
from edgehar.pipeline.tuning.streams import Predictor, Stream, streams_of

GOOD_F1: Final = 0.8
"""Activities below it are worth another take."""


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """What was measured on some windows.

    Parameters
    ----------
    scores
        Of windows alone.
    decoded, every_window
        Windows by what was done and by what the bundle's decoder said at once, on the takes strung together in random
        order: those that hold one activity, and all of them; "unknown" is right for nothing.
    """

    scores: Scores
    decoded: Confusion
    every_window: Confusion

    @classmethod
    def of(
        cls,
        manifest: Manifest,
        windows: Windows,
        indices: Indices,
        posteriors: NDArray[Any],
        *,
        engine: Predictor | None = None,
    ) -> "Figures":
        """Judge posteriors (n, n_classes) of one person's windows, in order.

        Without an engine, which is asked again of windows that hold two takes, the decoder sees no such windows, nor
        the direction of elevators.
        """
        scores = Scores.of(manifest.labels, truth=windows.labels[indices], predicted=posteriors.argmax(axis=1))
        streams = _streams(manifest, windows.subset(indices), posteriors, engine)
        shown = [labels_of(stream, manifest, hop=windows.hop, kind=DECODED) for stream in streams]
        decoded = score_streams(streams, shown, classes=len(manifest.labels))
        return cls(scores, decoded.confusion, decoded.every_window)

    @property
    def decoded_macro_f1(self) -> float:
        """Macro-F1 with the decoder."""
        return macro_f1_of(self.decoded)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON-ready data; F1 of the activities that were done."""
        done = np.flatnonzero(self.scores.confusion.sum(axis=1)).tolist()
        f1 = self.scores.per_class_f1
        return {
            "macro_f1": self.scores.macro_f1,
            "decoded_macro_f1": self.decoded_macro_f1,
            "decoded_every_window_macro_f1": macro_f1_of(self.every_window),
            "accuracy": self.scores.accuracy,
            "windows": self.scores.windows,
            "per_class_f1": {self.scores.labels[label]: f1[self.scores.labels[label]] for label in done},
            "confusion": self.scores.confusion.tolist(),
            "decoded_confusion": self.decoded.tolist(),
            "decoded_every_window_confusion": self.every_window.tolist(),
        }


def what_to_record(manifest: Manifest, windows: Windows, learned: Indices, after: Scores) -> tuple[str, ...]:
    """Return sentences that say which takes would help most.

    Parameters
    ----------
    manifest
        Of the model.
    windows, learned
        What it learned from.
    after
        What it reaches now.
    """
    labels = windows.labels[learned]
    advice = []
    missing = [name for label, name in enumerate(manifest.labels) if not (labels == label).any()]
    if missing:
        advice.append(f"Not recorded: {', '.join(missing)}. The model knows them from other people only.")
    once = [
        manifest.labels[label]
        for label in np.unique(labels).tolist()
        if len(np.unique(windows.segment_starts[learned[labels == label]])) == 1
    ]
    if once:
        advice.append(f"One take each: {', '.join(once)}. A second one, on another day, shows how much you vary.")
    for name, f1 in sorted(after.per_class_f1.items(), key=lambda item: item[1]):
        row = after.confusion[after.labels.index(name)].copy()
        row[after.labels.index(name)] = 0
        if f1 < GOOD_F1 and row.any():
            other = after.labels[int(row.argmax())]
            advice.append(f"{name} (F1 {f1:.2f}) is taken for {other}: record more of both.")
    return tuple(advice)


def _streams(manifest: Manifest, windows: Windows, posteriors: NDArray[Any], engine: Predictor | None) -> list[Stream]:
    """Return the takes strung together."""
    if engine is None:
        return [_strung(windows, posteriors)]
    return streams_of(engine, windows, windows.subject_names, push=manifest.decoder.push)


def _strung(windows: Windows, posteriors: NDArray[Any]) -> Stream:
    """Return what was said of one person's windows as a stream of takes in random order, none of them joined."""
    takes = np.unique(windows.segment_starts)
    order = np.random.default_rng(0).permutation(len(takes))
    chosen = np.argsort(order.argsort()[np.searchsorted(takes, windows.segment_starts)], kind="stable")
    rows = np.asarray(posteriors[chosen], np.float32)
    return Stream(windows.subject_names[0], rows, windows.labels[chosen], windows.hop / windows.rate_hz)
