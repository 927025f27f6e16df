"""Sequences: pieces of runs of one person, all samples of windows that were chosen, with what is done at each."""

import numpy as np
import pytest

from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.sequences import Runs
from edgehar.pipeline.data.splits import holdout, in_time
from edgehar.pipeline.data.synthetic import synthetic_dataset
from edgehar.pipeline.data.windows import Windows, make_windows

WINDOW, LENGTH = 40, 200


@pytest.fixture(scope="module")
def windows() -> Windows:
    """Of three virtual people, six seconds of every activity."""
    return make_windows(synthetic_dataset(people=3, seconds_per_activity=6, seed=3), window_length=WINDOW, hop=20)


def covered(windows: Windows, indices: np.ndarray) -> np.ndarray:
    """Whether each sample lies in one of some windows."""
    found = np.zeros(len(windows.samples), bool)
    for start in windows.starts[indices]:
        found[start : start + WINDOW] = True
    return found


@pytest.mark.parametrize("joined", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("split", ["people", "time"])
def test_every_sample_is_of_a_chosen_window_and_is_labelled_as_it_is(
    windows: Windows, split: str, joined: float
) -> None:
    chosen = holdout(windows, ["2"]).train if split == "people" else in_time(windows).train
    runs, inside = Runs.of(windows, chosen), covered(windows, chosen)
    drawn = runs.draw(60, length=LENGTH, joined=joined, rng=np.random.default_rng(7))
    assert inside[drawn.places].all()
    owner, label = np.full(len(windows.samples), -1), np.full(len(windows.samples), -1)
    for at in range(len(windows)):
        own = slice(windows.segment_starts[at], windows.segment_stops[at])
        owner[own], label[own] = int(windows.subjects[at]), windows.labels[at]
    np.testing.assert_array_equal(drawn.labels, label[drawn.places])
    people = owner[drawn.places]
    assert (people == people[:, :1]).all(), "a sequence is of one person"
    follows = np.diff(drawn.places, axis=1) == 1
    np.testing.assert_array_equal(drawn.since[:, 0], 1)
    begins = drawn.since[:, 1:] == 1
    np.testing.assert_array_equal(drawn.since[:, 1:][~begins], drawn.since[:, :-1][~begins] + 1)
    assert follows[~begins].all(), "a piece is one stretch"


def test_what_is_joined_is_as_many_as_asked_for(windows: Windows) -> None:
    runs = Runs.of(windows, np.arange(len(windows)))
    counts = {}
    for joined in (0.0, 1.0):
        drawn = runs.draw(200, length=LENGTH, joined=joined, rng=np.random.default_rng(1))
        counts[joined] = (drawn.since == 1).sum(axis=1)
    assert (counts[0.0] == 1).all(), "every run is long enough for a whole sequence"
    assert (counts[1.0] > 1).mean() > 0.6
    pieces = [np.diff(np.flatnonzero(row == 1)) for row in drawn.since]
    assert min(each.min() for each in pieces if len(each)) >= WINDOW, "no piece is shorter than a window, but the last"


def test_every_sample_is_drawn_about_as_often(windows: Windows) -> None:
    runs = Runs.of(windows, np.arange(len(windows)))
    drawn = runs.draw(600, length=LENGTH, joined=0.6, rng=np.random.default_rng(2))
    seen = np.bincount(drawn.places.ravel(), minlength=len(windows.samples))
    assert (seen > 0).mean() > 0.99, "also the first and the last ones of a run"
    shares = np.bincount(drawn.labels.ravel()) / drawn.labels.size
    expected = np.bincount(windows.labels) / len(windows)
    np.testing.assert_allclose(shares, expected, atol=0.03)


def test_a_short_run_is_followed_by_others_and_a_seed_decides(windows: Windows) -> None:
    few = np.flatnonzero(windows.starts - windows.segment_starts < 40)
    runs = Runs.of(windows, few)
    assert (runs.stops - runs.starts).max() < LENGTH
    one, same = (runs.draw(8, length=LENGTH, joined=0.0, rng=np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one.places, same.places)
    assert ((one.since == 1).sum(axis=1) > 1).all()


def test_what_cannot_be_drawn_is_refused(windows: Windows) -> None:
    with pytest.raises(DataError, match="expected windows to take sequences from"):
        Runs.of(windows, np.arange(0))
    with pytest.raises(UsageError, match="expected at least a window of 40"):
        Runs.of(windows, np.arange(9)).draw(1, length=WINDOW - 1, joined=0.5, rng=np.random.default_rng(0))
