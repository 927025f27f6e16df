"""Write tests/golden/trainer.json: small stacks with their gradients, a fine-tuning run, and an output layer fitted.

    python tools/make_golden_trainer.py

To be run when what the trainer computes is meant to change; otherwise the tests hold Python and the page to the file.
"""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import GRU, LSTM, Architecture, Dense, SimpleRNN
from edgehar.models.gradients import StackGradients
from edgehar.pipeline.training.native_trainer import NativeTrainer
from edgehar.pipeline.training.personalization.fine_tuning import RECIPE
from edgehar.pipeline.training.personalization.output_layer import STRENGTH, fit_output_layer
from edgehar.pipeline.training.schedule import learning_rate
from edgehar.pipeline.training.supervision import step_weights, supervised_steps

TARGET: Final = Path(__file__).parents[1] / "tests" / "golden" / "trainer.json"
KINDS: Final = {"simple_rnn": SimpleRNN, "lstm": LSTM, "gru": GRU}
WINDOW: Final = 30
CLASSES: Final = 4
BATCH: Final = 9
STEPS: Final = 12


def stack(kind: str) -> Architecture:
    """Return two layers of a kind, of sizes that fill no vector."""
    layer = KINDS[kind]
    layers = (layer("First", 5, return_sequences=True), layer("Second", 6), Dense("Output", CLASSES, "softmax"))
    return Architecture(kind, WINDOW, 3, layers)


def drawn(generator: np.random.Generator, *shape: int, scale: float = 1.0) -> NDArray[np.float32]:
    """Return normally distributed numbers that JSON holds exactly."""
    return np.round(generator.normal(scale=scale, size=shape) * 1024).astype(np.float32) / np.float32(1024)


def batch(generator: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return windows, and what they should get: half certain, half not."""
    targets = np.eye(CLASSES, dtype=np.float32)[generator.integers(0, CLASSES, BATCH)]
    targets[::2] = 0.75 * targets[::2] + np.float32(0.0625)
    return drawn(generator, BATCH, WINDOW, 3), targets


def main() -> None:
    """Compute everything and write the file."""
    steps = supervised_steps(WINDOW, RECIPE.supervise_every)
    golden = {
        "window": WINDOW,
        "classes": CLASSES,
        "supervised_steps": steps.tolist(),
        "step_weights": step_weights(steps).astype(float).tolist(),
        "gradients": [gradient_case(kind, seed) for seed, kind in enumerate(KINDS)],
        "fine_tuning": fine_tuning_case(),
        "output_layer": output_layer_case(),
    }
    text = json.dumps(golden, separators=(",", ":"))
    TARGET.write_text(text.replace('{"kind"', '\n{"kind"').replace(',"fine_tuning"', ',\n"fine_tuning"') + "\n")


def flat(values: NDArray[Any], digits: int = 7) -> list[float]:
    """Return numbers for JSON."""
    return [float(f"{value:.{digits}g}") for value in np.ravel(values).astype(float)]


def gradient_case(kind: str, seed: int) -> dict[str, Any]:
    """Return one batch with its loss, its gradient and its logits."""
    generator = np.random.default_rng(seed)
    gradients = StackGradients(stack(kind))
    parameters = drawn(generator, gradients.parameter_count, scale=0.4)
    windows, targets = batch(generator)
    steps = supervised_steps(WINDOW, RECIPE.supervise_every)
    found = gradients.gradient(parameters, windows, targets, steps=steps, shares=step_weights(steps))
    return {
        "kind": kind,
        "units": [5, 6],
        "parameters": flat(parameters),
        "windows": flat(windows),
        "targets": flat(targets),
        "loss": found.loss,
        "final_loss": found.final_loss,
        "correct": found.correct,
        "gradient": flat(found.gradient),
        "logits": flat(gradients.logits(parameters, windows)),
    }


def fine_tuning_case() -> dict[str, Any]:
    """Return batches of an LSTM, and where its weights are after one step on each."""
    generator = np.random.default_rng(9)
    architecture = stack("lstm")
    gradients = StackGradients(architecture)
    start = drawn(generator, gradients.parameter_count, scale=0.4)
    trainer = NativeTrainer(architecture, gradients.unflatten(start), RECIPE, seed=0)
    batches = []
    for step in range(STEPS):
        windows, targets = batch(generator)
        rate = learning_rate(step, STEPS, peak=RECIPE.learning_rate, warmup=RECIPE.warmup)
        loss = trainer.train_towards(windows, targets, learning_rate=rate).loss
        batches.append({"windows": flat(windows), "targets": flat(targets), "loss": loss})
    return {
        "units": [5, 6],
        "start": flat(start),
        "batches": batches,
        "weights": flat(gradients.flatten(trainer.weights)),
    }


def output_layer_case() -> dict[str, Any]:
    """Return states with targets, and the layer that fits them best."""
    generator = np.random.default_rng(4)
    architecture = stack("simple_rnn")
    weights = {name: drawn(generator, *shape, scale=0.5) for name, shape in architecture.weight_shapes().items()}
    states, labels = drawn(generator, 40, 6, scale=0.6), generator.integers(0, CLASSES, 40)
    states[np.arange(40), labels] += np.float32(0.5)
    targets = np.eye(CLASSES)[labels]
    fitted = fit_output_layer(architecture, weights, states, targets, strength=STRENGTH)
    general, own = (
        np.concatenate([each["Output/kernel"], each["Output/bias"][np.newaxis]]) for each in (weights, fitted)
    )
    return {
        "units": 6,
        "strength": STRENGTH,
        "general": flat(general),
        "states": flat(states),
        "targets": flat(targets),
        "fitted": flat(own),
    }


if __name__ == "__main__":
    main()
