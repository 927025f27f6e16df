"""What a wearer gets of a model: its labels on continuous streams, raw, decoded at once, and decoded after a lag.

Macro-F1 is of the windows that hold one activity, as it is wherever windows are judged: one that holds two has no
single truth. How soon a label follows a change is told by the events, which count every window by what is done at its
last sample; macro-F1 counted that way stands beside (decision 61).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgehar.models.bundle.manifest import Manifest
from edgehar.models.decoder import REJECTED, UNDECODED, UNKNOWN, Decoder
from edgehar.pipeline.tuning.events import EventScores, event_scores
from edgehar.pipeline.tuning.scores import Confusion, called_unknown, confusion_of, macro_f1_of
from edgehar.pipeline.tuning.streams import Stream

LAG_S: Final = 2.0
"""How long a label waits where it may."""

RAW: Final = "raw"
DECODED: Final = "decoded"
DECODED_LAG: Final = "decoded_lag"

Shown = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class StreamScores:
    """How labels on streams were.

    Parameters
    ----------
    confusion : ndarray of shape (n_classes, n_classes + 1), int64
        Windows that hold one activity, by what was done and what was said; the last column is ``unknown``, which is
        never right. The decoder has seen the other windows all the same.
    every_window : ndarray of shape (n_classes, n_classes + 1), int64
        All windows, by what was done at the last sample.
    events
        What a person notices.
    unlearned_windows, unlearned_unknown
        Windows of activities that the model has no label for, and the share of them called unknown; no part of F1.
    """

    confusion: Confusion
    every_window: Confusion
    events: EventScores
    unlearned_windows: int = 0
    unlearned_unknown: float = 0.0

    @property
    def macro_f1(self) -> float:
        """Of the windows that hold one activity."""
        return macro_f1_of(self.confusion)

    @property
    def every_window_macro_f1(self) -> float:
        """Of all windows, by what was done at the last sample."""
        return macro_f1_of(self.every_window)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON-ready data."""
        found = {"macro_f1": self.macro_f1, "every_window_macro_f1": self.every_window_macro_f1, **asdict(self.events)}
        if self.unlearned_windows:
            found |= {"unlearned_windows": self.unlearned_windows, "unlearned_unknown": self.unlearned_unknown}
        return found


def labels_of(stream: Stream, manifest: Manifest, *, hop: int, kind: str, lag_s: float = LAG_S) -> Shown:
    """Return the label of every window of a stream, as a position; ``REJECTED`` is unknown.

    Parameters
    ----------
    stream
        One person's.
    manifest
        Of the bundle whose decoder is asked.
    hop
        Of the stream's windows, in samples.
    kind
        `RAW`, `DECODED` or `DECODED_LAG`.
    lag_s
        Of the last.
    """
    decoder = Decoder.of_model(
        manifest,
        hop=hop,
        spec=UNDECODED if kind == RAW else None,
        lag_s=lag_s if kind == DECODED_LAG else 0.0,
    )
    directions = np.zeros(len(stream.truth), np.int8) if stream.directions is None else stream.directions
    found = []
    for posterior, direction in zip(stream.posteriors, directions.tolist(), strict=True):
        found += decoder.feed(posterior, direction)
    positions = {label: at for at, label in enumerate(manifest.labels)} | {UNKNOWN: REJECTED}
    return np.array([positions[each.label] for each in [*found, *decoder.finish()]], np.int64)


def score_streams(streams: Sequence[Stream], shown: Sequence[Shown], *, classes: int) -> StreamScores:
    """Compare labels with what was done, all streams together."""
    pairs = list(zip(streams, shown, strict=True))
    events = [(stream.truth, labels) for stream, labels in pairs]
    unlearned, unknown = np.sum([called_unknown(truth, labels) for truth, labels in events], axis=0).tolist()
    return StreamScores(
        np.sum([confusion_of_one_activity(stream, labels, classes) for stream, labels in pairs], axis=0),
        np.sum([confusion_of(truth, labels, classes) for truth, labels in events], axis=0),
        event_scores(events, step_s=streams[0].step_s),
        unlearned,
        unknown / max(1, unlearned),
    )


def confusion_of_one_activity(stream: Stream, shown: Shown, classes: int) -> Confusion:
    """Count the windows of a stream that hold one activity."""
    inside = np.ones(len(shown), np.bool_) if stream.joined is None else ~stream.joined
    return confusion_of(stream.truth[inside], shown[inside], classes)
