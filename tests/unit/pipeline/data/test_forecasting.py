"""Windows for forecasting against their definition, row by row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.forecasting import forecast_windows

SERIES = np.random.default_rng(3).normal(size=(80, 3)).cumsum(axis=0)


@given(
    lookback=st.integers(1, 20),
    delay=st.integers(0, 12),
    step=st.integers(1, 7),
    horizon=st.integers(1, 4),
    column=st.integers(0, 2),
    bounds=st.tuples(st.integers(0, 20), st.integers(60, 80)),
)
def test_every_window_and_target_is_that_of_the_definition(
    lookback: int, delay: int, step: int, horizon: int, column: int, bounds: tuple[int, int]
) -> None:
    """And rows outside of the bounds are in none of them."""
    low, high = bounds
    found = forecast_windows(
        SERIES,
        lookback=lookback,
        delay=delay,
        step=step,
        horizon=horizon,
        column=column,
        min_index=low,
        max_index=high,
        training_rows=50,
    )
    mean, std = SERIES[:50].mean(axis=0), SERIES[:50].std(axis=0)
    normal = (SERIES - mean) / std
    ends = [i for i in range(low + lookback, high) if i + delay + horizon <= high]
    assert len(found) == len(ends)
    for place, i in enumerate(ends):
        np.testing.assert_allclose(found.inputs[place], normal[i - lookback : i : step], atol=1e-6)
        np.testing.assert_allclose(found.targets[place], normal[i + delay : i + delay + horizon, column], atol=1e-6)
        assert found.last[place] == found.inputs[place][-1, column]


def test_windows_are_views() -> None:
    """A year of rows every ten minutes, ten days back, would be gigabytes otherwise."""
    found = forecast_windows(np.random.default_rng(0).normal(size=(50_000, 14)), lookback=1440, delay=144, step=6)
    assert found.inputs.shape == (48_416, 240, 14)
    assert found.inputs.base is not None
    assert found.inputs.strides[0] == 14 * 4


def test_batches_hold_every_window_once() -> None:
    """In order, or shuffled the same way for the same seed."""
    found = forecast_windows(SERIES, lookback=5, delay=1)
    plain = np.concatenate([targets for _, targets in found.batches(16)])
    np.testing.assert_array_equal(plain, found.targets)
    mixed, again = (
        np.concatenate([targets for _, targets in found.batches(16, shuffle=True, seed=4)]) for _ in range(2)
    )
    np.testing.assert_array_equal(mixed, again)
    assert not np.array_equal(mixed, plain)
    np.testing.assert_array_equal(np.sort(mixed, axis=0), np.sort(plain, axis=0))
    assert all(len(inputs) == len(targets) for inputs, targets in found.batches(16))


def test_the_baseline_forecasts_no_change() -> None:
    """A straight line rises by its slope a row: from the last row seen to the target lie ``delay`` + 1 rows."""
    line = 2.5 * np.arange(100)
    assert forecast_windows(line, lookback=10, delay=3).baseline_error() == pytest.approx(2.5 * 4, rel=1e-5)
    assert forecast_windows(line, lookback=10, step=4, delay=3).baseline_error() == pytest.approx(2.5 * 5, rel=1e-5)


@pytest.mark.parametrize(
    ("changes", "kind", "word"),
    [
        ({"lookback": 0}, UsageError, "lookback"),
        ({"step": 0}, UsageError, "step"),
        ({"delay": -1}, UsageError, "delay"),
        ({"horizon": 1.5}, UsageError, "horizon"),
        ({"max_index": 81}, UsageError, "80 rows"),
        ({"min_index": -1}, UsageError, "80 rows"),
        ({"column": 3}, UsageError, "3 columns"),
        ({"lookback": 80}, UsageError, "for one window"),
        ({"training_rows": 0}, UsageError, "training_rows"),
        ({"series": np.full((80, 2), 3.0)}, DataError, "column 0"),
        ({"series": np.where(np.arange(80) == 9, np.nan, 1.0)}, DataError, "finite"),
        ({"series": np.zeros((3, 3, 3))}, DataError, "shape"),
        ({"series": ["warm", "cold"]}, DataError, "numbers"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict, kind: type[Exception], word: str) -> None:
    """In one sentence that names it."""
    options = {"series": SERIES, "lookback": 10, "delay": 1} | changes
    with pytest.raises(kind, match=word):
        forecast_windows(options.pop("series"), **options)


@pytest.mark.parametrize("size", [0, -3])
def test_batches_hold_one_window_or_more(size: int) -> None:
    """Zero would never end."""
    with pytest.raises(UsageError, match="batch_size"):
        next(forecast_windows(SERIES, lookback=5, delay=1).batches(size))
