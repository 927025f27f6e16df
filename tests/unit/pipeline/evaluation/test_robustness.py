"""Perturbations do what they are called, once for each person, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgehar.pipeline.evaluation.robustness import (
    PERTURBATIONS,
    Perturbation,
    clipped,
    in_steps,
    perturbed,
    rotated,
    sampled_fast,
    with_axes_swapped,
    with_lost_samples,
)

WINDOWS = arrays.arrays(np.float32, (4, 20, 3), elements=st.floats(-4, 4, width=32))
STANDING = np.tile(np.array([0.0, 0.0, 1.0], np.float32), (6, 20, 1))


@settings(deadline=None)
@given(WINDOWS, st.floats(0, 180), arrays.arrays(np.float64, 3, elements=st.floats(0.1, 1)))
def test_a_rotation_keeps_lengths_and_angles(windows, angle, axis):
    turned = rotated(windows, angle, axis)
    assert turned.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(turned, axis=2), np.linalg.norm(windows, axis=2), atol=1e-5)
    products = (windows[:, :-1] * windows[:, 1:]).sum(axis=2)
    np.testing.assert_allclose((turned[:, :-1] * turned[:, 1:]).sum(axis=2), products, atol=1e-4)


@pytest.mark.parametrize("angle", [15, 30, 90, 180])
def test_a_rotation_turns_by_its_angle(angle):
    turned = rotated(STANDING, angle, [1, 0, 0])
    assert np.degrees(np.arccos(np.clip(turned[0, 0] @ STANDING[0, 0], -1, 1))) == pytest.approx(angle, abs=0.05)
    np.testing.assert_allclose(rotated(turned, -angle, [1, 0, 0]), STANDING, atol=1e-6)


def test_swapping_twice_changes_nothing():
    windows = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    swapped = with_axes_swapped(windows)
    assert (swapped[..., 0] == windows[..., 1]).all()
    assert (with_axes_swapped(swapped) == windows).all()


def test_a_sensor_with_axes_exchanged_gives_turning_rates_as_a_device_that_says_so():
    counts = np.array([[[1, 2, 3, 4, 5, 6]]], np.float32)
    assert with_axes_swapped(counts).tolist() == [[[2, 1, 3, -5, -4, -6]]]


def test_a_fast_sensor_stretches_time():
    times = np.arange(200, dtype=np.float32)
    windows = np.repeat(times[None, :, None], 3, axis=2)
    fast = sampled_fast(windows, 0.05)
    np.testing.assert_allclose(fast[0, :, 0], times / 1.05, rtol=1e-5)
    assert (sampled_fast(windows, 0.0) == windows).all()


@settings(deadline=None)
@given(WINDOWS)
def test_clipping_and_steps_are_bounded(windows):
    assert np.abs(clipped(windows, 2.0)).max() <= 2.0
    stepped = in_steps(windows, 0.25)
    assert np.abs(stepped - windows).max() <= 0.125 + 1e-6
    assert (stepped / 0.25 == np.round(stepped / 0.25)).all()


def test_halves_are_rounded_away_from_zero():
    halves = np.array([[[0.125, -0.125, 0.375]]], np.float32)
    assert in_steps(halves, 0.25).tolist() == [[[0.25, -0.25, 0.5]]]


def test_lost_samples_are_bridged_on_a_straight_line():
    line = np.repeat(np.linspace(0, 1, 100, dtype=np.float32)[None, :, None], 3, axis=2)
    np.testing.assert_allclose(with_lost_samples(line, 0.5, np.random.default_rng(1)), line, atol=1e-6)
    noise = np.random.default_rng(2).normal(size=(50, 200, 3)).astype(np.float32)
    changed = (with_lost_samples(noise, 0.05, np.random.default_rng(3)) != noise).all(axis=2)
    assert changed.mean() == pytest.approx(0.05, abs=0.01)
    assert not changed[:, [0, -1]].any()


@pytest.mark.parametrize("perturbation", PERTURBATIONS, ids=lambda each: each.name)
def test_every_perturbation_keeps_shape_and_type_changes_something_and_repeats_itself(perturbation: Perturbation):
    windows = np.random.default_rng(4).normal(size=(6, 200, 3)).astype(np.float32)
    subjects = np.array(["1", "1", "2", "2", "10", "10"])
    before = windows.copy()
    changed = perturbed(perturbation, windows, subjects)
    assert (changed.shape, changed.dtype) == (windows.shape, np.float32)
    assert np.isfinite(changed).all()
    assert (changed != windows).any()
    assert (windows == before).all()
    assert (changed == perturbed(perturbation, windows, subjects)).all()


def test_a_person_wears_one_mounting():
    turned = perturbed(PERTURBATIONS[2], STANDING, np.array(["1", "1", "1", "2", "2", "2"]))
    assert (turned[:3] == turned[0]).all()
    assert (turned[3:] == turned[3]).all()
    assert np.abs(turned[0] - turned[3]).max() > 0.1
