"""Batches of an epoch: windows shuffled, moved, turned and normalised in NumPy, one batch ahead of the step."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.errors import TrainingError
from edgehar.models.normalization import Normalization
from edgehar.pipeline.data.windows import Indices, Windows
from edgehar.pipeline.training.augmentation import (
    Rotations,
    mixed,
    random_offsets,
    random_rotations,
    random_stretches,
    stretched_windows,
    turned,
)
from edgehar.pipeline.training.recipe import Recipe
from edgehar.pipeline.training.supervision import Targets

_JUDGED_AT_ONCE: Final = 1024

Batch = tuple[NDArray[np.float32], Targets]
"""Normalised windows (batch, window_length, channels), and their labels; or, of mixed ones, probabilities. Of
sequences, probabilities at every supervised step (batch, steps, classes)."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingBatches:
    """What an epoch is made of.

    Parameters
    ----------
    windows, indices
        Where windows come from, and which of them to use.
    normalization
        Applied last: rotations turn raw acceleration.
    recipe
        Its batch size and its augmentation.
    rotations
        How so many windows are turned; None for the recipe's ``rotation_deg``.
    """

    windows: Windows
    indices: Indices
    normalization: Normalization
    recipe: Recipe
    rotations: Callable[[int, np.random.Generator], Rotations] | None = None

    def __post_init__(self) -> None:
        if not len(self.indices):
            raise TrainingError("expected windows to train on, got none", next_step="Add recordings of other people.")

    @property
    def batch_size(self) -> int:
        """Windows in every batch: the recipe's, or all there are if these are fewer."""
        return min(self.recipe.batch_size, len(self.indices))

    @property
    def windows_of_a_batch(self) -> float:
        """The same, beside batches of sequences."""
        return float(self.batch_size)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self.indices) // self.batch_size

    def epoch(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Yield every batch of one epoch, each made while the one before it is used."""
        order = rng.permutation(self.indices)[: len(self) * self.batch_size]
        parts = np.split(order, len(self))
        with ThreadPoolExecutor(1) as ahead:
            # One thread makes them in order, so that a seed always draws the same numbers for the same batch.
            coming = ahead.submit(self._make, parts[0], rng)
            for part in parts[1:]:
                ready, coming = coming.result(), ahead.submit(self._make, part, rng)
                yield ready
            yield coming.result()

    def judged(self, indices: Indices) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        """Yield other people's windows as recorded, in parts, with their labels."""
        for part in np.split(indices, range(_JUDGED_AT_ONCE, len(indices), _JUDGED_AT_ONCE)) if len(indices) else ():
            yield self.normalization.apply(self.windows.batch(part)), self.windows.labels[part]

    def _make(self, chosen: Indices, rng: np.random.Generator) -> Batch:
        """Take windows out, augment and normalise them."""
        recipe, labels = self.recipe, self.windows.labels[chosen]
        values = self._taken(chosen, rng)
        turns = None
        if self.rotations is not None:
            turns = self.rotations(len(chosen), rng)
        elif recipe.rotation_deg:
            turns = random_rotations(len(chosen), deviation_deg=recipe.rotation_deg, rng=rng)
        if turns is not None:
            values = turned(values, turns)
        values = self.normalization.apply(values)
        if not recipe.mixup:
            return values, labels
        targets = np.eye(len(self.windows.activities), dtype=np.float32)[labels]
        return mixed(values, targets, concentration=recipe.mixup, rng=rng)

    def _taken(self, chosen: Indices, rng: np.random.Generator) -> NDArray[np.float32]:
        """Take windows out, moved and stretched as the recipe says."""
        largest, most = self.recipe.offset_samples, self.recipe.stretch
        offsets = random_offsets(len(chosen), largest=largest, rng=rng) if largest else np.zeros(len(chosen), np.int64)
        if not most:
            return self.windows.batch(chosen, offsets=offsets)
        factors = random_stretches(len(chosen), most=most, rng=rng)
        return stretched_windows(self.windows, chosen, offsets=offsets, factors=factors)
