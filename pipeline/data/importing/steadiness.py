"""Whether the rate of a recording is one rate: loggers that save power change it, and some write only what changes."""

from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.pipeline.data.importing.clock import Steps
from edgehar.pipeline.data.importing.spool import Column

_PARTS: Final = 8
_LONGEST: Final = 2048
_FEWEST: Final = 24
_CHANGED: Final = 1.2
_UNEVEN: Final = 0.25
_OFF: Final = 0.5

Floats = npt.NDArray[np.float64]


def about_rate(times: Column, start: int, stop: int, steps: Steps) -> str | None:
    """Return what must be said of the rate of some rows: that it changes, or that samples are uneven; else None.

    Parameters
    ----------
    times
        In s.
    start, stop
        The rows of one recording.
    steps
        What their steps are like.
    """
    parts = [part for part in _parts(times, start, stop) if len(part) >= _FEWEST]
    if not parts or steps.in_packets:
        return None
    passed = [between[(between > 0) & (between <= steps.limit)] for between in map(np.diff, parts)]
    passed = [between for between in passed if len(between) >= _FEWEST // 2]
    if not passed:
        return None
    medians = [float(np.median(between)) for between in passed]
    uneven = [float((np.abs(each / middle - 1) > _OFF).mean()) for each, middle in zip(passed, medians, strict=True)]
    if np.median(uneven) > _UNEVEN:
        low, high = np.quantile(np.concatenate(passed), [0.1, 0.9]) * 1000
        return (
            f"Samples are uneven in time: a tenth of them come within {low:.3g} ms of the one before, a tenth later "
            f"than {high:.3g} ms."
        )
    if max(medians) > _CHANGED * min(medians):
        first, last = (1 / medians[at] for at in (0, -1))
        lowest, highest = 1 / max(medians), 1 / min(medians)
        how = f"{first:.4g} Hz at first, {last:.4g} Hz at the end" if abs(first / last - 1) > _CHANGED - 1 else ""
        how = how or f"between {lowest:.4g} and {highest:.4g} Hz"
        return f"The rate changes within the recording: {how}. Import its parts as files of their own."
    return None


def _parts(times: Column, start: int, stop: int) -> list[Floats]:
    """Return some stretches of times, spread over all rows."""
    length = min(_LONGEST, max(1, (stop - start) // _PARTS))
    edges = np.linspace(start, stop - length, _PARTS).astype(int)
    return [np.asarray(times.read(at, at + length), np.float64) for at in edges.tolist()]
