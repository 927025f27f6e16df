"""The built-in labelled recordings of the demo: made up, openly, so that everything can be tried without any data.

Fourteen virtual people do the twelve activities of USC-HAD; `edgehar.pipeline.data.virtual_person` says how they move,
this module says what a cheap sensor makes of it: an offset, a gain error, noise, steps of one LSB, clipping at its
range.

**A model trained on these recordings recognises virtual people.** Its accuracy shows that the chain works; it says
nothing about anyone real. People differ enough (mounting, cadence, vigour, posture) that a model judged on virtual
people it has never seen makes the mistakes one would expect: it confuses walking straight, left and right, and takes
an elevator between two floors for standing.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.contract import ACTIVITIES
from edgehar.models.errors import UsageError
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.data.virtual_person import VirtualPerson

RATE_HZ: Final = 100.0
RANGE_G: Final = 8.0
COUNTS_PER_G: Final = 4096
"""A 16-bit sensor at ±8 g; every synthetic sample is a whole number of counts."""

TRIALS: Final = 2
_NOISE_G: Final = 0.006
_OFFSET_G: Final = 0.02
_GAIN_ERROR: Final = 0.01


def synthetic_dataset(*, people: int = 14, seconds_per_activity: float = 60.0, seed: int = 0) -> Dataset:
    """Make labelled recordings of virtual people.

    Parameters
    ----------
    people
        How many; they are called "1", "2" and so on. Person 3 is the same however many others there are.
    seconds_per_activity
        For each person, shared between two trials.
    seed
        Another seed makes other people.

    Raises
    ------
    UsageError
        When there would be nobody, or less than one sample.

    Examples
    --------
    >>> data = synthetic_dataset(people=2, seconds_per_activity=8)
    >>> len(data.recordings), data.subjects, data.recordings[0].samples.shape
    (48, ('1', '2'), (400, 3))
    """
    samples = round(seconds_per_activity * RATE_HZ / TRIALS)
    if people < 1 or samples < 1 or seed < 0:
        raise UsageError(
            f"expected at least 1 person, 0.02 s and seed 0, got {people}, {seconds_per_activity} s and {seed}",
            next_step="Choose larger numbers.",
        )
    recordings = []
    for number in range(1, people + 1):
        person = VirtualPerson.meet(str(number), np.random.default_rng([seed, number]))
        for place, activity in enumerate(ACTIVITIES, start=1):
            for trial in range(1, TRIALS + 1):
                rng = np.random.default_rng([seed, number, place, trial])
                felt = person.perform(activity, samples, rng)
                recordings.append(
                    Recording(
                        recording_id=f"S{number}/a{place}t{trial}",
                        subject=person.name,
                        samples=_measured(felt, np.random.default_rng([seed, number]), rng),
                        rate_hz=RATE_HZ,
                        labels=(LabelInterval(0, samples, activity),),
                        placement="front right hip of a virtual person, x up, y forward, z right",
                        source="synthetic",
                    )
                )
    return Dataset(
        name="synthetic" if seed == 0 else f"synthetic:{seed}",
        activities=ACTIVITIES,
        recordings=tuple(recordings),
        notes=(
            "These recordings are made up: results on them say that the chain works, and nothing about real people.",
        ),
        terms="Made by this program; no person's data.",
    )


def _measured(
    felt: npt.NDArray[np.float64], sensor: np.random.Generator, noise: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Return what a person's sensor makes of what it feels; its offset and gain are the same in every trial."""
    gain = 1.0 + sensor.normal(0.0, _GAIN_ERROR, 3)
    offset = sensor.normal(0.0, _OFFSET_G, 3)
    analog = felt * gain + offset + noise.normal(0.0, _NOISE_G, felt.shape)
    counts = np.clip(np.rint(analog * COUNTS_PER_G), -RANGE_G * COUNTS_PER_G, RANGE_G * COUNTS_PER_G - 1)
    return (counts / COUNTS_PER_G).astype(np.float32)
