"""Golden windows every bundle is held to: openly artificial signals, so that no person's data travels along."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, Masking
from edgehar.models.architecture.masks import makes_mask
from edgehar.models.contract import SAMPLE_RATE_HZ

GOLDEN_WINDOWS: Final = 32
_SEED: Final = 20120905


def golden_windows(length: int, channels: int, count: int = GOLDEN_WINDOWS) -> NDArray[np.float32]:
    """Return artificial windows that visit what a sensor can send: rest, gait, noise, saturation, impacts, silence.

    More of them begin with the same ones.

    Returns
    -------
    ndarray of shape (count, length, channels), float32, in g

    Examples
    --------
    >>> golden_windows(200, 3).shape
    (32, 200, 3)
    """
    generator = np.random.default_rng(_SEED)
    time_s = np.arange(length)[:, np.newaxis] / SAMPLE_RATE_HZ
    windows = [_signal(index, time_s, channels, generator) for index in range(count)]
    return np.stack(windows).astype(np.float32)


def golden_inputs(architecture: Architecture, count: int = GOLDEN_WINDOWS) -> NDArray[np.float32]:
    """Return artificial inputs of an architecture: windows of signals, or of tokens."""
    if architecture.vocabulary is None:
        return with_masked_steps(architecture, golden_windows(architecture.window, architecture.channels, count))
    return golden_tokens(architecture.window, architecture.vocabulary, count)


def with_masked_steps(architecture: Architecture, windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return windows of which some have steps that a mask of the architecture leaves out, in most ways there are.

    Of four windows in a row one stays as it is, one is masked at its beginning, one at its end, and one here and there;
    where the first layer makes no mask, all stay.
    """
    first = architecture.layers[0]
    if not makes_mask(first):
        return windows
    generator = np.random.default_rng(_SEED)
    length, masked = windows.shape[1], windows.copy()
    place = np.arange(length)
    for index, window in enumerate(masked):
        bound = generator.integers(1, length + 1)
        hidden = (place < 0, place < bound, place >= bound, generator.random(length) < 0.3)[index % 4]
        window[hidden] = first.value if isinstance(first, Masking) else 0
    return masked


def golden_tokens(length: int, vocabulary: int, count: int = GOLDEN_WINDOWS) -> NDArray[np.float32]:
    """Return windows of tokens (count, length, 1): of all of them, of the frequent ones first, padded, and one alone.

    More of them begin with the same ones.
    """
    generator = np.random.default_rng(_SEED)
    return np.stack([_tokens(index, length, vocabulary, generator) for index in range(count)]).astype(np.float32)


def _tokens(index: int, length: int, vocabulary: int, generator: "np.random.Generator") -> NDArray[Any]:
    """Return one window of tokens of the kind that ``index`` selects."""
    each = generator.integers(vocabulary, size=(length, 1))
    frequent = (vocabulary ** generator.random((length, 1))).astype(np.int64) - 1
    padding = generator.integers(length)
    place = np.arange(length)[:, np.newaxis]
    kinds = (each, frequent, np.where(place < padding, 0, each), np.where(place < padding, frequent, 0))
    if index == 0:
        return np.zeros_like(each)
    return np.full_like(each, vocabulary - 1) if index == 1 else kinds[index % len(kinds)]


def _signal(index: int, time_s: NDArray[Any], channels: int, generator: "np.random.Generator") -> NDArray[Any]:
    """Return one window of the kind that ``index`` selects."""
    gravity = generator.normal(size=channels)
    gravity /= np.linalg.norm(gravity)
    noise = generator.normal(scale=0.02, size=(len(time_s), channels))
    cadence_hz = generator.uniform(0.8, 3.2)
    phases = generator.uniform(0, 2 * np.pi, size=(4, channels))
    amplitudes = generator.uniform(0, 0.8, size=(4, channels)) / np.arange(1, 5)[:, np.newaxis]
    gait = sum(
        amplitudes[k] * np.sin(2 * np.pi * cadence_hz * (k + 1) * time_s + phases[k]) for k in range(len(phases))
    )
    kinds: dict[int, NDArray[Any]] = {
        0: gravity + noise,
        1: gravity + gait + noise,
        2: gravity + 2.5 * gait + noise,
        3: generator.normal(scale=1.5, size=noise.shape),
        4: np.clip(gravity + 12 * gait, -8, 8),
        5: gravity + noise + 6.0 * (generator.random(size=noise.shape) > 0.98),
        6: np.where(time_s < time_s[-1] / 2, gravity, -gravity) + noise,
        7: np.zeros_like(noise) + (0.0 if index < 8 else gravity * 16),
    }
    return kinds[index % len(kinds)]
