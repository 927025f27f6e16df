"""Calibration windows: of the people a model was trained on, and of everything it tells apart."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from edgehar.models.architecture import named_architecture
from edgehar.models.bundle import Bundle
from edgehar.models.errors import DataError
from edgehar.pipeline.compilers.quantization.calibration import calibration_windows
from edgehar.pipeline.data.recordings import Dataset, Recording


@pytest.fixture
def dataset(make_recording: Callable[..., Recording]) -> Dataset:
    """Four people who sit and stand; sample values count from 10,000 times the person's number."""
    people = [
        make_recording(f"r{person}", str(person), 6000, ((0, 3000, "Sitting"), (3000, 6000, "Standing")))
        for person in range(1, 5)
    ]
    shifted = [replace(each, samples=each.samples + 10_000 * int(each.subject)) for each in people]
    return Dataset("four people", ("Sitting", "Standing"), tuple(shifted), (), (), "Free.")


@pytest.fixture
def bundle(random_bundle) -> Bundle:
    """A model of two activities that was trained on people 1 and 3."""
    made = random_bundle(named_architecture("simple_rnn", classes=2))
    provenance = replace(
        made.manifest.provenance,
        dataset="four people",
        configuration={"train_subjects": ["1", "3"], "held_out_subjects": ["2", "4"]},
    )
    manifest = replace(made.manifest, labels=("Sitting", "Standing"), provenance=provenance)
    return replace(made, manifest=manifest)


def test_only_training_subjects_are_used_and_every_activity_as_often(bundle: Bundle, dataset: Dataset) -> None:
    windows = calibration_windows(bundle, dataset, per_activity=7)
    assert windows.shape == (14, 200, 3)
    assert windows.dtype == np.float32
    assert set((windows[:, 0, 0] // 10_000).astype(int)) == {1, 3}
    is_sitting = windows[:, 0, 0] % 10_000 < 3000
    assert is_sitting.tolist() == [True] * 7 + [False] * 7
    np.testing.assert_array_equal(windows, calibration_windows(bundle, dataset, per_activity=7))


def test_everybody_of_another_data_set_is_used(bundle: Bundle, dataset: Dataset) -> None:
    windows = calibration_windows(bundle, replace(dataset, name="another"))
    assert set((windows[:, 0, 0] // 10_000).astype(int)) == {1, 2, 3, 4}


def test_an_activity_without_windows_is_named(bundle: Bundle, dataset: Dataset) -> None:
    sitting = [replace(each, labels=each.labels[:1]) for each in dataset.recordings]
    with pytest.raises(DataError, match="got none of Standing by the subjects the model was trained on"):
        calibration_windows(bundle, replace(dataset, recordings=tuple(sitting)))
