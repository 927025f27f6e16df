"""Measure what a report shows: scores, intervals, calibration, a timeline, what perturbations cost."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.commands.report.facts import Calibration, DecoderEffect, Robustness, RobustnessRow, Timeline
from edgehar.models.bundle.manifest import Manifest
from edgehar.models.decoder import Decoder
from edgehar.models.engines import Engine
from edgehar.pipeline.data.windows import Indices, Windows, evenly_spread
from edgehar.pipeline.evaluation import Evaluation
from edgehar.pipeline.evaluation.bootstrap import Intervals, bootstrap
from edgehar.pipeline.evaluation.calibration import fit_temperature, reliability, tempered
from edgehar.pipeline.evaluation.metrics import Scores
from edgehar.pipeline.evaluation.robustness import PERTURBATIONS, perturbed
from edgehar.pipeline.tuning.continuous import DECODED, labels_of
from edgehar.pipeline.tuning.events import event_scores
from edgehar.pipeline.tuning.streams import Stream

_AT_ONCE: Final = 1024
_TIMELINE_S: Final = 600.0
_MOST_TRAINING_WINDOWS: Final = 4000
_MOST_PERTURBED_WINDOWS: Final = 4000


def probabilities_of(engine: Engine, windows: Windows, indices: Indices) -> NDArray[np.float32]:
    """Return an engine's probabilities (n, classes) of some windows; few are copied out at a time."""
    parts = np.split(indices, range(_AT_ONCE, len(indices), _AT_ONCE))
    return np.concatenate([engine.predict(windows.batch(part)) for part in parts])


def people_interval(evaluation: Evaluation) -> Intervals | None:
    """Return the interval over the people judged."""
    return bootstrap([scores.confusion for scores in evaluation.per_subject.values()])


def stretch_intervals(
    windows: Windows, indices: Indices, predicted: NDArray[np.int64]
) -> Mapping[str, Intervals | None]:
    """Return each person's interval over their stretches of one activity."""
    subjects, segments = windows.subjects[indices], windows.segment_starts[indices]
    found: dict[str, Intervals | None] = {}
    for name in np.unique(subjects).tolist():
        own = np.flatnonzero(subjects == name)
        stretches = [own[segments[own] == start] for start in np.unique(segments[own])]
        found[name] = bootstrap([_confusion(windows, indices[part], predicted[part]) for part in stretches])
    return found


def calibrate(
    engine: Engine,
    windows: Windows,
    judged: Indices,
    probabilities: NDArray[np.float32],
    train_subjects: Sequence[str],
) -> Calibration:
    """Return how reliable probabilities are, and what a temperature fitted on training people makes of them."""
    truth = windows.labels[judged]
    plain = reliability(probabilities, truth)
    learned = evenly_spread(np.flatnonzero(np.isin(windows.subjects, list(train_subjects))), _MOST_TRAINING_WINDOWS)
    if not len(learned):
        return Calibration(plain, None, None, 0)
    temperature = fit_temperature(probabilities_of(engine, windows, learned), windows.labels[learned])
    return Calibration(plain, temperature, reliability(tempered(probabilities, temperature), truth), len(learned))


def follow(manifest: Manifest, streams: Sequence[Stream], subject: str) -> tuple[Timeline, DecoderEffect]:
    """Return the timeline of one person, and what the decoder does for all."""
    hop = manifest.window.hop
    decoded = [labels_of(stream, manifest, hop=hop, kind=DECODED) for stream in streams]
    raw = [stream.posteriors.argmax(axis=1).astype(np.int64) for stream in streams]
    truths, step_s = [stream.truth for stream in streams], streams[0].step_s
    effect = DecoderEffect(
        raw=event_scores(zip(truths, raw, strict=True), step_s=step_s),
        decoded=event_scores(zip(truths, decoded, strict=True), step_s=step_s),
        changes_nothing=Decoder.of_model(manifest).changes_nothing,
    )
    number = next((index for index, stream in enumerate(streams) if stream.subject == subject), 0)
    shown = slice(0, max(2, int(_TIMELINE_S / step_s)))
    stream = streams[number]
    timeline = Timeline(
        subject=stream.subject,
        step_s=step_s,
        truth=stream.truth[shown],
        raw=raw[number][shown],
        decoded=decoded[number][shown],
        probability=stream.posteriors[shown].max(axis=1).astype(np.float64),
        of_s=len(stream.truth) * step_s,
    )
    return timeline, effect


def try_perturbations(engine: Engine, windows: Windows, judged: Indices) -> Robustness:
    """Return macro-F1 of the same windows as recorded and under every perturbation."""
    chosen = evenly_spread(judged, _MOST_PERTURBED_WINDOWS)
    batch, subjects = windows.batch(chosen), windows.subjects[chosen]

    def row(name: str, meaning: str, samples: NDArray[np.float32]) -> RobustnessRow:
        parts = np.split(samples, range(_AT_ONCE, len(samples), _AT_ONCE))
        predicted = np.concatenate([engine.predict(part).argmax(axis=1) for part in parts])
        confusions = [
            _confusion(windows, chosen[own], predicted[own])
            for own in (subjects == name for name in np.unique(subjects))
        ]
        scores = Scores(windows.activities, np.sum(confusions, axis=0))
        interval = bootstrap(confusions)
        return RobustnessRow(name, meaning, scores.macro_f1, None if interval is None else interval.macro_f1)

    rows = [row(each.name, each.meaning, perturbed(each, batch, subjects)) for each in PERTURBATIONS]
    return Robustness(len(chosen), row("as recorded", "nothing is changed", batch), tuple(rows))


def _confusion(windows: Windows, indices: Indices, predicted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the confusion matrix of some windows."""
    return Scores.of(windows.activities, truth=windows.labels[indices], predicted=predicted).confusion
