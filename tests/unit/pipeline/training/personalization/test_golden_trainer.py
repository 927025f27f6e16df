"""The golden trainings: what Python computes of them is what the file holds, so that a page can be held to it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgehar.models.architecture import GRU, LSTM, Architecture, Dense, SimpleRNN
from edgehar.models.gradients import StackGradients
from edgehar.pipeline.training.native_trainer import NativeTrainer
from edgehar.pipeline.training.personalization.fine_tuning import RECIPE
from edgehar.pipeline.training.personalization.output_layer import fit_output_layer
from edgehar.pipeline.training.schedule import learning_rate
from edgehar.pipeline.training.supervision import step_weights, supervised_steps

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[4] / "golden" / "trainer.json").read_text(encoding="utf-8"))
KINDS = {"simple_rnn": SimpleRNN, "lstm": LSTM, "gru": GRU}
STEPS = supervised_steps(GOLDEN["window"], RECIPE.supervise_every)


def stack(kind: str, units: list[int]) -> Architecture:
    """Return the architecture of a case."""
    first, second = units
    layer = KINDS[kind]
    output = Dense("Output", GOLDEN["classes"], "softmax")
    layers = (layer("First", first, return_sequences=True), layer("Second", second), output)
    return Architecture(kind, GOLDEN["window"], 3, layers)


def windows_of(case: dict[str, Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the windows and targets of a batch."""
    windows = np.array(case["windows"], np.float32).reshape(-1, GOLDEN["window"], 3)
    return windows, np.array(case["targets"], np.float32).reshape(len(windows), -1)


def test_answers_on_the_way_are_those_of_the_file() -> None:
    assert GOLDEN["supervised_steps"] == STEPS.tolist()
    np.testing.assert_allclose(GOLDEN["step_weights"], step_weights(STEPS), rtol=1e-6)


@pytest.mark.parametrize("case", GOLDEN["gradients"], ids=lambda case: case["kind"])
def test_gradients_are_those_of_the_file(case: dict[str, Any]) -> None:
    gradients = StackGradients(stack(case["kind"], case["units"]))
    parameters = np.array(case["parameters"], np.float32)
    windows, targets = windows_of(case)
    found = gradients.gradient(parameters, windows, targets, steps=STEPS, shares=step_weights(STEPS))
    assert found.correct == case["correct"]
    np.testing.assert_allclose([found.loss, found.final_loss], [case["loss"], case["final_loss"]], rtol=1e-5)
    np.testing.assert_allclose(found.gradient, case["gradient"], atol=1e-5)
    np.testing.assert_allclose(gradients.logits(parameters, windows).ravel(), case["logits"], atol=1e-5)


def test_fine_tuning_is_that_of_the_file() -> None:
    case = GOLDEN["fine_tuning"]
    architecture = stack("lstm", case["units"])
    gradients = StackGradients(architecture)
    start = gradients.unflatten(np.array(case["start"], np.float32))
    trainer = NativeTrainer(architecture, start, RECIPE, seed=0)
    for step, batch in enumerate(case["batches"]):
        rate = learning_rate(step, len(case["batches"]), peak=RECIPE.learning_rate, warmup=RECIPE.warmup)
        assert trainer.train_towards(*windows_of(batch), learning_rate=rate).loss == pytest.approx(batch["loss"], 1e-4)
    np.testing.assert_allclose(gradients.flatten(trainer.weights), case["weights"], atol=1e-4)


def test_the_output_layer_is_that_of_the_file() -> None:
    case = GOLDEN["output_layer"]
    architecture = stack("simple_rnn", [5, case["units"]])
    weights = {name: np.zeros(shape, np.float32) for name, shape in architecture.weight_shapes().items()}
    general = np.array(case["general"], np.float32).reshape(case["units"] + 1, -1)
    weights |= {"Output/kernel": general[:-1], "Output/bias": general[-1]}
    states = np.array(case["states"], np.float32).reshape(-1, case["units"])
    targets = np.array(case["targets"]).reshape(len(states), -1)
    fitted = fit_output_layer(architecture, weights, states, targets, strength=case["strength"])
    np.testing.assert_allclose(fitted["Output/kernel"].ravel(), case["fitted"][: -GOLDEN["classes"]], atol=1e-5)
