"""The two trainers, and which of them trains: the one in C where there is a compiler, Keras for everything else."""

import importlib.metadata
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, Weights
from edgehar.models.engines.native_library import find_compiler
from edgehar.models.errors import EngineError, UsageError
from edgehar.models.gradients import can_train, load_trainer
from edgehar.pipeline.training.history import BatchResult
from edgehar.pipeline.training.recipe import FREQUENCIES, Recipe
from edgehar.pipeline.training.supervision import Targets, answers_on_the_way

AUTO: Final = "auto"
NATIVE: Final = "native"
KERAS: Final = "keras"
COUNTING: Final = "counting"
"""No trainer: `edgehar.pipeline.training.baseline` counts labels."""
TRAINERS: Final = (AUTO, NATIVE, KERAS)


class Trainer(Protocol):
    """A model in training: its weights, and the optimizer that moves them."""

    @property
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """A copy of the weights as they are now."""

    def train(self, windows: NDArray[np.float32], targets: Targets, *, learning_rate: float) -> BatchResult:
        """Move the weights once; ``windows`` (batch, window_length, channels) are normalised, and always as many."""

    def logits(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits (n_windows, n_classes) of normalised windows, as the deployed model has them."""


def choose_trainer(wanted: str, architecture: Architecture, recipe: Recipe) -> tuple[str, str | None]:
    """Return which trainer trains, and the reason if it is not the faster one.

    Parameters
    ----------
    wanted
        One of `TRAINERS`; ``auto`` takes the native one where it can be built and knows the layers.

    Raises
    ------
    UsageError
        If there is no such trainer, or it does not know the layers; if the recipe has sequences, and the model no state
        to carry.
    EngineError
        If the native one is wanted and cannot be built.
    """
    if wanted not in TRAINERS:
        raise UsageError(
            f"trainer: expected one of {', '.join(TRAINERS)}, got {wanted!r}", next_step="Leave --trainer out."
        )
    if recipe.sequence_epochs and (recipe.initialization == FREQUENCIES or not answers_on_the_way(architecture)):
        raise UsageError(
            f"sequences: expected a stack of SimpleRNN, LSTM or GRU that walks forwards, to carry its state, got "
            f"{architecture.name}",
            next_step="Train it on windows: leave --streaming out.",
        )
    if recipe.initialization == FREQUENCIES:
        return COUNTING, None
    if wanted == KERAS:
        return KERAS, None
    if not can_train(architecture):
        reason = (
            f"the native trainer knows stacks of SimpleRNN, LSTM or GRU and an output layer, not {architecture.name}"
        )
        if wanted == NATIVE:
            raise UsageError(f"--trainer native: {reason}", next_step="Use --trainer keras.")
        return KERAS, reason
    try:
        load_trainer()
    except EngineError as error:
        if wanted == NATIVE:
            raise
        return KERAS, str(error)
    return NATIVE, None


def open_trainer(
    name: str,
    architecture: Architecture,
    weights: Weights,
    recipe: Recipe,
    *,
    seed: int,
    threads: int = 1,
    evenly: bool = False,
) -> Trainer:
    """Return a trainer that starts from these weights.

    Parameters
    ----------
    name
        What `choose_trainer` returned.
    seed
        Of what dropout drops.
    threads
        How many the native one may use; TensorFlow decides for itself.
    evenly
        Whether every supervised step counts the same, for sequences; else the later ones count more.
    """
    if name == NATIVE:
        from edgehar.pipeline.training.native_trainer import NativeTrainer

        return NativeTrainer(architecture, weights, recipe, seed=seed, threads=threads, evenly=evenly)
    # TensorFlow takes seconds to import, and need not be installed for the other one.
    from edgehar.pipeline.training.keras_trainer import KerasTrainer

    return KerasTrainer(architecture, weights, recipe, seed=seed, evenly=evenly)


def trainer_versions(name: str) -> dict[str, str]:
    """Return the versions, beside NumPy's, that decide what weights a trainer makes."""
    if name == KERAS:
        return {package: importlib.metadata.version(package) for package in ("tensorflow", "keras")}
    return {"compiler": find_compiler().version} if name == NATIVE else {}
