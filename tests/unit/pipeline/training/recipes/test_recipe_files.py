"""Recipes as files: what they state is what is trained, and what they do not mean is said in one sentence."""

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.models.architecture import ARCHITECTURE_NAMES
from edgehar.models.bundle import read_bundle
from edgehar.models.errors import HarError, UsageError
from edgehar.models.zoo import released_bundle, released_names
from edgehar.pipeline.training.recipe import INITIALIZATIONS, Recipe
from edgehar.pipeline.training.recipes import ModelRecipe, default_recipe, parse_recipe, read_recipe

LEAST = 'model = "lstm"\nepochs = 3\nlearning_rate = 0.01\n'

RECIPES = st.builds(
    Recipe,
    epochs=st.integers(1, 500),
    learning_rate=st.floats(1e-6, 1.0),
    batch_size=st.integers(1, 4096),
    weight_decay=st.floats(0, 1),
    clip_norm=st.floats(0, 10),
    warmup=st.floats(0, 0.99),
    offset_samples=st.integers(0, 200),
    rotation_deg=st.floats(0, 180),
    supervise_every=st.integers(0, 200),
    initialization=st.sampled_from(INITIALIZATIONS),
    patience=st.integers(0, 50),
    recurrent_dropout=st.floats(0, 0.9),
    mixup=st.floats(0, 2),
    stretch=st.floats(0, 0.9),
    restart_epochs=st.integers(0, 50),
    restart_learning_rate=st.floats(1e-6, 1.0),
)


def written(model: str, recipe: Recipe) -> bytes:
    """Return a recipe as somebody writes it."""
    lines = [f'model = "{model}"']
    for name, value in recipe.to_json().items():
        lines.append(f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value!r}")
    return "\n".join(lines).encode()


@given(RECIPES, st.sampled_from(ARCHITECTURE_NAMES))
def test_what_is_written_is_what_is_read(recipe: Recipe, model: str) -> None:
    assert parse_recipe(written(model, recipe), where="r.toml") == ModelRecipe(model, recipe)


@pytest.mark.parametrize("model", ARCHITECTURE_NAMES)
def test_every_model_has_a_file_that_names_it(model: str) -> None:
    assert read_recipe(model) == ModelRecipe(model, default_recipe(model))


@pytest.mark.parametrize("name", released_names())
def test_a_released_model_was_trained_with_its_recipe(name: str) -> None:
    found = read_recipe(str(released_bundle(name)))
    assert found == read_recipe(name) == ModelRecipe(name, default_recipe(name))
    assert read_bundle(released_bundle(name)).manifest.provenance.configuration["split"] == "everybody"


def test_what_a_file_leaves_out_has_its_default(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(LEAST + "rotation_deg = 5\n")
    assert read_recipe(str(file)) == ModelRecipe("lstm", Recipe(epochs=3, learning_rate=0.01, rotation_deg=5.0))


@pytest.mark.parametrize("key", ["epoch", "lr", "model_name", "recipe"])
def test_an_unknown_key_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match=f"r.toml: expected keys among model, epochs, .*, got {key}"):
        parse_recipe(f"{LEAST}{key} = 1\n".encode(), where="r.toml")


@pytest.mark.parametrize("key", ["model", *(field.name for field in fields(Recipe))])
def test_a_value_of_another_type_is_refused(key: str) -> None:
    lines = [line for line in LEAST.splitlines() if not line.startswith(f"{key} ")]
    for value in ("true", "[1]", "{}", "2000-01-01"):
        with pytest.raises(UsageError, match=f"r.toml: {key}: expected a"):
            parse_recipe("\n".join([*lines, f"{key} = {value}"]).encode(), where="r.toml")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "expected model, epochs, learning_rate, found none"),
        (b"epochs = ", "expected a recipe in TOML"),
        (b"\xff\xfe", "expected a recipe in TOML"),
        (LEAST.replace("lstm", "transformer").encode(), "model: expected one of .*, got transformer"),
        (LEAST.replace("3", "0").encode(), "epochs: expected 1 or more, got 0"),
        (LEAST.replace("0.01", "nan").encode(), "learning rate: expected a number above 0, got nan"),
        (LEAST.replace("3", "2.5").encode(), "epochs: expected a whole number, got 2.5"),
    ],
)
def test_what_is_no_recipe_is_refused_in_a_sentence(content: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_recipe(content, where="r.toml")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--recipe nowhere\.toml: expected a file, a bundle or one of"):
        read_recipe("nowhere.toml")
    with pytest.raises(HarError, match=r"expected manifest\.json in the bundle"):
        read_recipe(str(tmp_path))
