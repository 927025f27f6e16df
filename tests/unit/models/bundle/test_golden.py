"""Golden windows: always the same, plausible for a sensor, and hard on a model."""

import hashlib

import numpy as np

from edgehar.models.bundle.golden import GOLDEN_WINDOWS, golden_windows


def test_they_are_the_same_everywhere_and_forever():
    windows = golden_windows(200, 3)
    assert windows.shape == (GOLDEN_WINDOWS, 200, 3)
    assert windows.dtype == np.float32
    # Rounded, because the last bit of a sine may differ between two mathematical libraries.
    digest = hashlib.sha256((windows * 1000).round().astype("<i4").tobytes()).hexdigest()
    assert digest[:16] == "7f1132891a60fb42"


def test_more_of_them_begin_with_the_same_ones():
    np.testing.assert_array_equal(golden_windows(200, 3, count=100)[:GOLDEN_WINDOWS], golden_windows(200, 3))


def test_all_differ_except_silence():
    windows = golden_windows(200, 3)
    silent = [index for index in range(len(windows)) if not windows[index].any()]
    assert len(silent) == 1
    assert len(np.unique(windows.reshape(len(windows), -1), axis=0)) == len(windows)


def test_they_visit_rest_motion_and_saturation():
    windows = golden_windows(200, 3)
    assert np.isfinite(windows).all()
    spread = windows.std(axis=1).max(axis=1)
    assert spread.min() == 0
    assert spread.max() > 3
    assert 8 <= np.abs(windows).max() <= 16


def test_other_windows_and_channels_are_possible():
    assert golden_windows(50, 6).shape == (GOLDEN_WINDOWS, 50, 6)
