"""What models that never saw a person make of that person's day: decoders chosen by others, on continuous streams.

Every fold's model runs on the strung recordings of the people it was not trained on. These posteriors are as unsure as
they are for a stranger, so a decoder that is chosen by them is not too trusting; and each person is judged by the
decoder that all *other* people chose. (Of the other people's models some have learned from the person who is judged; a
decoder has three numbers to carry that over.)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle.manifest import DecoderSpec, Manifest, MetricsEntry
from edgehar.models.stateful.windows import CarriedWindows, stream_engine
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.windows import Windows, make_windows
from edgehar.pipeline.evaluation.intervals import Intervals, confusion_intervals
from edgehar.pipeline.evaluation.metrics import mean_and_deviation
from edgehar.pipeline.training.kept_run import KeptRun
from edgehar.pipeline.tuning.continuous import (
    DECODED,
    DECODED_LAG,
    LAG_S,
    RAW,
    StreamScores,
    labels_of,
    score_streams,
)
from edgehar.pipeline.tuning.roles import push_of
from edgehar.pipeline.tuning.scores import Confusion, f1_of
from edgehar.pipeline.tuning.search import Grid, search
from edgehar.pipeline.tuning.streams import Stream, check_enough, streams_of

MOST_F1_LOST: Final = 0.005
"""What is within half a point of the best macro-F1 is as good; of these decoders the one that costs a wearer least."""

KINDS: Final = {RAW: "raw", DECODED: "decoded at once", DECODED_LAG: "decoded {lag_s:g} s later"}

ONE_ACTIVITY: Final = "windows that hold one activity"
EVERY_WINDOW: Final = "every window by its last sample"

Advance = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class ContinuousFigures:
    """Scores on continuous streams, of every seed.

    Parameters
    ----------
    decoder
        The one that all people together chose.
    seeds
        For every seed the scores of each kind: raw, decoded, decoded after a lag.
    confusions, every_window
        Of each kind, an array of shape (seeds, people, n_classes, n_classes + 1): of the windows that hold one
        activity, and of all of them by what was done at the last sample.
    people
        Whose streams they are.
    lag_s
        Of the last kind.
    of_others
        For each person the decoder that all other people chose, by which the person is judged.
    carried
        Whether states were carried from window to window.
    """

    decoder: DecoderSpec
    seeds: tuple[dict[str, StreamScores], ...]
    confusions: dict[str, NDArray[np.int64]]
    every_window: dict[str, NDArray[np.int64]]
    people: tuple[str, ...]
    lag_s: float
    of_others: dict[str, DecoderSpec]
    carried: bool

    def macro_f1(self, kind: str) -> tuple[float, float]:
        """Return mean and standard deviation over the seeds."""
        return mean_and_deviation(scores[kind].macro_f1 for scores in self.seeds)

    def every_window_macro_f1(self, kind: str) -> tuple[float, float]:
        """Return mean and standard deviation over the seeds, of all windows by their last sample."""
        return mean_and_deviation(scores[kind].every_window_macro_f1 for scores in self.seeds)

    def intervals(self, kind: str, *, every_window: bool = False) -> Intervals:
        """Return where other people like these would lie."""
        return confusion_intervals((self.every_window if every_window else self.confusions)[kind])

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON-ready data."""
        found: dict[str, Any] = {"lag_s": self.lag_s, "people": list(self.people), "streaming": self.carried}
        for kind in KINDS:
            prefix = "" if kind == RAW else f"{kind}_"
            found[f"{prefix}macro_f1"] = self.macro_f1(kind)[0]
            found[f"{prefix}every_window_macro_f1"] = self.every_window_macro_f1(kind)[0]
            found[kind] = {
                "seeds": [scores[kind].to_json() for scores in self.seeds],
                "macro_f1_sd": self.macro_f1(kind)[1],
                "intervals": self.intervals(kind).to_json(),
                "every_window_macro_f1_sd": self.every_window_macro_f1(kind)[1],
                "every_window_intervals": self.intervals(kind, every_window=True).to_json(),
            }
        return found

    def metrics_entries(self, like: MetricsEntry, labels: tuple[str, ...], *, protocol: str) -> list[MetricsEntry]:
        """Return the figures as a bundle keeps them, of the engine and artifact of another entry."""
        entries = []
        for which, confusions, macro_f1 in (
            (ONE_ACTIVITY, self.confusions, self.macro_f1),
            (EVERY_WINDOW, self.every_window, self.every_window_macro_f1),
        ):
            for kind, title in KINDS.items():
                pooled = confusions[kind].sum(axis=(0, 1))
                f1 = np.nan_to_num(f1_of(pooled)).tolist()
                entries.append(
                    replace(
                        like,
                        protocol=f"Continuous streams, {title.format(lag_s=self.lag_s)}, {which}. {protocol}",
                        windows=int(pooled.sum()),
                        accuracy=float(np.trace(pooled) / max(1, pooled.sum())),
                        macro_f1=macro_f1(kind)[0],
                        per_class_f1=dict(zip(labels, f1, strict=True)),
                    )
                )
        return entries


@dataclass(frozen=True, slots=True, eq=False)
class _OutOfFold:
    """A stream, with the seed and the manifest of the model that ran on it, and whether its state was carried."""

    stream: Stream
    seed: int
    manifest: Manifest
    carried: bool


def continuous_figures(
    run: KeptRun,
    dataset: Dataset,
    *,
    lag_s: float = LAG_S,
    streaming: bool | None = None,
    progress: Advance = lambda done, total: None,
) -> ContinuousFigures:
    """Run every fold's model on the streams of its people, choose decoders, and judge them.

    The order of a person's recordings is drawn by the seed of the model.

    Parameters
    ----------
    run, dataset
        The models, and the recordings that they were trained on.
    lag_s
        Of the decoder that waits.
    streaming
        Whether a model's state is carried from window to window; None: as it was trained.
    progress
        Is told how many of the models, and then of the decoders, are done.

    Raises
    ------
    DataError
        If the recordings are not those of the run, or too short to choose by.
    """
    found = _out_of_fold(run, dataset, streaming, progress)
    streams = [each.stream for each in found]
    check_enough(streams)
    first = found[0].manifest
    grid = Grid(tuple(streams), first.labels, first.window.hop, first.window.length, push_of(first.labels))
    choice = search(grid, most_f1_lost=MOST_F1_LOST, progress=progress)
    decoded = [
        replace(each, manifest=replace(each.manifest, decoder=spec))
        for each, spec in zip(found, choice.of_others, strict=True)
    ]
    people = tuple(dict.fromkeys(stream.subject for stream in streams))
    by_seed = [[each for each in decoded if each.seed == seed] for seed in run.predictions.origin.seeds]
    scores: list[dict[str, StreamScores]] = []
    inside: dict[str, list[list[Confusion]]] = {kind: [] for kind in KINDS}
    every: dict[str, list[list[Confusion]]] = {kind: [] for kind in KINDS}
    for own in by_seed:
        ordered = sorted(own, key=lambda each: people.index(each.stream.subject))
        shown = {kind: [_labels(each, kind, lag_s) for each in ordered] for kind in KINDS}
        scores.append({kind: _scores(ordered, labels) for kind, labels in shown.items()})
        for kind, labels in shown.items():
            people_scores = [_scores([each], [said]) for each, said in zip(ordered, labels, strict=True)]
            inside[kind].append([each.confusion for each in people_scores])
            every[kind].append([each.every_window for each in people_scores])
    return ContinuousFigures(
        choice.best.spec,
        tuple(scores),
        {kind: np.array(each) for kind, each in inside.items()},
        {kind: np.array(each) for kind, each in every.items()},
        people,
        lag_s,
        {stream.subject: spec for stream, spec in zip(streams, choice.of_others, strict=True)},
        all(each.carried for each in found),
    )


def _out_of_fold(run: KeptRun, dataset: Dataset, streaming: bool | None, progress: Advance) -> list[_OutOfFold]:
    """Return what every model says of the people it did not learn from."""
    windows, found = _windows(run, dataset), []
    for number, (bundle, subjects) in enumerate(run.folds(dataset, windows), start=1):
        seed, push = bundle.manifest.provenance.seed, push_of(bundle.manifest.labels)
        engine = stream_engine(bundle, hop=windows.hop, streaming=streaming)
        streams = streams_of(engine, windows, subjects, push=push, seed=seed)
        carried = isinstance(engine, CarriedWindows)
        found += [_OutOfFold(stream, seed, bundle.manifest, carried) for stream in streams]
        progress(number, len(run.places))
    return found


def _windows(run: KeptRun, dataset: Dataset) -> Windows:
    """Return the windows of the run."""
    origin = run.predictions.origin
    return make_windows(
        dataset,
        window_length=origin.window_length,
        hop=origin.hop,
        rate_hz=origin.rate_hz,
        activities=origin.labels,
    )


def _labels(each: _OutOfFold, kind: str, lag_s: float) -> NDArray[np.int64]:
    """Return the labels that a stream gets."""
    return labels_of(each.stream, each.manifest, hop=each.manifest.window.hop, kind=kind, lag_s=lag_s)


def _scores(found: Sequence[_OutOfFold], labels: Sequence[NDArray[np.int64]]) -> StreamScores:
    """Return the scores of the streams of one seed."""
    return score_streams([each.stream for each in found], labels, classes=len(found[0].manifest.labels))
