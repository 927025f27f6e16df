"""Try decoders on streams and keep the one that loses least: a grid, small enough to be tried whole."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.bundle.manifest import DecoderSpec
from edgehar.models.decoder import REJECTED, UNDECODED, Dwell, PosteriorFilter
from edgehar.pipeline.tuning.events import EventScores, event_scores
from edgehar.pipeline.tuning.streams import Stream

SMOOTHINGS: Final = (1, 2, 3, 4, 6, 8)
STAYS_S: Final = (10.0, 30.0, 60.0, 180.0)
"""How long somebody does one thing, in the hidden Markov models that are tried."""
REJECTIONS: Final = (0.0, 0.3, 0.4, 0.5, 0.6)
DWELLS: Final = (1, 2, 3, 5)
_OBSERVED_WEIGHT: Final = 0.5


@dataclass(frozen=True, slots=True)
class Trial:
    """A decoder, and what came of it."""

    spec: DecoderSpec
    scores: EventScores


def transitions(streams: Sequence[Stream], classes: int, *, stay_s: float) -> tuple[tuple[float, ...], ...]:
    """Return transition probabilities: stay for ``stay_s`` on average, then go where people in training went.

    Half of the leaving goes where it was observed to, half everywhere alike, so that nothing is impossible: the order
    of recordings in a data set is not the order of a day.
    """
    step_s = streams[0].step_s
    counts = np.zeros((classes, classes))
    for stream in streams:
        np.add.at(counts, (stream.truth[:-1], stream.truth[1:]), 1.0)
    np.fill_diagonal(counts, 0.0)
    alike = (np.ones((classes, classes)) - np.eye(classes)) / max(1, classes - 1)
    seen = counts.sum(axis=1, keepdims=True)
    observed = np.where(seen > 0, counts / np.maximum(seen, 1.0), alike)
    leave = min(0.5, step_s / stay_s) if classes > 1 else 0.0
    matrix = (1 - leave) * np.eye(classes) + leave * (_OBSERVED_WEIGHT * observed + (1 - _OBSERVED_WEIGHT) * alike)
    return tuple(tuple(row) for row in (matrix / matrix.sum(axis=1, keepdims=True)).tolist())


def decode(spec: DecoderSpec, streams: Sequence[Stream], *, hop: int, window_length: int) -> EventScores:
    """Return what a person would notice of a decoder."""
    return _judge(spec, _filtered(spec, streams, hop, window_length), streams)


def search(
    streams: Sequence[Stream],
    *,
    hop: int,
    window_length: int,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> tuple[Trial, Trial]:
    """Return the decoder that changes nothing, and the best one, which may be the same.

    Parameters
    ----------
    streams
        Posteriors and truth of people the model was trained on: the people it is judged by must not choose its decoder.
    hop, window_length
        Of the streams' windows, in samples.
    """
    classes = streams[0].posteriors.shape[1]
    filters = [DecoderSpec(count, 0.0, 1) for count in SMOOTHINGS]
    filters += [DecoderSpec(1, 0.0, 1, transitions(streams, classes, stay_s=stay_s)) for stay_s in STAYS_S]
    undecoded = best = Trial(UNDECODED, decode(UNDECODED, streams, hop=hop, window_length=window_length))
    for number, base in enumerate(filters, start=1):
        filtered = _filtered(base, streams, hop, window_length)
        for reject_below in REJECTIONS:
            for dwell in DWELLS:
                spec = DecoderSpec(base.smoothing_windows, reject_below, dwell, base.transitions)
                trial = Trial(spec, _judge(spec, filtered, streams))
                best = min(best, trial, key=lambda found: found.scores.cost)
        progress(number, len(filters))
    return undecoded, best


def _filtered(
    spec: DecoderSpec, streams: Sequence[Stream], hop: int, window_length: int
) -> list[npt.NDArray[np.float64]]:
    """Return the filtered posteriors of every stream."""
    found = []
    for stream in streams:
        smooth = PosteriorFilter(spec, hop=hop, spec_hop=hop, window_length=window_length)
        found.append(np.concatenate([smooth.feed(row) for row in stream.posteriors]))
    return found


def _judge(spec: DecoderSpec, filtered: Sequence[npt.NDArray[np.float64]], streams: Sequence[Stream]) -> EventScores:
    """Reject and dwell, then compare with what was done."""
    pairs = []
    for rows, stream in zip(filtered, streams, strict=True):
        best = np.where(rows.max(axis=1) >= spec.reject_below, rows.argmax(axis=1), REJECTED)
        hold = Dwell(spec.minimum_dwell_windows)
        pairs.append((stream.truth, np.array([hold.feed(label) for label in best.tolist()], np.int64)))
    return event_scores(pairs, step_s=streams[0].step_s)
