"""The made-up recordings are reproducible, look like a sensor's, and are neither trivial nor hopeless."""

import doctest
import subprocess
import sys

import numpy as np
import pytest

import edgehar.pipeline.data.synthetic
from edgehar.models.contract import ACTIVITIES
from edgehar.models.errors import UsageError
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.splits import leave_one_subject_out
from edgehar.pipeline.data.synthetic import COUNTS_PER_G, RANGE_G, synthetic_dataset
from edgehar.pipeline.data.windows import make_windows


@pytest.fixture(scope="module")
def made() -> Dataset:
    """The default data set."""
    return synthetic_dataset()


def test_examples_in_docstrings_run() -> None:
    assert doctest.testmod(edgehar.pipeline.data.synthetic).failed == 0


def test_everyone_does_everything(made: Dataset) -> None:
    assert made.subjects == tuple(str(number) for number in range(1, 15))
    assert made.activities == ACTIVITIES
    seconds = made.seconds()
    assert set(seconds) == {(subject, activity) for subject in made.subjects for activity in ACTIVITIES}
    assert set(seconds.values()) == {60.0}


def test_says_that_it_is_made_up(made: Dataset) -> None:
    assert "made up" in made.notes[0]
    assert all(item.source == "synthetic" and "virtual" in item.placement for item in made.recordings)


def test_same_seed_same_bits_other_seed_other_people(made: Dataset) -> None:
    assert load_dataset("synthetic").content_hash == made.content_hash
    assert load_dataset("synthetic:0").content_hash == made.content_hash
    assert load_dataset("synthetic:1").content_hash != made.content_hash
    with pytest.raises(UsageError, match="expected synthetic or synthetic:SEED"):
        load_dataset("synthetic:x")


def test_a_person_does_not_depend_on_the_others(made: Dataset) -> None:
    alone = synthetic_dataset(people=3).of_subject("3")
    for one, other in zip(alone, made.of_subject("3"), strict=True):
        np.testing.assert_array_equal(one.samples, other.samples)


def test_samples_are_counts_of_a_clipping_sensor(made: Dataset) -> None:
    for item in made.recordings[::17]:
        counts = item.samples.astype(np.float64) * COUNTS_PER_G
        np.testing.assert_array_equal(counts, np.rint(counts))
    wild = np.full((10, 3), 40.0) * [1, -1, 1]
    measured = edgehar.pipeline.data.synthetic._measured(wild, np.random.default_rng(0), np.random.default_rng(1))
    np.testing.assert_array_equal(measured[:, 1], -RANGE_G)
    np.testing.assert_array_equal(measured[:, 0], RANGE_G - 1 / COUNTS_PER_G)


def test_postures_feel_one_g_and_flight_feels_none(made: Dataset) -> None:
    for item in made.recordings:
        activity = item.labels[0].activity
        length = np.linalg.norm(item.samples, axis=1)
        if activity in ("Sitting", "Standing", "Sleeping"):
            assert length.mean() == pytest.approx(1.0, abs=0.1)
            assert length.std() < 0.05
        elif activity == "Jumping Up":
            assert np.quantile(length, 0.15) < 0.6
            assert length.max() > 2.5
        if activity == "Standing":
            assert item.samples[:, 0].mean() > 0.8


def _features(windows: np.ndarray) -> np.ndarray:
    """Return means, spreads, and spectra: what a cheap classifier looks at."""
    centred = windows - windows.mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(centred, axis=1)) ** 2
    bands = [power[:, low:high].sum(axis=1) for low, high in ((1, 3), (3, 5), (5, 8), (8, 14), (14, 30), (30, 60))]
    halves = windows[:, :100].mean(axis=1) - windows[:, 100:].mean(axis=1)
    spreads = np.log(np.array([windows.std(axis=1), np.diff(windows, axis=1).std(axis=1), *bands]) + 1e-4)
    return np.concatenate([windows.mean(axis=1), halves, *spreads], axis=1)


def _discriminant(features: np.ndarray, labels: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Return the labels that Fisher's linear discriminant gives to unseen features."""
    scale = features.std(axis=0)
    features, unseen = features / scale, unseen / scale
    centres = np.stack([features[labels == label].mean(axis=0) for label in range(12)])
    within = np.cov((features - centres[labels]).T) + 0.05 * np.eye(features.shape[1])
    weights = np.linalg.solve(within, centres.T)
    return (unseen @ weights - 0.5 * (centres.T * weights).sum(axis=0)).argmax(axis=1)


@pytest.mark.parametrize("seed", [0, 3])
def test_unseen_people_are_recognised_mostly_but_not_always(seed: int) -> None:
    windows = make_windows(synthetic_dataset(seed=seed, seconds_per_activity=30))
    features = _features(windows.batch().astype(np.float64))
    right = np.empty(len(windows), dtype=bool)
    for split in leave_one_subject_out(windows):
        answer = _discriminant(features[split.train], windows.labels[split.train], features[split.test])
        right[split.test] = answer == windows.labels[split.test]
    assert 0.7 < right.mean() < 0.93
    walks = right[windows.labels < 3].mean()
    assert walks < right.mean() - 0.05


def test_numbers_that_cannot_be(made: Dataset) -> None:
    for wrong in ({"people": 0}, {"seconds_per_activity": 0.0}, {"seed": -1}):
        with pytest.raises(UsageError, match="expected at least 1 person"):
            synthetic_dataset(**wrong)


def test_needs_numpy_alone() -> None:
    code = (
        "import sys; from edgehar.pipeline.data.readers import load_dataset; load_dataset('synthetic').of_subject('3');"
        "print([name for name in ('scipy', 'tensorflow', 'keras', 'pandas', 'matplotlib') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("recording_id", "mean", "spread"),
    [
        ("S1/a1t1", [0.9769, 0.0845, -0.0663], [0.2603, 0.1627, 0.0696]),
        ("S1/a6t1", [1.0269, 0.2222, -0.1203], [1.1308, 0.6187, 0.2730]),
        ("S1/a10t1", [-0.1942, -0.1986, -0.9191], [0.0060, 0.0073, 0.0062]),
        ("S2/a4t1", [0.9938, 0.0754, -0.0112], [0.1502, 0.1300, 0.0629]),
    ],
)
def test_the_people_stay_who_they_are(made: Dataset, recording_id: str, mean: list[float], spread: list[float]) -> None:
    """Results on these recordings are comparable between versions only while the recordings stay the same."""
    (item,) = (item for item in made.recordings if item.recording_id == recording_id)
    samples = item.samples.astype(np.float64)
    np.testing.assert_allclose(samples.mean(axis=0), mean, atol=2e-4)
    np.testing.assert_allclose(samples.std(axis=0), spread, atol=2e-4)
