"""Posteriors of people's recordings as streams in time: what a decoder sees if they are worn one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from edgehar.models.errors import DataError
from edgehar.pipeline.data.windows import Windows


class Predictor(Protocol):
    """The part of an engine that tuning needs."""

    def predict(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return probabilities (n, classes) of windows (n, length, 3), in g."""


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """One person's windows in time.

    Parameters
    ----------
    subject
        Whose.
    posteriors : ndarray of shape (n, n_classes), float32
        What the model says of each window.
    truth : ndarray of shape (n,), int64
        What was done during it, as a position among the labels.
    step_s
        Seconds from one window to the next.
    """

    subject: str
    posteriors: npt.NDArray[np.float32]
    truth: npt.NDArray[np.int64]
    step_s: float

    @property
    def hours(self) -> float:
        """How long it lasts."""
        return len(self.truth) * self.step_s / 3600


LEAST_S: Final = 120.0
"""How much of people's time a decoder can be chosen by: a few changes of what they do are in it."""
_BATCH: Final = 512


def check_enough(streams: Sequence[Stream]) -> None:
    """Refuse to choose a decoder by too little, or by recordings that the model makes nothing of.

    Raises
    ------
    DataError
        If there are less than two minutes, nothing changes in them, or the model does worse on them than chance.
    """
    seconds = sum(len(stream.truth) * stream.step_s for stream in streams)
    changes = sum(int(np.count_nonzero(np.diff(stream.truth))) for stream in streams)
    if seconds < LEAST_S or not changes:
        raise DataError(
            f"expected at least {LEAST_S:.0f} s of labelled signal in which the activity changes, got {seconds:.0f} s "
            f"with {changes} changes: the decoder stays as it is",
            next_step="Record more, or tune on the data the model was trained on.",
        )
    right = np.concatenate([stream.posteriors.argmax(axis=1) == stream.truth for stream in streams])
    chance = 1.0 / streams[0].posteriors.shape[1]
    if right.mean() < chance:
        raise DataError(
            f"expected recordings the model knows something of, it is right in {right.mean():.0%} of their windows, "
            f"chance in {chance:.0%}: the decoder stays as it is",
            next_step="Check unit, placement and labels of the recordings.",
        )


def streams_of(
    engine: Predictor,
    windows: Windows,
    subjects: tuple[str, ...],
    *,
    seed: int = 0,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> list[Stream]:
    """Run a model on some people's windows, and line their segments up in a shuffled order.

    A data set often holds one activity a recording; lined up in the order of its files, each activity would always
    follow the same one. Within a segment time is kept; between two, the person changes activity from one window to
    the next, which is what detection delay is measured from.
    """
    chosen = np.flatnonzero(np.isin(windows.subjects, subjects))
    posteriors = []
    for start in range(0, len(chosen), _BATCH):
        posteriors.append(engine.predict(windows.batch(chosen[start : start + _BATCH])))
        progress(min(start + _BATCH, len(chosen)), len(chosen))
    rows = np.concatenate(posteriors)
    generator = np.random.default_rng(seed)
    found = []
    for subject in subjects:
        own = np.flatnonzero(windows.subjects[chosen] == subject)
        if not len(own):
            continue
        cuts = np.flatnonzero(np.diff(windows.segment_starts[chosen[own]])) + 1
        segments = np.split(own, cuts)
        order = np.concatenate([segments[index] for index in generator.permutation(len(segments))])
        step_s = windows.hop / windows.rate_hz
        found.append(Stream(subject, rows[order], windows.labels[chosen[order]], step_s))
    return found
