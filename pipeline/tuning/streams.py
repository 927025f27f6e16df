"""People's recordings strung together, as if they were worn without a pause: what a decoder sees, and what was done.

A data set often holds one activity a recording. Judged recording by recording, a decoder is never shown a change; lined
up in the order of files, each activity would always follow the same one. So the segments of a person are joined in a
random order, and windows go on over the joints at the model's hop, as they do live: nothing is reset in between. The
truth of a window is what is done at its last sample, which is when its label appears.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from zlib import crc32

import numpy as np
import numpy.typing as npt

from edgehar.models.batch_decoding import listen
from edgehar.models.bundle.manifest import PushSpec
from edgehar.models.decoder import REJECTED
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
        What was done at its last sample, as a position among the labels; ``REJECTED`` for an activity that the model
        has no label for.
    step_s
        Seconds from one window to the next.
    directions : ndarray of shape (n,), int8, or None
        The direction of an elevator at its last sample (`edgehar.models.decoder.push`); None where none is
        listened for.
    joined : ndarray of shape (n,), bool, or None
        Whether the window holds more than one activity, or more than one recording; None for no window.
    """

    subject: str
    posteriors: npt.NDArray[np.float32]
    truth: npt.NDArray[np.int64]
    step_s: float
    directions: npt.NDArray[np.int8] | None = None
    joined: npt.NDArray[np.bool_] | None = None

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
    subjects: Sequence[str],
    *,
    push: PushSpec | None = None,
    seed: int = 0,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> list[Stream]:
    """String some people's segments together in a random order, and run a model on what comes of it.

    Parameters
    ----------
    engine
        Whatever predicts.
    windows
        Which segments there are, how long a window is and how far apart windows are. Its activities are the model's
        labels; any that follow are activities the model has not learned.
    subjects
        Whose; people without a window are passed over.
    push
        How the direction of an elevator is found; None where it is not.
    seed
        Of the order. A person's order depends on it and the person's name alone, whoever else is there.
    progress
        Is told how many windows are done, and of how many.
    """
    joined = [_join(windows, name, np.random.default_rng([seed, crc32(name.encode())])) for name in subjects]
    stretches = [(name, *found) for name, found in zip(subjects, joined, strict=True) if found is not None]
    total = sum(_count(len(samples), windows) for _, samples, _, _ in stretches)
    done, streams = 0, []
    for subject, samples_g, truth, joints in stretches:
        views = np.lib.stride_tricks.sliding_window_view(samples_g, windows.window_length, axis=0)[:: windows.hop]
        posteriors = []
        for start in range(0, len(views), _BATCH):
            batch = views[start : start + _BATCH].swapaxes(1, 2)
            posteriors.append(engine.predict(np.ascontiguousarray(batch)))
            done += len(batch)
            progress(done, total)
        ends = windows.window_length - 1 + windows.hop * np.arange(len(views))
        directions = None if push is None else listen(push, samples_g[:, :3], rate_hz=windows.rate_hz)[0][ends]
        passed = np.searchsorted(joints, ends, side="right")
        began = np.searchsorted(joints, ends - windows.window_length + 1, side="right")
        step_s = windows.hop / windows.rate_hz
        rows = np.concatenate(posteriors)
        done_at_end = np.where(truth[ends] < rows.shape[1], truth[ends], REJECTED)
        streams.append(Stream(subject, rows, done_at_end, step_s, directions, joined=passed != began))
    return streams


def _join(
    windows: Windows, subject: str, generator: np.random.Generator
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.int64]] | None:
    """Return a person's samples in a random order of segments, what was done at each, and where segments begin."""
    own = np.flatnonzero(windows.subjects == subject)
    if not len(own):
        return None
    _, first = np.unique(windows.segment_starts[own], return_index=True)
    order = generator.permutation(own[first])
    parts = [windows.samples[windows.segment_starts[at] : windows.segment_stops[at]] for at in order]
    lengths = [len(part) for part in parts]
    return np.concatenate(parts), np.repeat(windows.labels[order], lengths), np.cumsum(lengths)[:-1]


def _count(samples: int, windows: Windows) -> int:
    """Return how many windows so many samples make."""
    return (samples - windows.window_length) // windows.hop + 1
