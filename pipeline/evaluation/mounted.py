"""Judge people whose sensor sits otherwise than the model's: each one's mounting is found first, as live use finds it.

What a wearer is led through live, standing still and then walking, is taken from the wearer's own labelled recordings.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from numpy.typing import NDArray

from edgehar.models.errors import DataError
from edgehar.models.mounting import STILL_S, WALKING_S, Frame, Mounting, find_mounting
from edgehar.pipeline.data.mounting_takes import stands, takes, walks
from edgehar.pipeline.data.recordings import Dataset, Recording

Samples = NDArray[Any]

_STANDING_S: Final = 4.0
_STRAIGHT_S: Final = 10.0
_MOST_WALKS: Final = 6
"""Walks that are tried one after the other, as a wearer is asked to walk again."""


@dataclass(frozen=True, slots=True)
class FoundMountings:
    """How each person's sensor is mounted, and why that could not be found for others.

    Parameters
    ----------
    mountings
        By subject.
    unfound
        By subject: the reason; they are judged as they are.
    """

    mountings: dict[str, Mounting]
    unfound: dict[str, str]


def find_mountings(
    dataset: Dataset,
    subjects: Iterable[str],
    frame: Frame,
    *,
    worn: Callable[[str, Samples], Samples] = lambda _, samples: samples,
) -> FoundMountings:
    """Find each person's mounting from seconds of standing and walking in their recordings.

    Parameters
    ----------
    dataset
        Labelled recordings, acceleration first.
    subjects
        Whose.
    frame
        The model's.
    worn
        What is done to the samples of a person first, shape (n, 3) to (n, 3), in g: another mounting to be found.
    """
    mountings, unfound = {}, {}
    for subject in subjects:
        reason = "no stretch of standing and of walking straight ahead in one recording's labels"
        for still, walking, rate_hz in _stretches(dataset.of_subject(subject)):
            try:
                mountings[subject] = find_mounting(
                    worn(subject, still), worn(subject, walking), rate_hz=rate_hz, frame=frame, wearer=subject
                )
                break
            except DataError as error:
                reason = str(error)
        else:
            unfound[subject] = reason
    return FoundMountings(mountings, unfound)


def turned_to_model(dataset: Dataset, mountings: dict[str, Mounting]) -> Dataset:
    """Return a data set whose acceleration and turning rate are in the axes of the model, where a mounting is known."""
    return replace(dataset, recordings=tuple(_turned(each, mountings.get(each.subject)) for each in dataset.recordings))


def _turned(recording: Recording, mounting: Mounting | None) -> Recording:
    """Return a recording in other axes."""
    if mounting is None:
        return recording
    return replace(recording, samples=mounting.apply(recording.samples))


def _stretches(recordings: tuple[Recording, ...]) -> Iterator[tuple[Samples, Samples, float]]:
    """Yield standing, walking and their rate: each of the first walks with the first standing of its rate."""
    standing = list(takes(recordings, stands, least_s=STILL_S, most_s=_STANDING_S))
    for walking, rate_hz in itertools.islice(
        takes(recordings, walks, least_s=WALKING_S, most_s=_STRAIGHT_S), _MOST_WALKS
    ):
        still = next((samples for samples, other_hz in standing if other_hz == rate_hz), None)
        if still is not None:
            yield still[:, :3], walking[:, :3], rate_hz
