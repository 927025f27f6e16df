"""Recipes: defaults, changes, and what they refuse."""

import pytest

from edgehar.models.architecture import ARCHITECTURE_NAMES
from edgehar.models.errors import UsageError
from edgehar.pipeline.training.recipe import Recipe
from edgehar.pipeline.training.recipes import default_recipe


def test_every_named_architecture_has_a_recipe() -> None:
    for name in ARCHITECTURE_NAMES:
        assert isinstance(default_recipe(name), Recipe)


def test_the_measured_recipes() -> None:
    lstm, rnn = default_recipe("lstm"), default_recipe("simple_rnn")
    assert (lstm.learning_rate, lstm.rotation_deg, lstm.epochs, lstm.weight_decay) == (1e-2, 20.0, 32, 0.0)
    assert (rnn.learning_rate, rnn.rotation_deg, rnn.epochs, rnn.weight_decay) == (1.5e-3, 8.0, 80, 0.01)
    assert rnn.initialization == "structured"
    for recipe in (lstm, rnn):
        assert (recipe.batch_size, recipe.clip_norm, recipe.warmup) == (256, 1.0, 0.05)
        assert (recipe.offset_samples, recipe.supervise_every) == (50, 10)


def test_unknown_model_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match=r"lstm.*'transformer'"):
        default_recipe("transformer")


def test_changes_leave_none_alone() -> None:
    recipe = default_recipe("lstm").changed(epochs=3, rotation_deg=0.0, learning_rate=None)
    assert (recipe.epochs, recipe.rotation_deg, recipe.learning_rate) == (3, 0.0, 1e-2)


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"learning_rate": float("inf")},
        {"weight_decay": -0.1},
        {"rotation_deg": float("nan")},
        {"warmup": 1.0},
        {"warmup": -0.1},
        {"initialization": "zeros"},
        {"patience": -1},
    ],
)
def test_values_that_cannot_be_meant_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(change)).replace("_", " ")):
        default_recipe("lstm").changed(**change)


def test_json_round_trip() -> None:
    recipe = default_recipe("simple_rnn").changed(patience=4)
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_json_from_before_a_piece_was_there_is_without_it() -> None:
    data = default_recipe("lstm").to_json()
    del data["recurrent_dropout"]
    assert Recipe.from_json(data) == default_recipe("lstm")


@pytest.mark.parametrize("damage", [{"extra": 1}, {}])
def test_json_of_another_version_is_refused(damage: dict[str, object]) -> None:
    data = {**default_recipe("lstm").to_json(), **damage}
    if not damage:
        del data["warmup"]
    with pytest.raises(UsageError, match=r"warmup|extra"):
        Recipe.from_json(data)
