"""Batches of sequences: longer than a window, with a target at every supervised step, for a state that is carried."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.errors import TrainingError
from edgehar.models.normalization import Normalization
from edgehar.pipeline.data.sequences import Runs, Sequences
from edgehar.pipeline.data.windows import Indices, Windows
from edgehar.pipeline.training.augmentation import mixed, random_rotations, turned
from edgehar.pipeline.training.batches import Batch
from edgehar.pipeline.training.recipe import Recipe
from edgehar.pipeline.training.supervision import supervised_steps

_MIXED: Final = 0.5
"""Share of the sequences of a batch that are mixed with others: the rest shows what a change looks like."""
_JUDGED: Final = 256
"""Sequences that an epoch is judged on."""


@dataclass(frozen=True, slots=True, eq=False)
class SequenceBatches:
    """What an epoch of sequences is made of: as many samples as an epoch of windows has.

    Sequences are turned and mixed as the recipe says of windows; they are neither moved nor stretched.

    Parameters
    ----------
    windows, indices
        What sequences are drawn from: the samples that these windows cover.
    normalization
        Applied last.
    recipe
        How long sequences are, how many of them are joined, and their augmentation.
    """

    windows: Windows
    indices: Indices
    normalization: Normalization
    recipe: Recipe

    def __post_init__(self) -> None:
        if self.length < self.windows.window_length:
            raise TrainingError(
                f"sequence s: expected sequences of at least a window ({self.windows.window_length} samples), got "
                f"{self.recipe.sequence_s:g} s, which are {self.length}",
                next_step="Make the sequences longer.",
            )

    @property
    def length(self) -> int:
        """Samples of a sequence."""
        return round(self.recipe.sequence_s * self.windows.rate_hz)

    @property
    def batch_size(self) -> int:
        """Sequences in every batch."""
        return self.recipe.sequence_batch_size

    @property
    def windows_of_a_batch(self) -> float:
        """How many windows have as many samples as a batch."""
        return self.batch_size * self.length / self.windows.window_length

    def __len__(self) -> int:
        """Batches in an epoch."""
        return max(1, round(len(self.indices) / self.windows_of_a_batch))

    def epoch(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Yield every batch of one epoch, each made while the one before it is used."""
        runs = Runs.of(self.windows, self.indices)
        with ThreadPoolExecutor(1) as ahead:
            # One thread makes them in order, so that a seed always draws the same numbers for the same batch.
            coming = ahead.submit(self._make, runs, rng)
            for _ in range(len(self) - 1):
                ready, coming = coming.result(), ahead.submit(self._make, runs, rng)
                yield ready
            yield coming.result()

    def judged(self, indices: Indices) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        """Yield sequences of other people as recorded, always the same ones, with what is done at their ends."""
        if len(indices):
            drawn = self._draw(Runs.of(self.windows, indices), _JUDGED, np.random.default_rng(0))
            yield self.normalization.apply(self.windows.samples[drawn.places]), drawn.labels[:, -1]

    def _draw(self, runs: Runs, count: int, rng: np.random.Generator) -> Sequences:
        """Draw sequences as the recipe says."""
        return runs.draw(count, length=self.length, joined=self.recipe.sequence_joined, rng=rng)

    def _make(self, runs: Runs, rng: np.random.Generator) -> Batch:
        """Draw, augment and normalise sequences."""
        recipe, drawn = self.recipe, self._draw(runs, self.batch_size, rng)
        values = self.windows.samples[drawn.places]
        if recipe.rotation_deg:
            values = turned(values, random_rotations(len(values), deviation_deg=recipe.rotation_deg, rng=rng))
        values, targets = self.normalization.apply(values), self._targets(drawn)
        if recipe.mixup:
            some = slice(round(_MIXED * len(values)))
            values[some], targets[some] = mixed(values[some], targets[some], concentration=recipe.mixup, rng=rng)
        return values, targets

    def _targets(self, drawn: Sequences) -> NDArray[np.float32]:
        """Return what each supervised step shall say; it counts less while less than a window of its piece was seen."""
        steps = supervised_steps(self.length, self.recipe.supervise_every)
        seen = np.minimum(1.0, drawn.since[:, steps] / self.windows.window_length).astype(np.float32)
        classes = np.eye(len(self.windows.activities), dtype=np.float32)
        return np.asarray(classes[drawn.labels[:, steps]] * seen[:, :, None], np.float32)
