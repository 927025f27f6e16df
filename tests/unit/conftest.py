"""Where the real data sets are, and small stand-ins for them."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording

_DATA = Path(os.environ.get("HAR_DATA") or Path(__file__).parents[2] / ".." / "shared" / "datasets")


def _real(name: str) -> Path:
    path = (_DATA / name).resolve()
    if not path.is_dir():
        pytest.skip(f"the data set {name} is not here; set HAR_DATA to the folder that holds it")
    return path


@pytest.fixture(scope="session")
def usc_had_path() -> Path:
    """The folder of the real USC-HAD."""
    return _real("usc-had")


@pytest.fixture(scope="session")
def hapt_path() -> Path:
    """The folder of the real HAPT."""
    return _real("hapt")


@pytest.fixture(scope="session")
def usc_had(usc_had_path: Path) -> Dataset:
    """The real USC-HAD, read once."""
    from edgehar.pipeline.data.readers import load_dataset

    return load_dataset(usc_had_path)


@pytest.fixture
def make_recording() -> Callable[..., Recording]:
    """Make a recording of counted samples: row i is (i, i + 0.25, -i), so that a window shows where it was cut."""

    def make(
        recording_id: str = "r1",
        subject: str = "1",
        length: int = 1000,
        labels: tuple[tuple[int, int, str], ...] = ((0, 1000, "Sitting"),),
        **fields: object,
    ) -> Recording:
        ramp = np.arange(length, dtype=np.float32)
        samples = np.stack([ramp, ramp + 0.25, -ramp], axis=1)
        fields.setdefault("rate_hz", 100.0)
        return Recording(
            recording_id, subject, samples, labels=tuple(LabelInterval(*each) for each in labels), **fields
        )

    return make


@pytest.fixture
def small_dataset(make_recording: Callable[..., Recording]) -> Dataset:
    """Two people, two activities, one recording with timestamps and a gap."""
    stamps = np.arange(600) / 100.0
    stamps[300:] += 5.0
    first = make_recording(
        "a", "2", 500, ((0, 300, "Sitting"), (300, 500, "Standing")), problems=("Odd.",), source="a.csv"
    )
    second = make_recording("b", "10", 600, ((0, 600, "Standing"),), timestamps_s=stamps, gaps=(300,), placement="hip")
    return Dataset("small", ("Sitting", "Standing"), (first, second), ("Whole.",), ("Noted.",), "Free.")
