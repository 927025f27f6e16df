"""All weights fitted to one person by the trainer in C: a few hundred small steps from the general model."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, Weights
from edgehar.models.errors import EngineError, TrainingError
from edgehar.models.gradients import can_train, load_trainer
from edgehar.models.normalization import Normalization
from edgehar.pipeline.data.windows import Indices, Windows
from edgehar.pipeline.training.batches import Batch, TrainingBatches
from edgehar.pipeline.training.native_trainer import NativeTrainer
from edgehar.pipeline.training.personalization.days import turns_of_days
from edgehar.pipeline.training.recipe import Recipe
from edgehar.pipeline.training.schedule import learning_rate

STEPS: Final = 300
RECIPE: Final = Recipe(
    epochs=1,
    learning_rate=3e-3,
    batch_size=128,
    warmup=0.07,
    offset_samples=12,
    supervise_every=10,
)
"""How the weights are moved; ``epochs`` means nothing here, `STEPS` counts (decision 26)."""

Targets = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]]


def obstacle(architecture: Architecture) -> str | None:
    """Return why the weights cannot be fine-tuned here, or None: no compiler, or layers the trainer does not know."""
    if not can_train(architecture):
        return f"the native trainer knows stacks of SimpleRNN, LSTM or GRU, not {architecture.name}"
    try:
        load_trainer()
    except EngineError as error:
        return error.message
    return None


def fine_tune(
    architecture: Architecture,
    weights: Weights,
    windows: Windows,
    indices: Indices,
    normalization: Normalization,
    *,
    seed: int,
    threads: int,
    targets: Targets,
    steps: int = STEPS,
) -> dict[str, NDArray[np.float32]]:
    """Return the weights after training on some windows of one person.

    Parameters
    ----------
    architecture, weights
        The model, one without an `obstacle`, and where to start.
    windows, indices
        In raw g; which of them to learn from. Windows are moved by up to 12 samples, within their segment.
    normalization
        The general model's: the compiled model keeps it.
    seed, threads
        Of the order and the augmentation; how many threads to use.
    targets
        What a batch of normalised windows with labels should get: probabilities (batch, n_classes).
    steps
        How many batches.

    Raises
    ------
    TrainingError
        If the loss is no longer a finite number.
    """
    trainer = NativeTrainer(architecture, weights, RECIPE, seed=seed, threads=threads)
    batches = TrainingBatches(windows, indices, normalization, RECIPE, rotations=turns_of_days)
    for step, (values, labels) in zip(range(steps), _endless(batches, np.random.default_rng(seed)), strict=False):
        rate = learning_rate(step, steps, peak=RECIPE.learning_rate, warmup=RECIPE.warmup)
        loss = trainer.train_towards(values, targets(values, np.asarray(labels, np.int64)), learning_rate=rate).loss
        if not np.isfinite(loss):
            raise TrainingError(
                f"step {step + 1}: expected a finite loss, got {loss}",
                next_step="Check the recordings for wild values.",
            )
    return trainer.weights


def _endless(batches: TrainingBatches, rng: np.random.Generator) -> Iterator[Batch]:
    """Yield batches, epoch after epoch."""
    while True:
        yield from batches.epoch(rng)
