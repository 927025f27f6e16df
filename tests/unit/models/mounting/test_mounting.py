"""Mountings: found whatever way the sensor is turned, kept in a file, folded into a model without changing it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.models.architecture import named_architecture
from edgehar.models.errors import DataError, UsageError
from edgehar.models.mounting import Frame, Mounting, find_mounting, fold_mounting, read_mounting
from edgehar.models.normalization import Normalization, fold_normalization
from edgehar.models.reference import forward
from edgehar.pipeline.data.recordings import Dataset

FRAME = Frame(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
SEEDS = st.integers(0, 2**32 - 1)
GAIT = (-0.225 + 0.504j, -0.148 + 0.38j)


def random_rotation(seed: int) -> np.ndarray:
    """Return a rotation, uniform over all."""
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return matrix * np.linalg.det(matrix)


def as_mounting(matrix: np.ndarray) -> Mounting:
    """Return a rotation as a mounting."""
    return Mounting(tuple(tuple(row) for row in matrix.tolist()), 1.0)


def angle_deg(matrix: np.ndarray) -> float:
    """Return the angle of a rotation."""
    return float(np.degrees(np.arccos(np.clip((np.trace(matrix) - 1) / 2, -1, 1))))


def a_person(seconds: float = 10.0, rate_hz: float = 100.0, gait: tuple[complex, ...] = GAIT) -> tuple[Any, Any]:
    """Return standing and walking of somebody with everybody's gait, in the frame of the model."""
    rng = np.random.default_rng(0)
    still = np.array([1.0, 0.0, 0.0]) + rng.normal(scale=0.01, size=(round(3 * rate_hz), 3))
    phase = np.exp(2j * np.pi * 1.9 * np.arange(round(seconds * rate_hz)) / rate_hz)
    walking = np.stack([1 + 0.3 * phase.real, *(0.3 * (ratio * phase).real for ratio in gait)], axis=1)
    return still, walking + rng.normal(scale=0.02, size=walking.shape)


@given(seed=SEEDS, rate_hz=st.sampled_from([25.0, 50.0, 100.0, 200.0]))
@settings(max_examples=40)
def test_any_mounting_is_found(seed: int, rate_hz: float) -> None:
    turned = random_rotation(seed)
    still, walking = a_person(rate_hz=rate_hz)
    found = find_mounting(still @ turned.T, walking @ turned.T, rate_hz=rate_hz, frame=FRAME, wearer="7")
    assert angle_deg(found.matrix @ turned) < 5
    assert found.agreement > 0.95
    assert found.wearer == "7"


@given(seed=SEEDS)
@settings(max_examples=20)
def test_turning_the_sensor_turns_what_is_found(seed: int) -> None:
    still, walking = a_person(gait=(0.2 + 0.4j, -0.1 - 0.2j))
    turned = random_rotation(seed)
    try:
        upright = find_mounting(still, walking, rate_hz=100, frame=FRAME)
    except DataError as error:
        with pytest.raises(DataError, match=str(error.message)[:60]):
            find_mounting(still @ turned.T, walking @ turned.T, rate_hz=100, frame=FRAME)
        return
    other = find_mounting(still @ turned.T, walking @ turned.T, rate_hz=100, frame=FRAME)
    assert np.allclose(other.matrix @ turned, upright.matrix, atol=1e-6)


def test_people_never_seen_are_found_as_they_wore_it(usc_had: Dataset) -> None:
    errors = []
    for subject in ("4", "8", "12"):
        own = {each.labels[0].activity: each.samples for each in reversed(usc_had.of_subject(subject))}
        for seed in range(3):
            turned = random_rotation(seed)
            still, walking = own["Standing"][100:3000] @ turned.T, own["Walking Forward"][300:1300] @ turned.T
            found = find_mounting(still, walking, rate_hz=100, frame=FRAME)
            errors.append(angle_deg(found.matrix @ turned))
    # How the people of the data set wore it differs by as much from its own description.
    assert max(errors) < 35
    assert np.median(errors) < 25


STILL, WALKING = a_person()


@pytest.mark.parametrize(
    ("still", "walking", "rate_hz", "wrong"),
    [
        (STILL[:100], WALKING, 100, "expected 2 s of standing still or more, got 1.0 s"),
        (WALKING, WALKING, 100, "expected standing still, the sensor moves by"),
        (STILL * 9.81, WALKING * 9.81, 100, "expected gravity of about 1 g while standing, got 9.8"),
        (STILL, WALKING[:500], 100, "expected 8 s of walking or more"),
        (STILL, STILL.repeat(4, axis=0), 100, "expected steps that move it up and down"),
        (STILL, WALKING * [1, 0, 0] + STILL.mean(axis=0) * 0.0, 100, "agrees with other people's by"),
        (STILL, WALKING @ random_rotation(3).T, 100, "between standing and walking gravity turned"),
        (STILL[:40], WALKING[:160], 8, "at 10 Hz or more"),
    ],
)
def test_what_shows_no_mounting_is_refused(still: Any, walking: Any, rate_hz: float, wrong: str) -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(DataError, match=wrong):
        find_mounting(still, walking + rng.normal(scale=1e-3, size=walking.shape), rate_hz=rate_hz, frame=FRAME)


def test_a_walk_that_turns_round_is_refused() -> None:
    still, walking = a_person()
    half = len(walking) // 2
    walking[half:] = walking[half:] * [1, -1, -1]
    walking[: half // 2] = walking[half // 2 : half // 2 * 2]
    with pytest.raises(DataError, match=r"both halves of the walk differ by 1[78]\d°|agrees with other people's"):
        find_mounting(still, walking, rate_hz=100, frame=FRAME)


@given(seed=SEEDS, wearer=st.text(max_size=20), agreement=st.floats(0, 1))
@settings(max_examples=20)
def test_a_file_gives_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, seed: int, wearer: str, agreement: float
) -> None:
    path = tmp_path_factory.mktemp("mounting") / "wearer.json"
    written = Mounting(
        as_mounting(random_rotation(seed)).rotation, agreement, wearer.encode("ascii", "replace").decode()
    )
    written.save(path)
    read = read_mounting(path)
    assert (read.rotation, read.agreement) == (written.rotation, agreement)
    samples = np.random.default_rng(seed).normal(size=(5, 3))
    assert np.allclose(read.apply(samples) @ read.matrix, samples, atol=1e-5)


GOOD = {"format": "edgehar mounting", "schema": "1.0", "wearer": "7", "agreement": 1.0, "rotation": np.eye(3).tolist()}


@pytest.mark.parametrize(
    "changed",
    [
        {"format": "edgehar recordings"},
        {"schema": "2.0"},
        {"agreement": True},
        {"agreement": 7},
        {"agreement": float("nan")},
        {"rotation": [[1, 0], [0, 1]]},
        {"rotation": [[1, 0, 0], [0, 1, 0], [0, 0, -1]]},
        {"rotation": [[2, 0, 0], [0, 1, 0], [0, 0, 1]]},
        {"rotation": [[float("inf"), 0, 0], [0, 1, 0], [0, 0, 1]]},
        {"rotation": "abc"},
        {"rotation": None},
    ],
)
def test_other_files_are_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    path = tmp_path / "mounting.json"
    path.write_text(json.dumps({**GOOD, **changed}), encoding="utf-8")
    with pytest.raises(DataError, match="expected a"):
        read_mounting(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1]", b"[" * 30_000, b" " * 70_000])
def test_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mounting.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"mounting\.json: expected a mounting"):
        read_mounting(path)
    with pytest.raises(DataError, match="expected a mounting"):
        read_mounting(tmp_path / "none.json")


MEAN, DEVIATION = (0.8, 0.2, -0.1, 5.0, -3.0, 1.0), (0.5, 0.3, 0.4, 80.0, 90.0, 70.0)


@pytest.mark.parametrize("model", ["simple_rnn", "lstm", "gru", "bi_gru", "cnn_gru"])
@pytest.mark.parametrize(("seed", "channels"), [(0, 3), (1, 3), (2, 6)])
def test_a_folded_model_takes_the_turned_sensor(model: str, seed: int, channels: int, random_weights: Any) -> None:
    architecture = named_architecture(model, channels=channels)
    weights = random_weights(architecture, seed)
    normalization = Normalization(MEAN[:channels], DEVIATION[:channels])
    turned = random_rotation(seed)
    windows = np.random.default_rng(seed).normal(size=(3, 200, channels)) * normalization.std_g
    vectors = [windows[..., at : at + 3] @ turned.T for at in range(0, channels, 3)]
    said = forward(architecture, fold_normalization(architecture, weights, normalization), np.concatenate(vectors, 2))
    own_weights, own_normalization = fold_mounting(architecture, weights, normalization, as_mounting(turned))
    own = forward(architecture, fold_normalization(architecture, own_weights, own_normalization), windows)
    assert np.abs(own - said).max() < 1e-5


def test_a_model_that_cannot_be_turned_is_refused(random_weights: Any) -> None:
    architecture = named_architecture("dense")
    with pytest.raises(UsageError, match="expected a model that begins with"):
        fold_mounting(
            architecture, random_weights(architecture), Normalization((0.8, 0, 0), (1, 1, 1)), as_mounting(np.eye(3))
        )
