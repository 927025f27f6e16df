"""How fast the trainers are: windows per second of processor time, all of them in one run, turn by turn.

Each trainer runs in a process of its own, so that threads of one that wait for work do not count for the other; turns
alternate, so that a machine that slows down slows down for both. A processor second is that of all threads together.
"""

import concurrent.futures
import functools
import importlib.util
import multiprocessing
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edgehar.models.architecture import named_architecture
from edgehar.pipeline.training.initialization import initial_weights
from edgehar.pipeline.training.recipes import default_recipe
from edgehar.pipeline.training.trainers import KERAS, NATIVE, Trainer, choose_trainer, open_trainer, trainer_versions

MODELS: Final = ("simple_rnn", "lstm", "gru")
_ROUNDS: Final = 3
_TURN_S: Final = 1.5
_FIRST_S: Final = 4.0


@dataclass(frozen=True, slots=True)
class TrainingSpeed:
    """One trainer with one model.

    Parameters
    ----------
    trainer, model
        Which.
    windows_per_cpu_s
        Windows trained on in a second of processor time: augmentation left out, the optimizer not; the best turn.
    first_windows_per_cpu_s
        The same over the first four processor seconds, in which Keras also traces and compiles: what a short training
        such as a personalization gets.
    runtime
        What computed.
    """

    trainer: str
    model: str
    windows_per_cpu_s: float
    first_windows_per_cpu_s: float
    runtime: str

    def to_json(self) -> dict[str, Any]:
        """Return the row as JSON-ready data."""
        return {
            "trainer": self.trainer,
            "model": self.model,
            "windows_per_cpu_s": round(self.windows_per_cpu_s),
            "first_windows_per_cpu_s": round(self.first_windows_per_cpu_s),
            "runtime": self.runtime,
        }


def measure_training(
    models: Sequence[str] = MODELS,
    *,
    rounds: int = _ROUNDS,
    turn_s: float = _TURN_S,
    first_s: float = _FIRST_S,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> list[TrainingSpeed]:
    """Measure every trainer that is there with every model, in rounds.

    Raises
    ------
    EngineError, UsageError
        If the native trainer cannot be built, or does not know a model.
    """
    for model in models:
        choose_trainer(NATIVE, named_architecture(model), default_recipe(model))
    trainers = [NATIVE, *([KERAS] if importlib.util.find_spec("tensorflow") is not None else [])]
    pairs = [(trainer, model) for model in models for trainer in trainers]
    best = dict.fromkeys(pairs, 0.0)
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        processes = {
            trainer: stack.enter_context(concurrent.futures.ProcessPoolExecutor(1, context)) for trainer in trainers
        }
        first = {
            (trainer, model): processes[trainer].submit(windows_per_cpu_s, trainer, model, first_s).result()
            for trainer, model in pairs
        }
        for number in range(rounds):
            for index, (trainer, model) in enumerate(pairs):
                speed = processes[trainer].submit(windows_per_cpu_s, trainer, model, turn_s).result()
                best[trainer, model] = max(best[trainer, model], speed)
                progress(number * len(pairs) + index + 1, rounds * len(pairs))
    return [
        TrainingSpeed(trainer, model, speed, first[trainer, model], _runtime(trainer))
        for (trainer, model), speed in best.items()
    ]


def windows_per_cpu_s(trainer: str, model: str, turn_s: float) -> float:
    """Train for a turn, and return windows per second of this process's processor time."""
    training, windows, labels = _ready(trainer, model)
    steps, began_s = 0, time.process_time()
    while time.process_time() - began_s < turn_s or not steps:
        training.train(windows, labels, learning_rate=1e-4)
        steps += 1
    return steps * len(windows) / (time.process_time() - began_s)


@functools.cache
def _ready(trainer: str, model: str) -> tuple[Trainer, Any, Any]:
    """Return a trainer, and a batch of noise."""
    rng = np.random.default_rng(0)
    architecture, recipe = named_architecture(model), default_recipe(model)
    weights = initial_weights(architecture, recipe.initialization, rng)
    training = open_trainer(trainer, architecture, weights, recipe, seed=0)
    shape = (recipe.batch_size, architecture.window, architecture.channels)
    windows = rng.normal(size=shape).astype(np.float32)
    return training, windows, rng.integers(0, architecture.classes, recipe.batch_size)


def _runtime(trainer: str) -> str:
    """Return what computes, in words."""
    return ", ".join(f"{name} {version}" for name, version in trainer_versions(trainer).items())
