"""Recipes as files: the measured one of every named model, and a reader of anybody's.

::

    model = "lstm"          # the architecture; every other key is a field of Recipe, and may be left out
    epochs = 32
    learning_rate = 0.01

A bundle is a recipe as well: it keeps the one that it was trained with.
"""

import tomllib
from dataclasses import MISSING, dataclass, fields
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from edgehar.models.architecture import ARCHITECTURE_NAMES
from edgehar.models.bundle import read_bundle
from edgehar.models.errors import UsageError
from edgehar.models.foreign_text import printable
from edgehar.models.zoo import find_bundle, released_names
from edgehar.pipeline.training.recipe import Recipe

_ENDING: Final = ".toml"
_LARGEST: Final = 2**16
_REQUIRED: Final = ("model", *(field.name for field in fields(Recipe) if field.default is MISSING))
_TYPES: Final[dict[str, type]] = {"model": str} | {
    field.name: {"int": int, "float": float, "str": str}[str(getattr(field.type, "__name__", field.type))]
    for field in fields(Recipe)
}


@dataclass(frozen=True, slots=True)
class ModelRecipe:
    """What to train, and how."""

    model: str
    recipe: Recipe


@cache
def default_recipe(model: str) -> Recipe:
    """Return the measured recipe of a named architecture.

    Raises
    ------
    UsageError
        If there is none.

    Examples
    --------
    >>> default_recipe("lstm").supervise_every
    10
    """
    if model not in ARCHITECTURE_NAMES:
        raise UsageError(
            f"model: expected one of {', '.join(ARCHITECTURE_NAMES)}, got {model!r}",
            next_step="Choose one of these names.",
        )
    file = resources.files(__package__) / f"{model}{_ENDING}"
    return parse_recipe(file.read_bytes(), where=f"{model}{_ENDING}").recipe


def read_recipe(text: str) -> ModelRecipe:
    """Return the recipe that a text names: a file, a bundle, a released model, or a named architecture.

    A path that exists wins.

    Raises
    ------
    UsageError
        If it is none of these, or the file is no recipe.
    BundleError
        If the bundle cannot be read.
    """
    path = find_bundle(text)
    if not path.exists():
        if text in ARCHITECTURE_NAMES:
            return ModelRecipe(text, default_recipe(text))
        raise UsageError(
            f"--recipe {printable(text)}: expected a file, a bundle or one of {', '.join(ARCHITECTURE_NAMES)}, "
            "found nothing",
            next_step=f"Name one of them, for example {released_names()[0]}.",
        )
    if path.suffix == _ENDING and path.is_file():
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{printable(text)}: expected a recipe of a few lines, got {path.stat().st_size:,} bytes")
        return parse_recipe(path.read_bytes(), where=str(path))
    return _recipe_of(path)


def parse_recipe(content: bytes, *, where: str) -> ModelRecipe:
    """Return the recipe that a TOML file states.

    Parameters
    ----------
    content
        Of the file.
    where
        Its name, for errors.

    Raises
    ------
    UsageError
        If it is no TOML, a key is unknown or missing, or a value is of another type or cannot be meant.
    """
    name = printable(where)
    try:
        data = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{name}: expected a recipe in TOML, got something else ({printable(str(error), 80)})",
            next_step="Write lines such as epochs = 32.",
        ) from error
    unknown = [key for key in data if key not in _TYPES]
    if unknown:
        raise UsageError(
            f"{name}: expected keys among {', '.join(_TYPES)}, got {printable(', '.join(unknown), 80)}",
            next_step="Correct the name, or remove the line.",
        )
    missing = [key for key in _REQUIRED if key not in data]
    if missing:
        raise UsageError(f"{name}: expected {', '.join(missing)}, found none", next_step="Add a line for each.")
    values = {key: _typed(value, _TYPES[key], f"{name}: {key}") for key, value in data.items()}
    model = values.pop("model")
    if model not in ARCHITECTURE_NAMES:
        raise UsageError(
            f"{name}: model: expected one of {', '.join(ARCHITECTURE_NAMES)}, got {printable(model, 80)}",
            next_step="Choose one of these names.",
        )
    return ModelRecipe(model, Recipe(**values))


def _typed(value: Any, expected: type, where: str) -> Any:
    """Return a value of a file as its field has it; a whole number may stand for one that is not."""
    if expected is float and type(value) is int:
        return float(value)
    if type(value) is not expected:
        said = {int: "a whole number", float: "a number", str: "a text"}[expected]
        raise UsageError(
            f"{where}: expected {said}, got {printable(str(value), 40)}", next_step="Write it without quotes, or with."
        )
    return value


def _recipe_of(path: Path) -> ModelRecipe:
    """Return the recipe that a bundle was trained with."""
    manifest = read_bundle(path).manifest
    found = manifest.provenance.configuration.get("recipe")
    if not isinstance(found, dict) or manifest.architecture.name not in ARCHITECTURE_NAMES:
        raise UsageError(
            f"{path}: expected a bundle that har train made, this one keeps no recipe",
            next_step="Name another one, or a recipe's file.",
        )
    return ModelRecipe(manifest.architecture.name, Recipe.from_json(found))
