"""A stretch of one person's signal for every activity: what the model gets to see."""

from collections.abc import Iterable

import numpy as np

from edgehar.pipeline.data.recordings import Recording
from edgehar.reporting.charts import Trace

_POINTS = 200


def signal_traces(recordings: Iterable[Recording], *, duration_s: float) -> tuple[Trace, ...]:
    """Return ``duration_s`` of every activity in the recordings, from the middle of its longest stretch, in g.

    Activities without a stretch of that length are left out.
    """
    longest: dict[str, tuple[int, Trace]] = {}
    for recording in recordings:
        needed = max(2, round(duration_s * recording.rate_hz))
        for label in recording.labels:
            length = label.stop - label.start
            if length < needed or length <= longest.get(label.activity, (0,))[0]:
                continue
            start = (label.start + label.stop - needed) // 2
            if any(start < gap < start + needed for gap in recording.gaps):
                continue
            rows = np.linspace(start, start + needed - 1, min(needed, _POINTS)).round().astype(np.int64)
            axes = recording.samples[rows].T.tolist()
            longest[label.activity] = (length, Trace(label.activity, axes))
    return tuple(trace for _, trace in longest.values())
