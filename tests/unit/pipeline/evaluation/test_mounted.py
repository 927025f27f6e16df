"""Each person's mounting is found from their own takes before they are judged; who has none is judged as recorded."""

from typing import Any

import numpy as np
import pytest

import edgehar
from edgehar.models.mounting import Frame
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.evaluation.mounted import find_mountings, turned_to_model

FRAME = Frame(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
GAIT = (-0.225 + 0.504j, -0.148 + 0.38j)


def rotation(seed: int) -> np.ndarray:
    """Return a rotation, uniform over all."""
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return matrix * np.linalg.det(matrix)


def a_person(subject: str, turned: np.ndarray, *, walks: bool = True) -> Recording:
    """Return a recording of four seconds of standing and twelve of walking with everybody's gait."""
    phase = np.exp(2j * np.pi * 1.9 * np.arange(1200) / 100)
    walking = np.stack([1 + 0.3 * phase.real, *(0.3 * (ratio * phase).real for ratio in GAIT)], axis=1)
    samples = np.concatenate([np.tile([1.0, 0.0, 0.0], (400, 1)), walking]) @ turned.T
    samples += np.random.default_rng(0).normal(scale=0.01, size=samples.shape)
    second = "Walking Forward" if walks else "Running Forward"
    labels = (LabelInterval(0, 400, "Standing"), LabelInterval(400, 1600, second))
    return Recording(f"of-{subject}", subject, samples.astype(np.float32), 100.0, labels)


def together(*recordings: Recording) -> Dataset:
    """Return recordings as a data set."""
    return edgehar.dataset_from_recordings(recordings)


def test_everybody_is_turned_back_from_their_own_mounting() -> None:
    worn = {name: rotation(seed) for seed, name in enumerate(("a", "b", "c"))}
    dataset = together(*(a_person(name, turned) for name, turned in worn.items()))
    found = find_mountings(dataset, worn, FRAME)
    assert found.unfound == {}
    straight = a_person("straight", np.eye(3)).samples
    for recording in turned_to_model(dataset, found.mountings).recordings:
        assert np.abs(recording.samples - straight).max() < 0.1


def test_another_mounting_of_the_same_people_is_found_too() -> None:
    dataset = together(a_person("a", np.eye(3)))

    def worn(_: str, samples: Any) -> Any:
        return samples @ rotation(5).T

    (mounting,) = find_mountings(dataset, ["a"], FRAME, worn=worn).mountings.values()
    assert np.abs(mounting.matrix @ rotation(5) - np.eye(3)).max() < 0.1


def test_who_does_not_walk_is_named_and_left_as_recorded() -> None:
    dataset = together(a_person("a", rotation(1)), a_person("b", rotation(2), walks=False))
    found = find_mountings(dataset, dataset.subjects, FRAME)
    assert list(found.mountings) == ["a"]
    assert "walking straight ahead" in found.unfound["b"]
    after = turned_to_model(dataset, found.mountings)
    assert after.of_subject("b") == dataset.of_subject("b")


def test_a_turning_rate_is_turned_as_well() -> None:
    one = a_person("a", rotation(3))
    six = Recording("six", "a", np.hstack([one.samples, one.samples]), 100.0, one.labels)
    dataset = together(six)
    found = find_mountings(dataset, ["a"], FRAME)
    (after,) = turned_to_model(dataset, found.mountings).recordings
    assert after.samples[:, :3] == pytest.approx(after.samples[:, 3:])
