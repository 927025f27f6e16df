"""The trainer in C: gradients by `edgehar.models.gradients`, the optimizer in NumPy; TensorFlow is not needed."""

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, Recurrent, Weights
from edgehar.models.gradients import StackGradients
from edgehar.pipeline.training.history import BatchResult
from edgehar.pipeline.training.optimizer import AdamW
from edgehar.pipeline.training.recipe import Recipe
from edgehar.pipeline.training.supervision import Targets, one_hot, step_weights, supervised_steps

_DROPOUT = 2
"""Which of a seed's streams of random numbers dropout takes; the first weights and the order have the first two."""


class NativeTrainer:
    """A model in training; see `edgehar.pipeline.training.trainers.Trainer`.

    Parameters
    ----------
    architecture, weights
        The model, one that `edgehar.models.gradients.can_train`, and what its weights start from.
    recipe
        How to train; rates come with every step.
    seed
        Of what dropout drops.
    threads
        How many to use; the weights are the same for any.
    evenly
        Whether every supervised step counts the same.
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: Weights,
        recipe: Recipe,
        *,
        seed: int,
        threads: int = 1,
        evenly: bool = False,
    ) -> None:
        self._gradients = StackGradients(architecture, threads=threads)
        self._parameters = self._gradients.flatten(weights)
        shapes = architecture.weight_shapes()
        decays = [np.full(int(np.prod(shape)), not name.endswith("bias")) for name, shape in shapes.items()]
        self._optimizer = AdamW(np.concatenate(decays), weight_decay=recipe.weight_decay, clip_norm=recipe.clip_norm)
        self._steps = supervised_steps(architecture.window, recipe.supervise_every)
        self._shares = step_weights(self._steps, evenly=evenly)
        self._classes = architecture.classes
        self._dropout = recipe.recurrent_dropout
        self._units = [layer.units for layer in architecture.layers if isinstance(layer, Recurrent)]
        self._rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_DROPOUT,)))

    @property
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """A copy of the weights as they are now."""
        return self._gradients.unflatten(self._parameters)

    def train(self, windows: NDArray[np.float32], targets: Targets, *, learning_rate: float) -> BatchResult:
        """Move the weights once."""
        return self.train_towards(windows, one_hot(targets, self._classes), learning_rate=learning_rate)

    def train_towards(
        self, windows: NDArray[np.float32], targets: NDArray[np.float32], *, learning_rate: float
    ) -> BatchResult:
        """Move the weights once, towards probabilities (batch, n_classes), or those of every supervised step."""
        batch = self._gradients.gradient(
            self._parameters,
            windows,
            targets,
            steps=self._steps,
            shares=self._shares,
            masks=self._masks(len(windows)) if self._dropout else None,
        )
        self._parameters = self._optimizer.step(self._parameters, batch.gradient, learning_rate=learning_rate)
        return BatchResult(batch.loss, batch.final_loss, batch.correct)

    def logits(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits (n_windows, n_classes) of normalised windows."""
        return self._gradients.logits(self._parameters, windows)

    def _masks(self, count: int) -> list[NDArray[np.float32]]:
        """Return what every window's states are multiplied by: 0 for those dropped, more than 1 for the others."""
        kept = np.float32(1 / (1 - self._dropout))
        return [(self._rng.random((count, units)) >= self._dropout) * kept for units in self._units]
