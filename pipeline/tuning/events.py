"""What a person notices of a stream of labels: that it flickers, that it is late, that it says what is not so.

The quantities are those of event-based evaluation in activity recognition (Ward, Lukowicz & Gellersen 2011): errors are
counted as things that happen and as time that is lost, not as windows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.decoder import REJECTED

FALSE_ACTIVATION_COST_S: Final = 5.0
"""A wrong label that appears costs as much trust as so many seconds of one that stays."""
UNKNOWN_SHARE: Final = 0.7
"""A second of ``unknown`` costs this much of a second of a wrong label."""


@dataclass(frozen=True, slots=True)
class EventScores:
    """How a stream of labels was.

    Parameters
    ----------
    hours
        How long it lasted.
    switches_per_hour, true_switches_per_hour
        How often the label changed, and how often what was done did.
    false_activations_per_hour
        How often a label appeared that was not what was done, ``unknown`` aside.
    delay_median_s, delay_p90_s
        From a change of what was done to its label; over the changes that were detected before the next one.
    at_once
        Share of changes whose label was there with the first window that ends after them.
    missed
        Share of changes whose label never came.
    wrong, unknown
        Shares of time.
    """

    hours: float
    switches_per_hour: float
    true_switches_per_hour: float
    false_activations_per_hour: float
    delay_median_s: float
    delay_p90_s: float
    at_once: float
    missed: float
    wrong: float
    unknown: float

    @property
    def cost(self) -> float:
        """Seconds lost in an hour: time that is wrong, a share of what is unknown, and false activations."""
        seconds = 3600 * (self.wrong + UNKNOWN_SHARE * self.unknown)
        return seconds + FALSE_ACTIVATION_COST_S * self.false_activations_per_hour


def event_scores(
    streams: Iterable[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]], *, step_s: float
) -> EventScores:
    """Compare labels with what was done.

    Parameters
    ----------
    streams
        Pairs of truth and labels, each of shape (n,), as positions. ``REJECTED`` as a label is unknown, which is right
        where it is the truth: an activity that there is no label for.
    step_s
        Seconds from one to the next.

    Examples
    --------
    >>> truth, shown = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 2, 0, 0, 1, 1])
    >>> scores = event_scores([(truth, shown)], step_s=1.0)
    >>> scores.delay_median_s, round(scores.false_activations_per_hour * scores.hours), scores.wrong
    (1.0, 1, 0.3333333333333333)
    """
    windows = wrong = unknown = switches = changes = false = missed = 0
    delays: list[float] = []
    for truth, shown in streams:
        windows += len(truth)
        unknown += int(np.count_nonzero((shown == REJECTED) & (truth != REJECTED)))
        wrong += int(np.count_nonzero((shown != truth) & (shown != REJECTED)))
        switches += int(np.count_nonzero(np.diff(shown)))
        starts = np.flatnonzero(np.diff(truth)) + 1
        changes += len(starts)
        began = np.flatnonzero(np.diff(shown)) + 1
        false += int(np.count_nonzero((shown[began] != truth[began]) & (shown[began] != REJECTED)))
        for start, stop in pairwise([*starts, len(truth)]):
            hits = np.flatnonzero(shown[start:stop] == truth[start])
            missed += not len(hits)
            delays += [float(hits[0]) * step_s] if len(hits) else []
    hours = windows * step_s / 3600
    return EventScores(
        hours=hours,
        switches_per_hour=switches / hours,
        true_switches_per_hour=changes / hours,
        false_activations_per_hour=false / hours,
        delay_median_s=float(np.median(delays)) if delays else 0.0,
        delay_p90_s=float(np.percentile(delays, 90)) if delays else 0.0,
        at_once=delays.count(0.0) / changes if changes else 0.0,
        missed=missed / changes if changes else 0.0,
        wrong=wrong / windows,
        unknown=unknown / windows,
    )
