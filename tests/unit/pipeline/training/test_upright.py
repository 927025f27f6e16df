"""Where up is for the people a model learns from."""

import numpy as np
import pytest

from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.data.windows import Windows, make_windows
from edgehar.pipeline.training.upright import upright_g


def windows_of(leans: dict[str, dict[str, tuple[float, float, float]]]) -> Windows:
    """Return windows of people whose sensor feels one constant acceleration in each activity."""
    recordings = tuple(
        Recording(
            f"{subject}/{activity}",
            subject,
            np.tile(np.array(lean, np.float32), (100, 1)),
            100.0,
            labels=(LabelInterval(0, 100, activity),),
        )
        for subject, activities in leans.items()
        for activity, lean in activities.items()
    )
    names = tuple(sorted({activity for activities in leans.values() for activity in activities}))
    return make_windows(Dataset("d", names, recordings), window_length=50, hop=25, activities=names)


def test_standing_and_walking_count_the_same_and_nothing_else_counts() -> None:
    windows = windows_of(
        {
            "1": {
                "Standing": (1, 0, 0),
                "Walking Forward": (0.8, 0.2, 0),
                "Walking Left": (0, 0, 1),
                "Sitting": (0, 1, 0),
            },
            "2": {"Standing": (0.9, 0, 0.1), "Walking Forward": (0.9, 0, 0.1)},
            "3": {"Standing": (0, 1, 0)},
        }
    )
    assert upright_g(windows, np.arange(len(windows))) == pytest.approx((0.9, 0.05, 0.05), abs=1e-6)
    only_two = np.flatnonzero(windows.subjects == "2")
    assert upright_g(windows, only_two) == pytest.approx((0.9, 0, 0.1), abs=1e-6)


def test_nobody_who_does_both_shows_nothing() -> None:
    windows = windows_of({"1": {"Standing": (1, 0, 0)}, "2": {"Walking Forward": (1, 0, 0)}})
    assert upright_g(windows, np.arange(len(windows))) is None
