"""Windows of a time series and what comes after them: what forecasting models learn from, as views of the series."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

from edgehar.models.errors import DataError, UsageError


@dataclass(frozen=True, slots=True, eq=False)
class ForecastWindows:
    """Windows of a series (n, steps, features) and the values (n, horizon) that follow them.

    Parameters
    ----------
    inputs : ndarray of shape (n, steps, features), float32
        A view of the series: no window is copied before it is asked for.
    targets : ndarray of shape (n, horizon), float32
        The column to forecast, ``delay`` rows after the row behind each window, and at the rows after that.
    last : ndarray of shape (n,), float32
        That column in the last row of each window.
    mean, std : ndarray of shape (features,), float64
        What the series was normalised by; forecasts times ``std`` plus ``mean`` are in the unit of the series.
    column
        The column that is forecast.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]
    last: NDArray[np.float32]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    column: int

    def __len__(self) -> int:
        """Return how many windows there are."""
        return len(self.inputs)

    def batches(
        self, batch_size: int = 128, *, shuffle: bool = False, seed: int = 0
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Yield inputs and targets of all windows once, in order or shuffled; the last batch may be smaller.

        Raises
        ------
        UsageError
            If the batch size is below one.
        """
        if batch_size < 1:
            raise UsageError(f"batch_size: expected 1 or more, got {batch_size}", next_step="Leave it out for 128.")
        order = np.random.default_rng(seed).permutation(len(self)) if shuffle else np.arange(len(self))
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            yield self.inputs[chosen], self.targets[chosen]

    def baseline_error(self) -> float:
        """Return the mean absolute error of forecasting no change, in the unit of the series.

        A model that is not better than this common sense has learned nothing.
        """
        error = np.abs(self.targets.astype(np.float64) - self.last[:, np.newaxis]).mean()
        return float(error * self.std[self.column])


def forecast_windows(
    series: npt.ArrayLike,
    *,
    lookback: int,
    delay: int,
    step: int = 1,
    column: int = 0,
    horizon: int = 1,
    min_index: int = 0,
    max_index: int | None = None,
    training_rows: int | None = None,
) -> ForecastWindows:
    """Cut a series into windows for forecasting, normalised by its training rows.

    A window that ends before row i holds the rows i - lookback, i - lookback + step, ... below i; its target is
    ``column`` at the rows i + delay to i + delay + horizon - 1.

    Parameters
    ----------
    series : array-like of shape (rows, features), or (rows,)
        Measurements at equal distances in time.
    lookback, step
        How many rows back a window reaches, and every how many of them it has one.
    delay
        How many rows after the row behind a window the target lies: 0 for that row itself.
    column, horizon
        What to forecast, and how many rows of it.
    min_index, max_index
        Only rows from ``min_index`` to below ``max_index`` (default: all) are in windows and targets: cut training,
        validation and test rows apart by these.
    training_rows
        The rows from the first on that mean and deviation are taken from. Default: those below ``max_index``.

    Raises
    ------
    UsageError
        If a number cannot be meant, or the rows are too few for one window.
    DataError
        If the series is not numbers of such a shape, a value is not finite, or a column never varies in training.

    Examples
    --------
    >>> found = forecast_windows(range(100), lookback=10, step=5, delay=1, max_index=50)
    >>> found.inputs.shape, found.targets.shape
    ((39, 2, 1), (39, 1))
    """
    values = _checked(series)
    stop = len(values) if max_index is None else max_index
    counts = {"lookback": lookback, "step": step, "horizon": horizon}
    for name, least, count in (*((name, 1, count) for name, count in counts.items()), ("delay", 0, delay)):
        if type(count) is not int or count < least:
            raise UsageError(f"{name}: expected a whole number from {least}, got {count!r}", name=name)
    if not (0 <= min_index < stop <= len(values) and 0 <= column < values.shape[1]):
        raise UsageError(
            f"rows {min_index} to {stop}, column {column}: expected some of {len(values):,} rows and "
            f"{values.shape[1]} columns",
            next_step="Check min_index, max_index and column.",
        )
    count = stop - min_index - lookback - delay - horizon + 1
    if count < 1:
        raise UsageError(
            f"rows {min_index} to {stop}: expected {lookback + delay + horizon} or more for one window, got "
            f"{stop - min_index}",
            next_step="Give more rows, or a smaller lookback or delay.",
        )
    mean, std = _statistics(values[: stop if training_rows is None else training_rows])
    normalised = ((values - mean) / std).astype(np.float32)[min_index:stop]
    windows = np.lib.stride_tricks.sliding_window_view(normalised, lookback, axis=0)[:count, :, ::step]
    after = np.lib.stride_tricks.sliding_window_view(normalised[:, column], horizon)
    inputs = windows.swapaxes(1, 2)
    first = lookback + delay
    return ForecastWindows(inputs, after[first : first + count], inputs[:, -1, column], mean, std, column)


def _checked(series: npt.ArrayLike) -> NDArray[np.float64]:
    """Return a series as (rows, features)."""
    values: NDArray[Any] = np.asarray(series)
    if values.ndim == 1:
        values = values[:, np.newaxis]
    if values.ndim != 2 or values.dtype.kind not in "fiu" or not values.size:
        raise DataError(
            f"series: expected numbers of shape (rows, features), got {values.dtype} of shape {values.shape}",
            next_step="Give one row a time and one column a measurement.",
        )
    if not np.isfinite(values).all():
        raise DataError(
            "series: expected finite numbers, got NaN or infinity", next_step="Fill in or cut out the missing rows."
        )
    return values.astype(np.float64)


def _statistics(training: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and deviation of the training rows."""
    if not len(training):
        raise UsageError("training_rows: expected 1 or more, got none", next_step="Leave it out.")
    std = training.std(axis=0)
    if not (std > 0).all():
        raise DataError(
            f"series: expected columns that vary in the training rows, column {int(np.argmin(std > 0))} does not",
            next_step="Leave that column out, or take more training rows.",
        )
    return training.mean(axis=0), std
