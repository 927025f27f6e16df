"""A small general model and a person who moves otherwise than its people."""

from collections.abc import Callable

import numpy as np
import pytest

from edgehar.models import contract
from edgehar.models.architecture import Architecture, Dense, SimpleRNN
from edgehar.models.bundle import Bundle
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording

ACTIVITIES = contract.ACTIVITIES[:4]
RATE_HZ = 100.0

MakePerson = Callable[..., Dataset]


def _recording(subject: str, activity: int, take: int, seconds: float, **fields: object) -> Recording:
    """Return a take: a rhythm, and a lean of the activity's own, wider than a sensor turns from day to day."""
    rng = np.random.default_rng([activity, take])
    count = round(seconds * RATE_HZ)
    rhythm = np.sin(2 * np.pi * 4 * np.arange(count) / RATE_HZ + rng.uniform(0, 6))
    samples = np.tile([0.95, 0.1, 0.1], (count, 1)) + rng.normal(scale=0.05, size=(count, 3))
    samples[:, activity % 3] += 0.2 * rhythm
    samples[:, 1:] += 0.5 * np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])[activity]
    fields = {"rate_hz": RATE_HZ, "placement": "right hip", **fields}
    return Recording(
        f"S{subject}/a{activity}t{take}",
        subject,
        samples.astype(np.float32),
        labels=(LabelInterval(0, count, ACTIVITIES[activity]),),
        **fields,
    )


@pytest.fixture(scope="session")
def make_person() -> MakePerson:
    """Make recordings: ``make_person(takes=2, seconds=8.0, activities=range(4), subject="7", name="home")``."""

    def make(
        takes: int = 2,
        seconds: float = 8.0,
        activities: range | tuple[int, ...] = range(4),
        subject: str = "7",
        name: str = "home",
        **fields: object,
    ) -> Dataset:
        recordings = tuple(
            _recording(subject, activity, take, seconds, **fields) for take in range(takes) for activity in activities
        )
        return Dataset(name, ACTIVITIES, recordings)

    return make


@pytest.fixture(scope="session")
def small(random_bundle: Callable[..., Bundle]) -> Bundle:
    """An untrained general model of 50 samples, 8 units and 4 activities, without artifacts."""
    layers = (SimpleRNN("RNN_1", 8), Dense("Output", 4, "softmax"))
    return random_bundle(Architecture("small", 50, 3, layers), 3)
