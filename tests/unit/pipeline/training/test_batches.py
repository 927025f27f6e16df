"""Batches: every window once an epoch, augmented as asked, the same for the same seed."""

from dataclasses import replace

import numpy as np
import pytest

from edgehar.models.errors import TrainingError
from edgehar.models.normalization import Normalization
from edgehar.pipeline.data.windows import Windows
from edgehar.pipeline.training.augmentation import mixed, stretched_windows
from edgehar.pipeline.training.batches import TrainingBatches
from edgehar.pipeline.training.recipe import Recipe
from edgehar.pipeline.training.recipes import default_recipe

RAW = Normalization((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
MOVED = default_recipe("lstm").changed(batch_size=64, mixup=0.0, stretch=0.0)
"""Windows are moved and turned, neither mixed nor stretched."""
PLAIN = MOVED.changed(offset_samples=0, rotation_deg=0.0)


def batches(windows: Windows, recipe: Recipe, normalization: Normalization = RAW) -> TrainingBatches:
    return TrainingBatches(windows, np.arange(len(windows)), normalization, recipe)


def test_an_epoch_holds_every_window_of_its_full_batches_once(little_windows: Windows) -> None:
    made = batches(little_windows, PLAIN)
    taken = list(made.epoch(np.random.default_rng(0)))
    assert len(taken) == len(made) == len(little_windows) // 64
    seen = np.concatenate([windows for windows, _ in taken])
    known = {window.tobytes() for window in little_windows.batch()}
    assert len({window.tobytes() for window in seen}) == len(seen) == len(made) * 64
    assert {window.tobytes() for window in seen} <= known


def test_labels_stay_with_their_windows(little_windows: Windows) -> None:
    label_of = {
        window.tobytes(): label for window, label in zip(little_windows.batch(), little_windows.labels, strict=True)
    }
    for windows, labels in batches(little_windows, PLAIN).epoch(np.random.default_rng(0)):
        assert [label_of[window.tobytes()] for window in windows] == labels.tolist()


def test_the_same_seed_makes_the_same_epoch_and_the_next_epoch_differs(little_windows: Windows) -> None:
    made = batches(little_windows, MOVED)
    first, second = np.random.default_rng(7), np.random.default_rng(7)
    once, again, later = (
        np.concatenate([windows for windows, _ in made.epoch(rng)]) for rng in (first, second, second)
    )
    assert np.array_equal(once, again)
    assert not np.array_equal(once, later)


def test_offsets_stay_inside_the_stretch(little_windows: Windows) -> None:
    # Windows that show where they were cut: every sample is its own position.
    counted = np.arange(len(little_windows.samples), dtype=np.float32)
    windows = replace(little_windows, samples=np.stack([counted, counted, counted], axis=1))
    recipe = PLAIN.changed(offset_samples=50)
    starts = np.concatenate([each[:, 0, 0] for each, _ in batches(windows, recipe).epoch(np.random.default_rng(0))])
    stretches = {(start, stop) for start, stop in zip(windows.segment_starts, windows.segment_stops, strict=True)}
    assert all(any(start <= at <= stop - 40 for start, stop in stretches) for at in starts[:200])
    assert len(np.intersect1d(starts, windows.starts)) < len(starts) / 2


def test_rotation_comes_before_normalisation(little_windows: Windows) -> None:
    normalization = Normalization((5.0, 0.0, 0.0), (1.0, 2.0, 3.0))
    recipe = PLAIN.changed(rotation_deg=30.0)
    for windows, _ in batches(little_windows, recipe, normalization).epoch(np.random.default_rng(0)):
        raw = windows * np.float32([1, 2, 3]) + np.float32([5, 0, 0])
        lengths = np.linalg.norm(raw, axis=2)
        break
    known = np.linalg.norm(little_windows.batch(), axis=2)
    for length in lengths[:5]:
        assert np.abs(known - length).max(axis=1).min() < 1e-4


def test_mixed_windows_carry_the_shares_of_their_labels(little_windows: Windows) -> None:
    recipe = PLAIN.changed(mixup=0.3)
    label_of = np.eye(len(little_windows.activities))[little_windows.labels].sum(axis=0)
    for windows, targets in batches(little_windows, recipe).epoch(np.random.default_rng(0)):
        assert windows.dtype == targets.dtype == np.float32
        assert targets.shape == (64, len(label_of))
        assert np.allclose(targets.sum(axis=1), 1.0, atol=1e-6)
        assert (np.count_nonzero(targets, axis=1) <= 2).all()
        assert targets.max(axis=1).min() >= 0.5
        break
    values = np.zeros((6, 2, 1), np.float32)
    values[:3] = 1.0
    targets = np.repeat(np.eye(2, dtype=np.float32), 3, axis=0)
    mixed_values, mixed_targets = mixed(values, targets, concentration=1.0, rng=np.random.default_rng(1))
    assert np.allclose(mixed_values[:, 0, 0], mixed_targets[:, 0], atol=1e-6), "signal and label by the same share"


def test_a_stretched_window_stays_in_its_segment_and_takes_another_time(little_windows: Windows) -> None:
    counted = np.arange(len(little_windows.samples), dtype=np.float32)
    windows = replace(little_windows, samples=np.stack([counted, counted, counted], axis=1))
    chosen = np.arange(len(windows))
    still = np.zeros(len(chosen), np.int64)
    for factor in (1 / 1.1, 1.1, 50.0):
        found = stretched_windows(windows, chosen, offsets=still, factors=np.full(len(chosen), factor))[:, :, 0]
        assert (found[:, 0] >= windows.segment_starts).all()
        assert (found[:, -1] <= windows.segment_stops - 1).all()
        steps = np.diff(found.astype(np.float64), axis=1)
        room = (windows.segment_stops - windows.segment_starts - 1) / (windows.window_length - 1)
        assert np.allclose(steps.mean(axis=1), np.minimum(factor, room), rtol=1e-3)
    same = stretched_windows(windows, chosen, offsets=still, factors=np.ones(len(chosen)))
    assert np.array_equal(same, windows.batch()), "a factor of one changes nothing"


def test_fewer_windows_than_a_batch_make_one(little_windows: Windows) -> None:
    made = TrainingBatches(little_windows, np.arange(10), RAW, PLAIN)
    ((windows, labels),) = made.epoch(np.random.default_rng(0))
    assert windows.shape == (10, 40, 3)
    assert labels.shape == (10,)


def test_nothing_to_train_on_is_refused(little_windows: Windows) -> None:
    with pytest.raises(TrainingError, match="none"):
        TrainingBatches(little_windows, np.arange(0), RAW, PLAIN)
